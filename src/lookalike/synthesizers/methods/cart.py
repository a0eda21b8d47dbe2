"""Sequential regression trees, as synthpop made them known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.methods.cart_trees import Tree, grow, predictor, scores, target_of
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular, clamped


class Cart(Tabular):
    """Sequential CART: each column by one tree on the columns before it, drawn from the rows of its leaf.

    Numbers with many values are placed between neighbouring values of the leaf (`smooth`), so that no stored value has to
    come back. Conditions clamp their column and weight the rows by how likely that was.

    Use it for tables up to some 100,000 rows when you want the method that statistical offices know. Do not use it where
    copies matter: its leaves are not tested for significance, and small ones repeat training rows; the forest does better.

    Source:
        Reiter 2005, "Using CART to generate partially synthetic public use microdata"; Nowok, Raab and Dibben 2016,
        "synthpop: Bespoke creation of synthetic data in R".
    """

    kind: ClassVar[str] = "cart"

    min_leaf: int = Field(default=5, ge=1, description="rows that a leaf has at least")
    smooth: bool = Field(default=True, description="place numbers between the leaf's stored ones")
    most_predictors: int = Field(
        default=60, ge=1, description="columns before it that a column is learned from, the most related"
    )

    def _learn(self, lesson: Lesson) -> LearnedModel:
        arrays: Arrays = {}
        sketches: list[npt.NDArray[np.float64]] = []
        for j, feature in enumerate(lesson.features):
            values = lesson.data[feature.name]
            target = target_of(feature, values, lesson.draws)
            used = _related(sketches, target[:, 0], self.most_predictors)
            sketches.append(_standard(target[:, 0]))
            columns = []
            for i in used:
                score = scores(lesson.features[i], lesson.data[lesson.features[i].name], target)
                if score is not None:
                    arrays[f"{j}/score/{i}"] = score
                columns.append(predictor(lesson.features[i], lesson.data[lesson.features[i].name], score))
            rows = np.stack(columns, axis=1) if columns else np.empty((lesson.rows, 0), np.float32)
            tree = grow(rows, target, min_leaf=self.min_leaf, seed=int(lesson.draws.integers(1 << 31)))
            arrays |= {f"{j}/used": np.array(used, np.int32)} | _leaf_values(j, tree, tree.leaves(rows), values)
        return LearnedModel({}, arrays)

    def _honours(self, condition: ColumnCondition) -> bool:
        return condition.values is not None

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        asked = {condition.name: condition for condition in wanted}
        data: Data = {}
        logs = np.zeros(n) if wanted else None
        for j, feature in enumerate(self._features):
            leaf = self._leaf(j, n, data)
            if logs is not None and feature.name in asked:
                data[feature.name] = clamped(asked[feature.name], n, draws)
                with np.errstate(divide="ignore"):
                    logs += np.log(self._likelihood(j, leaf, data[feature.name]))
            else:
                data[feature.name] = self._from_leaf(j, feature, leaf, draws)
        return data, logs

    def _leaf(self, j: int, n: int, data: Data) -> npt.NDArray[np.int64]:
        """Dense number of each row's leaf."""
        arrays = self._model.arrays
        columns = []
        for i in arrays[f"{j}/used"].tolist():
            feature = self._features[i]
            columns.append(predictor(feature, data[feature.name], arrays.get(f"{j}/score/{i}")))
        rows = np.stack(columns, axis=1) if columns else np.empty((n, 0), np.float32)
        tree = Tree(arrays[f"{j}/left"], arrays[f"{j}/right"], arrays[f"{j}/feature"], arrays[f"{j}/threshold"])
        return np.asarray(arrays[f"{j}/dense"][tree.leaves(rows)], np.int64)

    def _from_leaf(self, j: int, feature: Feature, leaf: npt.NDArray[np.int64], draws: np.random.Generator) -> npt.NDArray[Any]:
        start, values = self._model.arrays[f"{j}/start"], self._model.arrays[f"{j}/values"]
        size = start[leaf + 1] - start[leaf]
        pick = start[leaf] + (draws.random(len(leaf)) * size).astype(np.int64)
        drawn = values[pick]
        if feature.is_number and self.smooth and bool(self._model.arrays[f"{j}/fine"][0]):
            following = values[np.minimum(pick + 1, start[leaf + 1] - 1)]
            moved = drawn + draws.random(len(leaf)) * (following - drawn)
            drawn = np.where(np.isnan(moved), drawn, moved)
        return np.asarray(drawn if feature.is_number else drawn.astype(np.int64))

    def _likelihood(self, j: int, leaf: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Share of a leaf's rows that have the value; for fine numbers, that lie within 1% of the column's ranks around it."""
        start, stored = self._model.arrays[f"{j}/start"], self._model.arrays[f"{j}/values"]
        every = np.unique(stored)  # NaN once, last
        ranks = np.searchsorted(every, stored)
        spread = max(1, len(every) // 200) if bool(self._model.arrays[f"{j}/fine"][0]) else 0
        wanted = np.searchsorted(every, values)
        leaves = np.repeat(np.arange(len(start) - 1), np.diff(start))
        width = len(every) + 2 * spread + 2
        composite = np.sort(leaves * width + ranks + spread)
        low = np.searchsorted(composite, leaf * width + wanted)
        high = np.searchsorted(composite, leaf * width + wanted + 2 * spread, side="right")
        known = np.isin(values, every) | (spread > 0) | (np.isnan(values) if stored.dtype.kind == "f" else False)
        return np.where(known, (high - low) / (start[leaf + 1] - start[leaf]), 0.0)


def _leaf_values(j: int, tree: Tree, leaves: npt.NDArray[np.int64], values: npt.NDArray[Any]) -> Arrays:
    """A tree and the sorted values of its leaves, as named arrays."""
    present, dense = np.unique(leaves, return_inverse=True)
    order = np.lexsort((values, dense))
    number = np.zeros(len(tree.left), np.int32)
    number[present] = np.arange(len(present))
    there = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return {
        f"{j}/left": tree.left, f"{j}/right": tree.right, f"{j}/feature": tree.feature, f"{j}/threshold": tree.threshold,
        f"{j}/dense": number, f"{j}/start": np.concatenate([[0], np.cumsum(np.bincount(dense))]).astype(np.int64),
        f"{j}/values": values[order], f"{j}/fine": np.array([len(np.unique(there)) > marginals.MOST_ATOMS]),
    }  # fmt: skip


def _standard(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spread = values.std()
    return np.asarray((values - values.mean()) / spread) if spread > 0 else np.zeros(len(values))


def _related(before: list[npt.NDArray[np.float64]], target: npt.NDArray[np.float64], most: int) -> list[int]:
    """Positions of the earlier columns to learn from: all, or those whose sketch correlates most."""
    if len(before) <= most:
        return list(range(len(before)))
    step = max(1, len(target) // 2000)
    strength = np.abs(np.stack([column[::step] for column in before]) @ _standard(target)[::step])
    return sorted(np.argsort(-strength, kind="stable")[:most].tolist())
