"""Boosted oblivious trees: a discriminator that is asked as fast as memory is read.

Every node of a level asks the same question, so a leaf is five comparisons of whole columns: nothing to walk, and vector instructions
ask many rows at once. As a discriminator such trees are as good as others.
"""

# ruff: noqa: N803, C901  # X, S, H are matrices; a compiled kernel takes its buffers
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import unit
from lookalike.kernels.native import kernel, part

Array = npt.NDArray[Any]
DEPTH = 5
LEAVES = 2**DEPTH
CHUNK = 2048  # rows scored at once: their leaves stay in the fastest cache
PATIENCE = 8  # trees without a gain on rows held out, after which there are no more
RIDGE = 20.0  # rows of no information that every leaf is shrunk by


@kernel("u1:2 ?:1 f8 i8 i8 i2:2 u1:2 f4:2 f4:2 i4:1 u1:1 f4:3 f8:2 ?:1 i8:1")
def _boost(
    X: Array, real: Array, rate: float, min_rows: int, key: int, feats: Array, cuts: Array, values: Array,
    room: Array, chosen: Array, leaf: Array, H: Array, sums: Array, held: Array, count: Array,
) -> None:  # fmt: skip
    p, n = X.shape
    score, grad, own, gains = room[0], room[1], room[2], sums[2]
    for i in range(n):
        held[i] = unit(key - 1, i) < 0.2
    least, kept = mean_loss(score, real, held), 0
    for t in range(len(feats)):
        m = 0
        for i in range(n):
            grad[i] = (1.0 if real[i] else 0.0) - 1.0 / (1.0 + np.exp(-score[i]))
            leaf[i] = 0
            if not held[i] and unit(key + t, i) < 0.7:
                chosen[m] = i
                own[m] = grad[i]
                m += 1
        for level in range(DEPTH):
            best = 0.0
            for f in range(p):
                if unit(key + t + 7919, f) > 0.8 and p > 4:
                    continue
                gain, cut = best_question(X[f], leaf, own, chosen[:m], H[: 1 << level], gains, min_rows)
                if gain > best:
                    best = gain
                    feats[t, level], cuts[t, level] = f, cut
            x, cut = X[feats[t, level]], cuts[t, level]
            for i in range(n):
                leaf[i] = 2 * leaf[i] + (1 if x[i] > cut else 0)
        leaf_values(leaf, own, chosen[:m], rate, sums, values[t])
        for i in range(n):
            score[i] += values[t, leaf[i]]
        loss = mean_loss(score, real, held)
        if loss < least:
            least, kept = loss, t + 1
        elif t >= kept + PATIENCE:
            break
    count[0] = kept


