"""Two reports of one dataset's versions: what got better or worse, beyond noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lookalike.evaluate.base import Dimension, Result
from lookalike.evaluate.forms.numbers import number

if TYPE_CHECKING:
    from rich.table import Table

    from lookalike.evaluate.evidence import Evidence

UNKNOWN_NOISE = 0.005  # taken for the noise of a number without an interval


@dataclass(frozen=True, slots=True)
class Change:
    """One headline in both reports.

    Attributes:
        name: the result's name, with its table.
        before: value in the first report, None when not measured.
        after: value in the second.
        noise: what both values may differ by without meaning.
        verdict: "better", "worse", "same" within noise, "appeared" or "vanished" when only one report has it.
    """

    name: str
    dimension: Dimension
    before: float | None
    after: float | None
    noise: float
    verdict: Literal["better", "worse", "same", "appeared", "vanished"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All headlines of two reports, changed ones first."""

    changes: tuple[Change, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What got worse beyond noise."""
        return tuple(c for c in self.changes if c.verdict == "worse")

    @property
    def better(self) -> tuple[Change, ...]:
        """What got better beyond noise."""
        return tuple(c for c in self.changes if c.verdict == "better")

    def markdown(self) -> str:
        """A table, changed numbers first."""
        lines = ["| metric | before | after | noise | |", "|---|---|---|---|---|"]
        lines += [
            f"| {c.name} | {number(c.before)} | {number(c.after)} | {number(c.noise)} | {c.verdict} |" for c in self.changes
        ]
        return "\n".join(lines) + "\n"

    def __rich__(self) -> Table:
        """The same for a terminal."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        style = {"better": "green", "worse": "red", "same": "dim", "appeared": "yellow", "vanished": "yellow"}
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in ("metric", "before", "after", "noise", ""):
            table.add_column(title, justify="left" if title in ("metric", "") else "right")
        for c in self.changes:
            table.add_row(c.name, number(c.before), number(c.after), number(c.noise), Text(c.verdict, style=style[c.verdict]))
        return table


def compare(before: Evidence, after: Evidence) -> Comparison:
    """What got better or worse from one report to the next.

    A change counts when it is larger than both intervals together; numbers without an interval get a noise of 0.005 of their range.
    """
    old = {(r.table, r.name): r for r in before.headlines}
    new = {(r.table, r.name): r for r in after.headlines}
    changes = [_change(key, old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])]
    order = ("worse", "vanished", "better", "appeared", "same")
    changes.sort(key=lambda c: order.index(c.verdict))
    return Comparison(tuple(changes))


def _change(key: tuple[str, str], old: Result | None, new: Result | None) -> Change:
    known = new or old
    assert known is not None
    name = f"{key[0]}.{key[1]}" if key[0] else key[1]
    a, b = old.value if old else None, new.value if new else None
    if old is None or new is None or a is None or b is None:
        verdict: Literal["same", "appeared", "vanished"] = (
            "same" if a is None and b is None else "appeared" if a is None else "vanished"
        )
        return Change(name, known.dimension, a, b, 0.0, verdict)
    noise = (_noise(old) ** 2 + _noise(new) ** 2) ** 0.5
    loss = new.badness() - old.badness()
    return Change(name, known.dimension, a, b, noise, "same" if abs(loss) <= noise else "worse" if loss > 0 else "better")


def _noise(result: Result) -> float:
    if result.interval is not None:
        return (result.interval[1] - result.interval[0]) / 2
    width = result.range[1] - result.range[0]
    return UNKNOWN_NOISE * (width if width < float("inf") else 1.0)
