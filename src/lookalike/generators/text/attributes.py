"""attributes: what a user's texts are like, mined and sampled jointly, to steer prompts."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.base import Generator
from lookalike.generators.text.topics import clusters_of
from lookalike.generators.text.words import sentences
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, TableKey

_LENGTHS = ((15, "very short"), (40, "short"), (100, "medium"), (250, "long"), (10**9, "very long"))


class Attributes(Generator):
    """Attributes of a real text, drawn from their joint distribution: a struct of `columns`, `topic`, `length`, `sentences`.

    Topics are found in the source (k-means on tf-idf; a topic is shown by its strongest words), lengths and sentence counts
    are read off. A drawn combination of columns, topic and length that fewer than `k` source rows share is drawn again, so no
    single person's text steers a prompt.

    ```yaml
    like:   {kind: attributes, source: reviews, text: body, columns: [stars], topics: 8}
    review: {kind: prompt, prompt: "A {{ like.length }} review, {{ like.stars }} stars, with words like {{ like.topic }}."}
    ```

    Attributes:
        source: the source's name.
        text: the source's text column; empty: only `columns`.
        columns: source columns that are drawn along.
        topics: how many topics are looked for.
        k: source rows that must share a combination.

    Source:
        Yu et al. 2023, "Large Language Model as Attributed Training Data Generator" (2306.15895).
    """

    kind: ClassVar[str] = "attributes"

    source: str
    text: str = ""
    columns: tuple[str, ...] = ()
    topics: int = Field(default=8, ge=1, le=200)
    k: int = Field(default=3, ge=1)

    def sources(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Structs [n]."""
        mined = mine(
            TableKey(ctx.tables.source(self.source)),
            self.source,
            text=self.text,
            columns=self.columns,
            topics=self.topics,
            k=self.k,
        )
        rows = (ctx.uniform(batch.ids) * len(mined)).astype(np.int64)
        return mined.take(pa.array(rows))


@lru_cache(maxsize=4)
def mine(key: TableKey, source: str, *, text: str, columns: tuple[str, ...], topics: int, k: int) -> pa.StructArray:
    """The attributes of the source rows that share theirs with at least k - 1 others.

    Raises:
        SourceError: a column is not there, or no combination is shared often enough.
    """
    table = key.table
    for name in (*columns, *([text] if text else [])):
        if name not in table.column_names:
            raise SourceError(
                what=f"source {source!r} has no column {name!r}", fix=did_you_mean(name, table.column_names, label="columns")
            )
    fields: dict[str, list[Any]] = {name: table[name].to_pylist() for name in columns}
    types = {name: table.schema.field(name).type for name in columns}
    if text:
        found = [str(value or "") for value in table[text].to_pylist()]
        fields |= {
            "topic": topic_words(found, topics),
            "length": [next(name for bound, name in _LENGTHS if len(t.split()) <= bound) for t in found],
            "sentences": [len(sentences(t)) for t in found],
        }
        types |= {"topic": pa.string(), "length": pa.string(), "sentences": pa.int64()}
    if not fields:
        raise SourceError(what="attributes need `text` or `columns`", fix="name at least one")
    shared = [name for name in fields if name != "sentences"]
    combinations = list(zip(*(fields[name] for name in shared), strict=True))
    counts = Counter(map(str, combinations))
    keep = [row for row, combination in enumerate(combinations) if counts[str(combination)] >= k]
    if not keep:
        raise SourceError(
            what=f"no combination of {', '.join(shared)} is shared by {k} rows of source {source!r}",
            fix="name fewer columns or lower k",
        )
    arrays = [pa.array([fields[name][row] for row in keep], types[name]) for name in fields]
    return pa.StructArray.from_arrays(arrays, names=list(fields))


def topic_words(found: list[str], topics: int) -> list[str]:
    """For each text the four strongest words of its topic, as `coffee, cup, taste, morning`."""
    clusters = clusters_of(found, topics)
    names = clusters.names(4)
    return [names[place] for place in clusters.nearest(found).tolist()]
