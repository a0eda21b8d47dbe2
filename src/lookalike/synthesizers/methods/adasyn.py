"""ADASYN: SMOTE that starts where a class is hard to tell from the others."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.synthesizers.methods.smote import Smote


class Adasyn(Smote):
    """ADASYN: SMOTE from the rows that lie among rows of other classes.

    A row that holds the conditions is started from in proportion to how many of its `neighbors` nearest rows, of all rows, do not
    hold them. Without conditions, or where no row has such a neighbour, it is SMOTE.

    Use it to enlarge a rare class for training when its border matters; it makes outliers and wrong labels weigh more than SMOTE
    does. Never use it where privacy matters: the model holds the real rows.

    Source:
        He, Bai, Garcia and Li 2008, "ADASYN: adaptive synthetic sampling approach for imbalanced learning".
    """

    kind: ClassVar[str] = "adasyn"

    def _bases(self, rows: npt.NDArray[np.int64], n: int, draws: np.random.Generator) -> npt.NDArray[np.int64]:
        points = self._model.arrays["space"].astype(np.float64)
        if len(rows) == len(points):
            return super()._bases(rows, n, draws)
        from scipy.spatial import cKDTree

        k = min(self.neighbors + 1, len(points))
        near = cKDTree(points).query(points[rows], k=k)[1].reshape(len(rows), -1)
        other = np.ones(len(points), bool)
        other[rows] = False
        strangers = other[near].sum(axis=1).astype(np.float64)
        if not strangers.sum():
            return super()._bases(rows, n, draws)
        return np.asarray(draws.choice(len(rows), n, p=strangers / strangers.sum()), np.int64)
