"""Dates and times that are written as text, as what they are while tables are learned, and as text again when they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa

from lookalike import rng
from lookalike.errors import SchemaError
from lookalike.schema.relations import DatasetSchema
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.moments import Date, DateAndTime
from lookalike.schema.semantics.numbers import numbers_of, stored
from lookalike.schema.types import ColumnSchema, TableSchema

MOMENT = pa.timestamp("us")


def typed(tables: Mapping[str, pa.Table], schema: DatasetSchema) -> tuple[dict[str, pa.Table], DatasetSchema]:
    """The tables with moments in place of texts of moments, and what they are then; keys stay as they are."""
    linked = {(r.child, column) for r in schema.relations for column in r.columns}
    linked |= {(r.parent, column) for r in schema.relations for column in r.keys}
    linked |= {(name, column) for name, key in schema.keys.items() for column in key}
    found = {}
    known = {}
    for name, table in tables.items():
        columns = []
        for column in schema.tables[name].columns:
            moments = None if (name, column.name) in linked else _moments(column, table[column.name])
            if moments is None:
                columns.append(column)
                continue
            table = table.set_column(table.column_names.index(column.name), column.name, moments)  # noqa: PLW2901  # grows typed
            columns.append(replace(column, arrow=str(moments.type), format=""))
        found[name] = table
        known[name] = TableSchema(tuple(columns), rules=schema.tables[name].rules)
    return found, replace(schema, tables=known)


def _moments(column: ColumnSchema, values: pa.ChunkedArray) -> pa.Array | None:
    """The cells as dates or moments; None where they are no texts of such."""
    meaning = semantic_of(column)
    if not isinstance(meaning, (Date, DateAndTime)) or not meaning.written:
        return None
    try:
        moments = stored(meaning.numbers(values), MOMENT)
    except SchemaError:  # cells of no form: they are learned as the texts that they are
        return None
    return moments.cast(pa.date32()) if isinstance(meaning, Date) else moments


def written(table: pa.Table, schema: TableSchema, key: int) -> pa.Table:
    """The table with texts of moments where it had them; `key` chooses where a column has several forms."""
    for column in schema.columns:
        values = table[column.name].combine_chunks()
        meaning = semantic_of(column)
        if pa.types.is_temporal(values.type) and isinstance(meaning, (Date, DateAndTime)) and meaning.written:
            coins = rng.uniform(rng.key(key, "form", column.name), np.arange(len(values)))
            texts = meaning.stored(numbers_of(values.cast(MOMENT)), coins)
            table = table.set_column(table.column_names.index(column.name), pa.field(column.name, texts.type), texts)
    return table
