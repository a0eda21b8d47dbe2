"""Keyed random numbers: a draw is a function of (seed, table, column, row, draw), never of the order of calls.

A column has a 64-bit key (BLAKE2b of seed, table and column). A row's bits are the SplitMix64 finaliser (Steele, Lea and
Flood 2014, "Fast splittable pseudorandom number generators") of the key plus the row id times the golden gamma; `draw`
numbers the independent draws that one cell needs. The same recipe therefore gives the same bytes for every partition size,
thread count and executor, and adding a column changes no other.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

GAMMA = np.uint64(0x9E3779B97F4A7C15)
DRAW = np.uint64(0xD1342543DE82EF95)

Ids = NDArray[np.int64]
Uniforms = NDArray[np.float64]


def key(*parts: object) -> int:
    """A 64-bit key of the parts, equal on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def bits(column_key: int, ids: Ids, draw: int = 0) -> NDArray[np.uint64]:
    """64 random bits a row, uint64 [n]."""
    with np.errstate(over="ignore"):
        z = ids.astype(np.uint64)
        z *= GAMMA
        z += np.uint64(column_key) + np.uint64(draw + 1) * DRAW
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z ^= z >> np.uint64(shift)
            z *= np.uint64(factor)
        z ^= z >> np.uint64(31)
    return z


def uniform(column_key: int, ids: Ids, draw: int = 0) -> Uniforms:
    """One uniform in (0, 1) a row, float64 [n]; 53 bits, never exactly 0 or 1."""
    u = (bits(column_key, ids, draw) >> np.uint64(11)).astype(np.float64)
    u += 0.5
    u *= 2.0**-53
    return u


def generator(*parts: object) -> np.random.Generator:
    """A numpy Generator for work that needs a stream of draws inside one key (a row, a fit)."""
    return np.random.Generator(np.random.Philox(key=key(*parts)))


def cell(column_key: int, row: int, call: int) -> int:
    """A 31-bit seed of one model call: the same for every order of calls."""
    mask = 0xFFFFFFFFFFFFFFFF
    z = (column_key + (row + 1) * 0x9E3779B97F4A7C15 + (call + 1) * 0xD1342543DE82EF95) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) >> 33
