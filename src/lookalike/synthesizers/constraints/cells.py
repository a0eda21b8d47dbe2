"""What constraints do to typed cells: numbers behind a column, sums of them, several columns as one."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.rules import RuleCells
from lookalike.schema.semantics import quantity_of
from lookalike.schema.semantics.arithmetic import placed
from lookalike.schema.semantics.base import Semantic
from lookalike.schema.semantics.buffers import Mask, one
from lookalike.schema.semantics.numbers import Numbers, numbers_of, unit_of


def typed(cells: RuleCells, name: str) -> Semantic:
    """What a column's cells are as numbers or moments."""
    return quantity_of(cells.schema[name])


def joined(cells: RuleCells, names: Sequence[str]) -> pa.Array:
    """Several columns as one text a row."""
    columns = [_text(cells.cells(name)).to_pylist() for name in names]
    return pa.array([orjson.dumps(row).decode() for row in zip(*columns, strict=True)], pa.string())


def _text(array: pa.Array) -> pa.Array:
    return (array.cast(pa.int64()) if pa.types.is_duration(array.type) else array).cast(pa.string())


def parted(texts: pa.Array, kinds: Sequence[pa.DataType]) -> list[pa.Array]:
    """The columns that `joined` made one."""
    rows = [orjson.loads(cell) for cell in texts.to_pylist()]
    out = []
    for i, kind in enumerate(kinds):
        cells = pa.array([row[i] for row in rows], pa.string())
        out.append(cells.cast(pa.int64()).cast(kind) if pa.types.is_duration(kind) else cells.cast(kind))
    return out


def total(cells: RuleCells, names: Sequence[str], target: Semantic) -> pa.Array:
    """The sum of columns as cells of another, exact where all are; missing where one is."""
    parts = [(typed(cells, name), cells.cells(name)) for name in names]
    numbers = [semantic.numbers(values) for semantic, values in parts]
    missing = np.any([part.missing for part in numbers], axis=0)
    if not all(part.exact for part in numbers):
        return placed(target, np.sum([semantic.floats(values) for semantic, values in parts], axis=0), Fraction(1), missing)
    units = [semantic.unit for semantic, _ in parts]
    unit = Fraction(gcd(*(unit.numerator for unit in units)), lcm(*(unit.denominator for unit in units)))
    whole = sum(
        np.where(part.missing, 0, part.whole).astype(object) * int(own / unit) for part, own in zip(numbers, units, strict=True)
    )
    return placed(target, np.asarray(whole, object), unit, missing)


def fitted(made: pa.Array, target: Semantic) -> pa.Array:
    """What SQL gave as cells of a column: numbers with the column's digits."""
    if not target.quantity or pa.types.is_null(made.type):
        return made.cast(target.kind)
    numbers = numbers_of(made)
    return placed(target, numbers.whole, unit_of(made.type, None) if numbers.exact else Fraction(1), numbers.missing)


def differ(semantic: Semantic, made: pa.Array, there: pa.Array) -> Mask:
    """Where two columns of one sort differ; missing cells differ from none."""
    if not semantic.quantity:
        return np.asarray(pc.fill_null(pc.not_equal(made, there), False).to_numpy(zero_copy_only=False), bool)
    a, b = semantic.numbers(made), semantic.numbers(there)
    if a.exact and b.exact:
        return np.asarray((a.whole != b.whole) & ~a.missing & ~b.missing, bool)
    return np.abs(a.whole - b.whole) > 1e-9 * (1 + np.abs(b.whole))  # NaN compares false


def bounds(semantic: Semantic, low: Any, high: Any) -> tuple[Any, Any]:
    """The ends of a range in wholes of the column, whole numbers where it has a last digit."""
    ends = [None if end is None else semantic.parse(end) for end in (low, high)]
    if not semantic.exact:
        return tuple(None if end is None else float(end) for end in ends)  # type: ignore[return-value]  # two of them
    return (None if ends[0] is None else -(-ends[0].numerator // ends[0].denominator)), (
        None if ends[1] is None else ends[1].numerator // ends[1].denominator
    )


def clipped(semantic: Semantic, numbers: Numbers, low: Any, high: Any) -> pa.Array:
    """Numbers within bounds as cells."""
    whole: npt.NDArray[Any] = numbers.whole
    whole = whole if low is None else np.maximum(whole, low)
    whole = whole if high is None else np.minimum(whole, high)
    return semantic.stored(Numbers(whole, numbers.missing))


def chosen(rows: Mask, new: pa.Array, old: pa.Array) -> pa.Array:
    """Cells of two columns, the new ones in some rows."""
    return one(pc.if_else(pa.array(rows), new.cast(old.type), old))
