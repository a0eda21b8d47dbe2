"""Words as hashes: one pass over the bytes, then everything about n-grams is array work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.kernels.native import kernel

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WordHashes:
    """Texts as word hashes.

    Attributes:
        hashes: uint64 [w], all words of all texts in order; lower-cased runs of letters, digits and apostrophes.
        starts: int64 [n + 1], the first word of each text.
    """

    hashes: Hashes
    starts: Rows

    @property
    def lengths(self) -> Rows:
        """Words a text, int64 [n]."""
        return np.diff(self.starts)

    def ngrams(self, n: int) -> tuple[Hashes, Rows]:
        """Hashes of all n-grams, and the text that each is in; none crosses from one text to the next."""
        count = self.hashes.size - n + 1
        if count <= 0:
            return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
        total = np.zeros(count, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for i in range(n):
                total = (total ^ self.hashes[i : i + count]) * np.uint64(0x9E3779B97F4A7C15)
                total ^= total >> np.uint64(29)
        owner = np.repeat(np.arange(self.starts.size - 1), self.lengths)
        same = owner[:count] == owner[n - 1 :]
        return total[same], owner[:count][same]


@kernel("u1:1 i8:1 u8:1 i8:1")
def _hash_words(data: npt.NDArray[np.uint8], offsets: Rows, hashes: Hashes, starts: Rows) -> None:
    """The hash of each word, and how many come before the end of each text."""
    found = 0
    for t in range(offsets.size - 1):
        word = np.uint64(1469598103934665603)
        inside = False
        for i in range(offsets[t], offsets[t + 1] + 1):
            b = data[i] if i < offsets[t + 1] else np.uint8(32)
            if (97 <= b <= 122) or (48 <= b <= 57) or b >= 128 or b == 39:
                word = (word ^ np.uint64(b)) * np.uint64(0x100000001B3)
                inside = True
            elif inside:
                hashes[found] = word ^ (word >> np.uint64(31))
                found += 1
                word = np.uint64(1469598103934665603)
                inside = False
        starts[t + 1] = found


def words(texts: Sequence[str | None]) -> WordHashes:
    """Hash the words of texts; null is a text without words."""
    lowered = pc.utf8_lower(pc.fill_null(pa.array(list(texts), type=pa.large_string()), ""))
    _, offsets, data = lowered.buffers()
    content = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    places = np.frombuffer(offsets, dtype=np.int64)[: len(texts) + 1] if len(texts) else np.zeros(1, dtype=np.int64)
    hashes = np.empty(max(1, int(places[-1] - places[0]) // 2 + places.size), dtype=np.uint64)
    starts = np.zeros(places.size, dtype=np.int64)
    _hash_words(content, places, hashes, starts)
    return WordHashes(hashes[: starts[-1]], starts)
