"""Rules between tables: a parent's total is its children's sum, a child repeats its parent's value, children come after their parents.

They are found where they hold in every row, and hold in every made row: totals and copies are worked out, and of a date that comes
after its parent's the time between the two is learned.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.synthesizers.relational.families import Floats, numbers
from lookalike.synthesizers.relational.graph import Places, in_type

FEWEST = 20  # rows that must hold a rule before it counts
MOST = 12  # numbers of a child table whose products are looked at

How = Literal["sum", "min", "max", "count"]


@dataclass(frozen=True, slots=True)
class Total:
    """A parent's column that its children give.

    Attributes:
        parent: the table.
        column: its column.
        relation: the name of the relation.
        how: count, or sum, minimum or maximum of the children's.
        of: the child's column, two that are multiplied, or none for a count.
        empty: what parents without children have; None: null.
    """

    parent: str
    column: str
    relation: str
    how: How
    of: tuple[str, ...]
    empty: float | None

    def __str__(self) -> str:
        return f"{self.parent}.{self.column} is the {self.how} of {' * '.join(self.of) or 'its rows'} over {self.relation}"


@dataclass(frozen=True, slots=True)
class Copy:
    """A child's column that repeats its parent's."""

    child: str
    column: str
    relation: str
    of: str

    def __str__(self) -> str:
        return f"{self.child}.{self.column} repeats {self.of} by {self.relation}"


@dataclass(frozen=True, slots=True)
class After:
    """A child's moment that is never before one of its parent's.

    Attributes:
        unit: ticks of the column's type in the coarsest step that all times between are whole multiples of.
        grid: the same of the moments themselves.
    """

    child: str
    column: str
    relation: str
    of: str
    unit: int
    grid: int

    def __str__(self) -> str:
        return f"{self.child}.{self.column} is not before {self.of} by {self.relation}"


def ticks(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Dates and times as int64 of their unit."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = whole.type
    short = kind in (pa.date32(), pa.time32("s"), pa.time32("ms"))
    return whole.cast(pa.int32()).cast(pa.int64()) if short else whole.cast(pa.int64())


# --- copies ---


def copies(child: str, relation: str, own: pa.Table, parent: pa.Table, places: Places) -> Iterator[Copy]:
    """Columns of a child that equal a column of the parent in every row."""
    held = np.flatnonzero(places >= 0)
    if len(held) < FEWEST:
        return
    index = pa.array(places[held])
    for name in own.column_names:
        mine = own[name].take(pa.array(held))
        if pc.count_distinct(mine).as_py() < 2:
            continue
        for other in parent.column_names:
            if parent[other].type == mine.type and mine.equals(parent[other].take(index)):
                yield Copy(child, name, relation, other)
                break


# --- moments ---


def afters(child: str, relation: str, own: pa.Table, parent: pa.Table, places: Places) -> Iterator[After]:
    """Moments of a child that are never before one of its parent's, each with the nearest of these."""
    held = np.flatnonzero(places >= 0)
    for name in own.column_names:
        kind = own[name].type
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            continue
        mine = ticks(own[name].take(pa.array(held)))
        found: list[tuple[float, After]] = []
        for other in parent.column_names:
            if parent[other].type != kind or parent[other].null_count:
                continue
            gap = pc.subtract(mine, ticks(parent[other].take(pa.array(places[held])))).drop_null().to_numpy()
            if len(gap) >= FEWEST and gap.min() >= 0 and gap.max() > 0:
                unit, grid = int(np.gcd.reduce(gap)), int(np.gcd.reduce(mine.drop_null().to_numpy()))
                found.append((float(np.median(gap)), After(child, name, relation, other, unit, max(grid, 1))))
        if found:
            yield min(found, key=lambda entry: entry[0])[1]


def gap_of(rule: After, own: pa.Table, parent: pa.Table, places: Places) -> pa.Array:
    """The times between, in the rule's units, int64; null where there is no parent."""
    index = pa.array(np.maximum(places, 0), mask=places < 0)
    return pc.divide(pc.subtract(ticks(own[rule.column]), ticks(parent[rule.of].take(index))), rule.unit)


def moment_of(rule: After, gaps: pa.Array, parent: pa.Table, places: Places, kind: pa.DataType) -> pa.Array:
    """The moments that times between lead to, on the column's grid."""
    index = pa.array(np.maximum(places, 0), mask=places < 0)
    start = ticks(parent[rule.of].take(index))
    found = pc.add(start, pc.multiply(pc.max_element_wise(gaps.cast(pa.int64()), 0, skip_nulls=False), rule.unit))
    if rule.grid > 1:
        found = pc.multiply(pc.cast(pc.ceil(pc.divide(found.cast(pa.float64()), float(rule.grid))), pa.int64()), rule.grid)
    return as_moments(found, kind)


