"""topics: what each row should be about, by quotas, so that prompts go where texts are missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from lookalike import rng
from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.base import Generator
from lookalike.optional import require
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, TableKey

_CELL = pa.struct([("name", pa.string()), ("path", pa.string()), ("number", pa.int64())])
_CYCLE = 4096  # rows after which the order of topics comes again
Vector = npt.NDArray[np.float64]


class Topics(Generator):
    """A topic for each row, drawn by quota: a struct of `name`, `path` (from the trunk of a tree) and `number`.

    Topics are the leaves of a `tree` that you write, or clusters of a source's texts, shown by their strongest words. Quotas are
    kept at every moment, not on average: after any number of rows each topic has its share to within one row. `by` decides the
    shares: `even`, `source` (as often as in the source: a set with the same coverage) or `missing` (what the texts in `have`
    lack most, compared with the source, comes most; what they have enough of does not come).

    ```yaml
    topic:  {kind: topics, source: reviews, column: text, clusters: 20, by: missing, have: written.text}
    review: {kind: prompt, prompt: "Write a review about {{ topic.name }}."}
    ```

    Attributes:
        tree: topics under topics, lists of leaves at the ends; leaves may have weights.
        source: the source whose texts are clustered.
        column: its text column.
        clusters: how many.
        by: even, source or missing.
        have: `source.column` of the texts that are there already; with `missing` only.
        words: how many words show a cluster.

    Source:
        Ben Allal et al. 2024, "Cosmopedia" (topics of clusters steer prompts); quotas by the highest averages of Sainte-Laguë 1910.
    """

    kind: ClassVar[str] = "topics"

    tree: dict[str, Any] | tuple[str, ...] = ()
    source: str = ""
    column: str = ""
    clusters: int = Field(default=20, ge=2, le=500)
    by: Literal["even", "source", "missing"] = "even"
    have: str = ""
    words: int = Field(default=4, ge=1, le=20)

    @field_validator("tree", mode="before")
    @classmethod
    def _listed(cls, tree: Any) -> Any:
        return tuple(tree) if isinstance(tree, list) else tree

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.tree) == bool(self.source) or bool(self.source) != bool(self.column):
            raise ValueError("topics come from a `tree`, or from `source` and `column`: give one of the two")
        if self.tree and self.by != "even":
            raise ValueError(f"by: {self.by} compares with a source; a tree has its own weights")
        if (self.by == "missing") != bool(self.have) or (self.have and "." not in self.have):
            raise ValueError(
                "`have: source.column` names the texts that are there: it goes with `by: missing`, and only with it"
            )
        if self.tree and not self._leaves:
            raise ValueError("the tree has no leaf with a weight above 0")
        return self

    def sources(self) -> frozenset[str]:
        """The source that is clustered, and the one that is there."""
        return frozenset({self.source, self.have.partition(".")[0]} - {""})

    @cached_property
    def _leaves(self) -> dict[str, float]:
        return {path: weight for path, weight in leaves(self.tree) if weight > 0}

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Structs [n]; a function of the row id."""
        paths, shares = self._topics(ctx)
        order = schedule(tuple(shares), ctx.key)
        cells = []
        for row in batch.ids.tolist():
            number = int(order[row % len(order)])
            cells.append({"name": paths[number].rsplit(" > ", 1)[-1], "path": paths[number], "number": number})
        return pa.array(cells, _CELL)

    def _topics(self, ctx: Context) -> tuple[Sequence[str], Sequence[float]]:
        """Paths and their shares."""
        if self.tree:
            return list(self._leaves), list(self._leaves.values())
        found = clustered(TableKey(ctx.tables.source(self.source)), self.source, self.column, self.clusters)
        if self.by == "even":
            return found.names(self.words), [1.0] * len(found.shares)
        if self.by == "source":
            return found.names(self.words), found.shares.tolist()
        name, _, column = self.have.partition(".")
        there = found.place(texts_of(ctx.tables.source(name), name, column))
        # what is missing once the texts at hand are as many as the source's: below 0 there is enough
        lacking = np.maximum(found.shares - there, 0.0)
        return found.names(self.words), (lacking if lacking.sum() > 0 else found.shares).tolist()


