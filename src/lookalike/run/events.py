"""What happens in a run, as it happens: one JSON line an event, and whoever listens.

`events.jsonl` is for machines; the terminal's live view and the studio read the same events. An event never holds a cell's
content, a prompt or a key.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from lookalike.store import create, disk_errors

Event = dict[str, Any]
Listener = Callable[[Event], None]


@dataclass
class Counts:
    """Outcomes of a table's rows. They add up: attempted = kept + filtered + duplicate + failed."""

    kept: int = 0
    filtered: int = 0
    duplicate: int = 0
    failed: int = 0

    @property
    def attempted(self) -> int:
        """Rows that came to an end, whatever it was."""
        return self.kept + self.filtered + self.duplicate + self.failed

    def settled(self, *, replace_failed: bool) -> int:
        """Rows that hold a place of those asked for."""
        return self.kept if replace_failed else self.kept + self.failed

    def add(self, other: Counts) -> None:
        """Count the other's rows too."""
        self.kept += other.kept
        self.filtered += other.filtered
        self.duplicate += other.duplicate
        self.failed += other.failed

    def take(self, other: Counts) -> None:
        """Count the other's rows no longer."""
        self.add(Counts(-other.kept, -other.filtered, -other.duplicate, -other.failed))

    def dump(self) -> dict[str, int]:
        """Plain data."""
        return {
            "attempted": self.attempted,
            "kept": self.kept,
            "filtered": self.filtered,
            "duplicate": self.duplicate,
            "failed": self.failed,
        }


class Events:
    """The run's event log."""

    def __init__(self, path: Path | None, listeners: tuple[Listener, ...] = ()) -> None:
        self._path, self._listeners = path, listeners
        self._file: Any = None
        self._told: set[tuple[Path, int]] = set()

    def __enter__(self) -> Self:
        if self._path is not None:
            with disk_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.fdopen(create(self._path, os.O_APPEND), "ab", buffering=0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()

    def emit(self, event: str, **details: Any) -> None:
        """Write an event and tell the listeners."""
        line = {"event": event, "time": round(time.time(), 3), **details}
        if self._file is not None:
            with disk_errors(self._path or Path()):
                self._file.write(orjson.dumps(line, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")
        for listener in self._listeners:
            listener(line)

    def damaged(self, path: Path, line: int = 0) -> None:
        """Say once that a file, or a line of it, is not what was written; it is made good."""
        if (path, line) not in self._told:
            self._told.add((path, line))
            name = path.relative_to(self._path.parent) if self._path is not None else path
            self.emit("damaged", path=name.as_posix(), line=line)
