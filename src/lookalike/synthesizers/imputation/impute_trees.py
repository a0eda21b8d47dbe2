"""Boosted trees for filling in: fitted and asked in one pass over shared bin codes.

All columns are cut once into at most `BINS` codes; every column's model reads the same matrix. No tree is kept: each one moves the
scores of the training rows and of the wanted rows, and is forgotten. A category with many levels costs little more than a number,
because splits are chosen on a few random projections of its gradient.

Source:
    Friedman 2002, "Stochastic gradient boosting"; Iosipoi and Vakhrushev 2022, "SketchBoost"; Fisher 1958 for ordered categories.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import numba as nb
import numpy as np
import numpy.typing as npt

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


@nb.njit(cache=True, nogil=True)
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
    n, d = rows.shape
    k = target.shape[1]
    s = 1 if k == 1 else min(k, SKETCH)
    np.random.seed(seed)  # noqa: NPY002  # numba's own generator
    grad, hess, sketch = np.zeros((n, k)), np.ones((n, k)), np.zeros((n, s))
    hist = np.zeros((DEPTH + 3, d, BINS, s + 1))
    tops = np.zeros(d, np.int64)  # codes of each column: most have far fewer than BINS
    for j in range(d):
        tops[j] = max(rows[:, j].max(), wanted[:, j].max() if len(wanted) else 0) + 1
    size = 2 ** (DEPTH + 1)
    feature, cut = np.full(size, -1), np.zeros(size, np.int64)
    child, value = np.zeros(size, np.int64), np.zeros((size, k))
    index, spare = np.empty(n, np.int64), np.empty(n, np.int64)
    for _ in range(trees):
        count = 0
        for i in range(n):
            if np.random.random() < share:  # noqa: NPY002  # likewise
                index[count] = i
                count += 1
        used = np.empty(d, np.int64)
        some = 0
        for j in range(d):
            if np.random.random() < columns:  # noqa: NPY002  # likewise
                used[some] = j
                some += 1
        if some == 0 or count < 2 * least:
            continue
        _gradients(index[:count], target, scores, grad, hess, sketch)
        nodes = _grow(rows, index[:count], spare, sketch, used[:some], tops, hist, feature, cut, child, least)
        _leaf_values(rows, index[:count], grad, hess, feature, cut, child, value[:nodes], rate)
        _move(rows, scores, feature, cut, child, value)
        _move(wanted, asked, feature, cut, child, value)


@nb.njit(cache=True, nogil=True)
def _gradients(
    index: Places, target: Floats, scores: Floats, grad: Floats, hess: Floats, sketch: Floats
) -> None:  # fmt: skip
    """What each row's scores lack, and projections of it."""
    k, s = target.shape[1], sketch.shape[1]
    if k == 1:
        for i in index:
            grad[i, 0] = target[i, 0] - scores[i, 0]
            sketch[i, 0] = grad[i, 0]
        return
    signs = np.random.normal(0.0, 1.0, (k, s))  # noqa: NPY002  # numba's own generator
    for i in index:
        top, total = scores[i].max(), 0.0
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


@nb.njit(cache=True, nogil=True)
def _grow(  # see `boost`
    rows: Bytes, index: Places, spare: Places, sketch: Floats, used: Places, tops: Places, hist: Floats, feature: Places,
    cut: Places, child: Places, least: int,
) -> int:  # fmt: skip
    """A tree into `feature` (-1 for a leaf), `cut` (codes up to it go left) and `child` (left; right is the next); its nodes."""
    free, freed = np.arange(hist.shape[0]), hist.shape[0]
    stack = np.empty((2 * DEPTH + 4, 5), np.int64)  # node, first and last row, depth, histogram
    freed -= 1
    _fill(hist[free[freed]], rows, index, sketch, used, tops)
    stack[0] = (0, 0, len(index), 0, free[freed])
    high, nodes = 1, 1
    feature[0] = -1
    while high:
        high -= 1
        node, first, last, depth, slot = stack[high]
        best, where = _best_split(hist[slot], used, tops, last - first, least) if depth < DEPTH else (-1, 0)
        if best < 0:
            free[freed] = slot
            freed += 1
            continue
        middle, rest = first, 0
        for at in range(first, last):
            i = index[at]
            if rows[i, best] <= where:
                index[middle] = i
                middle += 1
            else:
                spare[rest] = i
                rest += 1
        index[middle:last] = spare[:rest]
        feature[node], cut[node], child[node] = best, where, nodes
        feature[nodes] = feature[nodes + 1] = -1
        freed -= 1
        other = free[freed]
        left_small = middle - first <= last - middle
        small = index[first:middle] if left_small else index[middle:last]
        _fill(hist[other], rows, small, sketch, used, tops)
        for j in used:
            hist[slot, j, : tops[j]] -= hist[other, j, : tops[j]]
        stack[high] = (nodes, first, middle, depth + 1, other if left_small else slot)
        stack[high + 1] = (nodes + 1, middle, last, depth + 1, slot if left_small else other)
        high, nodes = high + 2, nodes + 2
    return nodes


@nb.njit(cache=True, nogil=True)
def _fill(hist: Floats, rows: Bytes, index: Places, sketch: Floats, used: Places, tops: Places) -> None:
    """Counts and sums of the sketch in each bin of the used columns."""
    s = sketch.shape[1]
    for j in used:
        hist[j, : tops[j]] = 0.0
    for i in index:
        for j in used:
            cell = hist[j, rows[i, j]]
            cell[s] += 1.0
            for e in range(s):
                cell[e] += sketch[i, e]


@nb.njit(cache=True, nogil=True)
def _best_split(hist: Floats, used: Places, tops: Places, count: int, least: int) -> tuple[int, int]:  # noqa: C901  # one scan, inlined for speed
    """Column and last left code of the greatest gain; -1 where no split leaves enough rows on both sides."""
    s = hist.shape[2] - 1
    left, total = np.zeros(s), np.zeros(s)
    best, where, most = -1, 0, 1e-9
    for b in range(tops[used[0]]):
        for e in range(s):
            total[e] += hist[used[0], b, e]
    base = 0.0
    for e in range(s):
        base += total[e] ** 2 / count
    for j in used:
        left[:] = 0.0
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


@nb.njit(cache=True, nogil=True)
def _leaf(row: Bytes, feature: Places, cut: Places, child: Places) -> int:
    node = 0
    while feature[node] >= 0:
        node = child[node] + (row[feature[node]] > cut[node])
    return node


@nb.njit(cache=True, nogil=True)
def _leaf_values(
    rows: Bytes, index: Places, grad: Floats, hess: Floats, feature: Places, cut: Places, child: Places, value: Floats,
    rate: float,
) -> None:  # fmt: skip
    """One Newton step of each leaf, shrunk a little towards none."""
    k = grad.shape[1]
    weight = np.full((len(value), k), 1.0)
    value[:] = 0.0
    for i in index:
        node = _leaf(rows[i], feature, cut, child)
        for c in range(k):
            value[node, c] += grad[i, c]
            weight[node, c] += hess[i, c]
    for node in range(len(value)):
        for c in range(k):
            value[node, c] *= rate / weight[node, c]


@nb.njit(cache=True, nogil=True)
def _move(rows: Bytes, scores: Floats, feature: Places, cut: Places, child: Places, value: Floats) -> None:
    for i in range(len(rows)):
        node = _leaf(rows[i], feature, cut, child)
        for c in range(scores.shape[1]):
            scores[i, c] += value[node, c]
