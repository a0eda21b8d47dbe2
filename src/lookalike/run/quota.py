"""How many candidate rows a table may open: exactly as many rows as were asked for, and no call too many.

A candidate may be opened while kept + failed + undecided < asked. Every undecided candidate adds at most one row, so the
count is never exceeded; and the candidates opened are the shortest run of ids that holds the rows asked for, whatever the
concurrency, the order of replies or the size of partitions. Rejected rows are replaced; failed rows keep their place, so that
`--retry-failed` can fill it, unless the table says `replace_failed`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Quota:
    """The state of one table's count.

    Attributes:
        asked: rows wanted; None when every candidate of a given range is wanted (children, cheap ranges).
        limit: candidates that may be opened at most; None: as many as there are.
        opened: candidates opened so far.
        settled: candidates that hold a place: kept, and failed ones that are not replaced.
        undecided: opened and not yet judged.
    """

    asked: int | None
    limit: int | None = None
    opened: int = 0
    settled: int = 0
    undecided: int = 0

    @property
    def complete(self) -> bool:
        """Nothing more will ever be opened."""
        return self._spent or (self.asked is not None and self.settled >= self.asked)

    @property
    def may_open(self) -> bool:
        """The next candidate is certainly needed."""
        if self._spent:
            return False
        return self.asked is None or self.settled + self.undecided < self.asked

    @property
    def _spent(self) -> bool:
        return self.limit is not None and self.opened >= self.limit

    def open(self) -> int:
        """Open the next candidate; returns how many were opened before."""
        self.opened += 1
        self.undecided += 1
        return self.opened - 1

    def judge(self, settled: int, rejected: int) -> None:
        """Candidates were judged."""
        self.undecided -= settled + rejected
        self.settled += settled

    def find(self, settled: int, attempted: int) -> None:
        """Candidates of a partition that exists are passed over."""
        self.opened += attempted
        self.settled += settled

    def end(self) -> None:
        """There are no more candidates."""
        self.limit = self.opened
