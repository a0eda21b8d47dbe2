"""Real rows as seeds."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from lookalike import rng
from lookalike.errors import SourceError
from lookalike.origins.base import Brings, IdRange, Known, Origin, Place, Rows
from lookalike.rows.batch import Batch, columns_of


class From(Origin):
    """Real rows as seeds: each brings its columns along, for prompts that rewrite, label or extend them.

    Attributes:
        from: the source.
        n: rows; as many as the source has when not given.
        order: `as_is` from the first row on; `shuffle` in a keyed random order; `cycle` begins again at the end.

    Example:
        ```yaml
        sources:
          people: {kind: package, name: adult}
        tables:
          t:
            rows: {from: people, n: 20, order: shuffle}
        ```
    """

    kind: ClassVar[str] = "from"
    loose: ClassVar[frozenset[str]] = frozenset({"n"})

    source: str = Field(alias="from")
    n: int | None = Field(default=None, ge=0)
    order: Literal["as_is", "shuffle", "cycle"] = "as_is"

    def sources(self) -> frozenset[str]:
        """What it reads."""
        return frozenset({self.source})

    def brings(self, known: Known) -> Brings:
        """The source's columns and, where no number is asked, its rows."""
        outline = known.outline(self.source)
        if outline is None:
            return Brings(rows=self.n or 0, open=True)
        return Brings(outline.columns, rows=outline.rows if self.n is None else self.n)

    def words(self) -> str:
        """The source."""
        return f"from {self.source}"

    def open(self, place: Place) -> Rows:
        """The source's rows."""
        source = place.tables.source(self.source)
        if source.num_rows == 0:
            raise SourceError(what=f"source {self.source!r} has no rows", fix="give a source with rows")
        return Seeds(place, self.order, source)


class Seeds(Rows):
    """The source's rows, in its own or a shuffled order, which begins again at its end."""

    def __init__(self, place: Place, order: str, source: pa.Table) -> None:
        self._place, self._source, self.asked = place, source, place.asked
        self._order = np.arange(source.num_rows)
        if order == "shuffle":
            self._order = rng.generator(place.seed, place.table, "order").permutation(source.num_rows)
        if order != "cycle" and source.num_rows <= self.asked:
            self.replaces = "nobody"  # there is no row that was not asked for

    def rows(self, range: IdRange) -> Batch:
        """Rows of the source with the columns that the table does not make itself."""
        ids = range.candidates()
        picked = self._source.take(pa.array(self._order[ids % len(self._order)]))
        own = self._place.own & set(picked.column_names)
        return Batch(self._place.table, ids, columns_of(picked.drop_columns([*own])))
