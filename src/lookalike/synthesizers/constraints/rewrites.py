"""A table rewritten before learning so that no row can break a constraint, and samples turned back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SynthesizerError
from lookalike.schema.rules import RuleCells
from lookalike.schema.semantics.arithmetic import placed
from lookalike.schema.semantics.buffers import arrow, one
from lookalike.schema.semantics.numbers import numbers_of
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.constraints.cells import fitted, joined, parted, typed
from lookalike.synthesizers.constraints.constraint import Constraint, Fixed, Formula, Inequality, OneHot, Sum, holding, repaired


@dataclass(frozen=True)
class Rewriting:
    """How a table was rewritten for learning.

    Attributes:
        gaps: (high column, low column, unit): learned as the distance between them, in this unit; "" of floats.
        merged: new column -> the columns that it stands for (fixed combinations).
        hot: new column -> the columns of which it names the one that is 1.
        dropped: columns that are worked out after sampling -> the new column that says where they are missing, or "".
    """

    gaps: tuple[tuple[str, str, str], ...] = ()
    merged: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hot: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass
class _Draft:
    """A table while it is rewritten: columns with what they are."""

    columns: dict[str, tuple[ColumnSchema, pa.Array]]
    taken: set[str]
    gaps: list[tuple[str, str, str]]
    merged: list[tuple[str, tuple[str, ...]]]
    hot: list[tuple[str, tuple[str, ...]]]
    dropped: list[tuple[str, str]]

    def one_for(self, name: str, names: Sequence[str], texts: pa.Array) -> None:
        """Put a new column in the place of several."""
        self.taken |= set(names)
        for part in names:
            del self.columns[part]
        self.columns[name] = ColumnSchema(name, "category", "string"), texts


def prepare(cells: RuleCells, constraints: Sequence[Constraint]) -> tuple[pa.Table, TableSchema, Rewriting]:
    """The table to learn, in which rows cannot break what is held by construction, and what its columns are."""
    draft = _Draft({name: (cells.schema[name], cells.cells(name)) for name in cells.names}, set(), [], [], [], [])
    for number, constraint in enumerate(constraints):
        names = constraint.columns()
        if isinstance(constraint, Inequality):
            _part(draft, cells, constraint)
        elif isinstance(constraint, (Fixed, OneHot)) and not draft.taken & set(names):
            name = f"_{constraint.kind}_{number}"
            if isinstance(constraint, Fixed):
                draft.merged.append((name, names))
                draft.one_for(name, names, joined(cells, names))
            else:
                draft.hot.append((name, names))
                best = constraint.numbers(cells).argmax(axis=1)
                draft.one_for(name, names, pa.array([names[i] for i in best.tolist()], pa.string()))
        elif isinstance(constraint, (Formula, Sum)):
            _drop(draft, cells, constraint, f"_gap_{number}")
    if not draft.columns:
        raise SynthesizerError(what="constraints leave no column to learn", fix="remove a formula or a sum")
    table = pa.table({name: values for name, (_, values) in draft.columns.items()})
    schema = TableSchema(tuple(replace(column, name=name) for name, (column, _) in draft.columns.items()))
    return table, schema, Rewriting(tuple(draft.gaps), tuple(draft.merged), tuple(draft.hot), tuple(draft.dropped))


def _part(draft: _Draft, cells: RuleCells, constraint: Inequality) -> None:
    """Learn how far the high column lies above the low one, when every row holds that and a missing low never has a high."""
    low, high = constraint.columns()
    if high in draft.taken or low not in cells.names or not holding(constraint, cells).all():
        return
    if (cells.missing(low) & ~cells.missing(high)).any():
        return
    pair = constraint.pair(cells)
    whole = pair.right - pair.left
    if whole.dtype == object:
        return  # beyond 64 bits: rows are drawn again instead
    exact = whole.dtype.kind != "f"
    kind: Any = "integer" if exact else "decimal"
    missing = pair.missing
    column = ColumnSchema(
        high, kind, "int64" if exact else "double", nullable=bool(missing.any()), decimals=0 if exact else None
    )
    draft.columns[high] = column, arrow(np.where(missing, 0, whole), missing)
    draft.taken.add(high)
    draft.gaps.append((high, low, str(pair.unit) if exact else ""))


def _drop(draft: _Draft, cells: RuleCells, constraint: Formula | Sum, name: str) -> None:
    """Leave out what is worked out; where it is missing in rows that would give it, that is learned."""
    target = constraint.column if isinstance(constraint, Formula) else constraint.total
    if target in draft.taken:
        return
    draft.taken.add(target)
    del draft.columns[target]
    odd = cells.missing(target) & ~repaired(constraint, cells).missing(target)
    if odd.any():
        draft.columns[name] = ColumnSchema(name, "boolean", "bool"), pa.array(odd)
    draft.dropped.append((target, name if odd.any() else ""))


def restore(sample: pa.Table, rewriting: Rewriting, constraints: Sequence[Constraint], schema: TableSchema) -> RuleCells:
    """A sample with the real table's columns again, repaired where a constraint can be."""
    kinds = {column.name: RuleCells(pa.table({}), schema).semantic(column.name).kind for column in schema.columns}
    for name, names in rewriting.merged:
        for part, values in zip(names, parted(sample[name], [kinds[part] for part in names]), strict=True):
            sample = sample.append_column(part, values)
    for name, names in rewriting.hot:
        chosen = np.array(sample[name].to_pylist(), object)
        for part in names:
            hot = pa.array((chosen == part).astype(np.int64))
            sample = sample.append_column(part, fitted(hot, typed(RuleCells(sample, schema), part)))
    for name, _ in rewriting.dropped:
        sample = sample.append_column(name, pa.nulls(sample.num_rows, kinds[name]))
    waiting = {high: (low, unit) for high, low, unit in rewriting.gaps}
    while waiting:  # a column is added up once the one below it is
        ready = [high for high, (low, _) in waiting.items() if low not in waiting]
        for high in ready or list(waiting):
            sample = _added(sample, schema, high, *waiting.pop(high))
    odd = {target: sample[name] for target, name in rewriting.dropped if name}
    cells = RuleCells(sample.select(list(schema.names)), schema)
    for constraint in constraints:
        cells = repaired(constraint, cells)
    for target, where in odd.items():
        nulls = pa.nulls(cells.rows, kinds[target])
        cells = cells.put(target, pc.if_else(where, nulls, cells.cells(target)))
    return cells


def _added(sample: pa.Table, schema: TableSchema, high: str, low: str, unit: str) -> pa.Table:
    """The high column from the low one and the distance between them."""
    cells = RuleCells(sample, schema)
    target, below = typed(cells, high), typed(cells, low)
    gap = numbers_of(one(sample[high]))
    start = below.numbers(cells.cells(low))
    missing = gap.missing | start.missing
    if unit:
        step = Fraction(unit)
        whole = np.where(missing, 0, start.whole) * int(below.unit / step) + np.where(missing, 0, gap.whole)
        values = placed(target, whole, step, missing)
    else:
        values = placed(target, below.floats(cells.cells(low)) + gap.whole, Fraction(1), missing)
    return sample.set_column(sample.column_names.index(high), high, values)
