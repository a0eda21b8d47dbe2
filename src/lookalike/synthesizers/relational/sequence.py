"""Siblings in their order: a family's first value and its span stand in the parent's row, and each row has its step from the one before.

So the values of a family rise by construction, never repeat where real ones never do, and start and end where they should. The rest of
a row is drawn when its place in time is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.keys import PLACES, words
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.relational.across import After, ticks
from lookalike.synthesizers.relational.graph import Places

STEP, PLACE, SIBLINGS = "@step", "@place", "@siblings"
FIRST, SPAN = "first", "span"

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SiblingOrder:
    """The column by which siblings stand in order.

    Attributes:
        column: its name.
        unit: what all steps between siblings are whole multiples of, in ticks of its type.
        least: the smallest step, in units; 0 where siblings may share a value.
        grid: what all values are whole multiples of.
        after: the parent's moment that the first one is told from; None: it is told by itself.
    """

    column: str
    unit: int
    least: int
    grid: int
    after: After | None


@dataclass(frozen=True, slots=True)
class Stand:
    """How rows stand among their siblings.

    Attributes:
        place: int64 [n], 0 is the first.
        siblings: int64 [n], of the row's family, itself included.
        before: int64 [n], the row number of the sibling before; -1: it is the first.
    """

    place: Ticks
    siblings: Ticks
    before: Ticks


def find(own: pa.Table, family: Places, key: Sequence[str], afters: Sequence[After]) -> SiblingOrder | None:
    """The column that orders siblings: a part of the key, else a number that is called a place, else a moment; without gaps."""
    if not len(family) or (family < 0).any():
        return None
    numbers = [name for name in own.column_names if pa.types.is_integer(own[name].type)]
    moments = [name for name in own.column_names if pa.types.is_timestamp(own[name].type) or pa.types.is_date(own[name].type)]
    likely = [name for name in (*numbers, *moments) if name in key and len(key) > 1]
    likely += [name for name in numbers if set(words(name)) & PLACES]
    for name in (*likely, *moments):
        if own[name].null_count:
            continue
        values = ticks(own[name]).to_numpy()
        stand = of(family, values)
        steps = (values - values[stand.before])[stand.before >= 0]
        if not len(steps) or not steps.any():
            continue
        after = next((rule for rule in afters if rule.column == name), None)
        unit = int(np.gcd.reduce(steps))
        return SiblingOrder(name, unit, int(steps.min()) // unit, max(int(np.gcd.reduce(values)), 1), after)
    return None


def of(family: Places, values: Ticks | None = None) -> Stand:
    """How rows stand among their siblings, by rising values; by row number when there are none."""
    order = np.lexsort((np.arange(len(family)) if values is None else values, family))
    sorted_family = family[order]
    place, before = np.empty(len(family), np.int64), np.empty(len(family), np.int64)
    place[order] = np.arange(len(family)) - np.searchsorted(sorted_family, sorted_family, "left")
    before[order] = np.concatenate([[-1], order[:-1]]) if len(order) else order
    size = np.bincount(family, minlength=1) if len(family) else np.zeros(1, np.int64)
    return Stand(place, size[family] if len(family) else place, np.where(place > 0, before, -1))


def told(
    order: SiblingOrder, values: Ticks, family: Places, start: Ticks | None, parents: int
) -> tuple[pa.Table, tuple[ColumnSchema, ...]]:
    """What parents' rows say of the order of their children: the first value, and how far the last lies from it.

    Args:
        order: the column.
        values: its ticks.
        family: the rows' parents.
        start: ticks of the moment that each parent's first child is told from.
        parents: rows of the parent table.
    """
    low, high = np.full(parents, np.iinfo(np.int64).max), np.full(parents, np.iinfo(np.int64).min)
    np.minimum.at(low, family, values)
    np.maximum.at(high, family, values)
    none = low > high
    first = np.where(none, 0, low - (0 if start is None else start))
    span = np.where(none, 0, (high - low) // order.unit)
    table = pa.table({FIRST: pa.array(first, mask=none), SPAN: pa.array(span, mask=none)})
    return table, tuple(
        ColumnSchema(name, "integer", "int64", nullable=bool(none.any()), decimals=0) for name in table.column_names
    )


def steps(order: SiblingOrder, values: Ticks, stand: Stand) -> pa.Array:
    """Each row's step from its sibling before, in units; null of the first."""
    return pa.array((values - values[stand.before]) // order.unit, mask=stand.before < 0)


def values_of(order: SiblingOrder, first: Ticks, span: Ticks, step: pa.Array, stand: Stand) -> Ticks:
    """The column that first values, spans and steps give.

    Args:
        order: the column.
        first: ticks of the first value of each row's family.
        span: from there to the last one, in units.
        step: in units; looked at where a row is not the first.
        stand: of rows that stand in the order of their row numbers, siblings side by side.
    """
    start = -(-first // order.grid) * order.grid
    known = np.maximum(pc.fill_null(step, order.least).to_numpy(zero_copy_only=False), order.least)
    later = stand.before >= 0
    moved = np.where(later, known, 0).astype(np.int64)
    family = np.cumsum(~later) - 1
    missing = span[~later] - np.bincount(family, moved, minlength=int(family[-1]) + 1 if len(family) else 0).astype(np.int64)
    longest = np.lexsort((-moved, family))[
        np.flatnonzero(~later)
    ]  # of each family: what is missing or too much shows least there
    moved[longest] = np.where(later[longest], np.maximum(moved[longest] + missing, order.least), 0)
    total = np.cumsum(moved)
    return start + (total - total[~later][family]) * order.unit


def beside(order: SiblingOrder, values: pa.Array, stand: Stand) -> tuple[pa.Table, TableSchema]:
    """What the rest of a row is drawn by: its place, and the moment with what the calendar says of it."""
    found: dict[str, pa.Array] = {PLACE: pa.array(stand.place), SIBLINGS: pa.array(stand.siblings), f"@{order.column}": values}
    columns = [ColumnSchema(PLACE, "integer", "int64"), ColumnSchema(SIBLINGS, "integer", "int64")]
    moment = pa.types.is_temporal(values.type)
    columns.append(ColumnSchema(f"@{order.column}", "datetime" if moment else "integer", str(values.type)))
    if moment:
        parts = {"weekday": pc.day_of_week, "yearday": pc.day_of_year}
        if not pa.types.is_date(values.type):
            parts["hour"] = pc.hour
        for name, part in parts.items():
            found[f"@{name}"] = part(values).cast(pa.int64())
            columns.append(ColumnSchema(f"@{name}", "integer", "int64"))
    return pa.table(found), TableSchema(tuple(columns))
