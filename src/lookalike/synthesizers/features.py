"""Columns as numbers and codes, and back: what the methods beside the forest learn from.

A number is float64 with NaN where it is missing (times are ticks of their unit). A category is int64 codes into its levels,
the code after the last level is "missing". Identifiers, personal data, prose and nested cells are no features: they are
replaced (`anonymise`). Infinite numbers are learned as the nearest finite one, with a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError
from lookalike.schema import dates
from lookalike.schema.types import TEMPORAL, ColumnSchema, TableSchema, arrow_type
from lookalike.synthesizers.anonymise import REPLACED

Values = npt.NDArray[Any]  # float64 of a number, int64 codes of a category
Data = dict[str, Values]
NUMBERS = frozenset({"integer", "decimal", "latitude", "longitude"}) | TEMPORAL


@dataclass(frozen=True, slots=True)
class Feature:
    """One learned column.

    Attributes:
        name: the column.
        levels: values of a category, the commonest first (or in their order); None for a number.
        missing: whether nulls were seen.
        low: least finite number.
        high: greatest finite number.
        step: numbers are whole multiples of it (0.01 of two decimals, 86400 of days in seconds); 0: of nothing.
    """

    name: str
    levels: tuple[Any, ...] | None
    missing: bool
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0

    @property
    def is_number(self) -> bool:
        """Whether the values are float64 rather than codes."""
        return self.levels is None

    @property
    def size(self) -> int:
        """Codes of a category, the missing one among them; 0 for a number."""
        return 0 if self.levels is None else len(self.levels) + self.missing

    def dump(self) -> dict[str, Any]:
        """Plain data that `parse` reads back."""
        return asdict(self)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Feature:
        """The feature that `dump` wrote."""
        levels = data["levels"]
        return cls(**{**data, "levels": None if levels is None else tuple(levels)})


def learned(schema: TableSchema) -> list[ColumnSchema]:
    """The columns that are features."""
    return [column for column in schema.columns if column.semantic not in REPLACED]


def learn(table: pa.Table, schema: TableSchema, *, rare_below: int = 0) -> tuple[list[Feature], Data]:
    """Features of a table and their values.

    Args:
        table: has the schema's columns, in any order.
        schema: semantic types.
        rare_below: categories that fewer rows have are learned as "other".

    Raises:
        SchemaError: a column is missing, or its cells do not fit its semantic type.
    """
    features, data = [], {}
    for column in learned(schema):
        if column.name not in table.column_names:
            raise SchemaError(what=f"the table has no column {column.name!r}", fix="give a table that fits its schema")
        feature, values = _learn_one(column, table[column.name], rare_below)
        features.append(feature)
        data[column.name] = values
    return features, data


def _learn_one(column: ColumnSchema, values: pa.ChunkedArray, rare_below: int) -> tuple[Feature, Values]:
    if column.semantic in NUMBERS:
        numbers = as_numbers(column, values)
        finite = numbers[np.isfinite(numbers)]
        if np.isinf(numbers).any():
            warnings.warn(
                f"column {column.name!r} has infinite values; they are learned as the nearest finite one. Set them to null "
                "where they mean nothing",
                stacklevel=6,
            )
            ends = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
            numbers = np.where(np.isinf(numbers), np.where(numbers > 0, ends[1], ends[0]), numbers)
            finite = numbers[~np.isnan(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        return Feature(column.name, None, bool(np.isnan(numbers).any()), low, high, _step(column, finite)), numbers
    array = _category(values)
    counted = pc.value_counts(array.drop_null())
    pairs = sorted(zip(counted.field("counts").to_pylist(), counted.field("values").to_pylist(), strict=True), key=_by_count)
    levels = [value for count, value in pairs if count >= rare_below]
    if len(levels) < len(pairs) and pa.types.is_string(array.type):
        levels.append(_other(levels))
    levels = levels or [value for _, value in pairs]
    if column.order:
        place = {value: i for i, value in enumerate(column.order)}
        levels.sort(key=lambda value: place.get(str(value), len(place)))
    feature = Feature(column.name, tuple(levels), array.null_count > 0)
    return feature, codes(feature, array)


def _by_count(pair: tuple[int, Any]) -> tuple[int, str]:
    return -pair[0], str(pair[1])


def _other(levels: Sequence[Any]) -> str:
    return "other" if "other" not in levels else "(other)"


def codes(feature: Feature, array: pa.Array) -> Values:
    """Codes of a category's values; values that were not learned get the last level (where rare ones are grouped)."""
    levels = pa.array(list(feature.levels or ()), array.type)
    found = pc.index_in(array, levels).to_numpy(zero_copy_only=False)
    found = np.where(np.isnan(found.astype(np.float64)), max(len(levels) - 1, 0), found).astype(np.int64)
    missing = array.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, len(levels), found)


