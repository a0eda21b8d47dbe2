"""Frames in, the same kind of frame out. Inside, everything is an Arrow table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.optional import require

FrameKind = Literal["arrow", "pandas", "polars"]


def frame_kind(frame: object) -> FrameKind:
    """Which library a frame belongs to; rows as mappings and columns as mappings count as Arrow.

    Raises:
        SchemaError: not a frame.
    """
    package = type(frame).__module__.partition(".")[0]
    if package in ("pandas", "polars"):
        return "pandas" if package == "pandas" else "polars"
    if isinstance(frame, (pa.Table, pa.RecordBatch, Mapping)) or hasattr(frame, "__arrow_c_stream__"):
        return "arrow"
    if isinstance(frame, Sequence) and frame and isinstance(frame[0], Mapping):
        return "arrow"
    raise SchemaError(
        what=f"a table was expected, not {type(frame).__name__}",
        fix="give a pandas, polars or Arrow table, a list of dicts, or a dict of lists",
    )


def to_arrow(frame: Any) -> pa.Table:  # any frame
    """An Arrow table with unique string column names.

    Raises:
        SchemaError: not a frame, duplicate or empty column names, or cells of mixed types in one column.
    """
    kind = frame_kind(frame)
    try:
        if kind == "pandas":
            table = _from_pandas(frame)
        elif kind == "polars":
            table = frame.to_arrow()
        elif isinstance(frame, pa.RecordBatch):
            table = pa.Table.from_batches([frame])
        elif isinstance(frame, pa.Table):
            table = frame
        elif isinstance(frame, Mapping):
            table = pa.table(dict(frame))
        elif isinstance(frame, Sequence):
            table = pa.Table.from_pylist(list(frame))
        else:
            table = pa.table(frame)
    except (pa.ArrowException, OverflowError) as exc:
        raise SchemaError(what=_unread(frame, kind, exc), fix="make its cells of one type that Arrow has, or drop it") from exc
    return _checked(table)


def _checked(table: pa.Table) -> pa.Table:
    """The table, when its names and types can be worked with."""
    names = table.column_names
    if any(not name.strip() for name in names):
        raise SchemaError(what="a column has an empty name", fix="name every column")
    for field in table.schema:
        held = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if isinstance(held, pa.BaseExtensionType):
            raise SchemaError(
                what=f"column {field.name!r} holds {held.extension_name}, which no model reads",
                fix="cast it to text, a number or a timestamp",
            )
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SchemaError(what=f"duplicate column names: {', '.join(twice)}", fix="rename them")
    return table


def _unread(frame: Any, kind: FrameKind, exc: BaseException) -> str:  # any frame
    """What could not be read: the column and the types of its cells, where they can be found."""
    columns: dict[str, Any] = {}
    if kind == "pandas":
        columns = {str(name): frame[name] for name in frame.columns}
    elif isinstance(frame, Mapping):
        columns = {str(name): cells for name, cells in frame.items() if isinstance(cells, Sequence)}
    elif isinstance(frame, Sequence):
        columns = {str(name): [row.get(name) for row in frame] for name in frame[0]}
    for name, cells in columns.items():
        try:
            pa.array(cells)
        except (pa.ArrowException, OverflowError) as inner:
            kinds = sorted({type(cell).__name__ for cell in cells if cell is not None and cell == cell})  # noqa: PLR0124  # NaN
            return f"column {name!r} cannot be read, its cells are of type {', '.join(kinds)}: {inner}"
    return f"a column cannot be read: {exc}"


def _from_pandas(frame: Any) -> pa.Table:  # a pandas frame
    names = ["" if name is None or name != name else str(name) for name in frame.columns]  # noqa: PLR0124  # NaN names nothing
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SchemaError(what=f"duplicate column names: {', '.join(twice)}", fix="rename them")
    return pa.Table.from_pandas(frame, preserve_index=False).rename_columns(names).replace_schema_metadata(None)


def from_arrow(table: pa.Table, kind: FrameKind) -> Any:  # any frame
    """The table as the kind of frame that came in."""
    if kind == "pandas":
        return table.to_pandas()
    if kind == "polars":
        return (sys.modules.get("polars") or require("polars", extra="polars")).from_arrow(table)
    return table
