"""Tables without model calls: whole partitions at a time, several threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from lookalike.run.events import Counts
from lookalike.run.fill import Fill
from lookalike.run.parts import FinishedPart, Partition, PartOutcome
from lookalike.run.rows import RowMaker
from lookalike.run.table_folder import TableFolder


@dataclass
class BlockTable:
    """Makes the missing partitions of one table.

    Attributes:
        stopping: whether no further partition is to be begun.
    """

    maker: RowMaker
    fill: Fill
    folder: TableFolder
    threads: int
    stopping: Callable[[], bool]

    def make(self, partitions: Sequence[Partition], done: Mapping[int, FinishedPart]) -> None:
        """Make every partition that is missing.

        Args:
            partitions: all of a pass, in order; where rows are replaced, more than will be needed.
            done: those that exist.
        """
        sure = [p for p in partitions if not self.fill.decides or p.range.stop <= self.fill.asked]
        settled = self._together(sure, done)
        for partition in partitions[len(sure) :]:
            if settled >= self.fill.asked or self.stopping():
                break
            settled += self._one(partition, done, self.fill.asked - settled)

    def _together(self, partitions: Sequence[Partition], done: Mapping[int, FinishedPart]) -> int:
        """Partitions that are needed whole; a bounded number is open, so memory does not grow with the table."""
        settled = 0
        threads = 1 if self.maker.ordered else self.threads
        with ThreadPoolExecutor(threads) as pool:
            open_parts: set[Future[int]] = set()
            for partition in partitions:
                if self.stopping():
                    break
                if len(open_parts) >= 2 * threads:
                    finished, open_parts = wait(open_parts, return_when=FIRST_COMPLETED)
                    settled += sum(future.result() for future in finished)
                open_parts.add(pool.submit(self._one, partition, done, None))
            settled += sum(future.result() for future in open_parts)
        return settled

    def _one(self, partition: Partition, done: Mapping[int, FinishedPart], room: int | None) -> int:
        """Make, judge and write one partition; returns the places it fills. `room` cuts it where the count is reached."""
        if (existing := done.get(partition.index)) is not None:
            if self.maker.ordered:
                self.maker.remember(self.folder.load(existing))
            return existing.counts.kept
        found = partition.range
        stop = found.stop
        batch, dropped, counts = self.maker.finish(self.maker.start(found))
        if room is not None and counts.kept > room:
            stop = int(batch.ids[room - 1]) + 1
            batch = batch.take(np.arange(room))
            dropped = [row for row in dropped if row.id < stop]
            duplicates = sum(row.outcome == "duplicate" for row in dropped)
            counts = Counts(room, len(dropped) - duplicates, duplicates)
        part = FinishedPart(partition.index, found.start, stop, self.folder.table.fingerprint, counts, found.ids)
        self.folder.put(PartOutcome(part, [batch], dropped))
        return counts.kept
