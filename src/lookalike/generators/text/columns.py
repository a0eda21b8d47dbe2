"""Reading text columns: dotted paths into structs, spans in the forms that data comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import RecipeError, SchemaError, UnknownColumn, did_you_mean
from lookalike.generators.text.edits import Span
from lookalike.rows.batch import Batch


def head(path: str) -> str:
    """The column that a path starts in: `reviews.text` -> `reviews`."""
    return path.partition(".")[0]


def column(batch: Batch, path: str) -> pa.Array:
    """A column, or a field of a struct column, by its dotted path.

    Raises:
        UnknownColumn: the batch has no such column or field.
    """
    if path in batch.columns:
        return batch[path]
    first, *rest = path.split(".")
    if first not in batch.columns:
        raise UnknownColumn(
            what=f"no column {path!r}", where=batch.table, fix=did_you_mean(first, batch.columns, label="columns")
        )
    values = batch[first]
    for name in rest:
        if not pa.types.is_struct(values.type) or values.type.get_field_index(name) < 0:
            names = (
                [values.type.field(i).name for i in range(values.type.num_fields)] if pa.types.is_struct(values.type) else []
            )
            raise UnknownColumn(
                what=f"no field {name!r} in {path!r}", where=batch.table, fix=did_you_mean(name, names, label="fields")
            )
        values = pc.struct_field(values, name)
    return values


def texts(batch: Batch, path: str) -> list[str | None]:
    """The texts of a column.

    Raises:
        RecipeError: the column holds something else.
    """
    values = column(batch, path)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type) or pa.types.is_null(values.type)):
        raise RecipeError(what=f"column {path!r} holds {values.type}, not text", where=batch.table, fix="name a text column")
    out: list[str | None] = values.to_pylist()
    return out


def spans_of(cell: Any, text: str, *, where: str) -> list[Span]:
    """The spans of one cell: a list of {start, end, ...}, of [start, end], or a single {start, end, ...}; null is none.

    Raises:
        SchemaError: a span without start and end, or one that leaves the text.
    """
    if cell is None:
        return []
    items: Sequence[Any] = [cell] if isinstance(cell, Mapping) else cell
    found = []
    for item in items:
        try:
            start, end = (item["start"], item["end"]) if isinstance(item, Mapping) else (item[0], item[1])
        except (KeyError, IndexError, TypeError) as exc:
            raise SchemaError(what=f"{item!r} is no span", where=where, fix="give {start, end}, in code points") from exc
        if start is None or end is None:
            continue
        if not 0 <= start <= end <= len(text):
            raise SchemaError(
                what=f"span {start}..{end} leaves its text of {len(text)} characters",
                where=where,
                fix="offsets count code points from 0; the end is exclusive",
            )
        found.append((int(start), int(end)))
    return found


def moved(cell: Any, spans: Sequence[Span]) -> Any:
    """The cell with its spans moved, in the form that it had; other fields are kept."""
    if cell is None:
        return None
    rest = iter(spans)

    def one(item: Any) -> Any:
        if isinstance(item, Mapping):
            if item["start"] is None or item["end"] is None:
                return item
            start, end = next(rest)
            return {**item, "start": start, "end": end}
        return list(next(rest)) if item[0] is not None and item[1] is not None else item

    return one(cell) if isinstance(cell, Mapping) else [one(item) for item in cell]


def label_name(label: Any) -> str:
    """A label as a recipe writes it, whatever holds it: `positive`, `3` for 3 and 3.0, `0.5`, `true`."""
    if isinstance(label, bool):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
