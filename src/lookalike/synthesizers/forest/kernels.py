"""Compiled loops of the forest: walking trees, drawing, likelihoods; `splits` grows the trees, `leaves` fills them.

A node is one int64: the feature (16 bits, `LEAF` in a leaf), the highest bin that goes left (8 bits), the left child (32 bits; the
right one follows it). Loops release the lock, keep no state and draw keyed random numbers, so threads cannot change a bit.
"""

# ruff: noqa: N803, D417  # X, S, V are matrices; a compiled kernel takes its buffers
# pyright: reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import mix, shuffle, unit
from lookalike.kernels.native import kernel, part
from lookalike.kernels.ordering import first_above, first_at_least

LEAF = 0xFFFF
WIDTH = 4  # dimensions of a sketch: loops are unrolled for it
GOLDEN = 0.6180339887498949

Array = npt.NDArray[Any]


@part()
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


@part()
def ready(
    nodes: Array, roots: Array, slots: Array, luts: Array, feats: Array, word: Array, table: Array, tables: Array
) -> None:
    """Nodes made for walking: columns for features, children from the start of the array, a lookup table for every feature.

    Args:
        word: written, int64 [m]: column of S (24 bits), cut (8), left child (31), -1 in a leaf.
        table: written, int32 [m], the lookup table.
        tables: written, uint8 [s + 1, 256], the tables, the identity first.
        (others): see `draw`.
    """
    m = len(nodes)
    for v in range(256):
        tables[0, v] = v
        for s in range(len(luts)):
            tables[s + 1, v] = luts[s, v]
    for t in range(len(roots)):
        end = roots[t + 1] if t + 1 < len(roots) else m
        for k in range(roots[t], end):
            f = nodes[k] & LEAF
            word[k], table[k] = -1, 0
            if f != LEAF:
                word[k] = feats[f] | (((nodes[k] >> 16) & 255) << 24) | ((roots[t] + (nodes[k] >> 32)) << 32)
                table[k] = slots[t, f] + 1


@part()
def reach(word: Array, table: Array, tables: Array, root: int, S: Array, rows: Array, at: Array, m: int, leaf: Array) -> None:
    """Write the leaf of the first `m` of some rows in one tree; `rows` and `at` are used up.

    All rows go down one level together: steps of different rows do not wait for each other's memory, and rows that arrive drop out.
    """
    for i in range(m):
        at[i] = leaf[rows[i]] = root
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


@part()
def deal(
    key: int, pick: Any, leaf: Array, start: Array, size: Array, deck: Array, bin_of: Array, S: Array, codes: Array, column: int,
    order: Array, rows: Array, end: Array,
) -> None:  # fmt: skip
    """Hand every row a code of its leaf, leaf after leaf, so that each deck is read once.

    A leaf hands out its sorted codes by a golden-ratio walk, which covers it evenly whatever the number of rows; rows come in an
    order of the column's own, so that walks of different columns stay independent.
    """
    n, m = len(leaf), len(size)
    for k in range(m + 1):
        end[k] = 0
    for i in range(n):
        end[leaf[i] + 1] += 1
    for k in range(m):
        end[k + 1] += end[k]
    shuffle(key, order)
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


@kernel("i8 i8:1 i4:1 i4:1 u2/i4:1 i8:1 i4:2 u1:2 i8:1 u1:1 u1:2 i4:1 i8 i8:1 i4:1 u1:2 u1:1 i4:2 i4:1")
def _draw(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    bin_of: Array, S: Array, codes: Array, column: int, word: Array, table: Array, tables: Array, tree: Array, rows: Array, end: Array,
) -> None:  # fmt: skip
    n, trees = S.shape[0], len(roots)
    ready(nodes, roots, slots, luts, feats, word, table, tables)
    pick = np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)
    for i in range(n):
        tree[i] = ((mix(pick, i) >> np.uint64(32)) * np.uint64(trees)) >> np.uint64(32) if trees > 1 else 0
    going, at, leaf = rows[0], rows[1], rows[2]
    for t in range(trees):
        m = 0
        for i in range(n):
            going[m] = i
            m += 1 if tree[i] == t else 0
        reach(word, table, tables, roots[t], S, going, at, m, leaf)
    deal(key, pick, leaf, start, size, deck, bin_of, S, codes, column, going, at, end)


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
    n, m = len(S), len(nodes)
    word, table, tables = np.empty(m, np.int64), np.empty(m, np.int32), np.empty((len(luts) + 1, 256), np.uint8)
    tree, rows, end = np.empty(n, np.uint8), np.empty((3, n), np.int32), np.empty(m + 1, np.int32)
    _draw(
        key, nodes, start, size, deck, roots, slots, luts, feats, bin_of, S, codes, column, word, table, tables, tree, rows, end,
    )  # fmt: skip


@kernel("i4:1 u1:1 i4:1 u1:2 i4:1 i8")
def follow(table: Array, bin_of: Array, source: Array, S: Array, codes: Array, column: int) -> None:
    """Set a column that another one determines."""
    for i in range(len(codes)):
        code = table[source[i]]
        codes[i] = code
        S[i, column] = bin_of[code]


@kernel("i8:1 i4:1 i4:1 u2/i4:1 i8:1 i4:2 u1:2 i8:1 i8:1 i8:1 f8:1 f8 u1:2 i8 f8:1")
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
            end = start[k] + size[k]
            a = first_at_least(deck, start[k], end, low[v])
            b = first_above(deck, a, end, high[v])
            total += (b - a + smooth * prior[v]) / (size[k] + smooth)
        out[i] = total / len(roots)


@kernel("i8 i8:1 i4:1 i4:1 u2/i4:1 i4:1 i8:1 i4:2 u1:2 i8:1 u1:1 u1:2 i4:1 i8 f8:1 i8:1 f8:1 f8:1 i4:1")
def _draw_allowed(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, full: Array, roots: Array, slots: Array, luts: Array,
    feats: Array, bin_of: Array, S: Array, codes: Array, column: int, weights: Array,
    leaf: Array, share: Array, visits: Array, order: Array,
) -> None:  # fmt: skip
    trees = len(roots)
    shuffle(key, order)
    pick = np.uint64(key) ^ np.uint64(0xA5A5A5A5A5A5A5A5)
    for x in range(len(order)):
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
    leaf, share, visits = np.empty(len(roots), np.int64), np.empty(len(roots)), np.full(len(nodes), -1.0)
    _draw_allowed(
        key, nodes, start, size, deck, full, roots, slots, luts, feats, bin_of, S, codes, column, weights, leaf, share, visits,
        np.empty(len(S), np.int32),
    )  # fmt: skip


@kernel("i8 i8:1 i4:1 i4:1 u2/i4:1 i8:1 i4:2 u1:2 i8:1 u1:1 u1:2 i4:1 i8 ?:1")
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
