"""SMOTE for whole tables: rows between a real row and one of its nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr

from lookalike.errors import Unsatisfiable
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

Rows = npt.NDArray[np.int64]
MOST_LEVELS = 32
MOST_AXES = 12


class Smote(Tabular):
    """SMOTE: a new row lies between a real one and one of its `neighbors` nearest; categories come from either end.

    Mixed columns are compared as in SMOTE-NC: numbers in units of their spread, categories as indicators. Conditions choose
    among the real rows that hold them.

    Use it to enlarge a rare class for training. Never use it where privacy matters: the model holds the real rows, and every
    new row is a mixture of two of them.

    Source:
        Chawla et al. 2002, "SMOTE: synthetic minority over-sampling technique".
    """

    kind: ClassVar[str] = "smote"

    neighbors: int = Field(default=5, ge=1, description="nearest rows that one is mixed with")
    spread: float = Field(default=1.0, gt=0, le=1, description="how far the mixture goes towards the neighbour, 1: all the way")

    _near: dict[bytes, Rows] = PrivateAttr(default_factory=dict)

    def _learn(self, lesson: Lesson) -> LearnedModel:
        return placed(lesson)

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # all
        return True

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        rows = holding(self._model.arrays, wanted)
        base = draws.integers(0, len(rows), n)
        return between(
            self._features, self._model.arrays, rows, base, draws, wanted, near=self._near, k=self.neighbors, spread=self.spread
        )


def space(features: Sequence[Feature], data: Data) -> npt.NDArray[np.float64]:
    """Rows as points in which distance means unlikeness, at most `MOST_AXES` axes: float64 [n, d]."""
    parts = []
    for feature in features:
        values = data[feature.name]
        if feature.is_number:
            filled = np.where(np.isnan(values), np.nanmedian(values) if not np.isnan(values).all() else 0.0, values)
            filled = filled / (np.abs(filled).max() or 1.0)  # squares of the greatest floats overflow
            width = filled.std()
            parts.append(((filled - filled.mean()) / (width or 1.0))[:, None])
        elif feature.size > 1:
            parts.append(np.eye(min(feature.size, MOST_LEVELS))[np.minimum(values, MOST_LEVELS - 1)] / np.sqrt(2))
    if not parts:
        return np.zeros((len(next(iter(data.values()))), 1))
    wide = np.concatenate(parts, axis=1)
    if wide.shape[1] <= MOST_AXES:
        return wide
    centred = wide - wide.mean(axis=0)
    vectors = np.linalg.eigh(centred.T @ centred)[1]
    return np.asarray(centred @ vectors[:, ::-1][:, :MOST_AXES])


def placed(lesson: Lesson) -> LearnedModel:
    """The rows themselves, and where they lie."""
    arrays = {f"column/{feature.name}": lesson.data[feature.name] for feature in lesson.features}
    return LearnedModel({}, {**arrays, "space": space(lesson.features, lesson.data).astype(np.float32)})


def holding(arrays: Arrays, wanted: Sequence[ColumnCondition]) -> Rows:
    """The learned rows that hold every condition.

    Raises:
        Unsatisfiable: there is none.
    """
    mask = np.ones(len(arrays["space"]), bool)
    for condition in wanted:
        mask &= condition.holds(arrays[f"column/{condition.name}"])
    rows = np.flatnonzero(mask)
    if not len(rows):
        texts = " and ".join(condition.text for condition in wanted)
        raise Unsatisfiable(what=f"{texts}: held by no learned row", fix="loosen the condition")
    return rows


def between(
    features: Sequence[Feature], arrays: Arrays, rows: Rows, base: Rows, draws: np.random.Generator,
    wanted: Sequence[ColumnCondition], *, near: dict[bytes, Rows], k: int, spread: float,
) -> Drawn:  # fmt: skip
    """New rows, each between `rows[base]` and one of its `k` nearest others in `rows`; `near` remembers these."""
    others = _neighbors(arrays["space"], rows, near, k)
    other = others[base, draws.integers(0, others.shape[1], len(base))]
    way = draws.random(len(base)) * spread
    data: Data = {}
    for feature in features:
        values = arrays[f"column/{feature.name}"]
        a, b = values[rows[base]], values[rows[other]]
        chosen = np.where(draws.random(len(base)) < way, b, a)
        if feature.is_number:
            mixed = a + way * (b - a)
            chosen = np.where(np.isnan(mixed), chosen, mixed)
        data[feature.name] = chosen
    for condition in wanted:  # between two allowed values of a set there may be others: take the row's own
        own = arrays[f"column/{condition.name}"][rows[base]]
        data[condition.name] = np.where(condition.holds(data[condition.name]), data[condition.name], own)
    return data, None


def _neighbors(points: npt.NDArray[np.float32], rows: Rows, known: dict[bytes, Rows], k: int) -> Rows:
    """Positions in `rows` of each row's nearest others [len(rows), k]; itself when it is alone."""
    key = rows.tobytes()
    if key not in known:
        from scipy.spatial import cKDTree

        here = points[rows].astype(np.float64)
        k = min(k, len(rows) - 1)
        found = cKDTree(here).query(here, k=k + 1)[1].reshape(len(rows), -1) if k else np.zeros((len(rows), 1), np.int64)
        known.clear()  # of one condition at a time
        known[key] = np.asarray(found[:, 1:] if k else found, np.int64)
    return known[key]
