"""Compiled loops of thinning: a small boosted discriminator, marginals, row fingerprints."""

# ruff: noqa: N803, N806, C901, PLR0912  # X, S, H are matrices; a compiled kernel takes its buffers
# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from lookalike.synthesizers.forest.kernels import mix, unit

Array = npt.NDArray[Any]
DEPTH = 5
LEAVES = 2**DEPTH
CHUNK = 2048  # rows scored at once: their leaves stay in the fastest cache
PATIENCE = 8  # trees without a gain on rows held out, after which there are no more
RIDGE = 20.0  # rows of no information that every leaf is shrunk by


@njit(cache=True, nogil=True)
def boost(X: Array, real: Array, trees: int, rate: float, min_rows: int, key: int) -> tuple[Array, Array, Array]:
    """Trees that tell real rows from drawn ones, by boosting of the logistic loss; every node of a level asks the same question.

    Such trees are as good a discriminator, and their leaf is five comparisons of whole columns: nothing to walk. A fifth of the rows
    only says when to stop: where nothing tells the two apart there are few trees, or none.

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
    p, n = X.shape
    feats, cuts = np.zeros((trees, DEPTH), np.int16), np.full((trees, DEPTH), 255, np.uint8)
    values = np.zeros((trees, LEAVES), np.float32)
    score, grad = np.zeros(n, np.float32), np.empty(n, np.float32)
    chosen, leaf, own = np.empty(n, np.int32), np.empty(n, np.uint8), np.empty(n, np.float32)
    H = np.zeros((LEAVES // 2, 256, 2), np.float32)
    held = np.empty(n, np.bool_)
    for i in range(n):
        held[i] = unit(key - 1, i) < 0.2
    least, kept = mean_loss(score, real, held), 0
    for t in range(trees):
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
                gain, cut = best_question(X[f], leaf, own, chosen[:m], H[: 1 << level], min_rows)
                if gain > best:
                    best = gain
                    feats[t, level], cuts[t, level] = f, cut
            x, cut = X[feats[t, level]], cuts[t, level]
            for i in range(n):
                leaf[i] = 2 * leaf[i] + (1 if x[i] > cut else 0)
        values[t] = leaf_values(leaf, own, chosen[:m], rate)
        for i in range(n):
            score[i] += values[t, leaf[i]]
        loss = mean_loss(score, real, held)
        if loss < least:
            least, kept = loss, t + 1
        elif t >= kept + PATIENCE:
            break
    return feats[:kept].copy(), cuts[:kept].copy(), values[:kept].copy()


@njit(cache=True, nogil=True)
def mean_loss(score: Array, real: Array, held: Array) -> float:
    """Logistic loss of the rows held out."""
    total, rows = 0.0, 0
    for i in range(len(score)):
        if held[i]:
            total += np.log(1.0 + np.exp(-score[i] if real[i] else score[i]))
            rows += 1
    return total / max(rows, 1)


@njit(cache=True, nogil=True, fastmath=True)
def best_question(x: Array, leaf: Array, grad: Array, chosen: Array, H: Array, min_rows: int) -> tuple[float, int]:
    """The best cut of one feature for all nodes of a level together, and its gain.

    Args:
        x: uint8 [n], bins.
        leaf: uint8 [n], each row's node.
        grad: float32 [m], of the chosen rows.
        chosen: int32 [m].
        H: float32 [nodes, 256, 2], written: sum of gradients and rows.
        min_rows: rows in a child, at least, for its gain to count.
    """
    H[:] = 0
    for c in range(len(chosen)):
        i = chosen[c]
        k, v = leaf[i], x[i]
        g, one = H[k, v, 0] + grad[c], H[k, v, 1] + 1
        H[k, v, 0], H[k, v, 1] = g, one
    gains = np.zeros(256)
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
    cut = int(np.argmax(gains))
    return float(gains[cut]), cut


@njit(cache=True, nogil=True)
def leaf_values(leaf: Array, grad: Array, chosen: Array, rate: float) -> Array:
    """Newton steps of the leaves, float32 [LEAVES]; a row's curvature counts as 1/4, its value where the two cannot be told apart."""
    total, rows = np.zeros(LEAVES), np.zeros(LEAVES)
    for c in range(len(chosen)):
        total[leaf[chosen[c]]] += grad[c]
        rows[leaf[chosen[c]]] += 1
    return (4 * rate * total / (rows + RIDGE)).astype(np.float32)


