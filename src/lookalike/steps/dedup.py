"""Drop rows that repeat an earlier one: exactly, or nearly."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, PrivateAttr, field_validator

from lookalike.generators.base import Batch, Context
from lookalike.steps.base import Kept, Outcome, Step

_WORD = re.compile(r"[\W_]+")
_ROWS = 4  # signature entries of a band


class Dedup(Step):
    """Drops a row that repeats an earlier kept one; in a counted table it is replaced by another.

    Near-duplicates are found by MinHash over five-character shingles: bands of signatures propose earlier texts, and every
    proposal is checked exactly, so nothing below the threshold is ever dropped.

    ```yaml
    steps: [{kind: dedup, on: note, threshold: 0.9}]
    ```

    Attributes:
        on: the column, or columns, compared.
        method: exact (after folding case and punctuation of texts) or minhash.
        threshold: Jaccard similarity from which two texts are the same, for minhash.
    """

    kind: ClassVar[str] = "dedup"
    scope: ClassVar[str] = "table"  # type: ignore[assignment]  # one of the two literals

    on: tuple[str, ...] = Field(min_length=1)
    method: Literal["exact", "minhash"] = "minhash"
    threshold: float = Field(default=0.8, ge=0.3, le=1.0)

    _texts: list[str] = PrivateAttr(default_factory=list)
    _whole: dict[str, int] = PrivateAttr(default_factory=dict)
    _bands: dict[tuple[int, bytes], list[int]] = PrivateAttr(default_factory=dict)

    @field_validator("on", mode="before")
    @classmethod
    def _columns(cls, on: Any) -> Any:
        return (on,) if isinstance(on, str) else on

    def needs(self) -> frozenset[str]:
        """The compared columns."""
        return frozenset(self.on)

    def open(self) -> Self:
        """A copy that has seen nothing."""
        fresh = self.model_copy()
        fresh._texts, fresh._whole, fresh._bands = [], {}, {}  # noqa: SLF001  # its own copy
        return fresh

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002
        """Drop what repeats an earlier kept row."""
        texts = [fold(" \x1f ".join("" if v is None else str(v) for v in values)) for values in self._cells(batch)]
        marks = self._signatures(texts)
        mask = np.ones(len(batch), bool)
        reasons = []
        for place, text in enumerate(texts):
            like = self._like(text, None if marks is None else marks[place])
            if like is None:
                self._remember(text, None if marks is None else marks[place])
            else:
                mask[place] = False
                reasons.append(like)
        outcome: Outcome = "duplicate"
        return Kept(batch.take(mask), batch.ids[~mask], tuple(reasons), outcome)

    def _cells(self, batch: Batch) -> list[tuple[Any, ...]]:
        return list(zip(*(batch[name].to_pylist() for name in self.on), strict=True))

    def _signatures(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.uint32]] | None:
        if self.method == "exact" or not texts:
            return None
        from lookalike.steps.minhash import signatures

        return signatures(pa.array(texts, pa.large_string()))[0]

    def _keys(self, mark: np.ndarray[Any, np.dtype[np.uint32]]) -> list[tuple[int, bytes]]:
        bands = 16 if self.threshold >= 0.7 else 32
        return [(band, mark[band * _ROWS : (band + 1) * _ROWS].tobytes()) for band in range(bands)]

    def _like(self, text: str, mark: np.ndarray[Any, np.dtype[np.uint32]] | None) -> str | None:
        """Why the text is a duplicate, or None."""
        if text in self._whole:
            return f"repeats an earlier {', '.join(self.on)}"
        if mark is None:
            return None
        own = shingles(text)
        tried: set[int] = set()
        for key in self._keys(mark):
            for other in self._bands.get(key, ()):
                if other not in tried:
                    tried.add(other)
                    near = jaccard(own, shingles(self._texts[other]))
                    if near >= self.threshold:
                        return f"{near:.2f} like an earlier {', '.join(self.on)}"
        return None

    def _remember(self, text: str, mark: np.ndarray[Any, np.dtype[np.uint32]] | None) -> None:
        self._whole[text] = len(self._texts)
        if mark is not None:
            for key in self._keys(mark):
                self._bands.setdefault(key, []).append(len(self._texts))
        self._texts.append(text)


def fold(text: str) -> str:
    """Lower case, one blank for every run of other characters than letters and digits."""
    return _WORD.sub(" ", text.casefold()).strip()


def shingles(text: str) -> frozenset[str]:
    """Five-character pieces; a shorter text is one piece."""
    return frozenset(text[i : i + 5] for i in range(max(1, len(text) - 4)))


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    """Shared pieces over all pieces, 0 to 1."""
    return len(a & b) / len(a | b) if a or b else 1.0
