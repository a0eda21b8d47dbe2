"""Where a run stands: read by whoever shows it while it goes on."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from lookalike.models.lane import LaneState
from lookalike.models.lanes import Lanes
from lookalike.run.tally import Tally

SURE_S = 3.0  # a time left is guessed from no less than so many seconds


@dataclass
class Progress:
    """A run in numbers; written by it alone.

    Attributes:
        table: the table in work.
        tables: what became of the rows of each.
    """

    name: str = ""
    started: float = field(default_factory=time.monotonic)
    table: str = ""
    tables: dict[str, Tally] = field(default_factory=dict)
    lanes: Lanes | None = None
    _began: tuple[float, int] = (0.0, 0)

    def begin(self, table: str) -> Tally:
        """A table is taken up: its rows are counted from nothing."""
        self.table, self._began = table, (0.0, 0)
        tally = self.tables[table] = Tally(self.tables[table].asked)
        return tally

    def found(self) -> None:
        """What exists of the table is counted; from now on rows are made."""
        self._began = time.monotonic(), self.tables[self.table].done

    def left_s(self) -> float | None:
        """Seconds that the table in work still takes at its present pace; None: too early to say."""
        tally, (began, before) = self.tables.get(self.table), self._began
        passed = time.monotonic() - began
        if tally is None or tally.asked is None or not began or passed < SURE_S:
            return None
        made = tally.done - before
        return passed / made * (tally.asked - before - made) if made else None

    def snapshot(self) -> dict[str, LaneState]:
        """The lanes, now."""
        return {} if self.lanes is None else self.lanes.snapshot()

    def event(self) -> dict[str, Any]:
        """The same for machines."""
        left, tally = self.left_s(), self.tables[self.table]
        return {
            "table": self.table,
            "done": tally.done,
            "asked": tally.asked,
            "outcomes": tally.outcomes.dump(),
            "left_s": None if left is None else round(left, 1),
            "lanes": {name: asdict(state) for name, state in self.snapshot().items()},
        }
