"""Drawn rows as one series without end: row i hangs on the model, the conditions, the seed and i, and on nothing else.

Methods draw rows in blocks. Where a block begins is fixed, so any number of rows, any partition and any order give the same rows;
the first blocks are small, so that a few rows cost little. Values that never repeat (ids) are one series over all blocks: drawn
block by block they would.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from lookalike import rng
from lookalike.schema.types import ColumnSchema

T = TypeVar("T")
R = TypeVar("R")
BLOCK = 16_384  # rows of a block, but for the first ones
GROWTH = 4  # times that one of the first blocks reaches further than the one before
RECENT = 4  # blocks kept: partitions end inside of blocks, and the next one goes on there


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows `start` to `stop` of a series: what a method draws at once."""

    series: Series
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def key(self, *parts: object) -> int:
        """A 63-bit key of these rows: for draws that no other stretch repeats."""
        return rng.key(self.series.seed, "rows", self.start, *parts) >> 1

    def anew(self, column: ColumnSchema, profile: dict[str, Any]) -> pa.Array:
        """New values of a column that is not learned; those that never repeat differ from all others of the series.

        Args:
            column: its schema.
            profile: what is remembered of it; see `anonymise.profile`.
        """
        from lookalike.synthesizers.anonymise import replacements  # regexes and name lists: for who needs them

        if column.unique:
            return self.series.unique(column, profile, self.stop).slice(self.start, len(self))
        return replacements(column, len(self), self.key("anew"), known=profile)


class Series:
    """All rows that a model gives under some conditions and a seed.

    Args:
        draw: makes a stretch of them.
        seed: the same seed gives the same rows.
        first: rows of the first block: all of them, where rows hang on each other (shares of values).
        threads: that may draw at once; 0: one for each core.
    """

    def __init__(self, draw: Callable[[Stretch], pa.Table], seed: int, *, first: int, threads: int = 1) -> None:
        self.seed = seed
        self._draw, self._first, self._threads = draw, first, threads
        self._lock = threading.Lock()
        self._recent: dict[int, pa.Table] = {}
        self._unique: dict[str, pa.Array] = {}

    def rows(self, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop`; without any, their columns."""
        stretches = [*self._stretches(start, stop)] or [Stretch(self, 0, 0)]
        threads = self._threads if stop - start > BLOCK else 1  # to start them takes longer than to draw a few rows
        drawn = in_threads(self._block, stretches, threads)
        pieces = [block.slice(max(start - at, 0), stop - max(start, at)) for at, block in drawn]
        return pa.concat_tables(pieces).combine_chunks()

    def _stretches(self, start: int, stop: int) -> Iterator[Stretch]:
        """The blocks that hold these rows."""
        low, high = 0, self._first
        while low < stop:
            if high > start:
                yield Stretch(self, low, high)
            low, high = high, high * GROWTH if high < BLOCK else high + BLOCK

    def _block(self, stretch: Stretch) -> tuple[int, pa.Table]:
        """A block, and where it starts."""
        with self._lock:
            found = self._recent.get(stretch.start) if len(stretch) else None
        if found is None:
            found = self._draw(stretch)
            with self._lock:
                while len(self._recent) >= RECENT:
                    self._recent.pop(next(iter(self._recent)))
                self._recent[stretch.start] = found
        return stretch.start, found

    def unique(self, column: ColumnSchema, profile: dict[str, Any], stop: int) -> pa.Array:
        """The first `stop` values, or more, of a column whose values never repeat."""
        from lookalike.synthesizers.anonymise import replacements

        with self._lock:
            known = self._unique.get(column.name)
            if known is None or len(known) < stop:
                size = stop if known is None else max(stop, 2 * len(known))  # values are the same for every size
                known = self._unique[column.name] = replacements(column, size, rng.key(self.seed, "unique") >> 1, known=profile)
        return known


def in_threads(work: Callable[[T], R], items: Sequence[T], threads: int) -> list[R]:
    """The work on every item, in order; 0 threads: one for each core this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(threads or cores, len(items))
    if count <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, items))
