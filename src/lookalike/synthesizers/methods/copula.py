"""The Gaussian copula: every column's own distribution, and one correlation matrix between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.methods.copula_marginals import Floats
from lookalike.synthesizers.methods.independent import weighted_choice
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

EDGE = 1e-9
SWEEPS = 20


class Copula(Tabular):
    """Gaussian copula: exact marginals, dependence by correlations of normal scores.

    Categories take the stretch of the normal line that their share says, in their order or, without one, in the order of the
    table's main direction. Conditions are exact for one column and by Gibbs sampling for several; they never reject rows.

    Use it for a first quick look, for small tables, and where a model must be a page of numbers that can be read. Do not use
    it where relations are bent, or differ between groups: it knows correlations only.

    Source:
        Li, Xiong and Jiang 2014, "DPCopula"; Patki, Wedge and Veeramachaneni 2016, "The Synthetic Data Vault".
    """

    kind: ClassVar[str] = "copula"

    def _learn(self, lesson: Lesson) -> LearnedModel:
        arrays: Arrays = {}
        scores = np.zeros((lesson.rows, len(lesson.features)))
        numbers = [i for i, feature in enumerate(lesson.features) if feature.is_number]
        for i in numbers:
            feature = lesson.features[i]
            arrays[f"marginal/{feature.name}"] = marginals.learn(feature, lesson.data[feature.name])
            scores[:, i] = normal_scores(feature, arrays[f"marginal/{feature.name}"], lesson.data[feature.name])
        main = _main_direction(scores[:, numbers], lesson.draws)
        for i, feature in enumerate(lesson.features):
            if not feature.is_number:
                values = lesson.data[feature.name]
                place = _places(feature, values, main)
                arrays[f"place/{feature.name}"] = place
                arrays[f"marginal/{feature.name}"] = marginals.learn(feature, place[values])
                scores[:, i] = normal_scores(feature, arrays[f"marginal/{feature.name}"], place[values])
        arrays["correlation"] = correlation(scores)
        return LearnedModel({}, arrays)

    def _honours(self, condition: ColumnCondition) -> bool:  # noqa: ARG002  # all
        return True

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        matrix = self._model.arrays["correlation"]
        fixed = [i for i, f in enumerate(self._features) if f.name in {condition.name for condition in wanted}]
        asked = {condition.name: condition for condition in wanted}
        latent = draws.standard_normal((n, len(self._features)))
        exact: dict[str, npt.NDArray[Any]] = {}
        if fixed:
            bounds = [self._bounds(self._features[i], asked[self._features[i].name], n, draws, exact) for i in fixed]
            latent = _given(latent, matrix, fixed, bounds, draws)
        else:
            latent @= _root(matrix).T
        data: dict[str, npt.NDArray[Any]] = {}
        for i, feature in enumerate(self._features):
            drawn = marginals.quantile(feature, self._model.arrays[f"marginal/{feature.name}"], ndtr(latent[:, i]))
            if not feature.is_number:
                drawn = np.argsort(self._model.arrays[f"place/{feature.name}"])[drawn]
            data[feature.name] = exact.get(feature.name, drawn)
        return data, None

    def _bounds(
        self,
        feature: Feature,
        condition: ColumnCondition,
        n: int,
        draws: np.random.Generator,
        exact: dict[str, npt.NDArray[Any]],
    ) -> tuple[Floats, Floats]:
        """Probabilities [n] between which a condition's column lies; chosen values are kept in `exact`."""
        marginal = self._model.arrays[f"marginal/{feature.name}"]
        if condition.values is None:
            ends = np.array([max(condition.low, feature.low), min(condition.high, feature.high)])
            low, high = marginals.interval(feature, marginal, ends)
            return np.full(n, low[0]), np.full(n, max(high[1], low[0]))
        place = None if feature.is_number else self._model.arrays[f"place/{feature.name}"]
        moved = condition if place is None else ColumnCondition(condition.name, condition.text, place[condition.values])
        chosen = weighted_choice(moved, feature, marginal, n, draws)
        exact[feature.name] = chosen if place is None else np.argsort(place)[chosen]
        return marginals.interval(feature, marginal, chosen)


