"""Compiled loops that grow one tree on the sketch of one column.

Most of the time goes into histograms: for each feature of a node, how many rows a bin holds and the sum of their sketches. Rows and
sketches of a node therefore lie side by side, large nodes spread their sums over four copies (neighbours in one bin would wait for each
other), and the largest look at some of their rows first.
"""

# ruff: noqa: N803, N806  # X, Y, H, C are matrices; a kernel takes its buffers
# pyright: reportArgumentType=false, reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.native import kernel, part
from lookalike.synthesizers.forest.kernels import LEAF, WIDTH

Array = npt.NDArray[Any]
SAMPLE = 4096  # rows that a node of more than twice as many looks at first
LARGE = 2000  # rows from which four copies of a histogram are quicker than one
COPIES = 4


@kernel("u1:2 i8 i8 f8 i8:1 i4:2 i4:1 i4:1 f4:2 f4:2 f4:3 i4:2 i8:1")
def _grow(
    X: Array, min_leaf: int, max_depth: int, alpha: float,
    nodes: Array, spans: Array, rows: Array, aside: Array, Y: Array, Y_aside: Array, H: Array, C: Array, count: Array,
) -> None:  # fmt: skip
    lo, hi, depth, stack = spans[0], spans[1], spans[2], spans[3]
    cap = len(nodes)
    hi[0] = len(rows)
    used, top = 1, 1
    stack[0] = 0
    while top > 0:
        top -= 1
        k = stack[top]
        a, b = lo[k], hi[k]
        if b - a < 2 * min_leaf or depth[k] >= max_depth or used + 2 > cap:
            continue
        feature, cut = -1, 0
        if b - a > 2 * SAMPLE:  # the strongest split of a large node shows on some of its rows
            every(rows, Y, a, b, aside, Y_aside)
            feature, cut = best_split(X, aside, Y_aside, 0, SAMPLE, H, C, min_leaf, alpha)
        if feature < 0:
            feature, cut = best_split(X, rows, Y, a, b, H, C, min_leaf, alpha)
        if feature < 0:
            continue
        at = partition(X[feature], cut, a, b, rows, Y, aside, Y_aside)
        nodes[k] = feature | (cut << 16) | (used << 32)
        lo[used], hi[used], lo[used + 1], hi[used + 1] = a, at, at, b
        depth[used] = depth[used + 1] = depth[k] + 1
        stack[top], stack[top + 1] = used, used + 1
        top += 2
        used += 2
    count[0] = used


