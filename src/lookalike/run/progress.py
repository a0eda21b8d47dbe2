"""Where a run stands: read by whoever shows it while it goes on."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from lookalike.models.lane import LaneState
from lookalike.models.lanes import Lanes
from lookalike.run.events import Counts

SURE_S = 3.0  # a time left is guessed from no less than so many seconds


@dataclass
class Progress:
    """Counters of a run; written by it alone.

    Attributes:
        table: the table in work.
        counts: by table, outcomes of rows that are on the disk.
        judged: outcomes of rows of the table in work that are not on the disk yet.
        waiting: rows of the table in work whose cells are made and that are not judged yet.
        asked: by table, rows wanted.
    """

    name: str = ""
    started: float = field(default_factory=time.monotonic)
    table: str = ""
    counts: dict[str, Counts] = field(default_factory=dict)
    judged: Counts = field(default_factory=Counts)
    waiting: int = 0
    asked: dict[str, int | None] = field(default_factory=dict)
    lanes: Lanes | None = None
    _began: tuple[float, int] = (0.0, 0)

    def begin(self, table: str) -> None:
        """A table is taken up."""
        self.table, self.waiting, self.judged, self._began = table, 0, Counts(), (0.0, 0)
        self.counts[table] = Counts()

    def found(self, asked: int) -> None:
        """What exists of it is counted; from now on rows are made."""
        self.asked[self.table] = asked
        self._began = time.monotonic(), self.done(self.table)

    def outcomes(self, table: str) -> Counts:
        """Outcomes of a table's rows so far."""
        total = Counts()
        total.add(self.counts.get(table, total))
        if table == self.table:
            total.add(self.judged)
        return total

    def done(self, table: str) -> int:
        """Places filled; of rows that are made and not judged, as many as have come through so far."""
        counts = self.outcomes(table)
        settled = counts.kept + counts.failed
        if table == self.table and self.waiting:
            settled += round(self.waiting * (settled / counts.attempted if counts.attempted else 1.0))
        asked = self.asked.get(table)
        return settled if asked is None else min(settled, asked)

    def left_s(self) -> float | None:
        """Seconds that the table in work still takes at its present pace; None: too early to say."""
        asked, (began, before) = self.asked.get(self.table), self._began
        made, passed = self.done(self.table) - before, time.monotonic() - began
        if asked is None or not began or made < 1 or passed < SURE_S:
            return None
        return passed / made * (asked - before - made)

    def snapshot(self) -> dict[str, LaneState]:
        """The lanes, now."""
        return {} if self.lanes is None else self.lanes.snapshot()

    def event(self) -> dict[str, Any]:
        """The same for machines."""
        left = self.left_s()
        lanes = {name: asdict(state) for name, state in self.snapshot().items()}
        return {
            "table": self.table,
            "done": self.done(self.table),
            "asked": self.asked.get(self.table),
            "outcomes": self.outcomes(self.table).dump(),
            "left_s": None if left is None else round(left, 1),
            "lanes": lanes,
        }
