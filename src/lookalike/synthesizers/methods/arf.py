"""Adversarial random forests: leaves in which the columns are independent, so that each can be drawn by itself."""

# pyright: reportReturnType=false, reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.special import ndtr, ndtri

from lookalike.errors import Unsatisfiable
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

Floats = npt.NDArray[np.float64]


class Arf(Tabular):
    """Adversarial random forest: a forest that tells real rows from shuffled ones until it no longer can.

    Its leaves are then small boxes in which columns are nearly independent: a row is drawn by choosing a leaf, and each column
    by the leaf's truncated normal or shares. Conditions weight the leaves by their probability and are exact.

    Use it for small and middle tables, when exact conditions or a density are needed. Do not use it for sharp relations such as
    totals or functional dependencies, which boxes only come near.

    Source:
        Watson, Blesch, Kapar and Wright 2023, "Adversarial random forests for density estimation and generative modeling".
    """

    kind: ClassVar[str] = "arf"

    trees: int = Field(default=10, ge=1, description="trees of the forest")
    min_leaf: int = Field(default=5, ge=2, description="rows that a leaf has at least")
    rounds: int = Field(default=5, ge=1, description="most adversarial rounds")
    delta: float = Field(default=0.02, ge=0, lt=0.5, description="how far above one half the out-of-bag accuracy may stay")

    def _learn(self, lesson: Lesson) -> LearnedModel:
        rows = np.stack([_plain(f, lesson.data[f.name]) for f in lesson.features], axis=1)
        forest = self._train(rows, lesson)
        leaves = forest.apply(rows)
        ids, weights = [], []
        offset = 0
        for tree in range(leaves.shape[1]):
            present, dense = np.unique(leaves[:, tree], return_inverse=True)
            ids.append(dense + offset)
            weights.append(np.bincount(dense) / (len(rows) * leaves.shape[1]))
            offset += len(present)
        arrays: Arrays = {"weight": np.concatenate(weights)}
        leaf = np.concatenate(ids)
        for feature in lesson.features:
            values = np.tile(lesson.data[feature.name], leaves.shape[1])
            arrays |= _leaf_shares(feature, values, leaf, offset)
        return LearnedModel({}, arrays)

    def _train(self, rows: npt.NDArray[np.float32], lesson: Lesson) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        def fitted(fake: npt.NDArray[np.float32]) -> Any:
            return RandomForestClassifier(
                self.trees, min_samples_leaf=self.min_leaf, bootstrap=True, n_jobs=1,
                max_features="sqrt", random_state=int(lesson.draws.integers(1 << 31)),
            ).fit(np.concatenate([rows, fake]), np.repeat([1, 0], [len(rows), len(fake)]))  # fmt: skip

        fake = np.stack([lesson.draws.permutation(column) for column in rows.T], axis=1)
        forest = fitted(fake)
        for _ in range(self.rounds - 1):
            if lesson.late:
                break
            again = _within_leaves(forest, rows, lesson.draws)
            judge = fitted(again)
            if _held_out(judge, rows, _within_leaves(forest, rows, lesson.draws)) <= 0.5 + self.delta:
                break
            forest = judge
        return forest

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # all
        return True

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        asked = {condition.name: condition for condition in wanted}
        chance = self._model.arrays["weight"].copy()
        tables: dict[str, Floats] = {}
        for feature in self._features:
            if condition := asked.get(feature.name):
                tables[feature.name] = self._chances(feature, condition)
                chance *= tables[feature.name].sum(axis=1)
        if not chance.sum() > 0:
            texts = " and ".join(condition.text for condition in wanted)
            raise Unsatisfiable(what=f"{texts}: no leaf of the forest holds it", fix="loosen the condition")
        leaf = draws.choice(len(chance), n, p=chance / chance.sum())
        data: Data = {}
        for feature in self._features:
            condition = asked.get(feature.name)
            if condition is not None and condition.values is not None:
                cumulative = np.cumsum(tables[feature.name], axis=1)[leaf]
                pick = (cumulative < (draws.random(n) * cumulative[:, -1])[:, None]).sum(axis=1)
                data[feature.name] = condition.values[np.minimum(pick, len(condition.values) - 1)]
            else:
                data[feature.name] = self._from(feature, leaf, draws, condition)
        return data, None

    def _chances(self, feature: Feature, condition: ColumnCondition) -> Floats:
        """Probability of each allowed value (or of the range, one column) in each leaf."""
        arrays, name = self._model.arrays, feature.name
        leaves = len(arrays["weight"])
        if f"{name}/mean" in arrays and condition.values is None:
            low, high = self._cut(feature, np.arange(leaves), condition.low, condition.high)
            return ((1 - arrays[f"{name}/gone"]) * np.maximum(high - low, 0))[:, None]
        if f"{name}/mean" in arrays:
            assert condition.values is not None
            sd, mean = arrays[f"{name}/sd"][:, None], arrays[f"{name}/mean"][:, None]
            dense = np.exp(-0.5 * ((condition.values - mean) / sd) ** 2) / sd
            inside = (condition.values >= arrays[f"{name}/low"][:, None]) & (
                condition.values <= arrays[f"{name}/high"][:, None]
            )
            there = (1 - arrays[f"{name}/gone"])[:, None] * dense * inside
            return np.where(np.isnan(condition.values), arrays[f"{name}/gone"][:, None], there)
        start, atoms, weights = (arrays[f"{name}/{part}"] for part in ("start", "atoms", "weights"))
        mass = np.diff(weights, prepend=0.0)
        mass[start[:-1]] = weights[start[:-1]] - np.arange(leaves)
        owner = np.repeat(np.arange(leaves), np.diff(start))
        if condition.values is None:
            inside = (atoms >= condition.low) & (atoms <= condition.high)
            return np.asarray(np.bincount(owner, weights=mass * inside, minlength=leaves)[:, None], np.float64)
        hits = [np.isnan(atoms) if value != value else atoms == value for value in condition.values]  # noqa: PLR0124  # NaN
        return np.stack([np.bincount(owner, weights=mass * hit, minlength=leaves) for hit in hits], axis=1)

    def _cut(self, feature: Feature, leaf: npt.NDArray[np.int64], low: float, high: float) -> tuple[Floats, Floats]:
        """Probabilities of the leaf's normal at the ends of its box and of a range."""
        part = {key: self._model.arrays[f"{feature.name}/{key}"][leaf] for key in ("mean", "sd", "low", "high")}
        ends = (np.maximum(part["low"], low), np.minimum(part["high"], high))
        first, last = (ndtr((end - part["mean"]) / part["sd"]) for end in ends)
        return np.asarray(first), np.asarray(last)

    def _from(
        self, feature: Feature, leaf: npt.NDArray[np.int64], draws: np.random.Generator, condition: ColumnCondition | None
    ) -> npt.NDArray[Any]:
        arrays, name = self._model.arrays, feature.name
        ends = (condition.low, condition.high) if condition is not None else (-np.inf, np.inf)
        if f"{name}/mean" in arrays:
            low, high = self._cut(feature, leaf, *ends)
            u = np.clip(low + draws.random(len(leaf)) * (high - low), 1e-12, 1 - 1e-12)
            drawn = arrays[f"{name}/mean"][leaf] + arrays[f"{name}/sd"][leaf] * ndtri(u)
            drawn = np.clip(
                drawn, np.maximum(arrays[f"{name}/low"][leaf], ends[0]), np.minimum(arrays[f"{name}/high"][leaf], ends[1])
            )
            if condition is not None:
                return np.asarray(drawn)
            return np.where(draws.random(len(leaf)) < arrays[f"{name}/gone"][leaf], np.nan, drawn)
        start, atoms, weights = (arrays[f"{name}/{part}"] for part in ("start", "atoms", "weights"))
        coins = draws.random(len(leaf))
        if condition is not None:  # atoms are sorted: a range is a stretch of the cumulative weights
            first = np.array([np.searchsorted(atoms[start[x] : start[x + 1]], ends[0]) for x in leaf]) + start[leaf]
            last = (
                np.array([np.searchsorted(atoms[start[x] : start[x + 1]], ends[1], side="right") for x in leaf])
                + start[leaf]
                - 1
            )
            floor = np.where(first > start[leaf], weights[first - 1], leaf)
            coins = floor - leaf + coins * (weights[last] - floor)
        position = np.clip(np.searchsorted(weights, leaf + coins), start[leaf], start[leaf + 1] - 1)
        return np.asarray(atoms[position] if feature.is_number else atoms[position].astype(np.int64))


