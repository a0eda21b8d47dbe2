"""`lookup`: real values from a source."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike import rng
from lookalike.errors import RecipeError, SourceError, did_you_mean
from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Lookup(Generator):
    """A value from a source's rows: any row, the rows in turn, or the row that a key finds.

    ```yaml
    city:   {kind: lookup, source: towns, column: name}
    street: {kind: lookup, source: streets, column: [street, postcode], by: city, key: town}
    seed:   {kind: lookup, source: topics, column: topic, order: shuffle}
    ```

    Attributes:
        source: the source's name.
        column: its column; a list gives a struct.
        by: a column of this table: only source rows whose `key` equals it count; among several, one is drawn.
        key: the source's column to compare with; the name of `by` when empty.
        order: sample draws each time anew; shuffle uses every row once before any comes again; cycle takes them in order.
        weights: a numeric column of the source: how likely each row is, for `sample` without `by`.
        missing: what happens where no source row has the key: an error, or null.
    """

    kind: ClassVar[str] = "lookup"

    source: str
    column: str | tuple[str, ...] = Field(min_length=1)
    by: str = ""
    key: str = ""
    order: Literal["sample", "shuffle", "cycle"] = "sample"
    weights: str = ""
    missing: Literal["error", "null"] = "error"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.by and self.order != "sample":
            raise ValueError(f"order: {self.order!r} does not go with `by`; remove one of them")
        if self.weights and (self.by or self.order != "sample"):
            raise ValueError("weights: goes with order: sample and without `by`")
        if self.key and not self.by:
            raise ValueError("key: needs `by`, the column of this table to compare with")
        return self

    def needs(self) -> frozenset[str]:
        """The column of `by`."""
        return frozenset({self.by} if self.by else ())

    def sources(self) -> frozenset[str]:
        """The source."""
        return frozenset({self.source})

    def inside(self) -> tuple[str, ...]:
        """The source's columns, where several are looked up."""
        return () if isinstance(self.column, str) else self.column

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """The source column's type, or a struct of several."""
        table = ctx.tables.source(self.source)
        names = (self.column,) if isinstance(self.column, str) else self.column
        for name in (*names, *filter(None, [(self.key or self.by) if self.by else "", self.weights])):
            if name not in table.column_names:
                raise SourceError(
                    what=f"source {self.source!r} has no column {name!r}, which column {ctx.column!r} looks up",
                    fix=did_you_mean(name, table.column_names, label="columns"),
                )
        if not len(table):
            raise SourceError(what=f"source {self.source!r} is empty", fix="give it rows, or remove the lookup")
        index = self._matched(table, batch, ctx) if self.by else self._positions(table, batch, ctx)
        columns = [_flat(table[name]).take(index) for name in names]
        if isinstance(self.column, str):
            return columns[0]
        mask = index.is_null() if index.null_count else None
        return pa.StructArray.from_arrays(columns, names=list(names), mask=mask)

    def _positions(self, table: pa.Table, batch: Batch, ctx: Context) -> pa.Array:
        count = len(table)
        if self.order == "cycle":
            return pa.array(batch.ids % count)
        if self.order == "shuffle":
            rounds, places = np.divmod(batch.ids, count)
            turns, position = np.unique(rounds, return_inverse=True)
            return pa.array(_orders(ctx.key, tuple(turns.tolist()), count)[position, places])
        uniforms = ctx.uniform(batch.ids)
        if not self.weights:
            return pa.array((uniforms * count).astype(np.int64))
        weights = _flat(table[self.weights]).cast(pa.float64()).fill_null(0).to_numpy(zero_copy_only=False)
        if (weights < 0).any() or not weights.sum() > 0:
            raise SourceError(
                what=f"weights {self.weights!r} of source {self.source!r} are negative or all 0", fix="give some above 0"
            )
        ends = np.cumsum(weights)
        return pa.array(np.searchsorted(ends[:-1] / ends[-1], uniforms, side="right"))

    def _matched(self, table: pa.Table, batch: Batch, ctx: Context) -> pa.Array:
        """For each row one source row with its key; null where there is none and that is allowed."""
        keys = _flat(table[self.key or self.by]).cast(pa.string()).to_numpy(zero_copy_only=False).astype(object)
        wanted = batch[self.by].cast(pa.string()).to_numpy(zero_copy_only=False).astype(object)
        groups = _grouped(keys)
        index = np.full(len(batch), -1, np.int64)
        uniforms = ctx.uniform(batch.ids)
        for row, value in enumerate(wanted):
            rows = groups.get(value) if value is not None else None
            if rows is not None:
                index[row] = rows[int(uniforms[row] * len(rows))]
        none = index < 0
        lost = none & (wanted != None)  # noqa: E711  # elementwise
        if lost.any() and self.missing == "error":
            raise RecipeError(
                what=f"source {self.source!r} has no row with {self.key or self.by} = {wanted[lost][0]!r} (row {batch.ids[lost][0]})",
                fix="add it to the source, or allow it with missing: null",
            )
        return pa.array(index, mask=none)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    flat = column.combine_chunks()
    if isinstance(flat, pa.ChunkedArray):
        flat = pa.concat_arrays(flat.chunks)
    return flat.dictionary_decode() if pa.types.is_dictionary(flat.type) else flat


def _grouped(keys: np.ndarray) -> dict[str, npt.NDArray[np.int64]]:
    found: dict[str, list[int]] = {}
    for place, value in enumerate(keys):
        if value is not None:
            found.setdefault(value, []).append(place)
    return {value: np.array(rows) for value, rows in found.items()}


@lru_cache(maxsize=8)
def _orders(column_key: int, turns: tuple[int, ...], count: int) -> npt.NDArray[np.int64]:
    """For each round, an order of the source's rows of its own, int64 [rounds, count]."""
    items = np.array(turns, np.int64)[:, None] * count + np.arange(count)
    order: npt.NDArray[np.int64] = np.argsort(rng.bits(column_key, items.ravel()).reshape(items.shape), axis=1)
    return order
