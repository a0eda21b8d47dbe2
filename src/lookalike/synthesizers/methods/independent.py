"""Columns drawn independently: the floor that every other method must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.tabular import Drawn, LearnedModel, Lesson, Tabular


class Independent(Tabular):
    """Each column by its own distribution, with no dependence between columns.

    Use it as a floor for other methods, or when only the columns' own distributions may be shown. Do not use it to train or
    test a model: every relation between columns is gone.

    Source:
        The fully factorised model of Chow and Liu 1968 without edges.
    """

    kind: ClassVar[str] = "independent"

    def _learn(self, lesson: Lesson) -> LearnedModel:
        return LearnedModel({}, {f.name: marginals.learn(f, lesson.data[f.name]) for f in lesson.features})

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # all
        return True

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        held = {condition.name: condition for condition in wanted}
        data = {}
        for feature in self._features:
            marginal = self._model.arrays[feature.name]
            low, high = 0.0, 1.0
            if condition := held.get(feature.name):
                if condition.values is not None:
                    data[feature.name] = weighted_choice(condition, feature, marginal, n, draws)
                    continue
                ends = np.array([max(condition.low, feature.low), min(condition.high, feature.high)])
                low, high = _inside(feature, marginal, ends)
            data[feature.name] = marginals.quantile(feature, marginal, low + (high - low) * draws.random(n))
        return data, None


def weighted_choice(
    condition: ColumnCondition, feature: Feature, marginal: marginals.Floats, n: int, draws: np.random.Generator
) -> np.ndarray:
    """The condition's values, each as often as its own share of the column says; equally when none has a share."""
    assert condition.values is not None
    low, high = marginals.interval(feature, marginal, condition.values)
    width = high - low
    shares = width / width.sum() if width.sum() > 0 else np.full(len(width), 1 / len(width))
    return np.asarray(condition.values[draws.choice(len(shares), n, p=shares)])


def _inside(feature: Feature, marginal: marginals.Floats, ends: marginals.Floats) -> tuple[float, float]:
    """The probabilities between which all values lie in a range."""
    points, cumulative = marginal
    if marginals.is_atoms(feature, marginal):
        first = int(np.searchsorted(points, ends[0]))
        last = int(np.searchsorted(points, ends[1], side="right")) - 1
        low = cumulative[first - 1] if first else 0.0
        return float(low), float(max(low, cumulative[max(last, 0)]))
    low, high = np.interp(ends, points, cumulative)
    return float(low), float(high)
