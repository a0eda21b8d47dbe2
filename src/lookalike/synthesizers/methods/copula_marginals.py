"""One column's own distribution: quantiles of a number, shares of a category.

A number with at most `MOST_ATOMS` different values is a table of atoms; one with more is a grid of quantiles with straight
lines between them, so that no stored value has to come back. Missing values are an atom at the upper end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.synthesizers.features import Feature

MOST_ATOMS = 1000
GRID = 2001
Floats = npt.NDArray[np.float64]


def learn(feature: Feature, values: npt.NDArray[Any]) -> Floats:
    """The distribution as an array that `quantile` and `interval` read: float64 [2, k] of values and cumulative shares.

    A category's values are its codes; a number's missing share is one minus the last cumulative share.
    """
    if not feature.is_number:
        counts = np.bincount(values, minlength=max(1, feature.size)).astype(np.float64)
        return np.stack([np.arange(len(counts), dtype=np.float64), np.cumsum(counts) / counts.sum()])
    there = values[~np.isnan(values)]
    share = len(there) / max(1, len(values))
    if not len(there):
        return np.array([[0.0], [0.0]])
    points, repeats = np.unique(there, return_counts=True)
    if len(points) <= MOST_ATOMS:
        return np.stack([points, share * np.cumsum(repeats) / len(there)])
    grid = np.linspace(0, 1, GRID)
    return np.stack([np.quantile(there, grid), share * grid])


def is_atoms(feature: Feature, marginal: Floats) -> bool:
    """Whether the distribution is a table of atoms."""
    return not feature.is_number or marginal.shape[1] != GRID


def quantile(feature: Feature, marginal: Floats, u: Floats) -> npt.NDArray[Any]:
    """Values at probabilities `u` in (0, 1): codes, or numbers with NaN above the share that is there."""
    values, cumulative = marginal
    if is_atoms(feature, marginal):
        place = np.searchsorted(cumulative, u)
        out = values[np.minimum(place, len(values) - 1)]
    else:
        out = np.interp(u, cumulative, values)
    if not feature.is_number:
        return np.asarray(out.astype(np.int64))
    return np.where(u > cumulative[-1], np.nan, out) if feature.missing else np.asarray(out)


def interval(feature: Feature, marginal: Floats, values: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """The stretch of probability that belongs to each value: lower and upper ends, equal where the value is a point."""
    points, cumulative = marginal
    if is_atoms(feature, marginal):
        lower = np.concatenate([[0.0], cumulative[:-1]])
        gone = np.isnan(values) if feature.is_number else np.zeros(len(values), bool)
        place = np.minimum(np.searchsorted(points, np.where(gone, points[-1], values)), len(points) - 1)
        low, high = lower[place], cumulative[place]
    else:
        gone = np.isnan(values)
        filled = np.where(gone, points[-1], values)
        left = np.searchsorted(points, filled, side="left")
        right = np.searchsorted(points, filled, side="right") - 1
        inside = np.interp(filled, points, cumulative)
        flat = right > left  # an atom covers several grid points
        low = np.where(flat, cumulative[np.minimum(left, len(points) - 1)], inside)
        high = np.where(flat, cumulative[np.maximum(right, 0)], inside)
    return np.where(gone, cumulative[-1], low), np.where(gone, 1.0, high)
