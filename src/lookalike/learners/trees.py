"""Boosted trees on columns cut into at most 127 bins: what judges train, without a library that takes four seconds to import.

Trees grow leaf by leaf, the greatest gain first (Friedman 2001; Ke et al. 2017, "LightGBM"). Nothing is drawn at random: the same
rows give the same trees.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lookalike.kernels.native import kernel, part

Features = npt.NDArray[np.float32]  # [n, d]
Vector = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
Sums = npt.NDArray[np.int64]  # [d, BINS] a node: gradient and count of each bin, in one number
Nodes = npt.NDArray[np.int32]  # [NODES, 3]: column or -1 at a leaf, last code that goes left, left child (right is next)

BINS = 128  # code 0 is null
LEAVES = 31
NODES = 2 * LEAVES - 1
LEAST = 10  # rows of a leaf
COUNT = (
    24  # low bits of a packed sum, which count its rows; the gradient is above them, in whole 2**-38 parts of the largest sum
)


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


class Grower:
    """Grows trees on the same rows, one after the other.

    Args:
        codes: of the training rows [n, d].
        rate: share of a leaf's Newton step that is taken.
    """

    def __init__(self, codes: Codes, rate: float) -> None:
        n, d = codes.shape
        self._codes, self._rate = np.ascontiguousarray(codes), rate
        self._widths = codes.max(axis=0, initial=0).astype(np.int64) + 1
        self._sums = np.empty((LEAVES, d, BINS), np.int64)
        self._packed = np.empty(n, np.int64)
        self._rows, self._nodes = np.empty((2, n), np.int64), np.empty((5, NODES), np.int64)
        self._gain = np.empty(NODES)

    def grow(self, gradient: Vector, hessian: Vector, scores: Vector, tree: Nodes, adds: Vector) -> None:
        """One tree that follows the gradient; moves the training rows' scores by it.

        Args:
            gradient: what each score lacks [n].
            hessian: how fast that falls [n].
            scores: of the training rows [n], moved in place.
            tree: the tree is written here.
            adds: what each leaf adds is written here [NODES].
        """
        most = float(np.abs(gradient).max(initial=0.0))
        scale = 2.0**38 / (gradient.size * most) if most > 1e-200 else 0.0
        np.rint(gradient * scale, out=self._packed, casting="unsafe")
        self._packed <<= COUNT
        self._packed += 1
        _grow(
            self._codes, self._widths, self._packed, gradient, hessian, self._rate, scores, tree, adds,
            self._sums, self._rows, self._nodes, self._gain,
        )  # fmt: skip


@part()
def _sum(sums: Sums, codes: Codes, widths: Rows, packed: Rows, rows: Rows) -> None:
    """The gradient and the count of each bin."""
    for j in range(widths.size):
        for b in range(widths[j]):
            sums[j, b] = 0
    for i in rows:
        own = packed[i]
        for j in range(codes.shape[1]):
            sums[j, codes[i, j]] += own


@part()
def _take(sums: Sums, other: Sums, widths: Rows) -> None:
    """What is left without a part."""
    for j in range(widths.size):
        for b in range(widths[j]):
            sums[j, b] -= other[j, b]


@part()
def _best(sums: Sums, widths: Rows, count: int, nodes: Rows, node: int) -> float:
    """Gain of the best split, whose column and code are written down; -1 when none leaves enough rows on both sides."""
    total = 0.0
    for b in range(widths[0]):
        total += sums[0, b] >> COUNT
    base = total * total / count
    most = base * (1 + 1e-12) + 1e-9
    found = -1.0
    for j in range(widths.size):
        left, seen = 0.0, 0
        for b in range(widths[j] - 1):
            cell = sums[j, b]
            if cell == 0:
                continue
            left += cell >> COUNT
            seen += cell & ((1 << COUNT) - 1)
            if seen < LEAST:
                continue
            if count - seen < LEAST:
                break
            gain = left * left / seen + (total - left) * (total - left) / (count - seen)
            if gain > most:
                most = gain
                found = gain - base
                nodes[3, node], nodes[4, node] = j, b
    return found


@part()
def _part(codes: Codes, rows: Rows, first: int, last: int, column: int, code: int) -> int:
    """Rows that go left before those that go right, both in order; where the right begins."""
    middle, rest = first, 0
    for at in range(first, last):
        i = rows[0, at]
        if codes[i, column] <= code:
            rows[0, middle] = i
            middle += 1
        else:
            rows[1, rest] = i
            rest += 1
    for at in range(rest):
        rows[0, middle + at] = rows[1, at]
    return middle


@part()
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


@kernel("u1:2 i8:1 i8:1 f8:1 f8:1 f8 f8:1 i4:2 f8:1 i8:3 i8:2 i8:2 f8:1")
def _grow(
    codes: Codes, widths: Rows, packed: Rows, gradient: Vector, hessian: Vector, rate: float, scores: Vector, tree: Nodes, adds: Vector,
    sums: Sums, rows: Rows, nodes: Rows, gain: Vector,
) -> None:  # fmt: skip
    """See `Grower.grow`; rows are in order and spare, nodes are first row, row after the last, sums held, split column, code."""
    n = gradient.size
    for node in range(NODES):
        tree[node, 0], adds[node], gain[node] = -1, 0.0, -1.0
    for i in range(n):
        rows[0, i] = i
    nodes[0, 0], nodes[1, 0], nodes[2, 0] = 0, n, 0
    _sum(sums[0], codes, widths, packed, rows[0])
    gain[0] = _best(sums[0], widths, n, nodes, 0)
    count, used = 1, 1
    while used < LEAVES:
        node = 0
        for other in range(count):
            if gain[other] > gain[node]:
                node = other
        if gain[node] <= 0:
            break
        first, last = nodes[0, node], nodes[1, node]
        middle = _part(codes, rows, first, last, nodes[3, node], nodes[4, node])
        left, right = count, count + 1
        tree[node, 0], tree[node, 1], tree[node, 2] = nodes[3, node], nodes[4, node], left
        nodes[0, left], nodes[1, left], nodes[0, right], nodes[1, right] = first, middle, middle, last
        gain[node] = -1.0
        count += 2
        small, large = (left, right) if middle - first <= last - middle else (right, left)
        nodes[2, small], nodes[2, large] = used, nodes[2, node]
        _sum(sums[used], codes, widths, packed, rows[0, nodes[0, small] : nodes[1, small]])
        _take(sums[nodes[2, large]], sums[used], widths)
        used += 1
        for child in range(left, right + 1):
            gain[child] = _best(sums[nodes[2, child]], widths, nodes[1, child] - nodes[0, child], nodes, child)
    for node in range(count):
        if tree[node, 0] < 0:
            adds[node] = _step(gradient, hessian, rate, scores, rows[0, nodes[0, node] : nodes[1, node]])


@kernel("i4:3 f8:2 u1:2 f8:1")
def ask(trees: Nodes, adds: Vector, codes: Codes, scores: Vector) -> None:
    """Move the scores of rows by trees [t, NODES, 3] with leaves [t, NODES], in place."""
    for i in range(codes.shape[0]):
        for t in range(trees.shape[0]):
            node = 0
            while trees[t, node, 0] >= 0:
                node = trees[t, node, 2] + (codes[i, trees[t, node, 0]] > trees[t, node, 1])
            scores[i] += adds[t, node]
