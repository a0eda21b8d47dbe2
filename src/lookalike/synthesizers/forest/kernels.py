"""Compiled loops of the forest: filling leaves, walking trees, drawing, likelihoods; `splits` grows the trees.

A node is one int64: the feature (16 bits, `LEAF` in a leaf), the highest bin that goes left (8 bits), the left child (32 bits; the
right one follows it). Loops release the lock, keep no state and draw keyed random numbers, so threads cannot change a bit.
"""

# ruff: noqa: N803, D417  # X, S, V are matrices; a compiled kernel takes its buffers
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
def uniforms_from(key: int, start: int, n: int) -> Array:
    """The uniforms of the counters start .. start + n - 1, float64 [n]."""
    out = np.empty(n)
    for i in range(n):
        out[i] = unit(key, start + i)
    return out


@njit(cache=True, nogil=True)
def uniforms(key: int, n: int) -> Array:
    """float64 [n] in [0, 1)."""
    return uniforms_from(key, 0, n)


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
    """Nodes made for walking: columns for features, children from the start of the array, a lookup table for every feature.

    Returns:
        int64 [m]: column of S (24 bits), cut (8), left child (31), -1 in a leaf; int32 [m], the lookup table; uint8 [s + 1, 256],
        the tables, the identity first.
    """
    m = len(nodes)
    word, table = np.full(m, -1, np.int64), np.zeros(m, np.int32)
    tables = np.empty((len(luts) + 1, 256), np.uint8)
    for v in range(256):
        tables[0, v] = v
    tables[1:] = luts
    for t in range(len(roots)):
        end = roots[t + 1] if t + 1 < len(roots) else m
        for k in range(roots[t], end):
            f = nodes[k] & LEAF
            if f != LEAF:
                word[k] = feats[f] | (((nodes[k] >> 16) & 255) << 24) | ((roots[t] + (nodes[k] >> 32)) << 32)
                table[k] = slots[t, f] + 1
    return word, table, tables


@njit(cache=True, nogil=True)
def reach(word: Array, table: Array, tables: Array, root: int, S: Array, rows: Array, m: int, leaf: Array) -> None:
    """Write the leaf of the first `m` of some rows in one tree; `rows` is used up.

    All rows go down one level together: steps of different rows do not wait for each other's memory, and rows that arrive drop out.
    """
    at = np.full(m, root, np.int32)
    for i in range(m):
        leaf[rows[i]] = root
    while m > 0 and word[root] >= 0:
        going = 0
        for i in range(m):
            k, r = at[i], rows[i]
            w = word[k]
            v = tables[table[k], S[r, w & 0xFFFFFF]]
            k = (w >> 32) + (1 if v > ((w >> 24) & 255) else 0)
            leaf[r], at[going], rows[going] = k, k, r
            going += 1 if word[k] >= 0 else 0
        m = going


@njit(cache=True, nogil=True)
def deal(
    key: int, pick: int, leaf: Array, start: Array, size: Array, deck: Array, bin_of: Array, S: Array, codes: Array, column: int
) -> None:
    """Hand every row a code of its leaf, leaf after leaf, so that each deck is read once.

    A leaf hands out its sorted codes by a golden-ratio walk, which covers it evenly whatever the number of rows; rows come in an
    order of the column's own, so that walks of different columns stay independent.
    """
    n, m = len(leaf), len(size)
    end = np.zeros(m + 1, np.int32)
    for i in range(n):
        end[leaf[i] + 1] += 1
    for k in range(m):
        end[k + 1] += end[k]
    order, rows = shuffled(key, n), np.empty(n, np.int32)
    for x in range(n):
        i = order[x]
        k = leaf[i]
        rows[end[k]] = i
        end[k] += 1  # grows from the leaf's first row to its end
    first = 0
    for k in range(m):
        if end[k] == first:
            continue
        u = unit(pick, k + (1 << 40))
        for x in range(first, end[k]):
            i = rows[x]
            code = deck[start[k] + np.int64(u * size[k])]
            u += GOLDEN
            u = u - 1.0 if u >= 1.0 else u
            codes[i] = code
            S[i, column] = bin_of[code]
        first = end[k]


@njit(cache=True, nogil=True)
def draw(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    bin_of: Array, S: Array, codes: Array, column: int,
) -> None:  # fmt: skip
    """Draw one column for a block of rows, given the columns before it; every row picks one of the trees.

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
    pick = np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)
    tree, rows, leaf = np.zeros(n, np.uint8), np.empty(n, np.int32), np.empty(n, np.int32)
    for i in range(n if trees > 1 else 0):
        tree[i] = ((mix(pick, i) >> np.uint64(32)) * np.uint64(trees)) >> np.uint64(32)
    for t in range(trees):
        m = 0
        for i in range(n):
            rows[m] = i
            m += 1 if tree[i] == t else 0
        reach(word, table, tables, roots[t], S, rows, m, leaf)
    deal(key, pick, leaf, start, size, deck, bin_of, S, codes, column)


@njit(cache=True, nogil=True)
def follow(table: Array, bin_of: Array, source: Array, S: Array, codes: Array, column: int) -> None:
    """Set a column that another one determines."""
    for i in range(len(codes)):
        code = table[source[i]]
        codes[i] = code
        S[i, column] = bin_of[code]


@njit(cache=True, nogil=True, inline="always")
def place(codes: Array, a: int, b: int, code: int) -> int:
    """Where a code is, or would be, in the rising codes[a:b]."""
    while a < b:
        mid = (a + b) >> 1
        if codes[mid] < code:
            a = mid + 1
        else:
            b = mid
    return a


@njit(cache=True, nogil=True, inline="always")
def span(deck: Array, first: int, count: int, low: int, high: int) -> tuple[int, int]:
    """First and end of the codes in [low, high] in one sorted deck."""
    left = place(deck, first, first + count, low)
    return left, place(deck, left, first + count, high + 1)


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
