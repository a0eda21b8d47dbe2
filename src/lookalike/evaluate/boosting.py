"""The one model that judges: histogram gradient boosting from scikit-learn, on the features that all tables share.

Numbers go in as they are (null is a value of its own), categories as codes by falling real frequency. Trees split codes well
enough, and nothing is fitted on test rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]  # [n, d]
Vector = npt.NDArray[np.float64]

ITERATIONS = 60


class Boosted:
    """Boosted trees on one thread: OpenMP's threads wait by spinning, which costs ten times the CPU on a busy machine.

    Args:
        classes: how many classes; 0 is a regression.
        seed: of the fit.
    """

    def __init__(self, classes: int, seed: int) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        self._empty: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        self._model: Any = kind(
            max_iter=ITERATIONS if classes <= 2 else max(10, 2 * ITERATIONS // classes), learning_rate=0.15, max_leaf_nodes=31,
            min_samples_leaf=10, max_bins=127, early_stopping=False, random_state=seed,
        )  # fmt: skip

    def fit(self, x: Features, y: npt.NDArray[Any]) -> Boosted:
        """Learn; class labels are integers or booleans."""
        self._empty = np.asarray(np.isnan(x).all(axis=0))  # scikit-learn cannot bin a column of nulls
        with _one_thread():
            self._model.fit(self._filled(x), y)
        return self

    def _filled(self, x: Features) -> Features:
        return np.where(self._empty, np.float32(0), x) if self._empty.any() else x

    def predict(self, x: Features) -> Vector:
        """Expected values of a regression."""
        with _one_thread():
            return np.asarray(self._model.predict(self._filled(x)), dtype=np.float64)

    def probabilities(self, x: Features, classes: int) -> Vector:
        """[n, classes]; 0 for a class that was not in the training rows."""
        with _one_thread():
            known = np.asarray(self._model.predict_proba(self._filled(x)), dtype=np.float64)
        out = np.zeros((len(x), classes))
        out[:, np.asarray(self._model.classes_).astype(np.int64)] = known
        return out


def _one_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def auc(scores: Vector, positive: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve by mean ranks (Mann and Whitney 1947); nan with one class."""
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[inverse]
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def auc_error(value: float, positives: int, negatives: int) -> float:
    """Standard error of an AUC.

    Source:
        Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating characteristic (ROC) curve".
    """
    a = min(max(value, 1e-9), 1 - 1e-9)
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (positives - 1) * (q1 - a * a) + (negatives - 1) * (q2 - a * a)) / max(1, positives * negatives)
    return float(np.sqrt(max(variance, 0.0)))
