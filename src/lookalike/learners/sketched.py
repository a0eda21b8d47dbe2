"""Boosted trees of many outputs at once: fitted and asked in one pass over shared bin codes.

All columns are cut once into at most `BINS` codes; every column's model reads the same matrix. No tree is kept: each one moves the
scores of the training rows and of the wanted rows, and is forgotten. A category with many levels costs little more than a number,
because splits are chosen on a few random projections of its gradient.

Source:
    Friedman 2002, "Stochastic gradient boosting"; Iosipoi and Vakhrushev 2022, "SketchBoost"; Fisher 1958 for ordered categories.
"""

# ruff: noqa: C901, PLR0912  # compiled scans
from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import unit
from lookalike.kernels.native import kernel, part

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
BINS = 254  # codes at most, the missing one among them
DEPTH = 6
SKETCH = 3  # projections of a category's gradient


def bin_edges(values: Floats, draws: np.random.Generator, most: int = BINS) -> Floats:
    """Upper edges of at most `most - 1` bins of about equal counts; code 0 is left for missing values."""
    there = values[~np.isnan(values)]
    if len(there) > 10_000:
        there = draws.choice(there, 10_000, replace=False)
    points = np.unique(there)
    if len(points) <= most - 1:
        return np.asarray((points[:-1] + points[1:]) / 2)
    return np.asarray(np.unique(np.quantile(there, np.linspace(0, 1, most)[1:-1])))


def bin_codes(values: Floats, edges: Floats) -> Bytes:
    """The bin of each value, 1 for the least; 0 where it is missing."""
    return np.asarray(np.where(np.isnan(values), 0, np.searchsorted(edges, values) + 1), np.uint8)


def boost(
    rows: Bytes, target: Floats, wanted: Bytes, scores: Floats, asked: Floats, trees: int, rate: float,
    share: float, columns: float, least: int, seed: int,
) -> None:  # fmt: skip
    """Boost the scores of both sets of rows, in place.

    Args:
        rows: bin codes of the training rows [n, d].
        target: a number [n, 1], or indicators of classes [n, k].
        wanted: bin codes of the rows to be filled [m, d].
        scores: of the training rows [n, k]: the prediction of a number, or log chances; begins as given.
        asked: of the wanted rows [m, k], likewise.
        trees: rounds.
        rate: share of a leaf's step that is taken.
        share: chance that a row takes part in a tree.
        columns: chance that a column does.
        least: rows of a leaf at least.
        seed: of the choices.
    """
    (n, d), k = rows.shape, target.shape[1]
    s = min(k, SKETCH)
    signs = np.random.default_rng(seed).standard_normal((trees, k, s))
    tops = np.maximum(rows.max(axis=0, initial=0), wanted.max(axis=0, initial=0)).astype(np.int64) + 1
    size = 2 ** (DEPTH + 1)
    gradient, hist, value = np.ones((2, n, k)), np.empty((DEPTH + 3, d, BINS, s + 1)), np.empty((2, size, k))
    index, tree, used = np.empty((2, n), np.int64), np.full((3, size), -1), np.empty(d, np.int64)
    sketch, stack, sums = np.empty((n, s)), np.empty((2 * DEPTH + 4, 5), np.int64), np.empty((2, s))
    _boost(
        rows, target, wanted, scores, asked, rate, share, columns, least, seed, signs, tops, gradient, sketch, hist, tree, value,
        index, used, np.empty(len(hist), np.int64), stack, sums,
    )  # fmt: skip


@kernel("u1:2 f8:2 u1:2 f8:2 f8:2 f8 f8 f8 i8 i8 f8:3 i8:1 f8:3 f8:2 f8:4 i8:2 f8:3 i8:2 i8:1 i8:1 i8:2 f8:2")
def _boost(
    rows: Bytes, target: Floats, wanted: Bytes, scores: Floats, asked: Floats, rate: float, share: float, columns: float, least: int,
    seed: int, signs: Floats, tops: Places, gradient: Floats, sketch: Floats, hist: Floats, tree: Places, value: Floats,
    index: Places, used: Places, free: Places, stack: Places, sums: Floats,
) -> None:  # fmt: skip
    """See `boost`; the other arguments are its room. A tree is feature, cut and left child of each node."""
    n, d = rows.shape
    for t in range(len(signs)):
        count = some = 0
        for i in range(n):
            if unit(seed, t * n + i) < share:
                index[0, count] = i
                count += 1
        for j in range(d):
            if unit(seed + 1, t * d + j) < columns:
                used[some] = j
                some += 1
        if some == 0 or count < 2 * least:
            continue
        _gradients(index[0, :count], target, scores, gradient[0], gradient[1], sketch, signs[t])
        nodes = _grow(rows, index, count, sketch, used[:some], tops, hist, tree, free, stack, sums, least)
        _leaf_values(rows, index[0, :count], gradient, tree, value, nodes, rate)
        _move(rows, scores, tree, value[0])
        _move(wanted, asked, tree, value[0])


@part()
def _gradients(
    index: Places, target: Floats, scores: Floats, grad: Floats, hess: Floats, sketch: Floats, signs: Floats
) -> None:
    """What each row's scores lack, and projections of it."""
    k, s = target.shape[1], sketch.shape[1]
    if k == 1:
        for i in index:
            grad[i, 0] = target[i, 0] - scores[i, 0]
            sketch[i, 0] = grad[i, 0]
        return
    for i in index:
        top, total = scores[i, 0], 0.0
        for c in range(1, k):
            top = max(top, scores[i, c])
        for c in range(k):
            grad[i, c] = np.exp(scores[i, c] - top)
            total += grad[i, c]
        for c in range(k):
            p = grad[i, c] / total
            grad[i, c], hess[i, c] = target[i, c] - p, p * (1 - p)
        for e in range(s):
            sketch[i, e] = grad[i, e] if k <= s else 0.0
        if k > s:
            for c in range(k):
                for e in range(s):
                    sketch[i, e] += grad[i, c] * signs[c, e]