@njit(cache=True, nogil=True)
def logits(S: Array, feats: Array, cuts: Array, values: Array) -> Array:
    """The discriminator's log odds that each row is real, float32 [n].

    Args:
        S: uint8 [n, p], bins.
        feats: int16 [trees, DEPTH].
        cuts: uint8 [trees, DEPTH].
        values: float32 [trees, LEAVES].
    """
    n, p = S.shape
    out = np.zeros(n, np.float32)
    X, leaf = np.empty((p, CHUNK), np.uint8), np.empty(CHUNK, np.uint8)
    for first in range(0, n, CHUNK):
        rows = min(CHUNK, n - first)
        for i in range(rows):
            for j in range(p):
                X[j, i] = S[first + i, j]
        for t in range(len(feats)):
            leaf[:rows] = 0
            for d in range(DEPTH):
                answer(X[feats[t, d]], cuts[t, d], leaf, rows)
            for i in range(rows):
                out[first + i] += values[t, leaf[i]]
    return out


@njit(cache=True, nogil=True)
def answer(x: Array, cut: int, leaf: Array, rows: int) -> None:
    """One question more to every row: bytes only, so that a vector instruction asks many rows."""
    for i in range(rows):
        leaf[i] = (leaf[i] << np.uint8(1)) | np.uint8(x[i] > cut)


@njit(cache=True, nogil=True)
def rake(S: Array, weights: Array, shares: Array, rounds: int, most: float) -> None:
    """Scale weights, in place, until each column's weighted bins have given shares (iterative proportional fitting).

    Args:
        S: uint8 [n, p].
        weights: float64 [n].
        shares: float64 [p, 256].
        rounds: sweeps over the columns.
        most: the most that one column may scale a row by, in one sweep.
    """
    n, p = S.shape
    have = np.zeros(256)
    for _ in range(rounds):
        for j in range(p):
            have[:] = 0
            total = 0.0
            for i in range(n):
                have[S[i, j]] += weights[i]
                total += weights[i]
            if total <= 0:
                return
            for v in range(256):
                if have[v] > 0:
                    have[v] = min(max(shares[j, v] * total / have[v], 1.0 / most), most)
            for i in range(n):
                weights[i] *= have[S[i, j]]


@njit(cache=True, nogil=True)
def select(weights: Array, n: int, u: float) -> Array:
    """Rows kept by systematic sampling without replacement, bool: `n` of them, likelier the heavier.

    Args:
        weights: float64 [m], m >= n; the heaviest are kept for certain when their share is above one row.
        n: rows to keep.
        u: the start, in [0, 1).
    """
    m = len(weights)
    keep = np.zeros(m, np.bool_)
    chance = weights * (n / max(weights.sum(), 1e-300))
    for i in range(m):
        chance[i] = min(chance[i], 1.0)
    for _ in range(20):  # rows whose chance is above one are certain; the others share what is left
        total, certain = 0.0, 0
        for i in range(m):
            if chance[i] >= 1.0:
                certain += 1
            else:
                total += chance[i]
        if total <= 0:
            break
        scale, again = (n - certain) / total, False
        for i in range(m):
            if chance[i] < 1.0:
                chance[i] *= scale
                if chance[i] >= 1.0:
                    again = True
                    chance[i] = 1.0
        if not again and abs(scale - 1.0) < 1e-12:
            break
    at, kept = u, 0
    for i in range(m):
        at += min(chance[i], 1.0)
        if at >= 1.0:
            at -= 1.0
            if kept < n:
                keep[i] = True
                kept += 1
    best = np.argsort(-weights, kind="mergesort") if kept < n else np.empty(0, np.int64)
    for i in best:  # rounding left a row or two out
        if kept < n and not keep[i]:
            keep[i] = True
            kept += 1
    return keep


@njit(cache=True, nogil=True)
def fingerprints(codes: Array, key: int) -> Array:
    """A 32-bit hash of every row of codes, uint32 [n].

    Args:
        codes: int32 [p, n].
        key: of the model, so that hashes of different models cannot be joined.
    """
    p, n = codes.shape
    out = np.full(n, key, np.uint64)
    for j in range(p):
        for i in range(n):
            out[i] = mix(out[i], codes[j, i] + 1)
    return (out >> np.uint64(32)).astype(np.uint32)


@njit(cache=True, nogil=True)
def among(hashes: Array, prints: Array) -> Array:
    """Which hashes are among sorted fingerprints, bool [n]: hashes spread evenly, so the search begins where one should be."""
    m = len(prints)
    out = np.zeros(len(hashes), np.bool_)
    for i in range(len(hashes)):
        own = hashes[i]
        at = (np.int64(own) * m) >> 32
        while at > 0 and prints[at] >= own:
            at -= 1
        while at < m and prints[at] < own:
            at += 1
        out[i] = at < m and prints[at] == own
    return out
