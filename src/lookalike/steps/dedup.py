"""Drop rows that repeat an earlier one: exactly, in spelling, or in meaning."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.spec import Names
from lookalike.steps.base import Kept, Step
from lookalike.steps.seen import Meant, Repeats, SeenRows, Spelt

_THRESHOLDS = {"exact": 1.0, "minhash": 0.8, "embedding": 0.95}


class Dedup(Step):
    """Drops a row that repeats an earlier kept one; in a counted table it is replaced by another.

    `minhash` finds texts that share most of their five-character pieces: bands of signatures propose earlier texts, and every
    proposal is checked exactly, so nothing below the threshold is ever dropped. `embedding` compares vectors: those of a column
    of the kind `embed`, or, for a column of texts, hashed n-grams, which need no model and know spelling and topic words only.

    ```yaml
    steps:
      - {kind: dedup, on: note, threshold: 0.9}
      - {kind: dedup, on: vector, method: embedding}    # vector: {kind: embed, text: "{{ note }}", model: embedder, hidden: true}
    ```

    Attributes:
        on: the column, or columns, compared; one for `embedding`.
        method: exact (after folding case and punctuation of texts), minhash or embedding.
        threshold: similarity from which two rows are the same: Jaccard for minhash (0.8), cosine for embedding (0.95).
    """

    kind: ClassVar[str] = "dedup"
    scope: ClassVar[str] = "table"  # type: ignore[assignment]  # one of the two literals

    on: Names = Field(min_length=1)
    method: Literal["exact", "minhash", "embedding"] = "minhash"
    threshold: float | None = Field(default=None, ge=0.3, le=1.0)

    _seen: SeenRows | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_vector(self) -> Self:
        if self.method == "embedding" and len(self.on) > 1:
            raise ValueError("embedding compares one column; put the texts into one, or embed them as one")
        return self

    def needs(self) -> frozenset[str]:
        """The compared columns."""
        return frozenset(self.on)

    def open(self) -> Self:
        """A copy that has seen nothing."""
        fresh = self.model_copy()
        fresh._seen = self._nothing_seen()  # noqa: SLF001  # its own copy
        return fresh

    def _nothing_seen(self) -> SeenRows:
        name, threshold = ", ".join(self.on), self.threshold or _THRESHOLDS[self.method]
        if self.method == "exact":
            return Repeats(name)
        return Spelt(name, threshold) if self.method == "minhash" else Meant(name, threshold)

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002
        """Drop what repeats an earlier kept row."""
        assert self._seen is not None, "open() comes before apply()"
        verdicts = self._seen.judge([batch[name] for name in self.on])
        if not any(verdicts):
            return Kept(batch)
        mask = np.array([verdict is None for verdict in verdicts], bool)
        reasons = tuple(verdict for verdict in verdicts if verdict is not None)
        return Kept(batch.take(mask), batch.ids[~mask], reasons, "duplicate")
