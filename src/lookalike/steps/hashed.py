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
from numba import njit

Counts = npt.NDArray[np.float32]  # [n, width]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _count(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], out: Counts) -> None:
    """Signed hashed counts of character 3- to 5-grams and of words."""
    width = np.uint64(out.shape[1])
    mask = np.uint64(0xFFFFFFFFFF)
    for t in range(offsets.size - 1):
        key = np.uint64(0)
        word = np.uint64(1469598103934665603)
        inside = 0
        for i in range(offsets[t], offsets[t + 1]):
            b = data[i]
            key = ((key << np.uint64(8)) | np.uint64(b)) & mask
            letter = (97 <= b <= 122) or (48 <= b <= 57) or b >= 128
            if letter:
                word = (word ^ np.uint64(b)) * np.uint64(0x100000001B3)
                inside += 1
            ended = not letter or i == offsets[t + 1] - 1
            for n in range(3, 7):
                if n < 6:
                    if i - offsets[t] + 1 < n:
                        continue
                    h = (key & ((np.uint64(1) << np.uint64(8 * n)) - np.uint64(1))) + np.uint64(n) * np.uint64(
                        0xD6E8FEB86659FD93
                    )
                    weight = np.float32(0.5)
                else:
                    if not ended or inside == 0:
                        continue
                    h = word
                    weight = np.float32(2.0)
                h *= np.uint64(0x9E3779B97F4A7C15)
                h = (h ^ (h >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
                h ^= h >> np.uint64(29)
                place = h % width
                out[t, place] += weight if (h >> np.uint64(63)) == 0 else -weight
            if ended:
                word = np.uint64(1469598103934665603)
                inside = 0


def ngram_counts(texts: Sequence[str], width: int) -> Counts:
    """float32 [n, width]: characters 3 to 5 at a time, and words, which count four times as much; an empty text is all zeros."""
    out = np.zeros((len(texts), width), dtype=np.float32)
    lowered = pc.utf8_lower(pa.array(list(texts), type=pa.large_string()))
    _, offsets, data = lowered.buffers()
    if data is not None and data.size:
        _count(np.frombuffer(data, dtype=np.uint8), np.frombuffer(offsets, dtype=np.int64)[: len(texts) + 1], out)
    return out