def _category(values: pa.ChunkedArray) -> pa.Array:
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if pa.types.is_floating(array.type):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    if pa.types.is_large_string(array.type) or str(array.type) == "string_view":
        return array.cast(pa.string())
    return array


def as_numbers(column: ColumnSchema, values: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.float64]:
    """A column's values as float64, NaN where missing: ticks of their unit for times, microseconds for dates in text.

    Raises:
        SchemaError: a text that is no number or date, though the schema says so.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = array.type
    if pa.types.is_dictionary(kind):
        return as_numbers(column, array.cast(kind.value_type))
    try:
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
            array = (
                dates.parse(array, column.format).cast(pa.int64()) if column.semantic in TEMPORAL else array.cast(pa.string())
            )
        elif pa.types.is_date32(kind) or pa.types.is_time32(kind):
            array = array.cast(pa.int32())
        elif pa.types.is_temporal(kind):
            array = array.cast(pa.int64())
        return np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise SchemaError(
            what=f"the cells are no {column.semantic}: {exc}", where=column.name, fix="correct the schema"
        ) from exc


def _step(column: ColumnSchema, finite: npt.NDArray[np.float64]) -> float:
    """The grid that numbers lie on."""
    if column.decimals is not None:
        return float(10.0**-column.decimals)
    if column.semantic not in TEMPORAL or not len(finite):
        return 0.0
    few = finite[:: max(1, len(finite) // 5000)]
    for step in (86_400e9, 86_400e6, 3_600e6, 60e6, 86_400e3, 1e6, 86_400.0, 3600.0, 1e3, 60.0, 1.0):
        if abs(few).max() >= step and bool((few % step == 0).all()) and bool((finite % step == 0).all()):
            return float(step)
    return 1.0


def decode(feature: Feature, column: ColumnSchema, values: Values) -> pa.Array:
    """The Arrow column of values: on the grid, within the learned range, in the column's type."""
    kind = arrow_type(column.arrow)
    if not feature.is_number:
        levels = feature.levels or ()
        missing = pa.array(values >= len(levels))
        if not levels:
            return pa.nulls(len(values), kind)
        stored = pa.array(list(levels)) if pa.types.is_null(kind) else pa.array(list(levels), _stored(kind))
        safe = np.minimum(np.maximum(values, 0), len(levels) - 1)
        return (
            pa.DictionaryArray.from_arrays(pa.array(safe, pa.int64(), mask=missing.to_numpy(zero_copy_only=False)), stored)
            .cast(stored.type)
            .cast(kind)
        )
    missing = np.isnan(values)
    if feature.high == feature.low == 0.0 and missing.all():
        return pa.nulls(len(values), kind)
    numbers = np.clip(np.where(missing, feature.low, values), feature.low, feature.high)
    if feature.step:
        numbers = np.clip(_snap(numbers, feature, column), feature.low, feature.high)
    return _stored_numbers(column, numbers, missing, kind)


def _snap(numbers: npt.NDArray[np.float64], feature: Feature, column: ColumnSchema) -> npt.NDArray[np.float64]:
    if column.decimals is not None:
        return np.asarray(np.round(numbers, column.decimals))
    return np.asarray(np.round(numbers / feature.step) * feature.step)


def _stored(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_large_string(kind) else kind


def _stored_numbers(
    column: ColumnSchema, numbers: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_], kind: pa.DataType
) -> pa.Array:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        if column.semantic in TEMPORAL:
            ticks = pa.array(np.round(numbers).astype(np.int64), mask=missing).cast(pa.timestamp("us"))
            return dates.render(ticks, column.format).cast(kind)
        digits = column.decimals or 0
        return pa.array(
            [None if gone else f"{x:.{digits}f}" for x, gone in zip(numbers.tolist(), missing.tolist(), strict=True)], kind
        )
    if types.is_floating(kind):
        return pa.array(numbers, mask=missing).cast(kind)
    if types.is_decimal(kind):
        return pa.array(numbers, mask=missing).cast(kind, safe=False)
    whole = np.round(numbers)
    small = types.is_date32(kind) or types.is_time32(kind)
    if types.is_uint64(kind):
        return pa.array(np.clip(whole, 0, 2.0**64 - 2048).astype(np.uint64), mask=missing)
    if types.is_integer(kind) and kind.bit_width < 64:  # noise of differential privacy may widen a range beyond the type
        limits = np.iinfo(kind.to_pandas_dtype())
        whole = np.clip(whole, limits.min, limits.max)
    whole = np.clip(whole, -(2.0**63), 2.0**63 - 1024)  # the last float below the end of int64
    stored = pa.array(whole.astype(np.int32 if small else np.int64), mask=missing)
    return stored.cast(kind) if not types.is_date64(kind) else stored.cast(pa.timestamp("ms")).cast(kind)
