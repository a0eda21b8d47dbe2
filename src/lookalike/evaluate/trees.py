"""Boosted trees on columns cut into at most 127 bins: what judges train, without a library that takes four seconds to import.

Trees grow leaf by leaf, the greatest gain first (Friedman 2001; Ke et al. 2017, "LightGBM"). Nothing is drawn at random: the same
rows give the same trees.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from lookalike.evaluate.boosting import Features, Vector

Codes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
Nodes = npt.NDArray[np.int32]  # [nodes, 3]: column or -1 at a leaf, last code that goes left, left child (right is next)
Tree = tuple[Nodes, Vector]  # and what each leaf adds [nodes]

BINS = 128  # code 0 is null
LEAVES = 31
LEAST = 10  # rows of a leaf


def edges(x: Features) -> list[Features]:
    """Inner edges of each column's bins: between few distinct values, or else quantiles."""
    out = []
    for column in x.T:
        known = column[~np.isnan(column)]
        distinct = np.unique(known)
        if distinct.size < BINS:
            out.append((distinct[1:] / 2 + distinct[:-1] / 2).astype(np.float32))
        else:
            out.append(np.unique(np.quantile(known, np.linspace(0, 1, BINS)[1:-1], method="lower").astype(np.float32)))
    return out


def cut(x: Features, bounds: list[Features]) -> Codes:
    """Codes [n, d]: 0 null, 1.. the bins."""
    out = np.empty(x.shape, dtype=np.uint8)
    for j, inner in enumerate(bounds):
        out[:, j] = np.where(np.isnan(x[:, j]), 0, np.searchsorted(inner, x[:, j]) + 1)
    return out


@njit(cache=True, nogil=True)
def grow(codes: Codes, gradient: Vector, hessian: Vector, rate: float, scores: Vector) -> Tree:
    """One tree that follows the gradient; moves the training rows' scores by it.

    Args:
        codes: of the training rows [n, d].
        gradient: what each score lacks [n].
        hessian: how fast that falls [n].
        rate: share of a leaf's Newton step that is taken.
        scores: of the training rows [n], moved in place.
    """
    n, d = codes.shape
    tree, adds = np.full((2 * LEAVES, 3), -1, np.int32), np.zeros(2 * LEAVES)
    first, last = np.zeros(2 * LEAVES, np.int64), np.zeros(2 * LEAVES, np.int64)
    split = np.zeros((2 * LEAVES, 2), np.int64)
    gain = np.full(2 * LEAVES, -1.0)
    held = np.zeros(2 * LEAVES, np.int64)
    sums = np.empty((LEAVES + 1, d, BINS, 2))
    index, spare = np.arange(n), np.empty(n, np.int64)
    last[0] = n
    _sum(sums[0], codes, gradient, index)
    gain[0] = _best(sums[0], n, split[0])
    nodes, used = 1, 1
    while used < LEAVES:
        node = 0
        for other in range(nodes):
            if gain[other] > gain[node]:
                node = other
        if gain[node] <= 0:
            break
        middle = _part(codes, index, spare, first[node], last[node], split[node])
        left, right = nodes, nodes + 1
        tree[node, 0], tree[node, 1], tree[node, 2] = split[node, 0], split[node, 1], left
        first[left], last[left], first[right], last[right] = first[node], middle, middle, last[node]
        gain[node] = -1.0
        nodes += 2
        small, large = (left, right) if middle - first[node] <= last[node] - middle else (right, left)
        held[small], held[large] = used, held[node]
        _sum(sums[used], codes, gradient, index[first[small] : last[small]])
        _take(sums[held[large]], sums[used])
        used += 1
        for child in (left, right):
            gain[child] = _best(sums[held[child]], last[child] - first[child], split[child])
    for node in range(nodes):
        if tree[node, 0] < 0:
            adds[node] = _step(gradient, hessian, rate, scores, index[first[node] : last[node]])
    return tree[:nodes].copy(), adds[:nodes].copy()


@njit(cache=True, nogil=True)
def _sum(sums: Vector, codes: Codes, gradient: Vector, index: Rows) -> None:
    """The gradient and the count of each bin."""
    sums[:] = 0.0
    for i in index:
        own = gradient[i]
        for j in range(codes.shape[1]):
            cell = sums[j, codes[i, j]]
            cell[0] += own
            cell[1] += 1.0


@njit(cache=True, nogil=True)
def _take(sums: Vector, part: Vector) -> None:
    """What is left without a part; loops, which compile in a fraction of the time of array expressions."""
    for j in range(sums.shape[0]):
        for b in range(BINS):
            sums[j, b, 0] -= part[j, b, 0]
            sums[j, b, 1] -= part[j, b, 1]


@njit(cache=True, nogil=True)
def _best(sums: Vector, count: int, split: Rows) -> float:
    """Gain of the best split, which is written down; -1 when none leaves enough rows on both sides."""
    total = 0.0
    for b in range(BINS):
        total += sums[0, b, 0]
    base = total * total / count
    most = 1e-9
    found = -1.0
    for j in range(sums.shape[0]):
        left, seen = 0.0, 0.0
        for b in range(BINS - 1):
            if sums[j, b, 1] < 0.5:
                continue
            left += sums[j, b, 0]
            seen += sums[j, b, 1]
            if seen < LEAST:
                continue
            if count - seen < LEAST:
                break
            gain = left * left / seen + (total - left) ** 2 / (count - seen) - base
            if gain > most:
                most = found = gain
                split[0], split[1] = j, b
    return found


@njit(cache=True, nogil=True)
def _part(codes: Codes, index: Rows, spare: Rows, first: int, last: int, split: Rows) -> int:
    """Rows that go left before those that go right, both in order; where the right begins."""
    middle, rest = first, 0
    for at in range(first, last):
        i = index[at]
        if codes[i, split[0]] <= split[1]:
            index[middle] = i
            middle += 1
        else:
            spare[rest] = i
            rest += 1
    for at in range(rest):
        index[middle + at] = spare[at]
    return middle


@njit(cache=True, nogil=True)
def _step(gradient: Vector, hessian: Vector, rate: float, scores: Vector, rows: Rows) -> float:
    """A Newton step of the rows of a leaf."""
    up, down = 0.0, 1e-6
    for i in rows:
        up += gradient[i]
        down += hessian[i]
    step = float(rate * up / down)
    for i in rows:
        scores[i] += step
    return step


@njit(cache=True, nogil=True)
def ask(tree: Nodes, adds: Vector, codes: Codes, scores: Vector) -> None:
    """Move the scores of rows by a tree, in place."""
    for i in range(codes.shape[0]):
        node = 0
        while tree[node, 0] >= 0:
            node = tree[node, 2] + (codes[i, tree[node, 0]] > tree[node, 1])
        scores[i] += adds[node]
