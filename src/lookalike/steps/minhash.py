"""Near-duplicate texts: character shingles, MinHash, bands, and an exact check of what the bands propose.

Texts are lower-cased and everything but letters and digits becomes one space. A text is the set of its five-byte shingles; two
texts are near when the Jaccard similarity of their sets reaches the threshold. Signatures use one permutation hash with optimal
densification, so a text costs one pass over its bytes instead of 128; bands of the signature propose pairs, and every pair is
checked exactly, so bands can only miss, never invent.

Source:
    Broder 1997, "On the resemblance and containment of documents"; Li, Owen and Zhang 2012, "One Permutation Hashing";
    Shrivastava 2017, "Optimal Densification for Fast and Accurate Minwise Hashing".
"""

# pyright: reportArgumentType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import UsageError
from lookalike.kernels.keyed import mix
from lookalike.kernels.native import kernel, part
from lookalike.kernels.ordering import sort

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Signatures = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]

_SHINGLE = 5
_BINS = 128
_ROWS_A_BAND = 3
_TRIES = 16  # members of a bucket that a text is compared with before it counts as new


@dataclass(frozen=True, slots=True)
class TextGroups:
    """Which texts belong together.

    Attributes:
        first: for each text, the row of the first text of its group; its own row when it is the first or alone.
        exact: for each text, whether an earlier text is equal after normalisation.
    """

    first: Rows
    exact: npt.NDArray[np.bool_]

    @property
    def repeats(self) -> npt.NDArray[np.bool_]:
        """Texts that repeat an earlier one, exactly or nearly."""
        return self.first != np.arange(self.first.size)


@part()
def _normalise(data: Bytes, start: int, stop: int, out: Bytes) -> int:
    """Lower-case ASCII letters, one space for every run of other ASCII; bytes of longer characters as they are."""
    n = 0
    gap = False
    for i in range(start, stop):
        b = data[i]
        if 65 <= b <= 90:
            b += np.uint8(32)
        if (97 <= b <= 122) or (48 <= b <= 57) or b >= 128:
            if gap and n:
                out[n] = 32
                n += 1
            gap = False
            out[n] = b
            n += 1
        else:
            gap = True
    return n


@kernel("u1:1 i8:1 u4:2 u8:1 u1:1 ?:1")
def _signatures(data: Bytes, offsets: Offsets, signatures: Signatures, whole: Hashes, text: Bytes, filled: Bits) -> None:
    """See `signatures`; `text` and `filled` are room for one text and its bins."""
    for t in range(offsets.size - 1):
        n = _normalise(data, offsets[t], offsets[t + 1], text)
        row = signatures[t]
        for b in range(128):
            filled[b] = False
            row[b] = np.uint32(0xFFFFFFFF)
        shingle = np.uint64(0)
        total = np.uint64(n)
        for i in range(n):
            shingle = ((shingle << np.uint64(8)) | np.uint64(text[i])) & np.uint64(0xFFFFFFFFFF)
            total = (total ^ np.uint64(text[i])) * np.uint64(0x100000001B3)
            if i >= 4 or i == n - 1:
                h = mix(0, shingle)
                place = h >> np.uint64(57)
                low = np.uint32(h & np.uint64(0xFFFFFFFF))
                if low < row[place] or not filled[place]:
                    row[place] = low
                    filled[place] = True
        whole[t] = mix(0, total)
        for b in range(128 if n else 0):
            attempt = np.uint64(1)
            while not filled[b]:
                other = mix(0, np.uint64(b) * np.uint64(977) + attempt) >> np.uint64(57)
                if filled[other]:
                    row[b] = row[other] + np.uint32(attempt)
                    break
                attempt += np.uint64(1)


@part()
def _shingle_set(data: Bytes, start: int, stop: int, text: Bytes, out: Hashes) -> int:
    """Sorted distinct shingles into `out`; how many."""
    n = _normalise(data, start, stop, text)
    shingle = np.uint64(0)
    found = 0
    for i in range(n):
        shingle = ((shingle << np.uint64(8)) | np.uint64(text[i])) & np.uint64(0xFFFFFFFFFF)
        if i >= 4 or i == n - 1:
            out[found] = shingle
            found += 1
    sort(out[:found])
    distinct = 0
    for i in range(found):
        if i == 0 or out[i] != out[distinct - 1]:
            out[distinct] = out[i]
            distinct += 1
    return distinct


@part()
def _jaccard(a: Hashes, b: Hashes) -> float:
    i = j = both = 0
    while i < a.size and j < b.size:
        if a[i] == b[j]:
            both += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return both / max(1, a.size + b.size - both)


