"""Compiled loops that fill the leaves of a tree: what its features look like, and the sorted codes of every leaf."""

# ruff: noqa: N803  # X, V are matrices; a compiled kernel takes its buffers
# pyright: reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.native import kernel
from lookalike.synthesizers.forest.kernels import LEAF, WIDTH

Array = npt.NDArray[Any]


@kernel("u1:2 i8:1 i4:1 u1:2 i4:1 u1:2")
def _gather(X: Array, feats: Array, rows: Array, luts: Array, slots: Array, out: Array) -> None:
    for f in range(len(feats)):
        source, target, slot = X[feats[f]], out[f], slots[f]
        if slot < 0:
            for i in range(len(rows)):
                target[i] = source[rows[i]]
        else:
            lut = luts[slot]
            for i in range(len(rows)):
                target[i] = lut[source[rows[i]]]


def gather(X: Array, feats: Array, rows: Array, luts: Array, slots: Array) -> Array:
    """The rows' bins of some features through their lookup tables, uint8 [f, n]; slot -1 keeps the bin."""
    out = np.empty((len(feats), len(rows)), np.uint8)
    _gather(X, feats, rows, luts, slots, out)
    return out


@kernel("u1:1 i4:1 i4:1 f4:2 f8:1 f8:1 f8:1")
def _along(x: Array, rows: Array, codes: Array, V: Array, direction: Array, total: Array, count: Array) -> None:
    """Sum and number of each bin's sketches along a direction."""
    for i in range(len(rows)):
        r = rows[i]
        v, c = x[r], codes[r]
        s = 0.0
        for d in range(WIDTH):
            s += V[c, d] * direction[d]
        total[v] += s
        count[v] += 1


def sketched_order(x: Array, rows: Array, codes: Array, V: Array, direction: Array) -> Array:
    """Bins of a category ranked by the mean of the target's sketch along a direction, uint8 [256]; unseen ones come last."""
    total, count = np.zeros(256), np.zeros(256)
    _along(x, rows, codes, V, direction, total, count)
    mean = np.divide(total, count, out=np.full(256, 1e30), where=count > 0)
    out = np.empty(256, np.uint8)
    out[np.argsort(mean, kind="stable")] = np.arange(256)
    return out


@kernel("i8:1 i4:1 i4:1 i4:1 i4:1 u1:2 i4:1 i4:1 i4:1 i4:1 i4:1 i4:1 i4:1 i4:1")
def _decks(
    nodes: Array, lo: Array, hi: Array, order: Array, codes: Array, X: Array, rest: Array,
    leaf: Array, ranked: Array, ends: Array, fill: Array, start: Array, size: Array, deck: Array,
) -> None:  # fmt: skip
    m, n = len(nodes), len(codes)
    for k in range(m):
        for i in range(lo[k], hi[k] if (nodes[k] & LEAF) == LEAF else lo[k]):
            leaf[order[i]] = k
    for i in range(len(rest)):
        k = 0
        while (nodes[k] & LEAF) != LEAF:
            word = nodes[k]
            k = (word >> 32) + (1 if X[word & LEAF, i] > ((word >> 16) & 255) else 0)
        leaf[n + i] = k
    for i in range(len(leaf)):  # rows by rising code, so that leaves fill in order
        size[leaf[i]] += 1
        ends[(codes[i] if i < n else rest[i - n]) + 1] += 1
    for c in range(len(ends) - 1):
        ends[c + 1] += ends[c]
    for i in range(len(leaf)):
        c = codes[i] if i < n else rest[i - n]
        ranked[ends[c]] = i
        ends[c] += 1
    at = 0
    for k in range(m):
        start[k] = at if size[k] > 0 else 0
        fill[k] = at
        at += size[k]
    for x in range(len(ranked)):
        i = ranked[x]
        k = leaf[i]
        deck[fill[k]] = codes[i] if i < n else rest[i - n]
        fill[k] += 1


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
    m, rows = len(nodes), len(codes) + len(rest)
    most = max(int(codes.max(initial=0)), int(rest.max(initial=0)))
    leaf, ranked, ends, fill = (np.zeros(n, np.int32) for n in (rows, rows, most + 2, m))
    start, size, deck = (np.zeros(n, np.int32) for n in (m, m, rows))
    _decks(nodes, lo, hi, order, codes, X, rest, leaf, ranked, ends, fill, start, size, deck)
    return start, size, deck


@kernel("i4:1 i4:1 u2/i4:1 ?:1 i4:1 i4:1 u2/i4:1")
def _keep_allowed(start: Array, size: Array, deck: Array, allowed: Array, first: Array, count: Array, out: Array) -> None:
    at = 0
    for k in range(len(size)):
        first[k] = at
        for i in range(start[k], start[k] + size[k]):
            if allowed[deck[i]]:
                out[at] = deck[i]
                at += 1
        count[k] = at - first[k]


def keep_allowed(start: Array, size: Array, deck: Array, allowed: Array) -> tuple[Array, Array, Array]:
    """Decks without the codes that are not allowed: start, size, codes."""
    first, count, out = np.zeros_like(start), np.zeros_like(size), np.empty_like(deck)
    _keep_allowed(start, size, deck, allowed, first, count, out)
    return first, count, out[: int(count.sum())].copy()
