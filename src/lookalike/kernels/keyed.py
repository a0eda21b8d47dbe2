"""Random numbers inside kernels: a draw is a function of a key and a counter, whatever thread asks for it."""

# pyright: reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.native import kernel, part

Floats = npt.NDArray[np.float64]
Order = npt.NDArray[np.int32]


@part()
def mix(key: Any, i: Any) -> Any:
    """64 random bits of a key and a counter: the SplitMix64 finaliser."""
    z = np.uint64(key) + np.uint64(i) * np.uint64(0x9E3779B97F4A7C15)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


@part()
def unit(key: Any, i: Any) -> Any:
    """A uniform in [0, 1) of a key and a counter."""
    return (mix(key, i) >> np.uint64(11)) * 1.1102230246251565e-16


@part()
def shuffle(key: int, out: Any) -> None:
    """A permutation of 0 .. n-1 into the n places of `out` (Fisher-Yates)."""
    for i in range(len(out)):
        out[i] = i
    for i in range(len(out) - 1, 0, -1):
        j = np.int64(unit(key, i) * (i + 1))
        out[i], out[j] = out[j], out[i]


@kernel("i8 i8 f8:1")
def _uniforms(key: int, start: int, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = unit(key, start + i)


@kernel("i8 i4:1")
def _shuffled(key: int, out: Order) -> None:
    shuffle(key, out)


def uniforms(key: int, n: int, start: int = 0) -> Floats:
    """The uniforms in [0, 1) of the counters start .. start + n - 1, float64 [n]."""
    out = np.empty(n)
    _uniforms(key, start, out)
    return out


def shuffled(key: int, n: int) -> Order:
    """A permutation of 0 .. n-1, int32 [n]."""
    out = np.empty(n, np.int32)
    _shuffled(key, out)
    return out
