"""The one model that judges: gradient boosting of trees, on the features that all tables share.

Numbers go in as they are (null is a value of its own), categories as codes by falling real frequency. Trees split codes well
enough, and nothing is fitted on test rows. Scores agree with scikit-learn's histogram gradient boosting (tests/evaluate).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from lookalike.learners.trees import Codes, Nodes

Features = npt.NDArray[np.float32]  # [n, d]
Vector = npt.NDArray[np.float64]


class Boosted:
    """Gradient boosting of trees: squared loss, logistic loss, or softmax with a tree for each class and round.

    Args:
        classes: how many classes, numbered from 0; 0 is a regression.
        rounds: trees of each output; with three classes and more, shared among them.
        rate: share of a leaf's Newton step that is taken.

    Source:
        Friedman 2001, "Greedy function approximation: a gradient boosting machine".
    """

    def __init__(self, classes: int, *, rounds: int = 60, rate: float = 0.15) -> None:
        self.classes, self.rounds, self.rate = classes, rounds, rate
        self._start: Vector = np.zeros(classes if classes > 2 else 1)
        self._edges: list[Features] = []
        self._trees: list[tuple[Nodes, Vector]] = []  # by output: [rounds, nodes, 3], and what each leaf adds [rounds, nodes]

    def fit(self, x: Features, y: npt.NDArray[Any], weights: Vector | None = None) -> Boosted:
        """Learn; class labels are integers or booleans, `weights` say how much each row counts."""
        from lookalike.learners import trees

        self._edges = trees.edges(x)
        codes = trees.cut(x, self._edges)
        wanted = np.asarray(y, dtype=np.float64)[None]
        if self.classes > 2:
            wanted = (wanted == np.arange(self.classes)[:, None]).astype(np.float64)
        mean = np.average(wanted, axis=1, weights=weights)
        share = mean.clip(1e-6, 1 - 1e-6)
        self._start = mean if not self.classes else np.log(share) if self.classes > 2 else np.log(share / (1 - share))
        rounds = self.rounds if self.classes <= 2 else max(10, 2 * self.rounds // self.classes)
        shape = (rounds, trees.NODES)
        self._trees = [(np.empty((*shape, 3), np.int32), np.empty(shape)) for _ in wanted]
        scores = np.repeat(self._start[:, None], len(x), axis=1)
        grower = trees.Grower(codes, self.rate)
        for i in range(rounds):
            expected = self._expected(scores)
            for (nodes, adds), goal, own, moved in zip(self._trees, wanted, expected, scores, strict=True):
                slope = own * (1 - own) if self.classes else np.ones(own.size)
                rest = goal - own
                if weights is not None:
                    rest, slope = rest * weights, slope * weights
                grower.grow(rest, slope, moved, nodes[i], adds[i])
        return self

    def _expected(self, scores: Vector) -> Vector:
        """Scores [outputs, n] as expected values or probabilities, of the second class when there are two."""
        if not self.classes:
            return scores.copy()
        if self.classes <= 2:
            return np.asarray(1 / (1 + np.exp(-scores)))
        raised = np.exp(scores - scores.max(axis=0))
        return np.asarray(raised / raised.sum(axis=0))

    def codes(self, x: Features) -> Codes:
        """Rows as the trees read them, for asking about many changed copies of them."""
        from lookalike.learners import trees

        return trees.cut(x, self._edges)

    def _asked(self, x: Features | Codes) -> Vector:
        from lookalike.learners import trees

        codes = cast("Codes", x) if x.dtype == np.uint8 else self.codes(cast("Features", x))
        scores = np.repeat(self._start[:, None], len(codes), axis=1)
        for own, trained in zip(scores, self._trees, strict=True):
            trees.ask(*trained, codes, own)
        return self._expected(scores)

    def predict(self, x: Features | Codes) -> Vector:
        """Expected values of a regression [n]."""
        return self._asked(x)[0]

    def probabilities(self, x: Features | Codes) -> Vector:
        """[n, classes]; near 0 for a class that was not in the training rows."""
        likely = self._asked(x)
        return np.stack([1 - likely[0], likely[0]], axis=1) if self.classes <= 2 else likely.T

    def used(self) -> list[int]:
        """The columns that any tree asks about."""
        asked = np.unique(np.concatenate([nodes[:, :, 0].ravel() for nodes, _ in self._trees]))
        return [int(column) for column in asked if column >= 0]


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
