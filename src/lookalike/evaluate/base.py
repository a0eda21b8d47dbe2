"""The contract of metrics, and the one shape of everything measured.

tables --> Views (computed once, lazily, shared) --> Metric.compute --> Result ... --> Gate --> Report
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lookalike.spec import Spec

if TYPE_CHECKING:
    from lookalike.evaluate.views import Views

Dimension = Literal["validity", "fidelity", "utility", "privacy", "diversity", "fairness"]
Direction = Literal["higher", "lower", "target"]
Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Result:
    """One measured number, or why there is none.

    Attributes:
        metric: the metric's kind.
        name: unique in a report: `metric` or `metric.detail`.
        subject: what it is about: a column, a pair "a × b", a group, or "" for the table.
        value: None when it was not measured; `skipped` then says why.
        interval: (low, high) bounds at 95%, when known.
        direction: which way is better; "target": the nearer to `target` the better.
        ceiling: the same score of an equal-sized real holdout.
        floor: the same score of columns drawn independently.
        detail: plain data for drawing and reading (series, confusion, worst items); never a real row.
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


class Metric(Spec):
    """One family of numbers, computed from shared views."""

    group: ClassVar[str] = "metric"
    dimension: ClassVar[Dimension] = "fidelity"
    needs_holdout: ClassVar[bool] = False
    needs_target: ClassVar[bool] = False
    cost: ClassVar[float] = 1.0  # CPU seconds expected on 30,000 x 15, for the planner of --budget-s

    @abstractmethod
    def compute(self, views: Views) -> list[Result]:
        """The numbers; an empty list is a bug, a number that has no meaning here is a `skipped` result."""
