"""What became of a table's rows so far: counted here, and nowhere else."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from lookalike.run.events import Counts


@dataclass
class Tally:
    """The rows of one table. The disk's thread writes while others judge and read.

    Attributes:
        asked: rows wanted; None: parents decide, and are not made yet.
        written: outcomes of rows that are on the disk.
        judged: outcomes of rows that are not there yet.
        waiting: rows whose cells are made and that are not judged yet.
    """

    asked: int | None = None
    written: Counts = field(default_factory=Counts)
    judged: Counts = field(default_factory=Counts)
    waiting: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, rows: int) -> None:
        """Rows are made; their verdicts are to come."""
        with self._lock:
            self.waiting += rows

    def judge(self, counts: Counts) -> None:
        """Rows that waited have their verdicts."""
        with self._lock:
            self.waiting -= counts.attempted
            self.judged.add(counts)

    def write(self, counts: Counts, *, judged: bool) -> None:
        """A partition's rows are on the disk; `judged`: their verdicts were counted before."""
        with self._lock:
            self.written.add(counts)
            if judged:
                self.judged.take(counts)

    @property
    def outcomes(self) -> Counts:
        """Outcomes so far."""
        total = Counts()
        with self._lock:
            total.add(self.written)
            total.add(self.judged)
        return total

    @property
    def done(self) -> int:
        """Places filled; of rows that wait for their verdict, as many as have come through so far."""
        counts = self.outcomes
        settled = counts.kept + counts.failed
        if self.waiting:
            settled += round(self.waiting * (settled / counts.attempted if counts.attempted else 1.0))
        return settled if self.asked is None else min(settled, self.asked)
