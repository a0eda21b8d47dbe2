"""Frames in, the same kind of frame out. Inside, everything is an Arrow table."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.optional import require

Library = Literal["arrow", "pandas", "polars"]

_VIEWS = {"string_view": pa.string_view(), "binary_view": pa.binary_view()}
_VIEW = re.compile("|".join(_VIEWS))
_NAMED_DTYPE = re.compile(r"U?Int\d+|Float\d+|boolean|string|category")  # of pandas, that Arrow would not bring back


@dataclass(frozen=True, slots=True)
class FrameKind:
    """What a frame is, beyond its cells: enough to give back one like it.

    Attributes:
        library: whose frame it is; rows as mappings and columns as mappings count as Arrow.
        labels: column name as text -> the frame's own label, where labels are no texts (pandas).
        dtypes: column name -> the library's type, of which Arrow knows less (`Int64`, categories, `Enum`).
    """

    library: Library = "arrow"
    labels: Any = field(default=None, compare=False, repr=False)  # a pandas Index
    dtypes: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def dump(self) -> dict[str, Any]:
        """Plain data for a saved model; levels of categories stay out of it, as they may be values of single people."""
        named = {name: str(dtype) for name, dtype in self.dtypes.items()}
        kept = _NAMED_DTYPE if self.library == "pandas" else _VIEW
        return {
            "library": self.library,
            "dtypes": {name: text for name, text in named.items() if kept.fullmatch(text)},
            "ordered": [name for name, dtype in self.dtypes.items() if getattr(dtype, "ordered", None) is True],
        }

    @classmethod
    def parse(cls, data: Mapping[str, Any], orders: Mapping[str, Sequence[str]]) -> FrameKind:
        """What `dump` wrote; Arrow where its library is not installed.

        Args:
            data: as `dump` wrote it.
            orders: column name -> the levels of an ordered category, lowest first.
        """
        library: Library = data.get("library", "arrow")
        ordered = {name: list(orders[name]) for name in data.get("ordered", ()) if orders.get(name)}
        if library == "pandas" and find_spec("pandas"):
            pandas = require("pandas")
            dtypes = {name: pandas.api.types.pandas_dtype(text) for name, text in data["dtypes"].items()}
            return cls(
                library, None, dtypes | {name: pandas.CategoricalDtype(levels, True) for name, levels in ordered.items()}
            )
        if library == "polars" and find_spec("polars"):
            return cls(library)
        views = {name: _VIEWS[text] for name, text in data.get("dtypes", {}).items() if text in _VIEWS}
        return cls("arrow", None, views)


def frame_kind(frame: Any) -> FrameKind:
    """What a frame is.

    Raises:
        SchemaError: not a frame.
    """
    package, name = type(frame).__module__.partition(".")[0], type(frame).__name__
    if package == "pandas" and name != "Series" and hasattr(frame, "columns"):
        return FrameKind("pandas", frame.columns, dict(zip(_names(frame), frame.dtypes, strict=True)))
    if package == "polars" and hasattr(frame, "collect_schema"):
        return FrameKind("polars", None, dict(frame.collect_schema()))
    if package in ("pandas", "polars"):
        raise SchemaError(what=f"a table was expected, not {name}", fix="one column is a table too: .to_frame()")
    if isinstance(frame, (pa.Table, pa.RecordBatch)):
        return FrameKind("arrow", None, {field.name: field.type for field in frame.schema if _is_held(field.type)})
    if isinstance(frame, Mapping) or hasattr(frame, "__arrow_c_stream__"):
        return FrameKind()
    if isinstance(frame, Sequence) and frame and isinstance(frame[0], Mapping):
        return FrameKind()
    raise SchemaError(
        what=f"a table was expected, not {type(frame).__name__}",
        fix="give a pandas, polars or Arrow table, a list of dicts, or a dict of lists",
    )


def is_dataset(data: Any) -> bool:  # anything
    """Whether these are several tables by name, as opposed to the columns of one."""
    return isinstance(data, Mapping) and bool(data) and all(hasattr(value, "columns") for value in data.values())


def to_arrow(frame: Any) -> pa.Table:  # any frame
    """An Arrow table with unique string column names.

    Raises:
        SchemaError: not a frame, duplicate or empty column names, or cells of mixed types in one column.
    """
    kind = frame_kind(frame).library
    try:
        if kind == "pandas":
            table = _from_pandas(frame)
        elif kind == "polars":
            table = frame.lazy().collect().to_arrow()
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
    return _checked(_without_views(table))


def _is_held(kind: pa.DataType) -> bool:
    """Whether cells are of a type that is given back as it was and not known inside: views and dictionaries."""
    return str(kind) in _VIEWS or _is_short(kind) or bool(pa.types.is_dictionary(kind))


def _is_short(kind: pa.DataType) -> bool:
    """Whether cells are decimals of 32 or 64 bits, which few functions know."""
    return bool(pa.types.is_decimal(kind)) and kind.bit_width < 128


def _without_views(table: pa.Table) -> pa.Table:
    """The table with views as what they are views of, and short decimals as long ones: few functions know them."""
    for place, column in enumerate(table.schema):
        if _is_short(column.type):
            wide = pa.decimal128(column.type.precision, column.type.scale)
            table = table.set_column(place, column.with_type(wide), table[column.name].cast(wide))
        elif str(column.type) in _VIEWS:
            plain = pa.string() if str(column.type) == "string_view" else pa.binary()
            table = table.set_column(place, column.with_type(plain), table[column.name].cast(plain))
    return table


def _checked(table: pa.Table) -> pa.Table:
    """The table, when its names and types can be worked with."""
    names = table.column_names
    if any(not name.strip() for name in names):
        raise SchemaError(what="a column has an empty name", fix="name every column")
    for column in table.schema:
        held = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if isinstance(held, pa.BaseExtensionType):
            raise SchemaError(
                what=f"column {column.name!r} holds {held.extension_name}, which no model reads",
                fix="cast it to text, a number or a timestamp",
            )
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SchemaError(what=f"duplicate column names: {', '.join(twice)}", fix="rename them")
    return table


def _unread(frame: Any, kind: Library, exc: BaseException) -> str:  # any frame
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


def _names(frame: Any) -> list[str]:
    """The labels of a pandas frame as texts."""
    return ["" if label is None or label != label else str(label) for label in frame.columns]  # noqa: PLR0124  # NaN names nothing


def _from_pandas(frame: Any) -> pa.Table:  # a pandas frame
    names = _names(frame)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SchemaError(what=f"duplicate column names: {', '.join(twice)}", fix="rename them")
    return pa.Table.from_pandas(frame, preserve_index=False).rename_columns(names).replace_schema_metadata(None)


def from_arrow(table: pa.Table, kind: FrameKind, *, rows_of: Any = None) -> Any:  # any frame
    """The table as the kind of frame that came in.

    Args:
        table: the cells.
        kind: of the frame to be like.
        rows_of: the frame that came in, when the table's rows are its rows: they keep its index.
    """
    if kind.library == "pandas":
        return _to_pandas(table, kind, rows_of)
    if kind.library == "polars":
        return _to_polars(table, kind)
    for name, held in kind.dtypes.items():
        if name in table.column_names and table.schema.field(name).type != held:
            place = table.column_names.index(name)
            table = table.set_column(place, pa.field(name, held), _as_held(table[name], held))
    return table


def _as_held(cells: pa.ChunkedArray, held: pa.DataType) -> pa.Array:
    """Cells as a view or a dictionary."""
    array = cells.combine_chunks()
    if not pa.types.is_dictionary(held):
        return array.cast(held)
    encoded = array.cast(held.value_type).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(held.index_type), encoded.dictionary, ordered=held.ordered)


def _to_pandas(table: pa.Table, kind: FrameKind, rows_of: Any) -> Any:
    """Labels, index and types as they were: Arrow knows no `Int64` and no order of categories."""
    frame = table.to_pandas()
    for name, dtype in kind.dtypes.items():
        if name in frame.columns and frame[name].dtype != dtype:
            frame[name] = _as_dtype(frame[name], table[name], dtype, whole=rows_of is not None)
    if kind.labels is not None:
        known = [str(label) for label in kind.labels]
        if set(known) >= set(table.column_names):
            frame.columns = kind.labels[[known.index(name) for name in table.column_names]]
    if rows_of is not None:
        frame.index = rows_of.index
    return frame


def _as_dtype(made: Any, cells: pa.ChunkedArray, dtype: Any, *, whole: bool) -> Any:
    """A pandas column as the type that it had, when it can hold what was drawn.

    A categorical of drawn rows has the levels that were drawn and no others: the real table's may name single people.
    """
    pandas = require("pandas")
    if isinstance(dtype, pandas.CategoricalDtype):
        seen = set(made.dropna().unique())
        levels = None if dtype.categories is None else [level for level in dtype.categories if whole or level in seen]
        if levels is None or not seen <= set(levels):
            return made if dtype.ordered else made.astype("category")
        return made.astype(pandas.CategoricalDtype(levels, dtype.ordered))
    if hasattr(dtype, "__from_arrow__") and str(dtype) != "str":
        return pandas.Series(dtype.__from_arrow__(cells), index=made.index).astype(
            dtype
        )  # by way of floats, large integers would change
    if dtype.kind in "iub" and made.isna().any():
        return made
    return made.astype(dtype)


def _to_polars(table: pa.Table, kind: FrameKind) -> Any:
    polars = sys.modules.get("polars") or require("polars")
    frame = polars.from_arrow(table)
    for name, dtype in kind.dtypes.items():
        if name in frame.columns and frame.schema[name] != dtype:
            cast = frame[name].cast(dtype, strict=False)
            if cast.null_count() == frame[name].null_count():  # else the type cannot hold what was drawn
                frame = frame.with_columns(cast)
    return frame
