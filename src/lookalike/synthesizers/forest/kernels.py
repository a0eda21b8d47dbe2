"""Compiled loops of the forest: growing trees, walking them, drawing from leaves, likelihoods.

A node is one int64: the feature (16 bits, `LEAF` in a leaf), the highest bin that goes left (8 bits), the left child (32 bits; the
right one follows it). Loops release the lock, keep no state and draw keyed random numbers, so threads cannot change a bit.
"""

# ruff: noqa: N803, N806, C901, PLR0912, PLR0915, D417  # X, Y, H are matrices; a compiled kernel is one function
# mypy: disable-error-code="untyped-decorator"
# pyright: reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

LEAF = 0xFFFF
WIDTH = 4  # dimensions of a sketch: loops are unrolled for it
GOLDEN = 0.6180339887498949
LANES = 8

Array = npt.NDArray[Any]


@njit(cache=True, nogil=True, inline="always")
def mix(key: Any, i: Any) -> Any:
    """64 random bits of a key and a counter: the SplitMix64 finaliser."""
    z = np.uint64(key) + np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


@njit(cache=True, nogil=True, inline="always")
def unit(key: Any, i: Any) -> Any:
    """A uniform in [0, 1) of a key and a counter."""
    return (mix(key, i) >> np.uint64(11)) * 1.1102230246251565e-16


@njit(cache=True, nogil=True)
def uniforms(key: int, n: int) -> Array:
    """float64 [n] in [0, 1)."""
    out = np.empty(n)
    for i in range(n):
        out[i] = unit(key, i)
    return out