def _plain(feature: Feature, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    below = feature.low - 1.0 - 0.1 * (feature.high - feature.low)
    return np.where(np.isnan(values), below, values).astype(np.float32) if feature.is_number else values.astype(np.float32)


def _within_leaves(forest: Any, rows: npt.NDArray[np.float32], draws: np.random.Generator) -> npt.NDArray[np.float32]:
    """Rows whose columns are shuffled within the leaves of one tree each."""
    leaves = forest.apply(rows)
    tree = draws.integers(0, leaves.shape[1], len(rows))
    owner = leaves[np.arange(len(rows)), tree] + tree * (leaves.max() + 1)
    order = np.argsort(owner, kind="stable")
    out = np.empty_like(rows)
    for column in range(rows.shape[1]):
        shuffled = order[np.lexsort((draws.random(len(rows)), owner[order]))]
        out[order, column] = rows[shuffled, column]
    return out


def _held_out(judge: Any, real: npt.NDArray[np.float32], fake: npt.NDArray[np.float32]) -> float:
    """Accuracy of a judge on rows shuffled anew, and on the real ones."""
    step = max(1, len(real) // 2000)
    return float((judge.predict(real[::step]).mean() + 1 - judge.predict(fake[::step]).mean()) / 2)


def _leaf_shares(feature: Feature, values: npt.NDArray[Any], leaf: npt.NDArray[np.int64], leaves: int) -> Arrays:
    """Each leaf's truncated normal for a fine number, its atoms and shares for all else."""
    name = feature.name
    there = ~np.isnan(values) if feature.is_number else np.ones(len(values), bool)
    if feature.is_number and len(np.unique(values[there])) > marginals.MOST_ATOMS:
        count = np.bincount(leaf[there], minlength=leaves)
        mean = np.bincount(leaf[there], weights=values[there], minlength=leaves) / np.maximum(count, 1)
        square = np.bincount(leaf[there], weights=(values[there] - mean[leaf[there]]) ** 2, minlength=leaves)
        spread = max(feature.high - feature.low, 1e-12)
        low, high = np.full(leaves, np.inf), np.full(leaves, -np.inf)
        np.minimum.at(low, leaf[there], values[there])
        np.maximum.at(high, leaf[there], values[there])
        none = count == 0
        low[none], high[none] = feature.low, feature.high
        return {
            f"{name}/mean": mean, f"{name}/sd": np.maximum(np.sqrt(square / np.maximum(count, 1)), 1e-6 * spread),
            f"{name}/low": low, f"{name}/high": high, f"{name}/gone": 1 - count / np.bincount(leaf, minlength=leaves),
        }  # fmt: skip
    order = np.lexsort((values, leaf))
    owner, sorted_values = leaf[order], values[order]
    same = (owner[1:] == owner[:-1]) & (
        (sorted_values[1:] == sorted_values[:-1]) | (_nan(sorted_values[1:]) & _nan(sorted_values[:-1]))
    )
    first = np.concatenate([[0], np.flatnonzero(~same) + 1])
    counts = np.diff(np.concatenate([first, [len(order)]])).astype(np.float64)
    size = np.bincount(leaf, minlength=leaves)
    start = np.concatenate([[0], np.cumsum(np.bincount(owner[first], minlength=leaves))]).astype(np.int64)
    running = np.cumsum(counts) - np.concatenate([[0], np.cumsum(size)])[owner[first]]
    return {
        f"{name}/start": start, f"{name}/atoms": sorted_values[first].astype(np.float64),
        f"{name}/weights": owner[first] + running / size[owner[first]],
    }  # fmt: skip


def _nan(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
