"""The contract of metrics, and the one shape of everything measured.

tables --> Views (computed once, lazily, shared) --> Metric.compute --> Result ... --> Gate --> Report
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Never

from lookalike.spec import Spec

if TYPE_CHECKING:
    from lookalike.evaluate.views import Views

Dimension = Literal["validity", "fidelity", "utility", "privacy", "diversity", "fairness"]
Direction = Literal["higher", "lower", "target"]
Verdict = Literal["pass", "fail", "inconclusive"]
Scope = Literal["table", "relation", "entity", "dataset"]


def shortened(name: str, most: int) -> str:
    """A name of at most so many letters, cut in the middle: long names differ at their ends."""
    tail = (most - 1) // 2
    return name if len(name) <= most else f"{name[: most - 1 - tail]}…{name[-tail:]}"


DIMENSIONS: tuple[Dimension, ...] = ("validity", "fidelity", "utility", "privacy", "diversity", "fairness")


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number, or why there is none.

    Attributes:
        metric: the metric's kind.
        name: `metric` or `metric.detail`; with the subject unique in a table's report.
        subject: what it is about: a column, a pair "a × b", a group, or "" for the table.
        value: None when it was not measured; `skipped` then says why.
        interval: (low, high) bounds at 95%, when known.
        direction: which way is better; "target": the nearer to `target` the better.
        ceiling: the same score of an equal-sized real holdout.
        floor: the same score of columns drawn independently.
        detail: plain data for drawing and reading (series, confusion, worst items); never a real row.
        table: the table's name in a set of tables.
    """

    metric: str
    name: str
    dimension: Dimension
    value: float | None
    direction: Direction
    subject: str = ""
    interval: tuple[float, float] | None = None
    range: tuple[float, float] = (0.0, 1.0)
    target: float | None = None
    ceiling: float | None = None
    floor: float | None = None
    skipped: str = ""
    headline: bool = False  # shown first in its dimension
    seconds: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)
    table: str = ""

    def __post_init__(self) -> None:
        """Turn a number that is none into an explicit skip: a report never shows NaN."""
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)
            object.__setattr__(self, "skipped", self.skipped or "undefined on this data")
        if self.value is None and not self.skipped:
            object.__setattr__(self, "skipped", "not measured")
        for name in ("ceiling", "floor"):
            reference = getattr(self, name)
            if reference is not None and not math.isfinite(reference):
                object.__setattr__(self, name, None)

    def badness(self) -> float:
        """How far from the best, to order results of one metric; -inf when not measured."""
        if self.value is None:
            return -math.inf
        if self.direction == "target":
            return abs(self.value - (self.target or 0.0))
        return -self.value if self.direction == "higher" else self.value

    def shortfall(self) -> float:
        """How much worse than the ceiling; as bad as it is where nothing real stands beside it, -inf when not measured."""
        if self.value is None or self.ceiling is None:
            return self.badness()
        return self.badness() - replace(self, value=self.ceiling).badness()


NO_HOLDOUT = "there is no holdout: give real rows that the generator never saw"  # why a metric that needs one was not measured


class Metric(Spec):
    """One family of numbers, computed from shared views.

    Class attributes that the planner reads: what it needs (`needs_holdout`, `needs_target`), what it costs, whether it is part of
    the default report, whether it belongs to the quick group `statistics`, which trains no model, whether it says something of
    synthetic rows `alone`, without real ones beside them, and which `extras` of `evaluate` it takes.

    Its `scope` says what it is asked about, once each: every table (`compute` gets `Views`), every relation (`RelationViews`),
    every entity (`EntityViews`) or the dataset as a whole (`Dataset`). `reads` are the forms of the columns that it looks at.
    """

    group: ClassVar[str] = "metric"
    dimension: ClassVar[Dimension] = "fidelity"
    needs_holdout: ClassVar[bool] = False
    needs_target: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0  # CPU seconds expected on 30,000 x 15, for the planner of --budget-s
    statistics: ClassVar[bool] = False
    default: ClassVar[bool] = True
    alone: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[Scope] = "table"
    reads: ClassVar[tuple[str, ...]] = ("number", "time", "category")

    @abstractmethod
    def compute(
        self, views: Never
    ) -> list[Result]:  # a kind says Views, RelationViews, EntityViews or Dataset, as its scope does
        """The numbers; an empty list is a bug, a number that has no meaning here is a `skipped` result."""

    def looks_at(self, table: Views) -> Iterable[str]:
        """The columns of a table whose cells decide these numbers: the report says of each column what looked at it."""
        return [column.name for column in table.columns if column.form in self.reads]

    def result(self, value: float | None, name: str = "", **fields: Any) -> Result:
        """A result of this metric, called `kind` or `kind.name`; higher is better unless `fields` say otherwise."""
        fields.setdefault("direction", "higher")
        fields.setdefault("headline", not name)
        return Result(
            metric=self.kind, name=f"{self.kind}.{name}" if name else self.kind, dimension=self.dimension, value=value, **fields
        )

    def skip(self, reason: str, name: str = "", **fields: Any) -> list[Result]:
        """The one result of a metric that could not be measured."""
        return [self.result(None, name, skipped=reason, **fields)]
