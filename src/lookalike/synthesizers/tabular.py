"""The frame around every method that learns numbers and codes.

    table --features--> numbers and codes --_learn--> Model (small JSON, arrays) --_draw--> numbers and codes --decode--> table

A method writes `_learn` and `_draw`; types, gaps, identifiers, conditions, saving and interruption are done here once.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import rng
from lookalike.errors import SynthesizerError, Unsatisfiable
from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import anonymise, conditions, features
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.series import Stretch

Arrays = dict[str, npt.NDArray[Any]]
Drawn = tuple[Data, npt.NDArray[np.float64] | None]
MOST_DRAWN = 2_000_000  # rows drawn for a condition before it is given up
MOST_TIMES = 500  # or so many times the rows asked for


@dataclass(frozen=True)
class LearnedModel:
    """What a method learned: plain data for JSON, and named numeric arrays."""

    meta: dict[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Lesson:
    """What a method learns from.

    Attributes:
        features: the learned columns.
        data: their values: float64 with NaN, or int64 codes.
        draws: random numbers of the fit.
        deadline: `time.monotonic()` at which the fit should end; infinite without a budget.
    """

    features: Sequence[Feature]
    data: Data
    draws: np.random.Generator
    deadline: float

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(next(iter(self.data.values()))) if self.data else 0

    @property
    def late(self) -> bool:
        """Whether the budget is used up."""
        return time.monotonic() >= self.deadline


class Tabular(Synthesizer):
    """A method over numbers and codes. Subclasses define `_learn` and `_draw`."""

    rare_below: int = Field(default=0, ge=0, description="categories that fewer rows have are learned as 'other'")

    _features: tuple[Feature, ...] = PrivateAttr(default=())
    _profiles: dict[str, dict[str, Any]] = PrivateAttr(default_factory=dict)
    _model: LearnedModel = PrivateAttr(default_factory=LearnedModel)

    @abstractmethod
    def _learn(self, lesson: Lesson) -> LearnedModel:
        """What the method keeps of the data."""

    @abstractmethod
    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        """Rows [n] as numbers and codes, and each one's importance weight (None: all equal).

        Conditions that `_honours` accepts hold on every row; the others are not given.
        """

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # the question's subject
        """Whether `_draw` can hold a condition by itself, without trying again."""
        return False

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        deadline = time.monotonic() + budget_s if budget_s is not None else float("inf")
        learned, data = features.learn(table, schema, least=anonymise.K, rare_below=self.rare_below)
        names = {feature.name for feature in learned}
        profiles = {c.name: anonymise.profile(c, table[c.name]) for c in schema.columns if c.name not in names}
        lesson = Lesson(learned, data, rng.generator(seed, "fit", self.kind), deadline)
        model = self._learn(lesson) if learned else LearnedModel()
        self._features, self._profiles, self._model = tuple(learned), profiles, model

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:
        wanted, where = conditions.read(given, schema, self._features)
        draws = rng.generator(stretch.key("sample", self.kind))
        data = self._conditioned(len(stretch), wanted, where, draws, schema)
        arrays = []
        for feature in self._features:
            coins = rng.generator(stretch.key("form", feature.name)).random(len(stretch))
            arrays.append(features.decode(feature, schema[feature.name], data[feature.name], coins))
        return pa.table(arrays, names=[feature.name for feature in self._features])

    def _profile(self, name: str) -> dict[str, Any] | None:
        return self._profiles.get(name)

    def _conditioned(
        self, n: int, wanted: list[ColumnCondition], where: str, draws: np.random.Generator, schema: TableSchema
    ) -> Data:
        """Rows that hold every condition."""
        if not self._features:
            return {}
        if n == 0:
            return {f.name: np.empty(0, np.float64 if f.is_number else np.int64) for f in self._features}
        for index, condition in enumerate(wanted):
            if condition.shares is not None:
                return self._shared(n, wanted, index, where, draws, schema)
        if not wanted and not where:
            return self._draw(n, draws, ())[0]
        return self._tried(n, wanted, where, draws, schema)

    def _shared(  # one step of `_conditioned`, of which it has the arguments
        self, n: int, wanted: list[ColumnCondition], index: int, where: str, draws: np.random.Generator, schema: TableSchema
    ) -> Data:
        """Each value's group by itself, then shuffled together."""
        condition, parts = wanted[index], []
        assert condition.values is not None  # shares have values
        for value, rows in zip(condition.values, conditions.counts_of(condition, n), strict=True):
            exact = ColumnCondition(condition.name, condition.text, np.array([value]))
            if rows:
                parts.append(self._conditioned(int(rows), [*wanted[:index], exact, *wanted[index + 1 :]], where, draws, schema))
        order = draws.permutation(n)
        return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}

    def _tried(
        self, n: int, wanted: list[ColumnCondition], where: str, draws: np.random.Generator, schema: TableSchema
    ) -> Data:
        """Rows drawn with the conditions that the method honours, until enough hold the others too."""
        own = [condition for condition in wanted if self._honours(condition)]
        most = max(20_000, min(MOST_DRAWN, MOST_TIMES * n))
        kept: list[Data] = []
        weights: list[npt.NDArray[np.float64]] = []
        drawn = held = 0
        weighted = False
        while drawn < most:
            size = int(min(most - drawn, 100_000, max(1024, 4 * n)))
            data, logs = self._draw(size, draws, own)
            drawn += size
            mask = np.ones(size, bool) if logs is None else np.isfinite(logs)
            for condition in wanted:
                mask &= condition.holds(data[condition.name])
            if where and mask.any():
                rows = np.flatnonzero(mask)
                mask[rows] = rows_where(where, Batch.of(self._decoded(conditions.take(data, rows), schema)))
            kept.append(conditions.take(data, mask))
            weighted |= logs is not None
            weights.append(np.ones(int(mask.sum())) if logs is None else np.exp(logs[mask]))
            held += int(mask.sum())
            if held >= (3 * n if weighted else n):
                break
        return self._chosen(n, kept, weights, draws, self._worded(wanted, where), held, drawn, weighted=weighted)

    def _chosen(  # the end of `_tried`, of which it has the counts
        self, n: int, kept: list[Data], weights: list[npt.NDArray[np.float64]], draws: np.random.Generator, asked: str,
        held: int, drawn: int, *, weighted: bool,
    ) -> Data:  # fmt: skip
        every = {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}
        weight = np.concatenate(weights)
        if not weight.sum() > 0:
            raise Unsatisfiable(what=f"{asked}: held by none of {drawn} drawn rows", fix="loosen the condition")
        if weighted:
            return conditions.take(every, conditions.resample(weight, n, draws))
        if held < n:
            raise Unsatisfiable(
                what=f"{asked}: held by {held} of {drawn} drawn rows ({held / drawn:.2g}), too rare for {self.kind} to draw {n}",
                fix="loosen the condition, ask for fewer rows, or use a method that conditions by itself (forest, copula, arf)",
            )
        return {name: values[:n] for name, values in every.items()}

    @staticmethod
    def _worded(wanted: Sequence[ColumnCondition], where: str) -> str:
        return " and ".join([condition.text for condition in wanted] + ([where] if where else []))

    def _decoded(self, data: Data, schema: TableSchema) -> pa.Table:
        arrays = [features.decode(f, schema[f.name], data[f.name]) for f in self._features]
        return pa.table(arrays, names=[f.name for f in self._features])

    def _state(self) -> tuple[dict[str, Any], Arrays]:
        meta = {
            "features": [feature.dump() for feature in self._features],
            "profiles": self._profiles,
            "model": self._model.meta,
        }
        return meta, self._model.arrays

    def _restore(self, meta: dict[str, Any], arrays: Arrays) -> None:
        try:
            self._features = tuple(Feature.parse(feature) for feature in meta["features"])
            self._profiles, self._model = meta["profiles"], LearnedModel(meta["model"], arrays)
        except (KeyError, TypeError) as exc:
            raise SynthesizerError(what=f"the model is damaged: {exc} is missing", fix="fit and save it again") from exc


def clamped(condition: ColumnCondition, n: int, draws: np.random.Generator) -> npt.NDArray[Any]:
    """One allowed value a row, all equally likely: the proposal that importance weights correct."""
    assert condition.values is not None
    return np.asarray(condition.values[draws.integers(0, len(condition.values), n)])
