"""Compiled loops of thinning: a small boosted discriminator, marginals, row fingerprints."""

# ruff: noqa: N803, N806, C901, PLR0912, PLR0915  # X, S, G are matrices; a compiled kernel is one function
# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from lookalike.synthesizers.forest.kernels import LANES, mix, unit

Array = npt.NDArray[Any]
DEPTH = 5
INNER = 2**DEPTH - 1


@njit(cache=True, nogil=True, fastmath=True)
def boost(S: Array, real: Array, trees: int, rate: float, ridge: float, min_rows: int, key: int) -> tuple[Array, Array, Array]:
    """Complete trees of depth `DEPTH` that tell real rows from drawn ones, by Newton boosting of the logistic loss.

    Args:
        S: uint8 [n, p], bins of real and drawn rows.
        real: bool [n].
        trees: how many.
        rate: learning rate.
        ridge: L2 penalty on leaf values.
        min_rows: rows in a child, at least.
        key: of the row and column samples: 70% of the rows and 80% of the columns for each tree.

    Returns:
        Features int16 and cuts uint8 [trees, INNER], values float32 [trees, INNER + 1].
    """
    n, p = S.shape
    feats, cuts = np.zeros((trees, INNER), np.int16), np.full((trees, INNER), 255, np.uint8)
    values = np.zeros((trees, INNER + 1), np.float32)
    score, node = np.zeros(n), np.zeros(n, np.int32)
    grad, hess = np.zeros(n, np.float32), np.zeros(n, np.float32)
    X = S.T.copy()
    G, W = np.zeros((16, 256), np.float32), np.zeros((16, 256), np.float32)
    N = np.zeros((16, 256), np.int32)
    for t in range(trees):
        chosen = np.empty(n, np.int32)
        m = 0
        for i in range(n):
            q = 1.0 / (1.0 + np.exp(-score[i]))
            grad[i] = (1.0 if real[i] else 0.0) - q
            hess[i] = max(q * (1.0 - q), 1e-6)
            node[i] = 0
            if unit(key + t, i) < 0.7:
                chosen[m] = i
                m += 1
        for level in range(DEPTH):
            first, width = 2**level - 1, 2**level
            gain = np.zeros(width)
            for f in range(p):
                if unit(key + t + 7919, f) > 0.8 and p > 4:
                    continue
                G[:width] = 0
                W[:width] = 0
                N[:width] = 0
                x = X[f]
                for c in range(m):
                    i = chosen[c]
                    k, v = node[i] - first, x[i]
                    G[k, v] += grad[i]
                    W[k, v] += hess[i]
                    N[k, v] += 1
                for k in range(width):
                    tg, tw, tn = G[k].sum(), W[k].sum(), N[k].sum()
                    if tn < 2 * min_rows:
                        continue
                    base = tg * tg / (tw + ridge)
                    lg, lw, ln = 0.0, 0.0, 0
                    for v in range(255):
                        if N[k, v] == 0:
                            continue
                        lg += G[k, v]
                        lw += W[k, v]
                        ln += N[k, v]
                        if ln < min_rows:
                            continue
                        if tn - ln < min_rows:
                            break
                        g = lg * lg / (lw + ridge) + (tg - lg) ** 2 / (tw - lw + ridge) - base
                        if g > gain[k]:
                            gain[k] = g
                            feats[t, first + k], cuts[t, first + k] = f, v
            for i in range(n):
                k = node[i]
                node[i] = 2 * k + 1 + (1 if S[i, feats[t, k]] > cuts[t, k] else 0)
        tg, tw = np.zeros(INNER + 1), np.zeros(INNER + 1)
        for c in range(m):
            i = chosen[c]
            tg[node[i] - INNER] += grad[i]
            tw[node[i] - INNER] += hess[i]
        for k in range(INNER + 1):
            values[t, k] = rate * tg[k] / (tw[k] + ridge)
        for i in range(n):
            score[i] += values[t, node[i] - INNER]
    return feats, cuts, values


@njit(cache=True, nogil=True)
def logits(S: Array, feats: Array, cuts: Array, values: Array) -> Array:
    """The discriminator's log odds that each row is real, float64 [n]."""
    n = S.shape[0]
    out = np.zeros(n)
    at = np.empty(LANES, np.int64)
    for first in range(0, n, LANES):  # several rows at once: their walks do not wait for each other's memory
        lanes = min(LANES, n - first)
        for t in range(feats.shape[0]):
            at[:] = 0
            for _ in range(DEPTH):
                for q in range(lanes):
                    k = at[q]
                    at[q] = 2 * k + 1 + (1 if S[first + q, feats[t, k]] > cuts[t, k] else 0)
            for q in range(lanes):
                out[first + q] += values[t, at[q] - INNER]
    return out


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
