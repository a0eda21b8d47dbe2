"""Compiled loops of thinning: marginals, rows that are kept, row fingerprints."""

# ruff: noqa: N803, C901, PLR0912  # S is a matrix; a compiled kernel takes its buffers
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import mix
from lookalike.kernels.native import kernel

Array = npt.NDArray[Any]


@kernel("u1:2 f8:1 f8:2 i8 f8 f8:1")
def _rake(S: Array, weights: Array, shares: Array, rounds: int, most: float, have: Array) -> None:
    n, p = S.shape
    for _ in range(rounds):
        for j in range(p):
            for v in range(256):
                have[v] = 0.0
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


def rake(S: Array, weights: Array, shares: Array, rounds: int, most: float) -> None:
    """Scale weights, in place, until each column's weighted bins have given shares (iterative proportional fitting).

    Args:
        S: uint8 [n, p].
        weights: float64 [n].
        shares: float64 [p, 256].
        rounds: sweeps over the columns.
        most: the most that one column may scale a row by, in one sweep.
    """
    _rake(S, weights, shares, rounds, most, np.empty(256))


@kernel("f8:1 i8 f8 ?:1")
def _select(chance: Array, n: int, u: float, keep: Array) -> None:
    m = len(chance)
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


def select(weights: Array, n: int, u: float) -> Array:
    """Rows kept by systematic sampling without replacement, bool: `n` of them, likelier the heavier.

    Args:
        weights: float64 [m], m >= n; the heaviest are kept for certain when their share is above one row.
        n: rows to keep.
        u: the start, in [0, 1).
    """
    keep = np.zeros(len(weights), np.bool_)
    _select(weights * (n / max(float(weights.sum()), 1e-300)), n, u, keep)
    left = n - int(keep.sum())
    if left > 0:  # rounding left a row or two out
        keep[np.argsort(np.where(keep, np.inf, -weights), kind="stable")[:left]] = True
    return keep


@kernel("i4:2 i8 u8:1 u4:1")
def _fingerprints(codes: Array, key: int, mixed: Array, out: Array) -> None:
    p, n = codes.shape
    for i in range(n):
        mixed[i] = key
    for j in range(p):
        for i in range(n):
            mixed[i] = mix(mixed[i], codes[j, i] + 1)
    for i in range(n):
        out[i] = mixed[i] >> np.uint64(32)


def fingerprints(codes: Array, key: int) -> Array:
    """A 32-bit hash of every row of codes, uint32 [n].

    Args:
        codes: int32 [p, n].
        key: of the model, so that hashes of different models cannot be joined.
    """
    n = codes.shape[1]
    out = np.empty(n, np.uint32)
    _fingerprints(codes, key, np.empty(n, np.uint64), out)
    return out


@kernel("u4:1 u4:1 ?:1")
def _among(hashes: Array, prints: Array, out: Array) -> None:
    m = len(prints)
    for i in range(len(hashes)):
        own = hashes[i]
        at = (np.int64(own) * m) >> 32
        while at > 0 and prints[at] >= own:
            at -= 1
        while at < m and prints[at] < own:
            at += 1
        out[i] = at < m and prints[at] == own


def among(hashes: Array, prints: Array) -> Array:
    """Which hashes are among sorted fingerprints, bool [n]: hashes spread evenly, so the search begins where one should be."""
    out = np.zeros(len(hashes), np.bool_)
    _among(hashes, prints, out)
    return out
