"""shots: examples for a prompt, chosen for the row, without people in them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.base import Generator
from lookalike.generators.text.columns import head, texts
from lookalike.generators.text.guard import guarded
from lookalike.optional import require
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, TableKey


class Shots(Generator):
    """Examples from a source as one text for a prompt, chosen at random, by similarity to this row, or to cover the source.

    `coverage` takes, row after row, examples that are as unlike each other as the source allows (k-centre), so prompts see all
    of it. With `guard`, people in the examples are replaced by stand-ins before anything leaves the machine. What looks like a
    template in an example stays text.

    ```yaml
    seen:   {kind: shots, source: reviews, column: text, n: 3, by: similarity, query: topic, hidden: true}
    review: {kind: prompt, prompt: "Examples: {{ seen }} Write another about {{ topic }}."}
    ```

    Attributes:
        source: the source's name.
        column: its text column.
        n: how many.
        by: how they are chosen.
        query: the column of this table that examples should resemble.
        guard: replace people by stand-ins.
        longest: most characters of an example.
    """

    kind: ClassVar[str] = "shots"

    source: str
    column: str
    n: int = Field(default=3, ge=1, le=50)
    by: Literal["random", "similarity", "coverage"] = "random"
    query: str = ""
    guard: bool = True
    longest: int = Field(default=400, ge=20)

    @model_validator(mode="after")
    def _query(self) -> Self:
        if (self.by == "similarity") != bool(self.query):
            raise ValueError("`query` names the column to resemble: it goes with `by: similarity`, and only with it")
        return self

    def needs(self) -> frozenset[str]:
        """The column to resemble."""
        return frozenset({head(self.query)} if self.query else ())

    def sources(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Numbered examples [n], one text a row."""
        pool = _pool(TableKey(ctx.tables.source(self.source)), self.source, self.column)
        chosen = self._chosen(pool, batch, ctx)
        shown = {int(i): self._shown(pool.texts[i], ctx.seed) for i in np.unique(chosen)}
        rows = ["\n".join(f"{number}. {shown[int(i)]}" for number, i in enumerate(row, 1)) for row in chosen]
        return pa.array(rows, pa.string())

    def _shown(self, text: str, seed: int) -> str:
        text = " ".join(text.split())
        text = text if len(text) <= self.longest else text[: self.longest].rsplit(" ", 1)[0] + " ..."
        return guarded(text, seed) if self.guard else text

    def _chosen(self, pool: Pool, batch: Batch, ctx: Context) -> npt.NDArray[np.int64]:
        """Positions in the source, int64 [rows, n]."""
        n = min(self.n, len(pool.texts))
        if self.by == "similarity":
            queries = [text or "" for text in texts(batch, self.query)]
            scores = (pool.vectors @ pool.vectorizer.transform(queries).T).toarray().T
            for row, query in enumerate(queries):  # a text is no example of itself
                scores[row, [place for place in np.argsort(-scores[row])[:8] if pool.texts[place] == query]] = -1.0
            return np.argsort(-scores, axis=1, kind="stable")[:, :n]
        if self.by == "coverage":
            order = pool.covering(min(len(pool.texts), 512))
            return np.stack([order[(int(row) * n + np.arange(n)) % len(order)] for row in batch.ids])
        return np.stack([ctx.generator(int(row)).permutation(len(pool.texts))[:n] for row in batch.ids])


class Pool:
    """Texts of a source with their tf-idf vectors."""

    def __init__(self, found: list[str]) -> None:
        self.texts = found
        text = require("sklearn.feature_extraction.text", extra="text")
        self.vectorizer: Any = text.TfidfVectorizer(max_features=20_000, sublinear_tf=True)
        self.vectors: Any = self.vectorizer.fit_transform(found)
        self._orders: dict[int, npt.NDArray[np.int64]] = {}

    def covering(self, count: int) -> npt.NDArray[np.int64]:
        """The first `count` texts of a k-centre order: each as far as can be from those before it.

        Source:
            Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".
        """
        if count not in self._orders:
            nearest = np.full(len(self.texts), -1.0)
            order = [0]
            for _ in range(count - 1):
                nearest = np.maximum(nearest, (self.vectors @ self.vectors[order[-1]].T).toarray().ravel())
                nearest[order] = np.inf
                order.append(int(np.argmin(nearest)))
            self._orders[count] = np.array(order)
        return self._orders[count]


@lru_cache(maxsize=4)
def _pool(key: TableKey, source: str, column: str) -> Pool:
    if column not in key.table.column_names:
        raise SourceError(
            what=f"source {source!r} has no column {column!r}",
            fix=did_you_mean(column, key.table.column_names, label="columns"),
        )
    found = [str(text) for text in key.table[column].to_pylist() if text and str(text).strip()]
    if not found:
        raise SourceError(what=f"column {column!r} of source {source!r} has no text to show", fix="name a column with texts")
    return Pool(found)
