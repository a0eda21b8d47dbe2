"""Columns as few codes: quantile bins of numbers with atoms kept, the commonest levels of a category, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.synthesizers.features import Feature
from lookalike.synthesizers.methods import copula_marginals as marginals
from lookalike.synthesizers.tabular import Arrays

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bins:
    """How one column is cut.

    Attributes:
        feature: the column.
        edges: of a number: upper edges of all bins but the last (values at most the edge); of a category: bin of each code.
        count: bins, the missing one among them.
        start: where each bin's values begin in `values`; one more than bins.
        values: sorted different values that stand for the bin.
        weights: cumulative shares of `values` within their bin.
        fine: whether numbers are placed between the stored values.
    """

    feature: Feature
    edges: npt.NDArray[Any]
    count: int
    start: Codes
    values: npt.NDArray[Any]
    weights: npt.NDArray[np.float64]
    fine: bool

    def encode(self, values: npt.NDArray[Any]) -> Codes:
        """The bin of each value."""
        if not self.feature.is_number:
            return np.asarray(self.edges[values], np.int64)
        bins = np.searchsorted(self.edges, values, side="left")
        return np.where(np.isnan(values), self.count - 1, bins).astype(np.int64)

    def decode(self, bins: Codes, draws: np.random.Generator) -> npt.NDArray[Any]:
        """A value of each bin, as often as the real ones."""
        position = np.searchsorted(self.weights, bins + draws.random(len(bins)))
        position = np.clip(position, self.start[bins], self.start[bins + 1] - 1)
        out = self.values[position]
        if self.fine:
            following = self.values[np.minimum(position + 1, self.start[bins + 1] - 1)]
            moved = out + draws.random(len(bins)) * (following - out)
            out = np.where(np.isnan(moved), out, moved)
        return np.asarray(out)

    def share(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """How likely each value is within its own bin; 1 for every value of a fine number."""
        if self.fine:
            return np.ones(len(values))
        bins = self.encode(values)
        before = np.concatenate([[0.0], self.weights[:-1]])
        before[self.start[:-1]] = np.arange(self.count)  # cumulative shares begin anew in every bin
        filled, known = (
            (values, self.values)
            if not self.feature.is_number
            else (np.nan_to_num(values, nan=np.inf), np.nan_to_num(self.values, nan=np.inf))
        )
        order = np.lexsort((known, np.repeat(np.arange(self.count), np.diff(self.start))))
        assert bool((order == np.arange(len(order))).all())  # values are sorted within bins
        out = np.zeros(len(values))
        for one in np.unique(filled):
            rows = filled == one
            bin_ = int(bins[rows][0])
            inside = slice(self.start[bin_], self.start[bin_ + 1])
            hit = np.flatnonzero(known[inside] == one)
            if len(hit):
                place = int(self.start[bin_] + hit[0])
                out[rows] = self.weights[place] - before[place]
        return out

    def arrays(self, prefix: str) -> Arrays:
        """The cut as named arrays."""
        return {
            f"{prefix}/edges": self.edges, f"{prefix}/start": self.start, f"{prefix}/values": self.values,
            f"{prefix}/weights": self.weights, f"{prefix}/fine": np.array([self.fine]),
        }  # fmt: skip

    @classmethod
    def of(cls, feature: Feature, arrays: Arrays, prefix: str) -> Bins:
        """The cut that `arrays` wrote."""
        edges, start, values, weights, fine = (
            arrays[f"{prefix}/{name}"] for name in ("edges", "start", "values", "weights", "fine")
        )
        return cls(feature, edges, len(start) - 1, start, values, weights, bool(fine[0]))


def cut(feature: Feature, values: npt.NDArray[Any], *, most: int) -> Bins:
    """Cut a column into at most `most` bins (and one for missing values)."""
    if feature.is_number:
        edges = number_edges(values[~np.isnan(values)], most)
        codes = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
        count = len(edges) + 1 + feature.missing
        fine = len(np.unique(values[~np.isnan(values)])) > marginals.MOST_ATOMS
    else:
        size = max(1, feature.size)
        counts = np.bincount(values, minlength=size)
        ranks = np.empty(size, np.int64)
        ranks[np.argsort(-counts, kind="stable")] = np.arange(size)
        edges, fine = np.minimum(ranks, most - 1), False
        codes, count = edges[values], int(edges.max()) + 1
    codes = np.minimum(codes, count - 1)
    return _with_values(feature, edges, count, codes, values, fine=fine)


def _with_values(
    feature: Feature, edges: npt.NDArray[Any], count: int, codes: Codes, values: npt.NDArray[Any], *, fine: bool
) -> Bins:
    """Different values of each bin and their cumulative shares; an empty bin holds the column's low end."""
    start, kept, weights = [0], [], []
    order = np.lexsort((values, codes))
    cuts = np.searchsorted(codes[order], np.arange(count + 1))
    for bin_ in range(count):
        inside = values[order[cuts[bin_] : cuts[bin_ + 1]]]
        points, repeats = np.unique(inside, return_counts=True) if len(inside) else (values[:1], np.ones(1))
        if fine and len(points) > 64:  # a grid of quantiles is enough, and keeps no full list of real values
            points, repeats = np.quantile(inside, np.linspace(0, 1, 33)), np.ones(33)
        kept.append(points)
        weights.append(bin_ + np.cumsum(repeats) / repeats.sum())
        start.append(start[-1] + len(points))
    return Bins(feature, np.asarray(edges), count, np.array(start), np.concatenate(kept), np.concatenate(weights), fine)


def number_edges(there: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.float64]:
    """Upper edges of at most `most` bins of about equal counts; values that fill a bin alone get one alone."""
    if not len(there):
        return np.empty(0)
    points, counts = np.unique(there, return_counts=True)
    if len(points) <= most:
        return points[:-1]
    edges: list[float] = []
    heavy = counts > len(there) / most
    left, bins = float(counts[~heavy].sum()), most - int(heavy.sum()) * 2
    target = left / max(2, bins)
    mass = 0.0
    for i in range(len(points) - 1):
        mass += counts[i]
        if heavy[i] or heavy[i + 1] or mass >= target:
            edges.append(float(points[i]))
            mass = 0.0
    return np.array(edges)
