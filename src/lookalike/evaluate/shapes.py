"""Distances between one column's distribution in two tables: KS, Wasserstein, TV, Jensen-Shannon.

Each is computed once for a column and a pair of tables and shared by the metrics that read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.views import Views, Which

Vector = npt.NDArray[np.float64]
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Shape:
    """How one column differs between two tables.

    Attributes:
        distance: KS for numbers, TV for categories, both of cells that are not null; 0..1.
        js: Jensen-Shannon distance of the bins, null a bin of its own; 0..1.
        wasserstein: area between the ECDFs over the real range; 0..1 inside the range. None for categories.
        null_gap: share of nulls, second table minus first.
        mean_gap: second mean minus first in standard deviations of the first. None for categories.
        sd_ratio: second standard deviation over the first. None for categories.
        quantiles: those of both tables at `QUANTILES`. None for categories.
    """

    distance: float
    js: float
    null_gap: float
    wasserstein: float | None = None
    mean_gap: float | None = None
    sd_ratio: float | None = None
    quantiles: tuple[Vector, Vector] | None = None


def ks(a: Vector, b: Vector) -> float:
    """Largest gap between the ECDFs of two sorted samples, 0..1; nan when one is empty.

    Source:
        Smirnov 1948, "Table for estimating the goodness of fit of empirical distributions".
    """
    if not a.size or not b.size:
        return float("nan")
    if a.size + b.size < 400_000:
        merged = np.concatenate([a, b])
        at_a = np.searchsorted(a, merged, side="right") / a.size
        at_b = np.searchsorted(b, merged, side="right") / b.size
        return float(np.abs(at_a - at_b).max())
    values, inverse_a, counts_b = _steps(a, b)
    return float(np.abs(inverse_a - counts_b).max()) if values.size else float("nan")


def _steps(a: Vector, b: Vector) -> tuple[Vector, Vector, Vector]:
    """Distinct values of both sorted samples with both ECDFs at them, by one merge instead of a search for each cell."""
    merged = np.concatenate([a, b])
    order = np.argsort(merged, kind="stable")  # timsort merges the two runs in linear time
    merged = merged[order]
    from_a = np.cumsum(order < a.size)
    last = np.append(merged[1:] != merged[:-1], True)
    from_a = from_a[last]
    position = np.flatnonzero(last) + 1
    return merged[last], from_a / a.size, (position - from_a) / b.size


def total_variation(p: Vector, q: Vector) -> float:
    """Half the sum of absolute differences of two vectors of shares, 0..1."""
    return float(np.abs(p - q).sum() / 2)


def jensen_shannon(p: Vector, q: Vector) -> float:
    """Square root of the Jensen-Shannon divergence to base 2, a distance in 0..1.

    Source:
        Lin 1991, "Divergence measures based on the Shannon entropy".
    """
    middle = (p + q) / 2

    def divergence(x: Vector) -> float:
        at = x > 0
        return float((x[at] * np.log2(x[at] / middle[at])).sum())

    return float(np.sqrt(max(0.0, (divergence(p) + divergence(q)) / 2)))


def shares(codes: npt.NDArray[np.generic], width: int) -> Vector:
    """Share of each code 0..width-1."""
    return np.asarray(np.bincount(codes, minlength=width)[:width] / max(1, codes.size), dtype=np.float64)


def shape(views: Views, name: str, a: Which, b: Which) -> Shape:
    """How a column differs between tables `a` and `b`, shared by all metrics."""
    return views.once(
        ("shape", name, a, b), lambda: _number(views, name, a, b) if views[name].numeric else _category(views, name, a, b)
    )


def _known(views: Views, name: str, which: Which) -> Vector:
    values = views.numbers(name, which)
    return np.sort(values[~np.isnan(values)] if np.isnan(values).any() else values)


def _number(views: Views, name: str, a: Which, b: Which) -> Shape:
    real, other = _known(views, name, a), _known(views, name, b)
    width = views.width(name)
    p, q = shares(views.bins(name, a), width), shares(views.bins(name, b), width)
    null_gap = float(q[0] - p[0])
    if not real.size or not other.size:
        return Shape(float("nan"), jensen_shannon(p, q), null_gap)
    low, high = float(real[0]), float(real[-1])
    span = high - low if high > low else 1.0
    deviation = float(real.std())
    return Shape(
        distance=ks(real, other), js=jensen_shannon(p, q), null_gap=null_gap, wasserstein=_wasserstein(real, other) / span,
        mean_gap=float(other.mean() - real.mean()) / (deviation or 1.0), sd_ratio=float(other.std()) / deviation if deviation else None,
        quantiles=(sorted_quantiles(real), sorted_quantiles(other)),
    )  # fmt: skip


def sorted_quantiles(values: Vector, at: tuple[float, ...] = QUANTILES) -> Vector:
    """Linear quantiles of a sorted sample, without sorting again."""
    place = np.asarray(at) * (values.size - 1)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, values.size - 1)
    return np.asarray(values[low] + (values[high] - values[low]) * (place - low))


def _wasserstein(a: Vector, b: Vector) -> float:
    """Area between two ECDFs, by 1,001 quantiles of the sorted samples."""
    at = (np.arange(1001) + 0.5) / 1001
    return float(np.abs(sorted_quantiles(a, tuple(at)) - sorted_quantiles(b, tuple(at))).mean())


def _category(views: Views, name: str, a: Which, b: Which) -> Shape:
    width = len(views.levels(name)) + 1
    p, q = shares(views.codes(name, a), width), shares(views.codes(name, b), width)
    known_p, known_q = 1 - p[0], 1 - q[0]
    distance = total_variation(p[1:] / known_p, q[1:] / known_q) if known_p and known_q else float("nan")
    return Shape(distance, jensen_shannon(p, q), float(q[0] - p[0]))