@part()
def _grow(  # see `_boost`
    rows: Bytes, index: Places, count: int, sketch: Floats, used: Places, tops: Places, hist: Floats, tree: Places, free: Places,
    stack: Places, sums: Floats, least: int,
) -> int:  # fmt: skip
    """A tree into `tree`: feature (-1 for a leaf), cut (codes up to it go left) and left child (right is the next); its nodes."""
    freed = len(free) - 1  # histograms that nothing holds
    for slot in range(len(free)):
        free[slot] = slot
    _fill(hist[freed], rows, index[0, :count], sketch, used, tops)
    _put(stack, 0, 0, 0, count, 0, freed)  # node, first and last row, depth, histogram
    high, nodes = 1, 1
    tree[0, 0] = -1
    while high:
        high -= 1
        node, first, last, depth, slot = stack[high, 0], stack[high, 1], stack[high, 2], stack[high, 3], stack[high, 4]
        best, where = _best_split(hist[slot], used, tops, last - first, least, sums) if depth < DEPTH else (-1, 0)
        if best < 0:
            free[freed] = slot
            freed += 1
            continue
        middle, rest = first, 0
        for at in range(first, last):
            i = index[0, at]
            if rows[i, best] <= where:
                index[0, middle] = i
                middle += 1
            else:
                index[1, rest] = i
                rest += 1
        for at in range(rest):
            index[0, middle + at] = index[1, at]
        tree[0, node], tree[1, node], tree[2, node] = best, where, nodes
        tree[0, nodes] = tree[0, nodes + 1] = -1
        freed -= 1
        other = free[freed]
        left_small = middle - first <= last - middle
        small = index[0, first:middle] if left_small else index[0, middle:last]
        _fill(hist[other], rows, small, sketch, used, tops)
        for j in used:
            for b in range(tops[j]):
                for e in range(sketch.shape[1] + 1):
                    hist[slot, j, b, e] -= hist[other, j, b, e]
        _put(stack, high, nodes, first, middle, depth + 1, other if left_small else slot)
        _put(stack, high + 1, nodes + 1, middle, last, depth + 1, slot if left_small else other)
        high, nodes = high + 2, nodes + 2
    return nodes


@part()
def _put(stack: Places, at: int, node: int, first: int, last: int, depth: int, slot: int) -> None:
    stack[at, 0], stack[at, 1], stack[at, 2], stack[at, 3], stack[at, 4] = node, first, last, depth, slot


@part()
def _fill(hist: Floats, rows: Bytes, index: Places, sketch: Floats, used: Places, tops: Places) -> None:
    """Counts and sums of the sketch in each bin of the used columns."""
    s = sketch.shape[1]
    for j in used:
        for b in range(tops[j]):
            for e in range(s + 1):
                hist[j, b, e] = 0.0
    for i in index:
        for j in used:
            cell = hist[j, rows[i, j]]
            cell[s] += 1.0
            for e in range(s):
                cell[e] += sketch[i, e]


@part()
def _best_split(hist: Floats, used: Places, tops: Places, count: int, least: int, sums: Floats) -> tuple[int, int]:
    """Column and last left code of the greatest gain; -1 where no split leaves enough rows on both sides."""
    s = hist.shape[2] - 1
    left, total = sums[0], sums[1]
    for e in range(s):
        total[e] = 0.0
    best, where, most = -1, 0, 1e-9
    for b in range(tops[used[0]]):
        for e in range(s):
            total[e] += hist[used[0], b, e]
    base = 0.0
    for e in range(s):
        base += total[e] ** 2 / count
    for j in used:
        for e in range(s):
            left[e] = 0.0
        seen = 0.0
        for b in range(tops[j] - 1):
            inside = hist[j, b, s]
            if inside < 0.5:
                continue
            seen += inside
            for e in range(s):
                left[e] += hist[j, b, e]
            if seen < least:
                continue
            if count - seen < least:
                break
            gain = -base
            for e in range(s):
                gain += left[e] ** 2 / seen + (total[e] - left[e]) ** 2 / (count - seen)
            if gain > most:
                best, where, most = j, b, gain
    return best, where


@part()
def _leaf(row: Bytes, tree: Places) -> int:
    node = 0
    while tree[0, node] >= 0:
        node = tree[2, node] + (row[tree[0, node]] > tree[1, node])
    return node


@part()
def _leaf_values(rows: Bytes, index: Places, gradient: Floats, tree: Places, value: Floats, nodes: int, rate: float) -> None:
    """One Newton step of each leaf, shrunk a little towards none, into the first half of `value`."""
    k = value.shape[2]
    for node in range(nodes):
        for c in range(k):
            value[0, node, c], value[1, node, c] = 0.0, 1.0
    for i in index:
        node = _leaf(rows[i], tree)
        for c in range(k):
            value[0, node, c] += gradient[0, i, c]
            value[1, node, c] += gradient[1, i, c]
    for node in range(nodes):
        for c in range(k):
            value[0, node, c] *= rate / value[1, node, c]


@part()
def _move(rows: Bytes, scores: Floats, tree: Places, value: Floats) -> None:
    for i in range(len(rows)):
        node = _leaf(rows[i], tree)
        for c in range(scores.shape[1]):
            scores[i, c] += value[node, c]
