"""Columns as floats and codes, and back: what the methods beside the forest learn from.

A number is its tick on the column's grid as float64, NaN where it is missing; where floats are too coarse for the ticks of a column
of few values, its place among them. A category is int64 codes into its levels; the code after the last level is "missing".
Identifiers, personal data, prose and nested cells are no features: they are replaced (`anonymise`). Infinite numbers are learned as
the nearest finite one, with a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.buffers import is_text
from lookalike.schema.semantics.domain import points
from lookalike.schema.semantics.grid import TickGrid, Ticks
from lookalike.schema.semantics.numbers import FLOATS_ARE_WHOLE, INFINITE, Numbers
from lookalike.schema.semantics.table import ValueTable
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers import anonymise

Values = npt.NDArray[Any]  # float64 of a number, int64 codes of a category
Data = dict[str, Values]


@dataclass(frozen=True, slots=True)
class Feature:
    """One learned column.

    Attributes:
        name: the column.
        missing: whether nulls were seen.
        table: of a category, its values by code; None of a number.
        grid: of a number, its ticks.
        ends: of a number, the least and the greatest tick.
        points: of a number of few values, their ticks, ascending; empty for others.
    """

    name: str
    missing: bool
    table: ValueTable | None = None
    grid: TickGrid = field(default_factory=TickGrid)
    ends: tuple[Any, Any] = (0.0, 0.0)
    points: tuple[Any, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the values are float64 rather than codes."""
        return self.table is None

    @property
    def levels(self) -> tuple[Any, ...] | None:
        """Values of a category by code; None of a number."""
        return None if self.table is None else tuple(self.table.values.to_pylist())

    @property
    def known(self) -> int:
        """How many values a category has."""
        return 0 if self.table is None else len(self.table.values)

    @property
    def size(self) -> int:
        """Codes of a category, the missing one among them; 0 for a number."""
        return 0 if self.table is None else self.known + self.missing

    @property
    def ranked(self) -> bool:
        """Whether values are places among `points`, as floats do not tell their ticks apart."""
        return bool(self.points) and max(abs(self.ends[0]), abs(self.ends[1])) >= FLOATS_ARE_WHOLE

    @property
    def low(self) -> float:
        """Least value of a number."""
        return 0.0 if self.ranked else float(self.ends[0])

    @property
    def high(self) -> float:
        """Greatest value of a number."""
        return float(len(self.points) - 1) if self.ranked else float(self.ends[1])

    @property
    def step(self) -> float:
        """Between two values of a number; 0 where there is no grid."""
        return 1.0 if self.grid.step else 0.0

    def of_ticks(self, ticks: Ticks, missing: npt.NDArray[np.bool_]) -> Values:
        """Ticks as values of a number."""
        floats = np.searchsorted(np.array(self.points, ticks.dtype), ticks) if self.ranked else ticks
        return np.where(missing, np.nan, floats.astype(np.float64))

    def within(self, low: Fraction | None, high: Fraction | None, unit: Fraction) -> tuple[float, float]:
        """The learned values between two numbers, which count wholes of a unit; the first is greater where there are none."""
        first = self.ends[0] if low is None else max(self.ends[0], self.grid.at_least(low, unit))
        last = self.ends[1] if high is None else min(self.ends[1], self.grid.at_most(high, unit))
        if not self.points:
            return float(first), float(last)
        inside = [place for place, point in enumerate(self.points) if first <= point <= last]
        if not inside:
            return 1.0, 0.0
        ends = (inside[0], inside[-1]) if self.ranked else (self.points[inside[0]], self.points[inside[-1]])
        return float(ends[0]), float(ends[1])

    def ticks(self, values: Values) -> Ticks:
        """Values of a number as ticks, within the learned range; where they are NaN, the least."""
        values = np.clip(np.where(np.isnan(values), self.low, values), self.low, self.high)
        if self.points:
            known = np.arange(len(self.points), dtype=float) if self.ranked else np.array(self.points, np.float64)
            after = np.clip(np.searchsorted(known, values), 1, len(known) - 1) if len(known) > 1 else np.zeros(len(values), int)
            nearer = values - known[after - 1] <= known[after] - values if len(known) > 1 else np.zeros(len(values), bool)
            exact = np.array(self.points, object if self.grid.wide else np.int64 if self.grid.step else np.float64)
            return exact[after - nearer]
        if not self.grid.step:
            return values
        if self.grid.wide:
            whole = np.array([int(value) for value in np.rint(values).tolist()], object)
        else:
            whole = np.clip(np.rint(values), -INFINITE, INFINITE).astype(np.int64)
        return np.clip(whole, int(self.ends[0]), int(self.ends[1]))

    def dump(self) -> dict[str, Any]:
        """Plain data that `parse` reads back."""
        exact = str if self.grid.step else float
        return {
            "name": self.name, "missing": self.missing, "table": None if self.table is None else self.table.dump(),
            "grid": self.grid.dump(), "ends": list(map(exact, self.ends)), "points": list(map(exact, self.points)),
        }  # fmt: skip

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Feature:
        """The feature that `dump` wrote."""
        grid = TickGrid.parse(data["grid"])
        exact = int if grid.step else float
        low, high = map(exact, data["ends"])
        table = None if data["table"] is None else ValueTable.parse(data["table"])
        return cls(data["name"], bool(data["missing"]), table, grid, (low, high), tuple(map(exact, data["points"])))


