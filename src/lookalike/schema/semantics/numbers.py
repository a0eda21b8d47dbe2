"""Exact numbers of cells that Arrow stores as numbers, decimals or moments, and the cells again.

A number is a whole multiple of the column's last digit: cents of a decimal with two digits, nanoseconds of a timestamp in them. It
never goes through a float where its type is exact.
"""

# pyright: reportReturnType=false
# numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics.buffers import Mask, arrow, mask_of, nulls, one, plain

FLOATS_ARE_WHOLE = 1 << 53  # up to here every whole number is a float
INFINITE = 1 << 62  # what stands for infinity beside whole numbers
WIDE = Context(prec=80)  # of decimal256, with room


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a column's cells.

    Attributes:
        whole: int64 [n], multiples of the last digit; object [n] of Python integers where 64 bits are too few; float64 [n], the
            numbers themselves, where there is no last digit.
        missing: bool [n]; cells of `whole` there hold anything.
    """

    whole: npt.NDArray[Any]
    missing: Mask

    @property
    def exact(self) -> bool:
        """Whether `whole` holds integers."""
        return self.whole.dtype.kind != "f"

    @property
    def there(self) -> npt.NDArray[Any]:
        """The numbers of cells that are not missing."""
        return self.whole[~self.missing]


def numbers_of(values: pa.Array | pa.ChunkedArray, digits: int | None = None) -> Numbers:
    """Exact numbers of stored cells.

    Args:
        values: numbers, decimals, booleans, dates, times, timestamps or durations.
        digits: of floats, digits after the point; None: all that there are.

    Raises:
        pa.ArrowInvalid, pa.ArrowNotImplementedError: cells that are no numbers.
    """
    array = one(values)
    kind, missing = array.type, mask_of(array)
    if pa.types.is_floating(kind):
        return _floats(array, missing, digits)
    if pa.types.is_decimal(kind):
        return Numbers(_unscaled(array), missing)
    if pa.types.is_uint64(kind) and len(array) > array.null_count and pc.max(array).as_py() >= 1 << 63:
        return Numbers(plain(array.fill_null(0), np.uint64).astype(object), missing)
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        array = array.cast(pa.int32())
    whole = array.cast(pa.int64())
    return Numbers(plain(whole.fill_null(0) if whole.null_count else whole, np.int64), missing)


def _floats(array: pa.Array, missing: Mask, digits: int | None) -> Numbers:
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    cells = array.cast(pa.float64())
    values = plain(cells.fill_null(0.0) if cells.null_count else cells, np.float64)
    missing = missing | np.isnan(values)
    if missing.any():
        values = np.where(missing, 0.0, values)
    if digits is None:
        return Numbers(values, missing)
    with np.errstate(over="ignore"):
        scaled = values * 10.0**digits
    if not (np.abs(scaled) < FLOATS_ARE_WHOLE).all():
        return Numbers(values, missing)
    return Numbers(np.rint(scaled).astype(np.int64), missing)


def _unscaled(array: pa.Array) -> npt.NDArray[Any]:
    """Decimals as whole multiples of their last digit."""
    words = array.type.bit_width // 64
    if array.type.bit_width < 128:
        dtype = np.int32 if array.type.bit_width == 32 else np.int64
        return np.where(mask_of(array), 0, plain(array, dtype)).astype(np.int64)
    if not len(array):
        return np.empty(0, np.int64)
    start = array.offset * words * 8
    cells = np.frombuffer(array.buffers()[1], np.int64, len(array) * words, start).reshape(-1, words)
    low, high = cells[:, 0], cells[:, 1:]
    if array.null_count:
        gone = mask_of(array)
        low, high = np.where(gone, 0, low), np.where(gone[:, None], 0, high)
    if (high == (low >> 63)[:, None]).all():
        return low
    scale = array.type.scale
    return np.array([0 if cell is None else int(cell.scaleb(scale, WIDE)) for cell in array.to_pylist()], object)


def stored(numbers: Numbers, kind: pa.DataType, digits: int | None = None) -> pa.Array:
    """Numbers as cells of an Arrow type; beyond what it holds, its largest or smallest.

    Args:
        numbers: as `numbers_of` gives them.
        kind: of the cells.
        digits: as for `numbers_of`.
    """
    whole, missing = numbers.whole, numbers.missing
    if pa.types.is_floating(kind):
        return _as_floats(whole, missing, digits).cast(kind, safe=False)
    if not numbers.exact:
        whole = np.rint(np.clip(np.where(missing, 0, whole), -(2.0**63), 2.0**63 - 1024)).astype(np.int64)
    if pa.types.is_boolean(kind):
        return arrow(whole.astype(np.int8), missing).cast(kind)
    if pa.types.is_decimal(kind):
        return _as_decimals(whole, missing, kind)
    if pa.types.is_integer(kind):
        limits = np.iinfo(kind.to_pandas_dtype())
        low, high = int(limits.min), int(limits.max)
        if whole.dtype != object:
            low, high = max(low, -(1 << 63)), min(high, (1 << 63) - 1)
        held = np.clip(np.where(missing, 0, whole), low, high)  # noise of differential privacy may widen a range
        return arrow(held.astype(limits.dtype), missing)
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return arrow(whole.astype(np.int32), missing).cast(kind)
    moments = arrow(whole.astype(np.int64), missing)
    return moments.cast(pa.timestamp("ms")).cast(kind) if pa.types.is_date64(kind) else moments.cast(kind)


def _as_floats(whole: npt.NDArray[Any], missing: Mask, digits: int | None) -> pa.Array:
    if whole.dtype.kind == "f":
        if digits is not None:
            small = np.abs(whole) < FLOATS_ARE_WHOLE / 10.0**digits
            whole = np.where(small, np.round(np.where(small, whole, 0.0), digits), whole)
        return arrow(whole, missing)
    values = whole.astype(np.float64) / 10.0 ** (digits or 0)
    far = np.abs(values) >= INFINITE / 10.0 ** (digits or 0)
    return arrow(np.where(far, np.copysign(np.inf, values), values) if far.any() else values, missing)


def _as_decimals(whole: npt.NDArray[Any], missing: Mask, kind: pa.DataType) -> pa.Array:
    most = 10**kind.precision - 1
    if whole.dtype == object or most < 1 << 63:
        whole = np.clip(np.where(missing, 0, whole), -most, most)
    words = max(kind.bit_width // 64, 1)
    if whole.dtype == object:
        data = b"".join(int(cell).to_bytes(kind.bit_width // 8, "little", signed=True) for cell in whole)
    elif kind.bit_width == 32:
        data = whole.astype(np.int32).tobytes()
    else:
        data = np.stack([whole, *[whole >> 63] * (words - 1)], axis=1).astype(np.int64).tobytes()
    return pa.Array.from_buffers(kind, len(whole), [nulls(missing), pa.py_buffer(data)])


def unit_of(kind: pa.DataType, digits: int | None) -> Fraction:
    """What one whole is: a power of ten of numbers; seconds of moments, times and durations."""
    if pa.types.is_temporal(kind):
        if pa.types.is_date32(kind):
            return Fraction(86_400)
        unit = "ms" if pa.types.is_date64(kind) else kind.unit
        return {"s": Fraction(1), "ms": Fraction(1, 10**3), "us": Fraction(1, 10**6), "ns": Fraction(1, 10**9)}[unit]
    scale = kind.scale if pa.types.is_decimal(kind) else (digits or 0)
    return Fraction(1, 10**scale) if scale >= 0 else Fraction(10**-scale)


def whole_of(value: Decimal | Fraction | int, unit: Fraction) -> int | None:
    """A number in wholes of a unit; None when it lies between two of them."""
    wholes = Fraction(value) / unit
    return int(wholes) if wholes.denominator == 1 else None
