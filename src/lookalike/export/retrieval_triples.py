"""Triples for training embeddings: anchor, positive, negative."""

from __future__ import annotations

from typing import Any, ClassVar

from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at


class RetrievalTriples(TrainingExporter):
    """`{"anchor", "positive", "negative"}`, one line a negative (sentence-transformers).

    Attributes:
        anchor: the query's column.
        positive: a template; the passage that answers it.
        negatives: a column of texts, or of one text.
    """

    kind: ClassVar[str] = "triples"

    anchor: str = "query"
    positive: str = "positive"
    negatives: str = "negatives"

    def lines(self, row: Row) -> list[Any]:
        """One line a negative."""
        anchor, positive = text_at(row, self.anchor), text_at(row, self.positive)
        cell = at(row, self.negatives)
        negatives = [cell] if isinstance(cell, str) else list(cell or ())
        good = [text for text in negatives if text and text.strip() not in (positive.strip(), anchor.strip())]
        if not good:
            raise UnfitError(f"{self.negatives} has no text that differs from the positive")
        return [{"anchor": anchor, "positive": positive, "negative": text} for text in good]