def normal_scores(feature: Feature, marginal: Floats, values: npt.NDArray[Any]) -> Floats:
    """The mean of the standard normal over each value's stretch of probability: float64 [n]."""
    low, high = marginals.interval(feature, marginal, values)
    middle = ndtri(np.clip((low + high) / 2, EDGE, 1 - EDGE))
    width = high - low
    density = _density(ndtri(np.clip(low, EDGE, 1 - EDGE))) - _density(ndtri(np.clip(high, EDGE, 1 - EDGE)))
    return np.where(width > 1e-6, density / np.maximum(width, 1e-6), middle)


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))


def _main_direction(scores: Floats, draws: np.random.Generator) -> Floats:
    """Scores of the rows along the direction in which the numbers vary most; noise when there is no number."""
    if scores.shape[1] == 0:
        return draws.standard_normal(len(scores))
    vector = np.ones(scores.shape[1])
    covariance = scores.T @ scores
    for _ in range(30):
        vector = covariance @ vector
        vector /= np.linalg.norm(vector) or 1.0
    return np.asarray(scores @ vector)


def _places(feature: Feature, values: npt.NDArray[np.int64], main: Floats) -> npt.NDArray[np.int64]:
    """Position of each code on the normal line: by the mean of the main direction; missing last."""
    size = max(1, feature.size)
    counts = np.maximum(np.bincount(values, minlength=size), 1)
    means = np.bincount(values, weights=main, minlength=size) / counts
    if feature.missing:
        means[-1] = np.inf
    place = np.empty(size, np.int64)
    place[np.argsort(means, kind="stable")] = np.arange(size)
    return place


def correlation(scores: Floats) -> Floats:
    """Correlations of normal scores, made positive definite by lifting eigenvalues to 1e-4."""
    centred = scores - scores.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    scaled = centred / np.where(spread > 0, spread, 1.0)
    matrix = scaled.T @ scaled / max(1, len(scores))
    np.fill_diagonal(matrix, 1.0)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < 1e-4:
        matrix = (vectors * np.maximum(values, 1e-4)) @ vectors.T
        scale = 1 / np.sqrt(np.diag(matrix))
        matrix = matrix * scale[:, None] * scale
    return np.asarray(matrix)


def _root(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.cholesky(matrix), np.float64)


def _given(
    noise: Floats, matrix: Floats, fixed: list[int], bounds: list[tuple[Floats, Floats]], draws: np.random.Generator
) -> Floats:
    """Latent rows whose `fixed` columns lie within their bounds of probability."""
    inner = matrix[np.ix_(fixed, fixed)]
    held = np.stack([ndtri(np.clip((low + high) / 2, EDGE, 1 - EDGE)) for low, high in bounds], axis=1)
    precision = np.linalg.inv(inner)
    for _ in range(SWEEPS if len(fixed) > 1 else 1):
        for k, (low, high) in enumerate(bounds):
            sd = 1 / np.sqrt(precision[k, k])
            others = held @ precision[k] - held[:, k] * precision[k, k]
            mean = -others * sd * sd if len(fixed) > 1 else np.zeros(len(held))
            a, b = (ndtr((ndtri(np.clip(end, EDGE, 1 - EDGE)) - mean) / sd) for end in (low, high))
            u = np.clip(a + draws.random(len(held)) * (b - a), EDGE, 1 - EDGE)
            held[:, k] = mean + sd * ndtri(u)
    rest = [i for i in range(len(matrix)) if i not in set(fixed)]
    latent = noise.copy()
    latent[:, fixed] = held
    if rest:
        gain = matrix[np.ix_(rest, fixed)] @ precision
        left = matrix[np.ix_(rest, rest)] - gain @ matrix[np.ix_(fixed, rest)]
        latent[:, rest] = held @ gain.T + noise[:, rest] @ _root(left + 1e-9 * np.eye(len(rest))).T
    return latent
