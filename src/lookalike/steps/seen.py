"""What a dedup step remembers of the rows that it kept: whole texts, MinHash bands, or vectors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import RecipeError

_WORD = re.compile(r"[\W_]+")
_PLAIN = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}  # the same for ASCII, three times as fast
_ENTRIES = 128  # of a signature
_MISSED = 1e-3  # share of the pairs at the threshold that share no band
_DOUBT = 0.15  # a signature's estimate of the similarity may be this much too low
_WIDTH = 512  # numbers of an n-gram vector
_SCALE = 4000.0  # its square is below 2^24, the last whole number that float32 counts to
Mark = npt.NDArray[np.uint32]
Vectors = npt.NDArray[np.float32]


class Seen(Protocol):
    """Rows kept so far."""

    def judge(self, rows: Sequence[tuple[Any, ...]]) -> list[str | None]:
        """Why each row repeats an earlier kept one, or None; rows that do not are remembered. Ascending ids, each row once."""
        ...


class Repeats:
    """Rows that are equal once case and punctuation are folded."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: set[str] = set()

    def judge(self, rows: Sequence[tuple[Any, ...]]) -> list[str | None]:
        """Equal or not."""
        return [self._one(folded(joined(row))) for row in rows]

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

    def judge(self, rows: Sequence[tuple[Any, ...]]) -> list[str | None]:
        """At least as alike as the threshold, or not."""
        from lookalike.steps.minhash import signatures

        if not rows:
            return []
        texts = [text if text.isascii() else folded(text) for text in map(joined, rows)]  # signatures fold ASCII themselves
        marks, whole = signatures(pa.array(texts, pa.large_string()))
        bands = marks[:, : self._seeds.size].reshape(len(texts), *self._seeds.shape)
        keys = np.column_stack([whole, (bands * self._seeds).sum(axis=2, dtype=np.uint64)]).tolist()
        return [self._one(*each) for each in zip(texts, marks, keys, strict=True)]

    def _one(self, text: str, mark: Mark, keys: list[int]) -> str | None:
        known = [key for key in keys if key in self._last]
        if known:
            found = self._near(text, mark, {place for key in known for place in (self._last[key], *self._others.get(key, ()))})
            if found is not None:
                return found
            for key in known:
                self._others.setdefault(key, []).append(self._last[key])
        place = len(self._texts)
        if place == len(self._marks):
            larger = np.empty((2 * place + 256, mark.size), np.uint32)
            larger[:place] = self._marks[:place]
            self._marks = larger
        self._marks[place] = mark
        self._last.update(dict.fromkeys(keys, place))
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

    Every row is compared with every kept one: rows^2 * width operations over a run, a few seconds of one core for 20,000 rows of
    384 numbers. Vectors are held as whole numbers whose products a float32 holds exactly, so no verdict depends on how the rows
    were cut into batches.
    """

    def __init__(self, name: str, threshold: float) -> None:
        self.name, self.threshold = name, threshold
        self._kept: Vectors = np.empty((0, 0), np.float32)
        self._count = 0

    def judge(self, rows: Sequence[tuple[Any, ...]]) -> list[str | None]:
        """At least as close as the threshold, or not; null and all-zero vectors are like nothing."""
        cells = [row[0] for row in rows]
        if all(cell is None for cell in cells):
            return [None] * len(cells)
        vectors = self._vectors(cells)
        self._make_room(*vectors.shape)
        before = self._count
        known = (vectors @ self._kept[:before].T).max(axis=1, initial=0.0)
        verdicts: list[str | None] = []
        for vector, near in zip(vectors, known.tolist(), strict=True):
            among = float((self._kept[before : self._count] @ vector).max(initial=0.0))
            closest = max(near, among) / _SCALE**2
            if closest >= self.threshold:
                verdicts.append(f"{closest:.2f} like an earlier {self.name}")
                continue
            verdicts.append(None)
            if vector.any():
                self._kept[self._count] = vector
                self._count += 1
        return verdicts

    def _vectors(self, cells: Sequence[Any]) -> Vectors:
        """float32 [n, width]: rows of length `_SCALE`, rounded to whole numbers."""
        from lookalike.steps.hashed import ngram_counts

        given = next((len(cell) for cell in cells if cell is not None and not isinstance(cell, str)), _WIDTH)
        out = np.zeros((len(cells), self._kept.shape[1] or given))
        written = [place for place, cell in enumerate(cells) if isinstance(cell, str)]
        if written:
            counts = ngram_counts([cells[place] for place in written], out.shape[1])
            out[written] = np.sign(counts) * np.log1p(np.abs(counts))
        for place, cell in enumerate(cells):
            if cell is None or isinstance(cell, str):
                continue
            if len(cell) != out.shape[1]:
                raise RecipeError(
                    what=f"dedup on {self.name!r}: a vector of {len(cell)} numbers among vectors of {out.shape[1]}",
                    fix="embed the whole column with one model",
                )
            out[place] = cell
        length = np.linalg.norm(out, axis=1, keepdims=True)
        return np.rint(out / np.where(length > 0, length, 1.0) * _SCALE).astype(np.float32)

    def _make_room(self, more: int, width: int) -> None:
        if self._count + more > len(self._kept):
            larger = np.zeros((2 * (self._count + more), width), np.float32)
            larger[: self._count] = self._kept[: self._count].reshape(-1, width)
            self._kept = larger


def joined(row: tuple[Any, ...]) -> str:
    """A row's cells as one text."""
    return " \x1f ".join("" if value is None else str(value) for value in row)


def folded(text: str) -> str:
    """The text in lower case, one blank for every run of other characters than letters and digits."""
    if text.isascii():
        return " ".join(text.lower().translate(_PLAIN).split())
    return _WORD.sub(" ", text.casefold()).strip()


def shingles(text: str) -> frozenset[str]:
    """Five-character pieces; a shorter text is one piece."""
    return frozenset(text[i : i + 5] for i in range(max(1, len(text) - 4)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared pieces over all pieces, 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 1.0
