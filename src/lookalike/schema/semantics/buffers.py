"""Arrow columns and numpy arrays as the same bytes: no copy, no pandas in between."""

# pyright: reportReturnType=false
# numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


def one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One chunk; dictionaries as their values, views as what they are views of."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if pa.types.is_dictionary(values.type):
        return one(values.cast(values.type.value_type))
    viewed = {"string_view": pa.string(), "binary_view": pa.binary()}.get(str(values.type))
    return values if viewed is None else values.cast(viewed)


def plain(values: pa.Array, dtype: Any) -> npt.NDArray[Any]:
    """A primitive Arrow array without nulls as numpy, without a copy."""
    width = np.dtype(dtype).itemsize
    return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * width) if len(values) else np.empty(0, dtype)


def arrow(values: npt.NDArray[Any], missing: Mask | None = None) -> pa.Array:
    """A numeric numpy array as Arrow, without a copy."""
    flat = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [nulls(missing), pa.py_buffer(flat)])


def nulls(missing: Mask | None) -> pa.Buffer | None:
    """The validity buffer of an Arrow array; None where nothing is missing."""
    if missing is None or not missing.any():
        return None
    return pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())


def mask_of(values: pa.Array) -> Mask:
    """Where a value is missing, bool [n]."""
    if values.null_count == 0:
        return np.zeros(len(values), bool)
    return plain(pc.is_null(values).cast(pa.uint8()), np.uint8).astype(bool)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are strings of any layout."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view")
