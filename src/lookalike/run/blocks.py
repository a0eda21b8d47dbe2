"""Tables without model calls: whole partitions at a time, several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from lookalike.origins.base import Range
from lookalike.rows.batch import Batch
from lookalike.run.events import Counts
from lookalike.run.parts import Dropped, Part
from lookalike.run.rows import RowMaker

Write = Callable[[Part, list[Batch], list[Dropped]], None]


@dataclass
class BlockTable:
    """Makes the missing partitions of one table.

    Attributes:
        asked: rows wanted when rejected ones are replaced; None when a range is made as it is.
        ranges: number and candidates of the partitions, in order; endless when rows are replaced.
        done: partitions that exist, by index.
        ordered: partitions are judged one after the other, in the order of ids (steps with memory).
    """

    rows: RowMaker
    asked: int | None
    limit: int
    done: dict[int, Part]
    fingerprint: str
    write: Write
    threads: int
    ordered: bool
    stopping: Callable[[], bool] = lambda: False

    def make(self, ranges: Iterator[tuple[int, Range]]) -> None:
        """Make every partition that is missing."""
        settled = 0
        base: list[tuple[int, Range]] = []
        for index, found in ranges:
            if self.asked is not None and (self.ordered or found.start >= self.asked):
                if settled == 0 and base:
                    settled = self._parallel(base)
                    base = []
                if settled >= self.asked or found.start >= self.limit:
                    break
                settled += self._one(index, Range(found.start, min(found.stop, self.limit)), self.asked - settled)
                continue
            base.append((index, found))
        if base:
            self._parallel(base)

    def _parallel(self, ranges: list[tuple[int, Range]]) -> int:
        """Partitions that are needed whole; a bounded number is open, so memory does not grow with the table."""
        settled = 0
        threads = 1 if self.ordered else self.threads
        with ThreadPoolExecutor(threads) as pool:
            open_parts: set[Future[int]] = set()
            for index, found in ranges:
                if self.stopping():
                    break
                if len(open_parts) >= 2 * threads:
                    finished, open_parts = wait(open_parts, return_when=FIRST_COMPLETED)
                    settled += sum(future.result() for future in finished)
                open_parts.add(pool.submit(self._one, index, found, None))
            settled += sum(future.result() for future in open_parts)
        return settled

    def _one(self, index: int, range: Range, room: int | None) -> int:
        """Make, judge and write one partition; returns the places it fills. `room` cuts it where the count is reached."""
        if index in self.done:
            return self.done[index].counts.kept
        batch, dropped, counts = self.rows.finish(self.rows.start(range))
        stop = range.stop
        if room is not None and counts.kept > room:
            stop = int(batch.ids[room - 1]) + 1
            batch = batch.take(np.arange(room))
            dropped = [row for row in dropped if row.id < stop]
            duplicates = sum(row.outcome == "duplicate" for row in dropped)
            counts = Counts(room, len(dropped) - duplicates, duplicates)
        self.write(Part(index, range.start, stop, self.fingerprint, counts, range.ids), [batch], dropped)
        return counts.kept
