"""The contract of steps: they keep the columns and change the rows; whatever they drop, they drop with a reason."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.spec import Spec

Outcome = Literal["filtered", "duplicate"]


@dataclass(frozen=True)
class Kept:
    """A step's result.

    Attributes:
        batch: the rows kept, changed or not.
        dropped: int64 ids of the rows dropped.
        reasons: one reason a dropped row.
        outcome: how dropped rows are counted.
    """

    batch: Batch
    dropped: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    reasons: tuple[str, ...] = ()
    outcome: Outcome = "filtered"


class Step(Spec):
    """Changes the rows of a table.

    `scope` "row": a row's fate depends on that row alone. "table": it depends on rows with lower ids (dedup, quotas); `open`
    then gives a stepper with memory, and the run feeds it batches in the order of row ids.
    """

    group: ClassVar[str] = "step"
    scope: ClassVar[Literal["row", "table"]] = "row"

    def needs(self) -> frozenset[str]:
        """Columns that the step reads."""
        return frozenset()

    def sources(self) -> frozenset[str]:
        """Sources that the step reads."""
        return frozenset()

    def open(self) -> Step:
        """The object whose `apply` a run calls: self, or a fresh one with memory for "table" steps."""
        return self

    @abstractmethod
    def apply(self, batch: Batch, ctx: Context) -> Kept:
        """Rows kept, and rows dropped, each with a reason."""