def boost(X: Array, real: Array, trees: int, rate: float, min_rows: int, key: int) -> tuple[Array, Array, Array]:
    """Trees that tell real rows from drawn ones, by boosting of the logistic loss.

    A fifth of the rows only says when to stop: where nothing tells the two apart there are few trees, or none.

    Args:
        X: uint8 [p, n], bins of real and drawn rows.
        real: bool [n].
        trees: how many at most.
        rate: learning rate.
        min_rows: rows in a child, at least, for a split to count there.
        key: of the row and column samples: 70% of the rows and 80% of the columns for each tree.

    Returns:
        Features int16 and cuts uint8 [trees, DEPTH], values float32 [trees, LEAVES].

    Source:
        Kohavi and Li 1995, "Oblivious decision trees, graphs, and top-down pruning".
    """
    n = X.shape[1]
    feats, cuts = np.zeros((trees, DEPTH), np.int16), np.full((trees, DEPTH), 255, np.uint8)
    values, count = np.zeros((trees, LEAVES), np.float32), np.zeros(1, np.int64)
    _boost(
        np.ascontiguousarray(X), real, rate, min_rows, key, feats, cuts, values, np.zeros((3, n), np.float32), np.empty(n, np.int32), np.empty(n, np.uint8),
        np.zeros((LEAVES // 2, 256, 2), np.float32), np.empty((3, 256)), np.empty(n, np.bool_), count,
    )  # fmt: skip
    kept = int(count[0])
    return feats[:kept].copy(), cuts[:kept].copy(), values[:kept].copy()


@part()
def mean_loss(score: Array, real: Array, held: Array) -> float:
    """Logistic loss of the rows held out."""
    total, rows = 0.0, 0
    for i in range(len(score)):
        if held[i]:
            total += np.log(1.0 + np.exp(-score[i] if real[i] else score[i]))
            rows += 1
    return total / max(rows, 1)


@part(fastmath=True)
def best_question(
    x: Array, leaf: Array, grad: Array, chosen: Array, H: Array, gains: Array, min_rows: int
) -> tuple[float, int]:
    """The best cut of one feature for all nodes of a level together, and its gain.

    Args:
        x: uint8 [n], bins.
        leaf: uint8 [n], each row's node.
        grad: float32 [m], of the chosen rows.
        chosen: int32 [m].
        H: float32 [nodes, 256, 2], written: sum of gradients and rows.
        gains: float64 [256], written.
        min_rows: rows in a child, at least, for its gain to count.
    """
    H[:] = 0
    for c in range(len(chosen)):
        i = chosen[c]
        k, v = leaf[i], x[i]
        g, one = H[k, v, 0] + grad[c], H[k, v, 1] + 1
        H[k, v, 0], H[k, v, 1] = g, one
    for v in range(256):
        gains[v] = 0.0
    for k in range(len(H)):
        total, rows = 0.0, 0.0
        for v in range(256):
            total += H[k, v, 0]
            rows += H[k, v, 1]
        if rows < 2 * min_rows:
            continue
        base = total * total / (rows + RIDGE)
        g, r = 0.0, 0.0
        for v in range(255):
            g += H[k, v, 0]
            r += H[k, v, 1]
            if r >= min_rows and rows - r >= min_rows:
                gains[v] += g * g / (r + RIDGE) + (total - g) ** 2 / (rows - r + RIDGE) - base
    cut = 0
    for v in range(1, 256):
        if gains[v] > gains[cut]:
            cut = v
    return gains[cut], cut


@part()
def leaf_values(leaf: Array, grad: Array, chosen: Array, rate: float, sums: Array, values: Array) -> None:
    """Newton steps of the leaves into `values`; a row's curvature counts as 1/4, its value where the two cannot be told apart."""
    for k in range(LEAVES):
        sums[0, k], sums[1, k] = 0.0, RIDGE
    for c in range(len(chosen)):
        sums[0, leaf[chosen[c]]] += grad[c]
        sums[1, leaf[chosen[c]]] += 1
    for k in range(LEAVES):
        values[k] = 4 * rate * sums[0, k] / sums[1, k]


@kernel("u1:2 i2:2 u1:2 f4:2 u1:2 u1:1 f4:1")
def _logits(S: Array, feats: Array, cuts: Array, values: Array, X: Array, leaf: Array, out: Array) -> None:
    n, p = S.shape
    for first in range(0, n, CHUNK):
        rows = min(CHUNK, n - first)
        for i in range(rows):
            for j in range(p):
                X[j, i] = S[first + i, j]
        for t in range(len(feats)):
            for i in range(rows):
                leaf[i] = 0
            for d in range(DEPTH):
                answer(X[feats[t, d]], cuts[t, d], leaf, rows)
            for i in range(rows):
                out[first + i] += values[t, leaf[i]]


@part()
def answer(x: Array, cut: int, leaf: Array, rows: int) -> None:
    """One question more to every row: bytes only, so that a vector instruction asks many rows."""
    for i in range(rows):
        leaf[i] = (leaf[i] << np.uint8(1)) | np.uint8(x[i] > cut)


def logits(S: Array, feats: Array, cuts: Array, values: Array) -> Array:
    """The discriminator's log odds that each row is real, float32 [n].

    Args:
        S: uint8 [n, p], bins.
        feats: int16 [trees, DEPTH].
        cuts: uint8 [trees, DEPTH].
        values: float32 [trees, LEAVES].
    """
    out = np.zeros(len(S), np.float32)
    _logits(S, feats, cuts, values, np.empty((S.shape[1], CHUNK), np.uint8), np.empty(CHUNK, np.uint8), out)
    return out
