"""Nested cells as plain ones, for formats that have no structs and lists."""

from __future__ import annotations

import orjson
import pyarrow as pa


def flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with struct, list and map cells written as JSON text; everything else as it is."""
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_nested(column.type):
            texts = [None if v is None else orjson.dumps(v, default=str).decode() for v in column.to_pylist()]
            columns.append((name, pa.array(texts, pa.string())))
        elif pa.types.is_dictionary(column.type):
            columns.append((name, column.dictionary_decode()))
        else:
            columns.append((name, column))
    return pa.RecordBatch.from_arrays([column for _, column in columns], names=[name for name, _ in columns])