@njit(cache=True, nogil=True)
def shuffled(key: int, n: int) -> Array:
    """A permutation of 0 .. n-1, int32 [n] (Fisher-Yates)."""
    out = np.arange(n).astype(np.int32)
    for i in range(n - 1, 0, -1):
        j = np.int64(unit(key, i) * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


@njit(cache=True, nogil=True)
def gather(X: Array, feats: Array, rows: Array, luts: Array, slots: Array) -> Array:
    """The rows' bins of some features through their lookup tables, uint8 [f, n]; slot -1 keeps the bin."""
    out = np.empty((len(feats), len(rows)), np.uint8)
    for f in range(len(feats)):
        source, target, slot = X[feats[f]], out[f], slots[f]
        if slot < 0:
            for i in range(len(rows)):
                target[i] = source[rows[i]]
        else:
            lut = luts[slot]
            for i in range(len(rows)):
                target[i] = lut[source[rows[i]]]
    return out


@njit(cache=True, nogil=True)
def sketched_order(x: Array, rows: Array, codes: Array, V: Array, direction: Array) -> Array:
    """Bins of a category ranked by the mean of the target's sketch along a direction, uint8 [256]; unseen ones come last."""
    total, count = np.zeros(256), np.zeros(256)
    for i in range(len(rows)):
        r = rows[i]
        v, c = x[r], codes[r]
        s = 0.0
        for d in range(WIDTH):
            s += V[c, d] * direction[d]
        total[v] += s
        count[v] += 1
    for v in range(256):
        total[v] = total[v] / count[v] if count[v] > 0 else 1e30
    order = np.argsort(total, kind="mergesort")
    out = np.empty(256, np.uint8)
    for i in range(256):
        out[order[i]] = i
    return out


@njit(cache=True, nogil=True, fastmath=True)
def grow(X: Array, Y: Array, min_leaf: int, max_depth: int, alpha: float) -> tuple[Array, Array, Array, Array]:
    """A tree on the sketch of one column.

    A split counts when it explains more than `alpha` times the mean squared distance of one row from the node's mean: for a split
    by chance that ratio is about one.

    Args:
        X: uint8 [f, n], bins of the features.
        Y: float32 [n, WIDTH], the sketch of the target.
        min_leaf: rows in a leaf, at least.
        max_depth: splits above a leaf, at most.
        alpha: see above.

    Returns:
        Nodes int64 [m], first and end of each node's rows int32 [m], and the rows in that order int32 [n].
    """
    p, n = X.shape
    cap = 4 * (n // max(min_leaf, 1)) + 64
    nodes = np.full(cap, LEAF, np.int64)
    lo, hi = np.zeros(cap, np.int32), np.zeros(cap, np.int32)
    depth, stack = np.zeros(cap, np.int32), np.empty(cap, np.int32)
    rows, right = np.arange(n).astype(np.int32), np.empty(n, np.int32)
    H, C = np.zeros((256, WIDTH), np.float32), np.zeros(256, np.int32)
    hi[0] = n
    used, top = 1, 1
    stack[0] = 0
    while top > 0:
        top -= 1
        k = stack[top]
        a, b = lo[k], hi[k]
        c = b - a
        if c < 2 * min_leaf or depth[k] >= max_depth or used + 2 > cap:
            continue
        t0, t1, t2, t3, ss = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(a, b):
            y = Y[rows[i]]
            t0 += y[0]
            t1 += y[1]
            t2 += y[2]
            t3 += y[3]
            ss += y[0] * y[0] + y[1] * y[1] + y[2] * y[2] + y[3] * y[3]
        base = (t0 * t0 + t1 * t1 + t2 * t2 + t3 * t3) / c
        spread = ss - base
        if spread < 1e-5 * c:
            continue
        best, feature, cut = base + alpha * spread / c, -1, 0
        for f in range(p):
            x = X[f]
            low, high = 255, 0
            for i in range(a, b):
                v = x[rows[i]]
                low, high = min(low, v), max(high, v)
            if low == high:
                continue
            for v in range(low, high + 1):
                C[v] = 0
                for d in range(WIDTH):
                    H[v, d] = 0
            for i in range(a, b):
                r = rows[i]
                v = x[r]
                C[v] += 1
                H[v, 0] += Y[r, 0]
                H[v, 1] += Y[r, 1]
                H[v, 2] += Y[r, 2]
                H[v, 3] += Y[r, 3]
            l0, l1, l2, l3, left = 0.0, 0.0, 0.0, 0.0, 0
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
                    best, feature, cut = gain, f, v
        if feature < 0:
            continue
        x, at, aside = X[feature], a, 0
        for i in range(a, b):
            r = rows[i]
            if x[r] <= cut:
                rows[at] = r
                at += 1
            else:
                right[aside] = r
                aside += 1
        for i in range(aside):
            rows[at + i] = right[i]
        nodes[k] = feature | (cut << 16) | (used << 32)
        lo[used], hi[used], lo[used + 1], hi[used + 1] = a, at, at, b
        depth[used] = depth[used + 1] = depth[k] + 1
        stack[top], stack[top + 1] = used, used + 1
        top += 2
        used += 2
    return nodes[:used].copy(), lo[:used].copy(), hi[:used].copy(), rows


@njit(cache=True, nogil=True)
def decks(nodes: Array, lo: Array, hi: Array, order: Array, codes: Array, X: Array, rest: Array) -> tuple[Array, Array, Array]:
    """Sorted codes of every leaf: those of the rows that grew the tree and of the rows that did not.

    Args:
        nodes: of one tree.
        lo: first row of each node.
        hi: end of the rows of each node.
        order: the growing rows, leaf by leaf.
        codes: int32 [n], the growing rows' codes.
        X: uint8 [f, r], bins of the other rows, through the tree's lookup tables.
        rest: int32 [r], the other rows' codes.

    Returns:
        Start and length of each node's deck (0 for inner nodes), int32 [m], and the decks, int32 [n + r].
    """
    m, n, r = len(nodes), len(codes), len(rest)
    leaf, size = np.empty(r, np.int32), np.zeros(m, np.int32)
    for i in range(r):
        k = 0
        while (nodes[k] & LEAF) != LEAF:
            word = nodes[k]
            k = (word >> 32) + (1 if X[word & LEAF, i] > ((word >> 16) & 255) else 0)
        leaf[i] = k
        size[k] += 1
    start, fill = np.zeros(m, np.int32), np.zeros(m, np.int32)
    deck, at = np.empty(n + r, np.int32), 0
    for k in range(m):
        if (nodes[k] & LEAF) != LEAF:
            size[k] = 0
            continue
        start[k] = at
        for i in range(lo[k], hi[k]):
            deck[at] = codes[order[i]]
            at += 1
        fill[k] = at
        at += size[k]
        size[k] += hi[k] - lo[k]
    for i in range(r):
        deck[fill[leaf[i]]] = rest[i]
        fill[leaf[i]] += 1
    for k in range(m):
        if size[k] > 1:
            deck[start[k] : start[k] + size[k]].sort()
    return start, size, deck


@njit(cache=True, nogil=True, inline="always")
def walk(nodes: Array, root: int, slots: Array, luts: Array, feats: Array, bins: Array) -> int:
    """The leaf of a row: an index into `nodes`."""
    k = root
    while True:
        word = nodes[k]
        f = word & LEAF
        if f == LEAF:
            return k
        v = bins[feats[f]]
        if slots[f] >= 0:
            v = luts[slots[f], v]
        k = root + (word >> 32) + (1 if v > ((word >> 16) & 255) else 0)


@njit(cache=True, nogil=True)
def ready(nodes: Array, roots: Array, slots: Array, luts: Array, feats: Array) -> tuple[Array, Array, Array]:
    """Nodes made for walking without branches: a leaf leads to itself, and every feature has a lookup table.

    Returns:
        int64 [m]: column of S (24 bits), cut (8), left child from the start of the array (32); int32 [m], the lookup table;
        uint8 [s + 1, 256], the tables, the identity first.
    """
    m = len(nodes)
    word, table = np.empty(m, np.int64), np.zeros(m, np.int32)
    tables = np.empty((len(luts) + 1, 256), np.uint8)
    for v in range(256):
        tables[0, v] = v
    tables[1:] = luts
    for t in range(len(roots)):
        end = roots[t + 1] if t + 1 < len(roots) else m
        for k in range(roots[t], end):
            f = nodes[k] & LEAF
            if f == LEAF:
                word[k] = (255 << 24) | (k << 32)
            else:
                word[k] = feats[f] | (((nodes[k] >> 16) & 255) << 24) | ((roots[t] + (nodes[k] >> 32)) << 32)
                table[k] = slots[t, f] + 1
    return word, table, tables


@njit(cache=True, nogil=True)
def draw(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    bin_of: Array, S: Array, codes: Array, column: int,
) -> None:  # fmt: skip
    """Draw one column for a block of rows, given the columns before it.

    Every row picks one of the trees. A leaf hands out its sorted codes by a golden-ratio walk, which covers the leaf evenly whatever
    the number of visits; rows come in an order of the column's own, so that walks of different columns stay independent.

    Args:
        key: of this column and block.
        nodes: of the column's trees.
        start: of each node's deck.
        size: of each node's deck.
        deck: codes.
        roots: first node of each tree.
        slots: int32 [trees, f], lookup table of each feature, or -1.
        luts: uint8 [s, 256].
        feats: columns of S that the features are.
        bin_of: uint8, the bin of each code of this column.
        S: uint8 [n, p], bins; this column's are written.
        codes: int32 [n], written.
        column: of S.
    """
    n, trees = S.shape[0], len(roots)
    word, table, tables = ready(nodes, roots, slots, luts, feats)
    visits = np.full(len(nodes), -1.0)
    order = shuffled(key, n)
    pick = np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)
    at, row = np.empty(LANES, np.int64), np.empty(LANES, np.int64)
    for x in range(0, n, LANES):
        lanes = min(LANES, n - x)
        for q in range(LANES):
            i = order[min(x + q, n - 1)]
            row[q] = i
            at[q] = roots[mix(pick, i) % np.uint64(trees)] if trees > 1 else roots[0]
        moved = True
        while moved:  # several rows at once: their walks do not wait for each other's memory
            moved = False
            for q in range(LANES):
                k = at[q]
                w = word[k]
                v = tables[table[k], S[row[q], w & 0xFFFFFF]]
                to = (w >> 32) + (1 if v > ((w >> 24) & 255) else 0)
                moved |= to != k
                at[q] = to
        for q in range(lanes):
            i, k = row[q], at[q]
            u = visits[k]
            if u < 0:
                u = unit(pick, k + (1 << 40))
            code = deck[start[k] + np.int64(u * size[k])]
            u += GOLDEN
            visits[k] = u - 1.0 if u >= 1.0 else u
            codes[i] = code
            S[i, column] = bin_of[code]


@njit(cache=True, nogil=True)
def follow(table: Array, bin_of: Array, source: Array, S: Array, codes: Array, column: int) -> None:
    """Set a column that another one determines."""
    for i in range(len(codes)):
        code = table[source[i]]
        codes[i] = code
        S[i, column] = bin_of[code]


@njit(cache=True, nogil=True, inline="always")
def span(deck: Array, first: int, count: int, low: int, high: int) -> tuple[int, int]:
    """First and end of the codes in [low, high] in one sorted deck."""
    a, b = first, first + count
    while a < b:
        mid = (a + b) >> 1
        if deck[mid] < low:
            a = mid + 1
        else:
            b = mid
    left, b = a, first + count
    while a < b:
        mid = (a + b) >> 1
        if deck[mid] <= high:
            a = mid + 1
        else:
            b = mid
    return left, a


@njit(cache=True, nogil=True)
def bin_probability(
    nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    low: Array, high: Array, prior: Array, smooth: float, S: Array, column: int, out: Array,
) -> None:  # fmt: skip
    """Probability of each row's bin in one column given the columns before it, the mean over trees, float64 [n].

    Args:
        low: first code of each bin.
        high: last code of each bin.
        prior: probability of each bin in the table; leaves are smoothed with it as if by `smooth` rows.
        smooth: see `prior`.
        out: written.
        (others): see `draw`.
    """
    for i in range(S.shape[0]):
        total, v = 0.0, S[i, column]
        for t in range(len(roots)):
            k = walk(nodes, roots[t], slots[t], luts, feats, S[i])
            a, b = span(deck, start[k], size[k], low[v], high[v])
            total += (b - a + smooth * prior[v]) / (size[k] + smooth)
        out[i] = total / len(roots)


@njit(cache=True, nogil=True)
def draw_allowed(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, full: Array, roots: Array, slots: Array, luts: Array,
    feats: Array, bin_of: Array, S: Array, codes: Array, column: int, weights: Array,
) -> None:  # fmt: skip
    """Draw one column from decks that hold allowed codes only; weights take the probability of an allowed code, in place.

    A row picks a tree with a chance that is proportional to the allowed share of its leaf, which makes draw and weight exact for
    the mixture of trees. Where no leaf holds an allowed code the weight becomes 0.

    Args:
        full: int32 [m], the size of each node's deck before codes were left out.
        weights: float64 [n].
        (others): see `draw`.
    """
    n, trees = S.shape[0], len(roots)
    leaf, share = np.empty(trees, np.int64), np.empty(trees)
    visits = np.full(len(nodes), -1.0)
    order = shuffled(key, n)
    pick = np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)
    for x in range(n):
        i = order[x]
        if weights[i] <= 0:
            continue
        total = 0.0
        for t in range(trees):
            k = walk(nodes, roots[t], slots[t], luts, feats, S[i])
            leaf[t] = k
            share[t] = size[k] / full[k]
            total += share[t]
        weights[i] *= total / trees
        if total <= 0:
            continue
        u, t = unit(pick, i) * total, 0
        while t < trees - 1 and (u >= share[t] or share[t] == 0):
            u -= share[t]
            t += 1
        while share[t] == 0:  # rounding ran past the last tree with a share
            t -= 1
        k = leaf[t]
        v = visits[k]
        if v < 0:
            v = unit(pick, k + (1 << 40))
        code = deck[start[k] + np.int64(v * size[k])]
        v += GOLDEN
        visits[k] = v - 1.0 if v >= 1.0 else v
        codes[i] = code
        S[i, column] = bin_of[code]


@njit(cache=True, nogil=True)
def fill(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    bin_of: Array, S: Array, codes: Array, column: int, need: Array,
) -> None:  # fmt: skip
    """Draw one column where it is needed, each row by itself; see `draw`.

    Args:
        need: bool [n].
        (others): see `draw`.
    """
    for i in range(S.shape[0]):
        if not need[i]:
            continue
        t = mix(key, 2 * i) % np.uint64(len(roots))
        k = walk(nodes, roots[t], slots[t], luts, feats, S[i])
        code = deck[start[k] + np.int64(unit(key, 2 * i + 1) * size[k])]
        codes[i] = code
        S[i, column] = bin_of[code]


@njit(cache=True, nogil=True)
def keep_allowed(start: Array, size: Array, deck: Array, allowed: Array) -> tuple[Array, Array, Array]:
    """Decks without the codes that are not allowed: start, size, codes."""
    first, count, out, at = np.zeros_like(start), np.zeros_like(size), np.empty_like(deck), 0
    for k in range(len(size)):
        first[k] = at
        for i in range(start[k], start[k] + size[k]):
            if allowed[deck[i]]:
                out[at] = deck[i]
                at += 1
        count[k] = at - first[k]
    return first, count, out[:at].copy()
