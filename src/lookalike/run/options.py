"""How a run is made, as opposed to what it makes: nothing here changes a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lookalike.models.base import Request
from lookalike.run.executors import Shard
from lookalike.run.journal import Entry


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits and sizes.

    Attributes:
        sync_s: replies on the disk are synced this often: what a power cut may cost.
        tell_s: seconds between two events of progress at first.
        tell_most_s: and later, as the log of a long run must stay small.
        group: rows judged together at most, when their verdict decides what is opened next.
        writing: finished partitions that wait for the disk at most: beyond it no row is begun.
        window: rows walked for each request that may be in flight: the next one is always at hand.
    """

    sync_s: float = 1.0
    tell_s: float = 5.0
    tell_most_s: float = 60.0
    group: int = 256
    writing: int = 2
    window: float = 1.25


@dataclass(frozen=True)
class Options:
    """How to run.

    Attributes:
        threads: threads for tables without model calls; 0: one a core.
        retry_failed: ask again for cells that failed earlier, whether no reply came or none passed its checks.
        cache: a folder of replies that runs share; None: none is kept.
        watch: called with the table's name, each new journal entry and the request it answers; for previews.
        look: called with the table's name and the rows of each partition that is finished; gives a reason to stop, or "".
        pace: waits and sizes.
    """

    threads: int = 0
    shard: Shard = field(default_factory=Shard)
    retry_failed: bool = False
    allow_code: bool = False
    cache: Path | None = None
    watch: Callable[[str, Entry, Request], None] = field(default=lambda table, entry, request: None)
    look: Callable[[str, pa.Table], str] | None = None
    pace: Pace = Pace()
