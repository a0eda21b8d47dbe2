"""What a dedup step remembers of the rows that it kept: whole texts, MinHash bands, or vectors."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import RecipeError

_PLAIN = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}  # the same for ASCII, three times as fast
_ENTRIES = 128  # of a signature
_MISSED = 1e-3  # share of the pairs at the threshold that share no band
_DOUBT = 0.15  # a signature's estimate of the similarity may be this much too low
_WIDTH = 512  # numbers of an n-gram vector
_SCALE = 3900.0  # its square, and what rounding adds, is below 2^24, the last whole number that float32 counts to
Mark = npt.NDArray[np.uint32]
Vectors = npt.NDArray[np.float32]


class SeenRows(Protocol):
    """Rows kept so far."""

    def judge(self, columns: Sequence[pa.Array]) -> list[str | None]:
        """Why each row repeats an earlier kept one, or None; rows that do not are remembered. Ascending ids, each row once."""
        ...


class Repeats:
    """Rows that are equal once case and punctuation are folded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: set[str] = set()

    def judge(self, columns: Sequence[pa.Array]) -> list[str | None]:
        """Equal or not."""
        return [self._one(folded(text)) for text in joined(columns)]

    def _one(self, text: str) -> str | None:
        if text in self._known:
            return f"repeats an earlier {self.name}"
        self._known.add(text)
        return None