@part()
def _root(parent: Rows, x: int) -> int:
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@kernel("i8:1 u8:1 i8:1 u4:2 u1:1 i8:1 f8 u1:1 u8:2")
def _link(
    order: Rows, keys: Hashes, parent: Rows, signatures: Signatures, data: Bytes, offsets: Offsets, threshold: float,
    text: Bytes, shingles: Hashes,
) -> None:  # fmt: skip
    """Join the groups of texts that one band proposes, the whole signature does not rule out, and their shingles confirm."""
    start, n = 0, order.size
    while start < n:
        stop = start + 1
        while stop < n and keys[order[stop]] == keys[order[start]]:
            stop += 1
        for i in range(start + 1, stop):
            a = order[i]
            for j in range(max(start, i - _TRIES), i):
                b = order[j]
                ra, rb = _root(parent, a), _root(parent, b)
                if ra == rb:
                    continue
                same = 0
                for c in range(128):
                    same += signatures[a, c] == signatures[b, c]
                if same < 128 * (threshold - 0.15):  # three standard errors of a 128-bin estimate
                    continue
                na = _shingle_set(data, offsets[a], offsets[a + 1], text, shingles[0])
                nb = _shingle_set(data, offsets[b], offsets[b + 1], text, shingles[1])
                if _jaccard(shingles[0, :na], shingles[1, :nb]) >= threshold:
                    parent[max(ra, rb)] = min(ra, rb)
        start = stop


@kernel("i8:1")
def _settle(parent: Rows) -> None:
    """Every text's group, in place."""
    for i in range(parent.size):
        parent[i] = _root(parent, i)


def signatures(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> tuple[Signatures, Hashes]:
    """MinHash signatures uint32 [n, 128] and a hash of each normalised text uint64 [n]; null counts as empty."""
    return _marks(*_buffers(texts))


def _marks(data: Bytes, offsets: Offsets) -> tuple[Signatures, Hashes]:
    count, longest = offsets.size - 1, int(np.diff(offsets).max(initial=0))
    marks, whole = np.empty((count, _BINS), dtype=np.uint32), np.empty(count, dtype=np.uint64)
    _signatures(data, offsets, marks, whole, np.empty(longest + 1, dtype=np.uint8), np.empty(_BINS, dtype=np.bool_))
    return marks, whole


def near_duplicates(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray, *, threshold: float = 0.7, bands: int = _BINS // _ROWS_A_BAND
) -> TextGroups:
    """Group texts whose shingles have a Jaccard similarity of at least `threshold`, directly or through others.

    Args:
        texts: any strings; null and empty texts are alone.
        threshold: Jaccard similarity of five-byte shingles, 0.3..1; one changed word in forty leaves about 0.9.
        bands: of three rows each, at most 42; 42 bands find 99.6% of the pairs at 0.5 and all but 4 in 100,000 at 0.6. What the
            bands propose is checked, so more of them cost time and invent nothing.

    Raises:
        UsageError: threshold or bands out of range.
    """
    if not 0.3 <= threshold <= 1.0 or not 1 <= bands <= _BINS // _ROWS_A_BAND:
        raise UsageError(what=f"threshold {threshold} with {bands} bands", fix="use a threshold of 0.3..1 and 1..42 bands")
    data, offsets = _buffers(texts)
    marks, whole = _marks(data, offsets)
    empty = (marks == np.uint32(0xFFFFFFFF)).all(axis=1)
    whole = np.where(empty, np.arange(whole.size, dtype=np.uint64) ^ np.uint64(0xA5A5A5A5A5A5A5A5), whole)
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    parent = first[inverse].astype(np.int64)
    exact = parent != np.arange(parent.size)
    alone = np.flatnonzero(~exact & ~empty)
    longest = int(np.diff(offsets).max(initial=0)) + 1
    text, shingles = np.empty(longest, dtype=np.uint8), np.empty((2, longest), dtype=np.uint64)
    seeds = np.random.default_rng(1).integers(1, 2**63, size=_ROWS_A_BAND, dtype=np.uint64) | np.uint64(1)
    for band in range(bands):
        part = marks[alone, band * _ROWS_A_BAND : (band + 1) * _ROWS_A_BAND].astype(np.uint64)
        keys = np.zeros(parent.size, dtype=np.uint64)
        keys[alone] = (part * seeds).sum(axis=1, dtype=np.uint64)
        order = alone[np.argsort(keys[alone], kind="stable")]
        _link(order, keys, parent, marks, data, offsets, threshold, text, shingles)
    _settle(parent)
    return TextGroups(parent, exact)


def _buffers(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> tuple[Bytes, Offsets]:
    """The texts as one byte buffer with offsets, lower-cased beyond ASCII too."""
    array = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(list(texts), type=pa.large_string())
    lowered = pc.utf8_lower(pc.fill_null(array.cast(pa.large_string()), ""))
    if isinstance(lowered, pa.ChunkedArray):
        lowered = pa.concat_arrays(lowered.chunks) if lowered.num_chunks else pa.array([], type=pa.large_string())
    _, offsets, data = lowered.buffers()
    places = (
        np.frombuffer(offsets, dtype=np.int64)[lowered.offset : lowered.offset + len(lowered) + 1]
        if offsets
        else np.zeros(1, dtype=np.int64)
    )
    content = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    return content, places
