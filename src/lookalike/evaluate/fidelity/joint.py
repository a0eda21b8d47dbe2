"""Contingency tables of binned columns, two or three at a time, counted in blocks that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import comb

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import shortened
from lookalike.evaluate.views import Views, Which
from lookalike.kernels.native import kernel

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]
Names = tuple[str, ...]

MAX_SETS = {2: 2_000, 3: 500}  # beyond 64 columns all pairs are a sample
TRIPLE_ROWS = 100_000  # rows that triples are counted on: their cells are coarse, more rows change little
_BLOCK = 1 << 13


def sets(views: Views, k: int) -> tuple[list[Names], int]:
    """The column sets that are counted, and how many there are in all; a seeded sample of them when there are too many."""
    names = [c.name for c in views.compared]
    total = comb(len(names), k)
    if total <= MAX_SETS[k]:
        return list(combinations(names, k)), total
    draw = views.random("sets", k)
    chosen: dict[tuple[int, ...], None] = {}
    while len(chosen) < MAX_SETS[k]:
        chosen[tuple(sorted(draw.choice(len(names), k, replace=False).tolist()))] = None
    return [tuple(names[i] for i in key) for key in sorted(chosen)], total


def counts(views: Views, which: Which, k: int) -> list[Counts]:
    """Counts of every set's cells, shaped by the columns' widths, in the order of `sets`."""
    return views.once(("joint", which, k), lambda: _count(views, which, sets(views, k)[0], coarse=k > 2))


def _count(views: Views, which: Which, chosen: Sequence[Names], *, coarse: bool) -> list[Counts]:
    names = list(dict.fromkeys(name for group in chosen for name in group))
    width = {name: views.width(name, coarse=coarse) for name in names}
    cells = [views.bins(name, which, coarse=coarse) for name in names]
    if coarse and views.rows(which) > TRIPLE_ROWS:
        keep = np.sort(views.random("triples", which).permutation(views.rows(which))[:TRIPLE_ROWS])
        cells = [own[keep] for own in cells]
    place = {name: i for i, name in enumerate(names)}
    groups = np.array([[place[name] for name in group] for group in chosen], dtype=np.int64)
    sizes = np.array([[width[name] for name in group] for group in chosen], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))])
    out = np.zeros(int(starts[-1]), dtype=np.int64)
    _add(np.stack(cells), groups, sizes, starts, out)
    parts = np.split(out, starts[1:-1])
    return [part.reshape(shape) for part, shape in zip(parts, sizes.tolist(), strict=True)]


@kernel("u1:2 i8:2 i8:2 i8:1 i8:1")
def _add(cells: npt.NDArray[np.uint8], groups: Counts, sizes: Counts, starts: Counts, out: Counts) -> None:
    """Count the cells of all groups of two or three columns, a block of rows at a time."""
    for first in range(0, cells.shape[1], _BLOCK):
        last = min(first + _BLOCK, cells.shape[1])
        for g in range(groups.shape[0]):
            start, b = starts[g], cells[groups[g, 1]]
            a, second = cells[groups[g, 0]], sizes[g, 1]
            if groups.shape[1] == 2:
                for i in range(first, last):
                    out[start + a[i] * second + b[i]] += 1
            else:
                c, third = cells[groups[g, 2]], sizes[g, 2]
                for i in range(first, last):
                    out[start + (a[i] * second + b[i]) * third + c[i]] += 1


def shares(table: Counts) -> Shares:
    """Counts as shares of all rows."""
    return np.asarray(table / max(1, int(table.sum())), dtype=np.float64)


def independent(table: Counts) -> Shares:
    """What the table would be if its columns had nothing to do with each other: the product of its margins."""
    p = shares(table)
    out = np.ones_like(p)
    for axis in range(p.ndim):
        others = tuple(i for i in range(p.ndim) if i != axis)
        out *= p.sum(axis=others, keepdims=True)
    return out


def similarity(a: Counts, b: Counts) -> float:
    """1 - total variation of two tables of counts."""
    return max(0.0, float(1 - np.abs(shares(a) - shares(b)).sum() / 2))


def _figure(edge: float) -> str:
    """A bin's edge, short."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(edge) >= max(factor, 1e4):
            return f"{edge / factor:.3g}{letter}"
    return f"{edge:.4g}"


def labels(views: Views, name: str, *, coarse: bool = True, rare: int = 5) -> list[str]:
    """What the bins of a column are called; real levels with fewer than `rare` rows keep no name."""
    column = views[name]
    if not column.numeric:
        keep = views.width(name, coarse=coarse) - 3
        count = np.bincount(views.codes(name, "real"), minlength=keep + 1)
        kept = [shortened(level, 40) if count[i + 1] >= rare else "(rare)" for i, level in enumerate(views.levels(name)[:keep])]
        return ["(null)", *kept, "(other)", "(not in real)"]
    if column.form == "time":
        cuts = [str(np.datetime64(int(e), "s"))[:10] for e in views.edges(name, coarse=coarse)]
    else:
        cuts = [_figure(float(e)) for e in views.edges(name, coarse=coarse)]
    inner = [f"< {cuts[0]}", *[f"{a} to {b}" for a, b in pairwise(cuts)], f">= {cuts[-1]}"] if cuts else ["(one value)"]
    return ["(null)", *inner, "(out of range)"]
