"""Tables without model calls: whole partitions at a time, several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

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
        ranges: (index, start, stop) of the partitions, in order; endless when rows are replaced.
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

    def make(self, ranges: Iterator[tuple[int, int, int]]) -> None:
        """Make every partition that is missing."""
        settled = 0
        base: list[tuple[int, int, int]] = []
        for index, start, stop in ranges:
            if self.asked is not None and (self.ordered or start >= self.asked):
                if settled == 0 and base:
                    settled = self._parallel(base)
                    base = []
                if settled >= self.asked or start >= self.limit:
                    break
                settled += self._one(index, start, min(stop, self.limit), self.asked - settled)
                continue
            base.append((index, start, stop))
        if base:
            self._parallel(base)

    def _parallel(self, ranges: list[tuple[int, int, int]]) -> int:
        """Partitions that are needed whole; a bounded number is open, so memory does not grow with the table."""
        settled = 0
        threads = 1 if self.ordered else self.threads
        with ThreadPoolExecutor(threads) as pool:
            open_parts: set[Future[int]] = set()
            for index, start, stop in ranges:
                if self.stopping():
                    break
                if len(open_parts) >= 2 * threads:
                    finished, open_parts = wait(open_parts, return_when=FIRST_COMPLETED)
                    settled += sum(future.result() for future in finished)
                open_parts.add(pool.submit(self._one, index, start, stop, None))
            settled += sum(future.result() for future in open_parts)
        return settled

    def _one(self, index: int, start: int, stop: int, room: int | None) -> int:
        """Make, judge and write one partition; returns the places it fills. `room` cuts it where the count is reached."""
        if index in self.done:
            return self.done[index].counts.kept
        made = self.rows.start(start, stop)
        ids = None if len(made) == stop - start else tuple(made.ids.tolist())
        batch, dropped, counts = self.rows.finish(made)
        if room is not None and counts.kept > room:
            stop = int(batch.ids[room - 1]) + 1
            batch = batch.take(np.arange(room))
            dropped = [row for row in dropped if row.id < stop]
            duplicates = sum(row.outcome == "duplicate" for row in dropped)
            counts = Counts(room, len(dropped) - duplicates, duplicates)
        self.write(Part(index, start, stop, self.fingerprint, counts, ids), [batch], dropped)
        return counts.kept