def grow(X: Array, sketches: Array, min_leaf: int, max_depth: int, alpha: float) -> tuple[Array, Array, Array, Array]:
    """A tree on the sketch of one column.

    A split counts when it explains more than `alpha` times the mean squared distance of one row from the node's mean: for a split
    by chance that ratio is about one.

    Args:
        X: uint8 [f, n], bins of the features.
        sketches: float32 [n, WIDTH], of the target.
        min_leaf: rows in a leaf, at least.
        max_depth: splits above a leaf, at most.
        alpha: see above.

    Returns:
        Nodes int64 [m], first and end of each node's rows int32 [m], and the rows in that order int32 [n].
    """
    n = X.shape[1]
    cap = 4 * (n // max(min_leaf, 1)) + 64
    nodes, spans, count = np.full(cap, LEAF, np.int64), np.zeros((4, cap), np.int32), np.zeros(1, np.int64)
    rows, aside, Y = np.arange(n, dtype=np.int32), np.empty(n, np.int32), sketches.copy()
    H, C = np.zeros((COPIES, 256, WIDTH), np.float32), np.zeros((COPIES, 256), np.int32)
    _grow(X, min_leaf, max_depth, alpha, nodes, spans, rows, aside, Y, np.empty_like(Y), H, C, count)
    used = int(count[0])
    return nodes[:used].copy(), spans[0, :used].copy(), spans[1, :used].copy(), rows


def cold() -> bool:
    """Whether machine code must be made before the first tree grows, and then for all that follows."""
    return not _grow.kept()


@part(fastmath=True)
def every(rows: Array, Y: Array, a: int, b: int, some: Array, Y_some: Array) -> None:
    """`SAMPLE` rows of a node, evenly, with their sketches."""
    for i in range(SAMPLE):
        q = a + i * (b - a) // SAMPLE
        some[i] = rows[q]
        Y_some[i, 0], Y_some[i, 1], Y_some[i, 2], Y_some[i, 3] = Y[q, 0], Y[q, 1], Y[q, 2], Y[q, 3]


@part(fastmath=True)
def best_split(
    X: Array, rows: Array, Y: Array, a: int, b: int, H: Array, C: Array, min_leaf: int, alpha: float
) -> tuple[int, int]:
    """The feature and highest left bin of the best significant split of rows[a:b], whose sketches are Y[a:b]; -1: none."""
    c = b - a
    t0, t1, t2, t3, squares = totals(Y, a, b)
    base = (t0 * t0 + t1 * t1 + t2 * t2 + t3 * t3) / c
    spread = squares - base
    feature, cut = -1, 0
    if spread < 1e-5 * c:
        return feature, cut
    best = base + alpha * spread / c
    for f in range(X.shape[0]):
        if c > LARGE:
            low, high = histogram_of_many(X[f], rows, Y, a, b, H, C)
        else:
            low, high = histogram(X[f], rows, Y, a, b, H[0], C[0])
        if low == high:
            continue
        gain, v = best_cut(H[0], C[0], low, high, (t0, t1, t2, t3), c, min_leaf, best)
        if v >= 0:
            best, feature, cut = gain, f, v
    return feature, cut


@part(fastmath=True)
def totals(Y: Array, a: int, b: int) -> tuple[float, float, float, float, float]:
    """Sums of sketches and of their squares."""
    t0, t1, t2, t3, squares = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(a, b):
        y0, y1, y2, y3 = Y[i, 0], Y[i, 1], Y[i, 2], Y[i, 3]
        t0 += y0
        t1 += y1
        t2 += y2
        t3 += y3
        squares += y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3
    return t0, t1, t2, t3, squares


@part(fastmath=True)
def histogram(x: Array, rows: Array, Y: Array, a: int, b: int, H: Array, C: Array) -> tuple[int, int]:
    """Sums of sketches and rows of each bin, written to H and C; the lowest and the highest bin."""
    low, high = 255, 0
    for i in range(a, b):
        v = x[rows[i]]
        low, high = min(low, v), max(high, v)
    if low == high:
        return low, high
    for v in range(low, high + 1):
        C[v] = 0
        H[v, 0], H[v, 1], H[v, 2], H[v, 3] = 0, 0, 0, 0
    for i in range(a, b):
        add(H, C, x[rows[i]], Y, i)
    return low, high


@part(fastmath=True)
def histogram_of_many(x: Array, rows: Array, Y: Array, a: int, b: int, H: Array, C: Array) -> tuple[int, int]:
    """The same for many rows, which take turns at `COPIES` histograms; the first holds the sum."""
    H[:] = 0
    C[:] = 0
    whole = a + (b - a) // COPIES * COPIES
    for i in range(a, whole, COPIES):
        for q in range(COPIES):
            add(H[q], C[q], x[rows[i + q]], Y, i + q)
    for i in range(whole, b):
        add(H[0], C[0], x[rows[i]], Y, i)
    low, high = 255, 0
    for v in range(256):
        C[0, v] += C[1, v] + C[2, v] + C[3, v]
        if C[0, v] > 0:
            low, high = min(low, v), max(high, v)
        for d in range(WIDTH):
            H[0, v, d] += H[1, v, d] + H[2, v, d] + H[3, v, d]
    return low, high


@part(fastmath=True)
def add(H: Array, C: Array, v: int, Y: Array, i: int) -> None:
    """One row more in a bin; all is read before anything is written, so that the four sums are one instruction."""
    y0, y1, y2, y3 = Y[i, 0], Y[i, 1], Y[i, 2], Y[i, 3]
    h0, h1, h2, h3 = H[v, 0], H[v, 1], H[v, 2], H[v, 3]
    C[v] += 1
    H[v, 0], H[v, 1], H[v, 2], H[v, 3] = h0 + y0, h1 + y1, h2 + y2, h3 + y3


@part(fastmath=True)
def best_cut(
    H: Array, C: Array, low: int, high: int, totals_: tuple[float, float, float, float], c: int, min_leaf: int, best: float
) -> tuple[float, int]:
    """The gain and the bin of the best split of one feature that gains more than `best`; bin -1: none."""
    t0, t1, t2, t3 = totals_
    l0, l1, l2, l3, left, cut = 0.0, 0.0, 0.0, 0.0, 0, -1
    for v in range(low, high):
        if C[v] == 0:
            continue
        left += C[v]
        l0 += H[v, 0]
        l1 += H[v, 1]
        l2 += H[v, 2]
        l3 += H[v, 3]
        if left < min_leaf:
            continue
        if c - left < min_leaf:
            break
        r0, r1, r2, r3 = t0 - l0, t1 - l1, t2 - l2, t3 - l3
        gain = (l0 * l0 + l1 * l1 + l2 * l2 + l3 * l3) / left + (r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3) / (c - left)
        if gain > best:
            best, cut = gain, v
    return best, cut


@part(fastmath=True)
def partition(x: Array, cut: int, a: int, b: int, rows: Array, Y: Array, aside: Array, Y_aside: Array) -> int:
    """Rows up to the cut first, in place and in order, with their sketches; where the others begin."""
    at, others = a, 0
    for i in range(a, b):  # both places are written and one counter moves: no branch to guess
        r, goes_left = rows[i], x[rows[i]] <= cut
        y0, y1, y2, y3 = Y[i, 0], Y[i, 1], Y[i, 2], Y[i, 3]
        rows[at], aside[others] = r, r
        Y[at, 0], Y[at, 1], Y[at, 2], Y[at, 3] = y0, y1, y2, y3
        Y_aside[others, 0], Y_aside[others, 1], Y_aside[others, 2], Y_aside[others, 3] = y0, y1, y2, y3
        at += goes_left
        others += not goes_left
    for i in range(others):
        rows[at + i] = aside[i]
        for d in range(WIDTH):
            Y[at + i, d] = Y_aside[i, d]
    return at