def learned(schema: TableSchema) -> list[ColumnSchema]:
    """The columns that are features."""
    return [column for column in schema.columns if semantic_of(column).learned != "anew"]


def learn(table: pa.Table, schema: TableSchema, *, least: int = 1, rare_below: int = 0) -> tuple[list[Feature], Data]:
    """Features of a table and their values.

    Args:
        table: has the schema's columns, in any order.
        schema: semantic types.
        least: rows that must share one of few values; see `Table.learn` and `points`. 0: a number may be anything that its digits
            can write, as where means are taken.
        rare_below: texts of categories that fewer rows have are learned as "other".

    Raises:
        SchemaError: a column is missing, or its cells do not fit its semantic type.
    """
    features, data = [], {}
    for column in learned(schema):
        if column.name not in table.column_names:
            raise SchemaError(what=f"the table has no column {column.name!r}", fix="give a table that fits its schema")
        cells = table[column.name]
        if rare_below and semantic_of(column).learned == "level" and is_text(semantic_of(column).kind):
            cells = anonymise.group_rare(cells, rare_below)
        feature, data[column.name] = _learn_one(column, cells, max(least, rare_below))
        features.append(feature)
    return features, data


def _learn_one(column: ColumnSchema, cells: pa.Array | pa.ChunkedArray, least: int) -> tuple[Feature, Values]:
    semantic = semantic_of(column)
    if semantic.learned == "level":
        table, codes = ValueTable.learn(column, cells, least=least)
        return Feature(column.name, bool((codes == 0).any()), table), _from_table(table, codes)
    numbers = _finite(column, semantic.numbers(cells))
    grid = TickGrid.of(numbers) if least or not numbers.exact else TickGrid(0, 1, numbers.whole.dtype == object)
    ticks, missing = grid.ticks(numbers), numbers.missing
    there = ticks[~missing]
    few = points(there, least) if least else None
    if few is not None and len(few) < len(there):
        near = np.searchsorted(few[:-1] + (few[1:] - few[:-1]) // 2 if grid.step else (few[:-1] + few[1:]) / 2, ticks, "left")
        ticks = few[near]
        there = ticks[~missing]
    ends = (there.min(), there.max()) if len(there) else (0, 0)
    kept = () if few is None else tuple(few.tolist())
    exact = int if grid.step else float
    feature = Feature(column.name, bool(missing.any()), None, grid, (exact(ends[0]), exact(ends[1])), kept)
    return feature, feature.of_ticks(ticks, missing)


def _finite(column: ColumnSchema, numbers: Numbers) -> Numbers:
    """Infinite numbers as the nearest finite one, told."""
    if numbers.exact or not np.isinf(numbers.whole[~numbers.missing]).any():
        return numbers
    warnings.warn(
        f"column {column.name!r} has infinite values; they are learned as the nearest finite one. Set them to null "
        "where they mean nothing",
        stacklevel=7,
    )
    there = numbers.there[np.isfinite(numbers.there)]
    low, high = (there.min(), there.max()) if len(there) else (0.0, 0.0)
    return Numbers(np.clip(numbers.whole, low, high), numbers.missing)


def _from_table(table: ValueTable, codes: npt.NDArray[np.int32]) -> Values:
    return np.where(codes == 0, len(table.values), codes - 1).astype(np.int64)


def encode(feature: Feature, column: ColumnSchema, cells: pa.Array | pa.ChunkedArray) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Another table's column as values of a feature, and where a cell was never seen.

    A new level is coded as the last one; a number beyond the ends or beside the grid as it is.

    Raises:
        SchemaError: cells that do not fit the column's semantic type.
    """
    if feature.table is not None:
        codes, new = feature.table.codes(cells, column.name)
        values = _from_table(feature.table, codes)
        return np.where(new, max(feature.known - 1, 0), values), new
    numbers = semantic_of(column).numbers(cells)
    ticks = feature.grid.ticks(numbers)
    new = ~numbers.missing & ((ticks < feature.ends[0]) | (ticks > feature.ends[1]) | ~feature.grid.holds(numbers, ticks))
    return feature.of_ticks(ticks, numbers.missing), new


def decode(feature: Feature, column: ColumnSchema, values: Values, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
    """The Arrow column of values: on the grid, within the learned range, in the column's type and form.

    Args:
        feature: of the column.
        column: its schema.
        values: float64 or codes [n].
        coins: as for `Semantic.stored`.
    """
    semantic = semantic_of(column)
    if feature.table is not None:
        codes = np.where((values >= feature.known) | (values < 0), 0, values + 1).astype(np.int32)
        return feature.table.cells(codes, semantic.kind)
    missing = np.isnan(values)
    if missing.all():
        return pa.nulls(len(values), semantic.kind)
    return semantic.stored(feature.grid.numbers(feature.ticks(values), missing), coins)
