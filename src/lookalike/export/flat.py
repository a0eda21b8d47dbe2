"""Nested cells as plain ones, for formats that have no structs and lists."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pyarrow as pa

from lookalike.schema import durations


def text_of(value: object) -> str:
    """What JSON has no type for, as text: durations as ISO 8601."""
    return durations.iso_of(value) if isinstance(value, timedelta) else str(value)


def flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with struct, list and map cells written as JSON text, durations as ISO 8601 (`PT2H37M`); else as it is."""
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_nested(column.type):
            texts = [None if v is None else orjson.dumps(v, default=text_of).decode() for v in column.to_pylist()]
            columns.append((name, pa.array(texts, pa.string())))
        elif pa.types.is_duration(column.type):
            columns.append((name, durations.iso(column)))
        elif pa.types.is_dictionary(column.type):
            columns.append((name, column.dictionary_decode()))
        else:
            columns.append((name, column))
    return pa.RecordBatch.from_arrays([column for _, column in columns], names=[name for name, _ in columns])
