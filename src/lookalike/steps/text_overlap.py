"""text_overlap: texts that copy the source word by word."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from pydantic import Field

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.text.columns import head, texts
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, TableKey
from lookalike.steps.base import Kept, Step
from lookalike.steps.seen import folded


class TextOverlap(Step):
    """Drop texts that share a run of `words` words or more with a source: what a model has copied from its examples.

    Case, spacing and punctuation make no difference. `share` bounds the share of a text's words that lie in shared runs
    instead of dropping on the first.

    ```yaml
    steps: [{kind: text_overlap, text: note, source: notes, column: body, words: 12}]
    ```

    Attributes:
        text: a text column.
        source: the source's name.
        column: its text column.
        words: a run of so many words counts as copied.
        share: most of a text's words that may lie in such runs.
    """

    kind: ClassVar[str] = "text_overlap"

    text: str
    source: str
    column: str
    words: int = Field(default=12, ge=3)
    share: float = Field(default=0.0, ge=0, lt=1)

    def needs(self) -> frozenset[str]:
        """The text."""
        return frozenset({head(self.text)})

    def sources(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source})

    def apply(self, batch: Batch, ctx: Context) -> Kept:
        """Rows that copy no more than allowed."""
        runs = _runs(TableKey(ctx.tables.source(self.source)), self.source, self.column, self.words)
        shares = np.array([overlap(text or "", runs, self.words) for text in texts(batch, self.text)])
        keep = shares <= self.share
        reasons = tuple(f"{share:.0%} of the words are copied from {self.source!r}" for share in shares[~keep])
        return Kept(batch.take(keep), batch.ids[~keep], reasons)


def overlap(text: str, runs: frozenset[int], length: int) -> float:
    """The share of a text's words that lie in runs of `length` words found in the source, 0 to 1."""
    found = folded(text).split()
    if len(found) < length:
        return 0.0
    covered = np.zeros(len(found), dtype=bool)
    for place in range(len(found) - length + 1):
        if hash(" ".join(found[place : place + length])) in runs:
            covered[place : place + length] = True
    return float(covered.mean())


@lru_cache(maxsize=2)
def _runs(key: TableKey, source: str, column: str, length: int) -> frozenset[int]:
    """Hashes of all runs of words in the source; equal hashes of unequal runs are as rare as 2^-61 a pair."""
    if column not in key.table.column_names:
        raise SourceError(
            what=f"source {source!r} has no column {column!r}",
            fix=did_you_mean(column, key.table.column_names, label="columns"),
        )
    found: set[int] = set()
    some = False
    for text in key.table[column].to_pylist():
        words = folded(str(text or "")).split()
        some = some or bool(words)
        found.update(hash(" ".join(words[i : i + length])) for i in range(len(words) - length + 1))
    if not some:
        raise SourceError(
            what=f"there is no word in column {column!r} of source {source!r}", fix="name the column with the texts"
        )
    return frozenset(found)
