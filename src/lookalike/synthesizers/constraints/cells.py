"""What constraints do to the cells of Arrow tables: set, cast, compare, ask SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SynthesizerError

Mask = npt.NDArray[np.bool_]


def joined(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Several columns as one text a row."""
    columns = [table[name].to_pylist() for name in names]
    return pa.array([orjson.dumps(row, default=str).decode() for row in zip(*columns, strict=True)], pa.string())


def numbers(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Columns as float64 [n, d], NaN where missing."""
    columns = [table[name].combine_chunks().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) for name in names]
    return np.stack(columns, axis=1)


def put(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.column_names.index(name), name, values)


def cast(values: Any, kind: pa.DataType) -> Any:
    """Values in another Arrow type; numbers are rounded for whole ones."""
    if pa.types.is_integer(kind) and not pa.types.is_integer(values.type) and not pa.types.is_string(values.type):
        values = pc.round(values.cast(pa.float64(), safe=False))
    return values.cast(kind, safe=False)


def mask_of(values: Any) -> Mask:
    """Truth as booleans [n]; a missing value breaks nothing."""
    filled = pc.fill_null(values, True)
    array = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    return np.asarray(array.to_numpy(zero_copy_only=False), bool)


def literal(value: Any) -> str:
    """A value as SQL."""
    if value is None:
        return "null"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


def sql_mask(table: pa.Table, predicate: str, *, near: str) -> Mask:
    """Rows for which an SQL predicate is true; `near` is what messages name."""
    made = query(table, f"select ({predicate}) as keep from data", near)["keep"]  # noqa: S608  # likewise
    return mask_of(made)


def query(table: pa.Table, sql: str, what: str) -> pa.Table:
    """The answer of one SQL statement over the table `data`, without access to files.

    Raises:
        SynthesizerError: the SQL cannot be read; `what` is named.
    """
    connection = duckdb.connect(config={"enable_external_access": False})
    try:
        connection.register("data", table)
        relation = connection.sql(sql)
        out = relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.fetch_arrow_table()
    except duckdb.Error as exc:
        raise SynthesizerError(what=f"{what}: {exc}", fix="write it as SQL over the table's columns") from exc
    finally:
        connection.close()
    return out
