"""Text columns: what all metrics on them share, and the base class of one number a column."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from lookalike.errors import MetricError
from lookalike.evaluate.base import Dimension, Direction, Metric, Result
from lookalike.evaluate.text.embed import Embedder, HashedNgrams, Vectors
from lookalike.evaluate.text.words import WordHashes, words
from lookalike.evaluate.views import Views, Which

_TEXTS = 20_000  # texts of a column that are read
EMBEDDED = 4_000  # texts of a column that are embedded


class TextMetric(Metric):
    """A number for each column of free text."""

    dimension: ClassVar[Dimension] = "diversity"
    cost: ClassVar[float] = 0.5
    better: ClassVar[Direction] = "higher"
    main: ClassVar[bool] = False

    @abstractmethod
    def column(self, views: Views, name: str) -> Result:
        """The number of one column."""

    def compute(self, views: Views) -> list[Result]:
        """The worst column first, beside what real texts reach, then each column."""
        names = list(self.looks_at(views))
        if not names:
            return self.skip("there is no column of free text", headline=False, direction=self.better)
        if why := self.obstacle(views):
            return self.skip(why, headline=False, direction=self.better)
        each = [self._measured(views, name) for name in names]
        measured = [r for r in each if r.value is not None]
        if not measured:
            return self.skip(each[0].skipped, headline=False, direction=self.better)
        worst = max(measured, key=Result.shortfall)
        head = self.result(
            worst.value, direction=self.better, interval=worst.interval, range=worst.range, ceiling=worst.ceiling,
            floor=worst.floor, headline=self.main, detail={**worst.detail, "column": worst.subject},
        )  # fmt: skip
        return [head, *each]

    def looks_at(self, table: Views) -> list[str]:
        """Columns of free text; those that only the synthetic table has too, where a text says something by itself."""
        own = [column.name for column in table.written if column.form == "text"] if self.alone else []
        return [*(column.name for column in table.of_form("text")), *own]

    def _measured(self, views: Views, name: str) -> Result:
        """The result of a column; where no real text stands beside it, its references are its own texts and mean nothing."""
        found = self.column(views, name)
        if views.beside(name):
            return found
        return replace(found, ceiling=None, floor=None, detail={**found.detail, "alone": True})

    def obstacle(self, views: Views) -> str:
        """Why this cannot be measured on any column; "" when it can."""
        del views
        return ""

    def of_column(self, name: str, value: float | None, **fields: Any) -> Result:
        """The result of a column."""
        fields.setdefault("direction", self.better)
        return self.result(value, "column", subject=name, headline=False, **fields)


def texts(views: Views, name: str, which: Which) -> list[str]:
    """The non-null texts of a column, at most 20,000, drawn by the seed."""

    def make() -> list[str]:
        found = [text for text in views.texts(name, which) if text]
        if len(found) <= _TEXTS:
            return found
        rows = np.sort(views.random("texts", name, which).permutation(len(found))[:_TEXTS])
        return [found[i] for i in rows]

    return views.once(("texts", name, which), make)


def hashed(views: Views, name: str, which: Which) -> WordHashes:
    """Words of those texts as hashes."""
    return views.once(("words", name, which), lambda: words(texts(views, name, which)))


def embedder(views: Views, name: str) -> Embedder:
    """The embedder given as `extras["embedder"]`, or hashed n-grams weighed by the real texts."""
    given = views.extras.get("embedder")
    if given is not None:
        return given
    return views.once(("embedder", name), lambda: HashedNgrams(texts(views, name, "real")[:EMBEDDED]))


def vectors(views: Views, name: str, which: Which) -> Vectors:
    """Embeddings of at most 4,000 texts of a column, float32 [n, d], rows of length 1."""

    def make() -> Vectors:
        found = np.asarray(embedder(views, name)(texts(views, name, which)[:EMBEDDED]), dtype=np.float32)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(length > 0, length, 1.0), dtype=np.float32)

    return views.once(("vectors", name, which), make)


def embedder_name(views: Views) -> str:
    """What the report calls the embedder."""
    given = views.extras.get("embedder")
    return HashedNgrams.name if given is None else str(getattr(given, "name", getattr(given, "__name__", type(given).__name__)))


def reference(measure: Callable[[Literal["ceiling"]], float]) -> float | None:
    """The same number of real texts beside the synthetic one; None when the ceiling has no text."""
    try:
        return measure("ceiling")
    except MetricError:
        return None


def some(found: Sequence[str], which: str) -> Sequence[str]:
    """The texts, of which there is at least one.

    Raises:
        MetricError: there is none.
    """
    if not found:
        raise MetricError(what=f"the {which} column has no text", fix="give rows with text")
    return found
