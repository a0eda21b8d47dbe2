"""What constraints do to the cells of Arrow tables: set, cast, compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

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