def as_moments(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Ticks as the dates, times or whole numbers that they count."""
    short = kind in (pa.date32(), pa.time32("s"), pa.time32("ms"))
    return values.cast(pa.int32()).cast(kind) if short else values.cast(kind)


# --- totals ---


def totals(
    parent: str, relation: str, table: pa.Table, children: pa.Table, places: Places, skip: Sequence[str]
) -> Iterator[Total]:
    """Columns of a parent that its children give in every row."""
    held = places >= 0
    count = np.bincount(places[held], minlength=table.num_rows)
    some = count > 0
    if some.sum() < FEWEST or (count > 1).sum() < FEWEST // 2:
        return
    candidates = list(_aggregates(children, places, table.num_rows, count))
    for name in table.column_names:
        goal = numbers(table[name]) if name not in skip else None
        if goal is None or np.isnan(goal[some]).any() or len(np.unique(goal[some])) < 3:
            continue
        empty = goal[~some]
        if len(empty) and not (np.isnan(empty).all() or (empty == empty[0]).all()):
            continue
        slack = _slack(table[name].type, goal)
        for how, of, kind, values in candidates:
            if kind == _kind(table[name].type) and np.abs(values[some] - goal[some]).max() <= slack:
                none = None if not len(empty) or np.isnan(empty[0]) else float(empty[0])
                yield Total(parent, name, relation, how, of, none)
                break


def _aggregates(
    children: pa.Table, places: Places, parents: int, count: npt.NDArray[np.int64]
) -> Iterator[tuple[How, tuple[str, ...], str, Floats]]:
    """Everything that could be a total: how, of what, of which kind, and its values."""
    held = places >= 0
    yield "count", (), "number", count.astype(np.float64)
    columns = {name: values for name in children.column_names if (values := numbers(children[name])) is not None}
    columns = {name: values for name, values in columns.items() if not np.isnan(values[held]).any()}
    for name, values in columns.items():
        kind = _kind(children[name].type)
        low, high = np.full(parents, np.inf), np.full(parents, -np.inf)
        np.minimum.at(low, places[held], values[held])
        np.maximum.at(high, places[held], values[held])
        yield "min", (name,), kind, low
        yield "max", (name,), kind, high
        if kind == "number":
            yield "sum", (name,), kind, _sums(values, places, parents)
    plain = [name for name in columns if _kind(children[name].type) == "number"][:MOST]
    for a, b in combinations(plain, 2):
        yield "sum", (a, b), "number", _sums(columns[a] * columns[b], places, parents)


def _sums(values: Floats, places: Places, parents: int) -> Floats:
    held = places >= 0
    return np.bincount(places[held], values[held], minlength=parents).astype(np.float64)


def _kind(kind: pa.DataType) -> str:
    """What may be held against what: numbers against numbers, moments of one unit against each other."""
    return str(kind) if pa.types.is_temporal(kind) else "number"


def _slack(kind: pa.DataType, values: Floats) -> float:
    """How far floats may lie apart by rounding alone."""
    if not pa.types.is_floating(kind):
        return 0.0
    largest = float(np.nanmax(np.abs(values), initial=1.0))
    return max(largest, 1.0) * 1e-9


def total_of(rule: Total, children: pa.Table, places: Places, parents: int, kind: pa.DataType) -> pa.Array:
    """The parent's column as its children give it, in its own type."""
    held = places >= 0
    count = np.bincount(places[held], minlength=parents)
    known = {(how, of): values for how, of, _, values in _aggregates(children.select([*dict.fromkeys(rule.of)]), places, parents, count)}  # fmt: skip
    values = known[rule.how, rule.of]
    none = np.nan if rule.empty is None else rule.empty
    values = np.where(count > 0, values, none)
    found = pa.array(values, from_pandas=True)
    if pa.types.is_temporal(kind):
        return (
            pc.round(found).cast(pa.int64()).cast(kind) if kind != pa.date32() else pc.round(found).cast(pa.int32()).cast(kind)
        )
    if pa.types.is_integer(kind):
        return pc.round(found).cast(kind)
    if pa.types.is_decimal(kind):
        return _decimal(found, kind)
    return in_type(pc.round(found, 9), kind)


def _decimal(values: pa.Array, kind: Any) -> pa.Array:
    scale = 10**kind.scale
    whole = pc.round(pc.multiply(values, float(scale))).cast(pa.int64())
    return pc.divide(whole.cast(pa.decimal128(38, 0)), pa.scalar(scale).cast(pa.decimal128(38, 0))).cast(kind) if not math.isclose(scale, 1) else whole.cast(kind)  # fmt: skip
