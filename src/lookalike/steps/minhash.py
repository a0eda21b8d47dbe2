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
from numba import njit

from lookalike.errors import UsageError

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Signatures = npt.NDArray[np.uint32]
Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

_SHINGLE = 5
_BINS = 128
_ROWS_A_BAND = 3
_TRIES = 16  # members of a bucket that a text is compared with before it counts as new


@dataclass(frozen=True, slots=True)
class Groups:
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _mix(z: np.uint64) -> np.uint64:
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _signatures(data: Bytes, offsets: Offsets, longest: int) -> tuple[Signatures, Hashes]:
    """MinHash signatures uint32 [n, 128] and a hash of each whole normalised text uint64 [n]."""
    count = offsets.size - 1
    signatures = np.full((count, 128), np.uint32(0xFFFFFFFF), dtype=np.uint32)
    whole = np.zeros(count, dtype=np.uint64)
    text = np.empty(longest + 1, dtype=np.uint8)
    filled = np.zeros(128, dtype=np.bool_)
    for t in range(count):
        n = _normalise(data, offsets[t], offsets[t + 1], text)
        row = signatures[t]
        filled[:] = False
        shingle = np.uint64(0)
        total = np.uint64(n)
        for i in range(n):
            shingle = ((shingle << np.uint64(8)) | np.uint64(text[i])) & np.uint64(0xFFFFFFFFFF)
            total = (total ^ np.uint64(text[i])) * np.uint64(0x100000001B3)
            if i >= 4 or i == n - 1:
                h = _mix(shingle)
                b = h >> np.uint64(57)
                low = np.uint32(h & np.uint64(0xFFFFFFFF))
                if low < row[b] or not filled[b]:
                    row[b] = low
                    filled[b] = True
        whole[t] = _mix(total)
        if n:
            for b in range(128):
                if not filled[b]:
                    attempt = np.uint64(1)
                    while True:
                        other = _mix(np.uint64(b) * np.uint64(977) + attempt) >> np.uint64(57)
                        if filled[other]:
                            row[b] = row[other] + np.uint32(attempt)
                            break
                        attempt += np.uint64(1)
    return signatures, whole


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
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
    part = out[:found]
    part.sort()
    distinct = 0
    for i in range(found):
        if i == 0 or part[i] != part[i - 1]:
            out[distinct] = part[i]
            distinct += 1
    return distinct


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _root(parent: Rows, x: int) -> int:
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _link(order: Rows, keys: Hashes, parent: Rows, signatures: Signatures, threshold: float) -> Rows:
    """Pairs that one band proposes and that the whole signature does not rule out, int64 [2 p]."""
    pairs = []
    start = 0
    n = order.size
    while start < n:
        stop = start + 1
        while stop < n and keys[order[stop]] == keys[order[start]]:
            stop += 1
        for i in range(start + 1, stop):
            a = order[i]
            for j in range(max(start, i - _TRIES), i):
                b = order[j]
                if _root(parent, a) != _root(parent, b):
                    same = 0
                    for c in range(128):
                        if signatures[a, c] == signatures[b, c]:
                            same += 1
                    if same >= 128 * (threshold - 0.15):  # three standard errors of a 128-bin estimate
                        pairs.append(b)
                        pairs.append(a)
        start = stop
    return np.array(pairs, dtype=np.int64) if len(pairs) > 0 else np.zeros(0, dtype=np.int64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _verify(pairs: Rows, data: Bytes, offsets: Offsets, parent: Rows, threshold: float) -> None:
    longest = 1
    for x in pairs:
        longest = max(longest, offsets[x + 1] - offsets[x])
    text = np.empty(longest + 1, dtype=np.uint8)
    first = np.empty(longest + 1, dtype=np.uint64)
    second = np.empty(longest + 1, dtype=np.uint64)
    for p in range(0, pairs.size, 2):
        a, b = pairs[p], pairs[p + 1]
        ra, rb = _root(parent, a), _root(parent, b)
        if ra == rb:
            continue
        na = _shingle_set(data, offsets[a], offsets[a + 1], text, first)
        nb = _shingle_set(data, offsets[b], offsets[b + 1], text, second)
        if _jaccard(first[:na], second[:nb]) >= threshold:
            parent[max(ra, rb)] = min(ra, rb)


def signatures(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> tuple[Signatures, Hashes]:
    """MinHash signatures uint32 [n, 128] and a hash of each normalised text uint64 [n]; null counts as empty."""
    data, offsets = _buffers(texts)
    return _signatures(data, offsets, int(np.diff(offsets).max(initial=0)))


def near_duplicates(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray, *, threshold: float = 0.7, bands: int = _BINS // _ROWS_A_BAND
) -> Groups:
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
    marks, whole = _signatures(data, offsets, int(np.diff(offsets).max(initial=0)))
    empty = (marks == np.uint32(0xFFFFFFFF)).all(axis=1)
    whole = np.where(empty, np.arange(whole.size, dtype=np.uint64) ^ np.uint64(0xA5A5A5A5A5A5A5A5), whole)
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    parent = first[inverse].astype(np.int64)
    exact = parent != np.arange(parent.size)
    alone = np.flatnonzero(~exact & ~empty)
    seeds = np.random.default_rng(1).integers(1, 2**63, size=_ROWS_A_BAND, dtype=np.uint64) | np.uint64(1)
    for band in range(bands):
        part = marks[alone, band * _ROWS_A_BAND : (band + 1) * _ROWS_A_BAND].astype(np.uint64)
        keys = np.zeros(parent.size, dtype=np.uint64)
        keys[alone] = (part * seeds).sum(axis=1, dtype=np.uint64)
        order = alone[np.argsort(keys[alone], kind="stable")]
        pairs = _link(order, keys, parent, marks, threshold)
        if pairs.size:
            _verify(pairs, data, offsets, parent, threshold)
    roots = np.array([_root(parent, i) for i in range(parent.size)], dtype=np.int64)
    return Groups(roots, exact)


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
