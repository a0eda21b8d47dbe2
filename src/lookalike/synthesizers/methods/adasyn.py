"""ADASYN: SMOTE that starts where a class is hard to tell from the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.methods.smote import Rows, between, holding, placed
from lookalike.synthesizers.tabular import Drawn, LearnedModel, Lesson, Tabular


class Adasyn(Tabular):
    """ADASYN: SMOTE from the rows that lie among rows of other classes.

    A row that holds the conditions is started from in proportion to how many of its `neighbors` nearest rows, of all rows, do not
    hold them. Without conditions, or where no row has such a neighbour, it is SMOTE.

    Use it to enlarge a rare class for training when its border matters; it makes outliers and wrong labels weigh more than SMOTE
    does. Never use it where privacy matters: the model holds the real rows.

    Source:
        He, Bai, Garcia and Li 2008, "ADASYN: adaptive synthetic sampling approach for imbalanced learning".
    """

    kind: ClassVar[str] = "adasyn"

    neighbors: int = Field(default=5, ge=1, description="nearest rows that one is mixed with")
    spread: float = Field(default=1.0, gt=0, le=1, description="how far the mixture goes towards the neighbour, 1: all the way")

    _near: dict[bytes, Rows] = PrivateAttr(default_factory=dict)

    def _learn(self, lesson: Lesson) -> LearnedModel:
        return placed(lesson)

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # all
        return True

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        rows = holding(self._model.arrays, wanted)
        base = draws.choice(len(rows), n, p=self._hardness(rows))
        return between(
            self._features, self._model.arrays, rows, base, draws, wanted, near=self._near, k=self.neighbors, spread=self.spread
        )

    def _hardness(self, rows: Rows) -> npt.NDArray[np.float64] | None:
        """How often each row is started from, float64 [len(rows)], sums to one; None: all alike."""
        points = self._model.arrays["space"].astype(np.float64)
        if len(rows) == len(points):
            return None
        from scipy.spatial import cKDTree

        k = min(self.neighbors + 1, len(points))
        near = cKDTree(points).query(points[rows], k=k)[1].reshape(len(rows), -1)
        other = np.ones(len(points), bool)
        other[rows] = False
        strangers = other[near].sum(axis=1).astype(np.float64)
        return strangers / strangers.sum() if strangers.any() else None