class Spelt:
    """Texts that share most five-character pieces: bands of MinHash signatures propose, the exact Jaccard similarity decides.

    Source:
        Broder 1997, "On the resemblance and containment of documents".
    """

    def __init__(self, name: str, threshold: float) -> None:
        self.name, self.threshold = name, threshold
        rows = band_rows(threshold)
        self._seeds = np.random.default_rng(1).integers(1, 2**63, (_ENTRIES // rows, rows), np.uint64) | np.uint64(1)
        self._texts: list[str] = []
        self._marks: Mark = np.empty((0, _ENTRIES), np.uint32)
        # hash of a whole text or of a band -> the last text that has it; the ones before it wait in `_others`. Numbers only,
        # because the garbage collector walks through millions of lists again and again
        self._last: dict[int, int] = {}
        self._others: dict[int, list[int]] = {}

    def judge(self, columns: Sequence[pa.Array]) -> list[str | None]:
        """At least as alike as the threshold, or not."""
        from lookalike.steps.minhash import signatures

        if not len(columns[0]):
            return []
        texts = [text if text.isascii() else folded(text) for text in joined(columns)]  # signatures fold ASCII themselves
        marks, whole = signatures(pa.array(texts, pa.large_string()))
        bands = marks[:, : self._seeds.size].reshape(len(texts), *self._seeds.shape)
        keys = np.column_stack([whole, (bands * self._seeds).sum(axis=2, dtype=np.uint64)]).tolist()
        return [self._one(*each) for each in zip(texts, marks, keys, strict=True)]

    def _one(self, text: str, mark: Mark, keys: list[int]) -> str | None:
        last = self._last
        if not last.keys().isdisjoint(keys):
            known = [key for key in keys if key in last]
            found = self._near(text, mark, {place for key in known for place in (last[key], *self._others.get(key, ()))})
            if found is not None:
                return found
            for key in known:
                self._others.setdefault(key, []).append(last[key])
        place = len(self._texts)
        if place == len(self._marks):
            larger = np.empty((2 * place + 256, mark.size), np.uint32)
            larger[:place] = self._marks[:place]
            self._marks = larger
        self._marks[place] = mark
        for key in keys:  # a third of what `update` takes
            last[key] = place
        self._texts.append(text)
        return None

    def _near(self, text: str, mark: Mark, places: set[int]) -> str | None:
        """The reason against a text when one of these earlier ones is near it."""
        proposed = np.fromiter(places, np.int64, len(places))
        proposed.sort()
        same = np.count_nonzero(self._marks[proposed] == mark, axis=1)
        # more than three standard errors of a 128-entry estimate: what is dropped here was not near
        likely = proposed[same >= mark.size * (self.threshold - _DOUBT)].tolist()
        own = folded(text) if likely else ""
        for other in likely:
            earlier = folded(self._texts[other])
            if own == earlier:
                return f"repeats an earlier {self.name}"
            near = jaccard(shingles(own), shingles(earlier))
            if near >= self.threshold:
                return f"{near:.2f} like an earlier {self.name}"
        return None


def band_rows(threshold: float) -> int:
    """Signature entries of a band: the more, the fewer strangers are compared; so many that hardly a pair is missed.

    Source:
        Leskovec, Rajaraman and Ullman 2014, "Mining of Massive Datasets", section 3.4.2.
    """
    return max(rows for rows in range(1, 17) if rows == 1 or (1 - threshold**rows) ** (_ENTRIES // rows) <= _MISSED)


class Meant:
    """Vectors that point the same way, by their cosine; a text's own vector counts its character n-grams and words.

    Vectors are held as whole numbers whose products a float32 holds exactly, so no verdict depends on how the rows were cut into
    batches. Every row is held against every kept one, by its first numbers and the length of the rest: that bounds the product
    from above, and only pairs whose bound reaches the threshold are multiplied out.
    """

    def __init__(self, name: str, threshold: float, *, group: int = 256, block: int = 4096) -> None:
        self.name, self.threshold = name, threshold
        self._rows, self._block = group, block  # rows compared in one go with so many kept ones: 4 MB of products
        self._kept: Vectors = np.empty((0, 0), np.float32)
        self._heads: Vectors = self._kept  # [rows, h + 1]: the first h numbers of each vector and the length of the rest
        self._count = 0

    def judge(self, columns: Sequence[pa.Array]) -> list[str | None]:
        """At least as close as the threshold, or not; null and all-zero vectors are like nothing."""
        verdicts: list[str | None] = []
        for start in range(0, len(columns[0]), self._rows):
            cells = columns[0].slice(start, self._rows)
            vectors = self._vectors(cells)
            verdicts += [None] * len(cells) if vectors is None else self._group(vectors)
        return verdicts

    def _group(self, vectors: Vectors) -> list[str | None]:
        """Verdicts on rows that are compared in one go; the kept ones are remembered."""
        before, after = self._count, self._count + len(vectors)
        self._make_room(after, vectors.shape[1])
        self._kept[before:after] = vectors
        write_heads(vectors, self._heads[before:after])
        verdicts: list[str | None] = [None] * len(vectors)
        nearest: dict[int, float] = {}
        # in the order of rows: a row's own fate is known before it is another's `other`
        for row, other, cosine in sorted(self._close(before, after)):
            if other - before not in nearest:
                nearest[row] = max(cosine, nearest.get(row, 0.0))
        for row, cosine in nearest.items():
            verdicts[row] = f"{cosine:.2f} like an earlier {self.name}"
        stays: npt.NDArray[np.bool_] = np.any(vectors, axis=1)
        if not nearest and stays.all():
            self._count = after
            return verdicts
        stays[list(nearest)] = False
        self._count += int(stays.sum())
        self._kept[before : self._count] = vectors[stays]
        self._heads[before : self._count] = self._heads[before:after][stays]
        return verdicts

    def _close(self, before: int, after: int) -> Iterator[tuple[int, int, float]]:
        """Each row from `before` on, counted from there, with every earlier row as near as the threshold, and their cosine."""
        least = np.float32(
            self.threshold * (_SCALE - self._kept.shape[1] ** 0.5 / 2) ** 2
        )  # rounding shortens no vector by more
        blocks = [(start, min(start + self._block, before)) for start in range(0, before, self._block)]
        for start, stop in [*blocks, (before, after)] if after > before + 1 else blocks:
            bounds = self._heads[before:after] @ self._heads[start:stop].T
            places = np.flatnonzero(bounds >= least)
            if not places.size:
                continue
            rows, others = places // (stop - start), places % (stop - start) + start
            if start == before:
                earlier = others < before + rows
                rows, others = rows[earlier], others[earlier]
            if rows.size > bounds.size / 40:  # gathering a pair costs as much as multiplying out forty
                products = (self._kept[before:after] @ self._kept[start:stop].T)[rows, others - start]
            else:
                products = np.einsum("ij,ij->i", self._kept[before + rows], self._kept[others])
            near = products >= least
            rows, others = rows[near], others[near]
            lengths = np.linalg.norm(self._kept[before + rows].astype(np.float64), axis=1)
            lengths *= np.linalg.norm(self._kept[others].astype(np.float64), axis=1)
            cosines = products[near] / lengths
            near = cosines >= self.threshold - 1e-12  # a vector's cosine with itself, in floating point
            yield from zip(rows[near].tolist(), others[near].tolist(), cosines[near].tolist(), strict=True)

    def _vectors(self, column: pa.Array) -> Vectors | None:
        """float32 [n, width]: rows of length `_SCALE`, rounded to whole numbers; None while all there ever was is null."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        width = self._kept.shape[1]
        if pa.types.is_null(column.type) or column.null_count == len(column):
            return np.zeros((len(column), width), np.float32) if width else None
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            from lookalike.steps.hashed import ngram_counts

            counts = ngram_counts(column, width or _WIDTH)
            out = np.copysign(np.log1p(np.abs(counts)), counts)
        else:
            out = self._given(column)
        length = np.sqrt(np.einsum("ij,ij->i", out, out))
        out *= (_SCALE / np.where(length > 0, length, 1.0))[:, None]
        return np.rint(out).astype(np.float32, copy=False)

    def _given(self, column: pa.Array) -> npt.NDArray[np.float64]:
        """float64 [n, width]: the vectors of an embedder; zeros for null."""
        if not hasattr(column, "flatten") or not hasattr(column.type, "value_type"):
            raise RecipeError(
                what=f"dedup on {self.name!r} by embedding: it holds {column.type}, which is neither a text nor a vector",
                fix="name a column of texts, or one of the kind `embed`",
            )
        there = np.flatnonzero(column.is_valid())
        lengths = pc.list_value_length(column).drop_null()
        width = self._kept.shape[1] or lengths[0].as_py()
        for other in lengths.unique().to_pylist():
            if other != width:
                raise RecipeError(
                    what=f"dedup on {self.name!r}: a vector of {other} numbers among vectors of {width}",
                    fix="embed the whole column with one model",
                )
        numbers = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
        if not np.isfinite(numbers).all():
            raise RecipeError(
                what=f"dedup on {self.name!r}: a vector holds something that is no finite number",
                fix="find out what the embedder gave, and skip such rows with `when`",
            )
        out = np.zeros((len(column), width))
        out[there] = numbers.reshape(len(there), width)
        return out

    def _make_room(self, rows: int, width: int) -> None:
        if rows > len(self._kept):
            head = min(width, 32 * ceil(width * 3 * (1 - self.threshold) / 32))  # tells vectors of a cosine up to a half apart
            self._kept = _larger(self._kept, 2 * rows, width, self._count)
            self._heads = _larger(self._heads, 2 * rows, head + 1, self._count)


def _larger(rows: Vectors, size: int, width: int, count: int) -> Vectors:
    out = np.zeros((size, width), np.float32)
    out[:count] = rows[:count].reshape(count, width)
    return out


def write_heads(vectors: Vectors, out: Vectors) -> None:
    """The first numbers of each vector into `out` float32 [n, h + 1], and the length of the rest, rounded up.

    The product of two of these is no less than that of the vectors themselves: what the rest adds is at most the product of the
    lengths (Cauchy and Schwarz).
    """
    width = out.shape[1] - 1
    rest = vectors[:, width:]
    out[:, :width] = vectors[:, :width]
    np.ceil(np.sqrt(np.einsum("ij,ij->i", rest, rest)), out=out[:, width])


def joined(columns: Sequence[pa.Array]) -> list[str]:
    """Each row's cells as one text."""
    cells = [["" if value is None else str(value) for value in column.to_pylist()] for column in columns]
    return cells[0] if len(cells) == 1 else [" \x1f ".join(row) for row in zip(*cells, strict=True)]


class _Folded(dict[int, str]):
    """A table for `str.translate`, filled as characters are met. Marks stay: in Hindi and Thai they are the vowels."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        self[code] = kept = char if char.isalnum() or unicodedata.category(char).startswith("M") else " "
        return kept


_FOLDED = _Folded()


def folded(text: str) -> str:
    """The text in lower case, one blank for every run of other characters than letters, their marks, and digits."""
    if text.isascii():
        return " ".join(text.lower().translate(_PLAIN).split())
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(composed.translate(_FOLDED).split())


def shingles(text: str) -> frozenset[str]:
    """Five-character pieces; a shorter text is one piece."""
    return frozenset(text[i : i + 5] for i in range(max(1, len(text) - 4)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared pieces over all pieces, 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 1.0
