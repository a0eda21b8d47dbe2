"""Choosing rows of a parent for rows that are there already: an order has a customer, and one of the products.

Parents are sorted into cells of rows that are alike, by medians (a k-d tree). A row's cell is a category that the forest draws; in the
cell it takes a parent that still wants a child. So parents get as many children as they should, and the children that suit them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.synthesizers.relational.families import Floats, numbers
from lookalike.synthesizers.relational.graph import Places

CELLS = 128  # of a parent table at most
FEWEST = 10  # parents in a cell


@dataclass(frozen=True, slots=True)
class KdTree:
    """A k-d tree over a parent's learned columns.

    Attributes:
        names: columns it looks at.
        levels: of a text column, its values by falling frequency; None for numbers.
        feature: int64 [m], the column that a node splits on; -1: a cell.
        cut: float64 [m], values up to here go left.
        left: int64 [m], the left child; the right one follows it. Of a cell: its number.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...] | None, ...]
    feature: npt.NDArray[np.int64]
    cut: Floats
    left: npt.NDArray[np.int64]

    def of(self, table: pa.Table) -> Places:
        """The cell of each row."""
        values = np.stack([_values(table[name], levels) for name, levels in zip(self.names, self.levels, strict=True)] or [np.zeros(table.num_rows)])  # fmt: skip
        node = np.zeros(table.num_rows, np.int64)
        while True:
            feature = self.feature[node]
            moving = np.flatnonzero(feature >= 0)
            if not len(moving):
                return self.left[node]
            at = node[moving]
            right = values[feature[moving], moving] > self.cut[at]
            node[moving] = self.left[at] + right


def learn(table: pa.Table, first: Sequence[str], key: int) -> KdTree:
    """Cells of alike rows, each of at least `FEWEST`; the columns named `first` are split on before all others."""
    names = tuple(
        name for name in table.column_names if numbers(table[name]) is not None or pa.types.is_string(table[name].type)
    )
    levels = tuple(_levels(table[name]) for name in names)
    columns = [_values(table[name], known) for name, known in zip(names, levels, strict=True)]
    spread = [np.argsort(np.argsort(column, kind="stable"), kind="stable") / max(len(column), 1) for column in columns]
    weight = np.array([10.0 if name in first else 1.0 for name in names])
    least = max(FEWEST, table.num_rows // CELLS)
    feature, cut, left = [-1], [0.0], [0]
    waiting, cells = [(0, np.arange(table.num_rows))], 0
    draws = rng.generator(key, "cells")
    while waiting:
        node, rows = waiting.pop()
        split = _split(columns, spread, weight, rows, least, draws)
        if split is None:
            left[node], cells = cells, cells + 1
            continue
        feature[node], cut[node] = split
        left[node] = len(feature)
        feature += [-1, -1]
        cut += [0.0, 0.0]
        left += [0, 0]
        right = columns[split[0]][rows] > split[1]
        waiting += [(left[node], rows[~right]), (left[node] + 1, rows[right])]
    return KdTree(names, levels, np.array(feature, np.int64), np.array(cut), np.array(left, np.int64))


def _split(
    columns: list[Floats], spread: list[Floats], weight: Floats, rows: npt.NDArray[Any], least: int, draws: np.random.Generator
) -> tuple[int, float] | None:  # fmt: skip
    """The column whose ranks differ most among the rows, and where to cut it; None: the rows stay together."""
    if len(rows) < 2 * least:
        return None
    for at in np.argsort(-weight * [ranks[rows].std() * draws.uniform(0.9, 1.0) for ranks in spread]):
        values = columns[at][rows]
        cut = float(np.quantile(values, 0.5, method="lower"))
        if values.max() == cut:
            below = values[values < cut]
            if not len(below):
                continue
            cut = float(below.max())
        small = int((values <= cut).sum())
        if min(small, len(rows) - small) >= least:
            return int(at), cut
    return None


def _levels(values: pa.ChunkedArray) -> tuple[str, ...] | None:
    if not pa.types.is_string(values.type):
        return None
    counts = pc.value_counts(values).to_pylist()
    return tuple(entry["values"] for entry in sorted(counts, key=lambda e: (-e["counts"], str(e["values"]))) if entry["values"] is not None)[:64]  # fmt: skip


def _values(values: pa.ChunkedArray, levels: tuple[str, ...] | None) -> Floats:
    """A column as numbers without gaps: what is missing is below all."""
    if levels is None:
        found = numbers(values)
        assert found is not None
    else:
        found = pc.index_in(values, pa.array(levels, pa.string())).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.isnan(found), -1e300, found)


def match(wanted: Places, cells: Places, slots: Places, key: int) -> Places:
    """A parent for each row.

    Args:
        wanted: the cell that each row wants; -1: no parent.
        cells: the cell of each parent.
        slots: how many children each parent should have.
        key: of the draws.

    Returns:
        Row numbers of parents; a parent of the row's cell with a free slot where there is one, else of a cell near by, else of its cell.
    """
    draws = rng.generator(key, "match")
    out = np.full(len(wanted), -1, np.int64)
    rows = np.flatnonzero(wanted >= 0)
    if not len(cells) or not len(rows):
        return out
    free = np.repeat(np.arange(len(cells)), slots)
    rows = rows[np.lexsort((draws.random(len(rows)), wanted[rows]))]
    free = free[np.lexsort((draws.random(len(free)), cells[free]))]
    mine, theirs = _paired(wanted[rows], cells[free])
    out[rows[mine]] = free[theirs]
    rows, free = np.delete(rows, mine), np.delete(free, theirs)
    both = min(len(rows), len(free))
    if both:  # cells lie in the order of the tree: neighbours are alike
        take = np.sort(draws.permutation(len(free))[:both])
        give = np.sort(draws.permutation(len(rows))[:both])
        out[rows[give]] = free[take]
        rows = np.delete(rows, give)
    if len(rows):
        out[rows] = _any_of(wanted[rows], cells, draws)
    return out


def _paired(a: Places, b: Places) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Positions in two sorted lists, the first of a value in one with the first of it in the other, and so on."""
    nth_a = np.arange(len(a)) - np.searchsorted(a, a, "left")
    nth_b = np.arange(len(b)) - np.searchsorted(b, b, "left")
    most = int(max(nth_a.max(initial=0), nth_b.max(initial=0))) + 1
    _, mine, theirs = np.intersect1d(a * most + nth_a, b * most + nth_b, assume_unique=True, return_indices=True)
    return mine, theirs


def _any_of(wanted: Places, cells: Places, draws: np.random.Generator) -> Places:
    """Some parent of the cell that is wanted; of any cell where it has none."""
    order = np.argsort(cells, kind="stable")
    low, high = np.searchsorted(cells[order], wanted, "left"), np.searchsorted(cells[order], wanted, "right")
    empty = low == high
    low, high = np.where(empty, 0, low), np.where(empty, len(cells), high)
    return order[low + (draws.random(len(wanted)) * (high - low)).astype(np.int64)]