def leaves(tree: Any, trunk: str = "") -> Iterator[tuple[str, float]]:
    """(path, weight) of every leaf: lists weigh 1, `leaf: number` weighs that.

    Raises:
        ValueError: something in the tree is neither a topic nor a weight.
    """
    for name in tree:
        path = f"{trunk} > {name}" if trunk else str(name)
        below = tree[name] if isinstance(tree, Mapping) else 1
        if isinstance(below, (Mapping, list, tuple)):
            yield from leaves(below, path)
        elif isinstance(below, (int, float)) and below >= 0:
            yield path, float(below)
        else:
            raise ValueError(f"{path}: {below!r} is neither a list, a tree nor a weight")


@lru_cache(maxsize=16)
def schedule(shares: tuple[float, ...], key: int) -> npt.NDArray[np.int64]:
    """Which topic each row gets, int64 [4096 or more]: after any n rows, topic i was drawn n * share_i times to within about one."""
    weights = np.array(shares) / sum(shares)
    ties = rng.generator(key, "ties").random(len(weights)) * 1e-6  # who begins, among equals
    counts = np.zeros(len(weights))
    order = np.empty(max(_CYCLE, len(weights)), np.int64)
    for place in range(len(order)):
        order[place] = int(np.argmax(weights * (place + 1) - counts + ties))
        counts[order[place]] += 1
    return order


@dataclass(frozen=True)
class Clusters:
    """Clusters of a source's texts.

    Attributes:
        vectorizer: texts -> tf-idf.
        centres: float64 [clusters, terms], rows of length 1 or 0.
        shares: float64 [clusters], adding up to 1: of the texts they were found in.
    """

    vectorizer: Any
    centres: Vector
    shares: Vector

    def names(self, words: int) -> list[str]:
        """The strongest words of each cluster; clusters with the same words are numbered."""
        terms = self.vectorizer.get_feature_names_out()
        named = [", ".join(str(term) for term in terms[np.argsort(-centre)[:words]]) for centre in self.centres]
        return [name if named.index(name) == place else f"{name} ({place})" for place, name in enumerate(named)]

    def nearest(self, found: Sequence[str]) -> npt.NDArray[np.int64]:
        """The cluster of each text, int64 [n]."""
        return np.asarray(self.vectorizer.transform(found) @ self.centres.T).argmax(axis=1).astype(np.int64)

    def place(self, found: Sequence[str]) -> Vector:
        """Share of texts in each cluster, float64 [clusters]."""
        return np.bincount(self.nearest(found), minlength=len(self.centres)) / len(found)


def texts_of(table: pa.Table, source: str, column: str) -> list[str]:
    """The texts of a source's column that are not blank.

    Raises:
        SourceError: there is no such column, or no text in it.
    """
    if column not in table.column_names:
        raise SourceError(
            what=f"source {source!r} has no column {column!r}", fix=did_you_mean(column, table.column_names, label="columns")
        )
    found = [str(text) for text in table[column].to_pylist() if text and str(text).strip()]
    if not found:
        raise SourceError(what=f"column {column!r} of source {source!r} has no text", fix="name a column with texts")
    return found


@lru_cache(maxsize=4)
def clustered(key: TableKey, source: str, column: str, clusters: int) -> Clusters:
    """The clusters of a source's texts and their shares.

    Raises:
        SourceError: there is no such column, or its texts have no words.
    """
    found = texts_of(key.table, source, column)
    centres = clusters_of(found, clusters)
    return replace(centres, shares=centres.place(found))


def clusters_of(found: Sequence[str], clusters: int) -> Clusters:
    """Clusters of texts: k-means on tf-idf, the same for the same texts; `shares` are not counted yet.

    Raises:
        SourceError: the texts have no words.
    """
    text = require("sklearn.feature_extraction.text", extra="text")
    cluster = require("sklearn.cluster", extra="text")
    vectorizer = text.TfidfVectorizer(
        max_features=5_000, stop_words="english", sublinear_tf=True, min_df=2 if len(found) > 50 else 1
    )
    try:
        vectors = vectorizer.fit_transform(found)
    except ValueError as exc:
        raise SourceError(what=f"the texts have no words to find topics in ({exc})", fix="give longer texts") from exc
    count = min(clusters, len(found))
    seed = rng.key("topics", clusters) % 2**31
    model = cluster.MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=1024).fit(vectors)
    centres = np.asarray(model.cluster_centers_, np.float64)
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    centres = centres / np.where(lengths > 0, lengths, 1.0)
    return Clusters(vectorizer, centres, np.full(count, 1 / count))
