"""Texts as signed, hashed counts of their character n-grams and words: what embeds texts where there is no model.

Source:
    Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.kernels.native import kernel, part

Counts = npt.NDArray[np.float32]  # [n, width]


@part()
def _add(row: Counts, h: np.uint64, weight: np.float32, low: np.uint64) -> None:
    """One piece to its place, with its sign."""
    h *= np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    h ^= h >> np.uint64(29)
    place = h & low if low else h % np.uint64(row.size)
    row[place] += weight if (h >> np.uint64(63)) == 0 else -weight


@kernel("u1:1 i8:1 f4:2")
def _count(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], out: Counts) -> None:
    """Signed hashed counts of character 3- to 5-grams and of words."""
    width = np.uint64(out.shape[1])
    below = width - np.uint64(1)
    low = below if width & below == np.uint64(0) else np.uint64(0)  # a power of two needs no division
    half, two = np.float32(0.5), np.float32(2.0)
    for t in range(offsets.size - 1):
        row = out[t]
        start, stop = offsets[t], offsets[t + 1]
        key = np.uint64(0)
        word = np.uint64(1469598103934665603)
        inside = 0
        for i in range(start, stop):
            b = data[i]
            key = ((key << np.uint64(8)) | np.uint64(b)) & np.uint64(0xFFFFFFFFFF)
            letter = (97 <= b <= 122) or (48 <= b <= 57) or b >= 128
            if letter:
                word = (word ^ np.uint64(b)) * np.uint64(0x100000001B3)
                inside += 1
            if i >= start + 2:  # multiples of one odd number keep the three lengths apart
                _add(row, (key & np.uint64(0xFFFFFF)) + np.uint64(0x84BAFC29330DF8B9), half, low)
            if i >= start + 3:
                _add(row, (key & np.uint64(0xFFFFFFFF)) + np.uint64(0x5BA3FAE19967F64C), half, low)
            if i >= start + 4:
                _add(row, key + np.uint64(0x328CF999FFC1F3DF), half, low)
            if not letter or i == stop - 1:
                if inside:
                    _add(row, word, two, low)
                word = np.uint64(1469598103934665603)
                inside = 0


def ngram_counts(texts: Sequence[str] | pa.Array, width: int) -> Counts:
    """float32 [n, width]: characters 3 to 5 at a time, and words, which count four times as much; empty and null are all zeros."""
    array = texts if isinstance(texts, pa.Array) else pa.array(list(texts), type=pa.large_string())
    lowered = pc.utf8_lower(pc.fill_null(array, "") if array.null_count else array)
    out = np.zeros((len(lowered), width), dtype=np.float32)
    _, offsets, data = lowered.buffers()
    if data is not None and data.size:
        size = np.int64 if pa.types.is_large_string(lowered.type) else np.int32
        places = np.frombuffer(offsets, dtype=size)[lowered.offset : lowered.offset + len(lowered) + 1]
        _count(np.frombuffer(data, dtype=np.uint8), places.astype(np.int64, copy=False), out)
    return out
