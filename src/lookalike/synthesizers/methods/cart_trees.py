"""Regression trees as plain arrays: grown by scikit-learn, walked with numpy, saved without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.synthesizers.features import Feature

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
SKETCH = 8  # targets of a category with many levels
FEW_LEVELS = 16


@dataclass(frozen=True)
class Tree:
    """A binary tree; a node whose left child is -1 is a leaf.

    Attributes:
        left: int32 [nodes], the child for values at most the threshold.
        right: int32 [nodes], the other child.
        feature: int32 [nodes], the column that is split.
        threshold: float64 [nodes].
    """

    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: Floats

    def leaves(self, rows: npt.NDArray[np.float32]) -> Codes:
        """The leaf of each row, as a node number [n]."""
        node = np.zeros(len(rows), np.int64)
        active = np.arange(len(rows)) if self.left[0] >= 0 else np.empty(0, np.int64)
        while len(active):
            here = node[active]
            goes_left = rows[active, self.feature[here]] <= self.threshold[here]
            here = np.where(goes_left, self.left[here], self.right[here])
            node[active] = here
            active = active[self.left[here] >= 0]
        return node


def grow(rows: npt.NDArray[np.float32], target: Floats, *, min_leaf: int, seed: int) -> Tree:
    """A tree whose leaves are alike in the target.

    Args:
        rows: float32 [n, d] without NaN.
        target: float64 [n, m].
        min_leaf: rows that a leaf has at least.
        seed: breaks ties between splits.
    """
    from sklearn.tree import DecisionTreeRegressor

    if rows.shape[1] == 0 or len(rows) < 2 * min_leaf or not np.any(target != target[0]):
        none = np.full(1, -1, np.int32)
        return Tree(none, none, np.zeros(1, np.int32), np.zeros(1))
    grown = DecisionTreeRegressor(min_samples_leaf=min_leaf, random_state=seed).fit(rows, target).tree_
    return Tree(
        grown.children_left.astype(np.int32), grown.children_right.astype(np.int32),
        np.maximum(grown.feature, 0).astype(np.int32), grown.threshold.astype(np.float64),
    )  # fmt: skip


def target_of(feature: Feature, values: npt.NDArray[Any], draws: np.random.Generator) -> Floats:
    """What a tree should make alike: ranks of a number, indicators of few levels, random signs of many; float64 [n, m]."""
    if feature.is_number:
        order = np.unique(values, return_inverse=True)[1].astype(np.float64)
        counts = np.bincount(order.astype(np.int64))
        middle = np.cumsum(counts) - counts / 2
        ranks = middle[order.astype(np.int64)] / len(values)
        gone = np.isnan(values)
        ranks[gone] = -0.5
        return ranks[:, None]
    if feature.size <= FEW_LEVELS:
        return np.asarray(np.eye(max(1, feature.size))[values])
    signs = draws.choice([-1.0, 1.0], (feature.size, SKETCH))
    return np.asarray(signs[values])


def predictor(feature: Feature, values: npt.NDArray[Any], score: Floats | None) -> npt.NDArray[np.float32]:
    """A column as float32 without NaN: missing numbers lie below all others, codes are replaced by their scores."""
    if feature.is_number:
        below = feature.low - 1.0 - 0.1 * (feature.high - feature.low)
        return np.where(np.isnan(values), below, values).astype(np.float32)
    return (values.astype(np.float64) if score is None else score[values]).astype(np.float32)


def scores(feature: Feature, values: npt.NDArray[Any], target: Floats) -> Floats | None:
    """One number a code: where its mean target lies along the main direction of all codes' means; None for a number."""
    if feature.is_number:
        return None
    size = max(1, feature.size)
    counts = np.bincount(values, minlength=size).astype(np.float64)
    sums = np.stack([np.bincount(values, weights=column, minlength=size) for column in target.T], axis=1)
    means = np.asarray(sums / np.maximum(counts, 1)[:, None], np.float64)
    centred = (means - target.mean(axis=0)) * np.sqrt(counts)[:, None]
    if means.shape[1] == 1:
        return np.asarray(means[:, 0])
    direction = np.linalg.svd(centred, full_matrices=False)[2][0]
    return np.asarray(means @ direction)
