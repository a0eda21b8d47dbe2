"""Numbers of two columns beside each other: in one unit, so that they can be compared, added and subtracted exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.schema.semantics.base import Quantity, Semantic
from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.semantics.numbers import Numbers

SAFE = 1 << 61  # sums of two numbers below it fit 64 bits


@dataclass(frozen=True, slots=True)
class Pair:
    """Numbers of two columns in wholes of one unit.

    Attributes:
        left: int64, object or float64 [n].
        right: likewise, of the other column.
        unit: of both; float64 are the numbers themselves.
        missing: bool [n], where either is missing.
    """

    left: npt.NDArray[Any]
    right: npt.NDArray[Any]
    unit: Fraction
    missing: Mask


def comparable(left: Semantic, right: Semantic) -> bool:
    """Whether cells of two columns can be compared: numbers with numbers, moments with moments."""
    return bool(left.quantity) and left.quantity == right.quantity


def aligned(left: Semantic, cells: pa.Array | pa.ChunkedArray, right: Semantic, others: pa.Array | pa.ChunkedArray) -> Pair:
    """Cells of two columns as exact numbers of one unit.

    Moments and durations align too: a date and the days that are added to it.

    Raises:
        SchemaError: columns that share no quantity, such as a date and a price.
    """
    kinds: set[Quantity] = {left.quantity, right.quantity}
    if "" in kinds or not (len(kinds) == 1 or "number" not in kinds):
        raise SchemaError(
            what=f"{left.column.name!r} ({left.column.semantic}) and {right.column.name!r} ({right.column.semantic}) "
            "cannot be compared",
            fix="compare numbers with numbers and moments with moments",
        )
    a, b = left.numbers(cells), right.numbers(others)
    missing = a.missing | b.missing
    if not (a.exact and b.exact):
        floats = (left.floats(cells), right.floats(others))
        return Pair(*floats, Fraction(1), missing)
    unit = Fraction(gcd(left.unit.numerator, right.unit.numerator), lcm(left.unit.denominator, right.unit.denominator))
    return Pair(_times(a, int(left.unit / unit)), _times(b, int(right.unit / unit)), unit, missing)


def _times(numbers: Numbers, factor: int) -> npt.NDArray[Any]:
    whole = np.where(numbers.missing, 0, numbers.whole)
    if whole.dtype != object and len(whole) and max(abs(int(whole.min())), abs(int(whole.max()))) * factor >= SAFE:
        whole = whole.astype(object)
    return np.asarray(whole * factor)


def placed(target: Semantic, whole: npt.NDArray[Any], unit: Fraction, missing: Mask) -> pa.Array:
    """Numbers of some unit as cells of a column, rounded to its last digit where they lie between two."""
    if not target.exact:
        return target.stored(Numbers(np.where(missing, 0, whole).astype(np.float64) * float(unit), missing))
    if whole.dtype.kind == "f":
        return target.stored(
            Numbers(np.rint(np.where(missing, 0.0, whole) * float(unit / target.unit)).astype(np.int64), missing)
        )
    factor = unit / target.unit
    top, bottom = factor.numerator, factor.denominator
    if bottom == 1:
        return target.stored(Numbers(_times(Numbers(whole, missing), top), missing))
    scaled = np.where(missing, 0, whole).astype(object) * top
    rounded = (2 * scaled + bottom) // (2 * bottom)
    return target.stored(Numbers(rounded, missing))
