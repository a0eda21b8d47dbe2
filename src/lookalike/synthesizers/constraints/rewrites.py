"""A table rewritten before learning so that no row can break a constraint, and samples turned back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SynthesizerError
from lookalike.synthesizers.constraints.cells import cast, joined, numbers, put
from lookalike.synthesizers.constraints.constraint import Constraint, Fixed, Formula, Inequality, OneHot, Sum, holding, repaired


@dataclass(frozen=True)
class Rewriting:
    """How a table was rewritten for learning.

    Attributes:
        gaps: high column -> low column, learned as the distance between them.
        merged: new column -> the columns that it stands for (fixed combinations).
        hot: new column -> the columns of which it names the one that is 1.
        dropped: columns that are worked out after sampling, with their Arrow type.
    """

    gaps: tuple[tuple[str, str, str], ...] = ()  # high, low, Arrow type of high
    merged: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hot: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


def prepare(table: pa.Table, constraints: Sequence[Constraint]) -> tuple[pa.Table, Rewriting]:
    """The table to learn, in which rows cannot break what is held by construction."""
    gaps: list[tuple[str, str, str]] = []
    merged: list[tuple[str, tuple[str, ...]]] = []
    hot: list[tuple[str, tuple[str, ...]]] = []
    dropped: list[tuple[str, str]] = []
    taken: set[str] = set()
    out = table
    for number, constraint in enumerate(constraints):
        names = constraint.columns()
        if isinstance(constraint, Inequality):
            if constraint.high not in taken and _can_subtract(table, constraint):
                taken.add(constraint.high)
                out = put(out, constraint.high, _difference(table, constraint))
                gaps.append((constraint.high, constraint.low, str(table.schema.field(constraint.high).type)))
        elif isinstance(constraint, (Fixed, OneHot)) and not taken & set(names):
            taken |= set(names)
            name = f"_{constraint.kind}_{number}"
            text = joined(table, names) if isinstance(constraint, Fixed) else _hottest(table, names)
            out = out.drop_columns(list(names)).append_column(name, text)
            (merged if isinstance(constraint, Fixed) else hot).append((name, tuple(names)))
        elif isinstance(constraint, (Formula, Sum)):
            target = constraint.column if isinstance(constraint, Formula) else constraint.total
            if target not in taken:
                taken.add(target)
                dropped.append((target, str(table.schema.field(target).type)))
                out = out.drop_columns([target])
    if out.num_columns == 0:
        raise SynthesizerError(what="constraints leave no column to learn", fix="remove a formula or a sum")
    return out, Rewriting(tuple(gaps), tuple(merged), tuple(hot), tuple(dropped))


def restore(sample: pa.Table, rewriting: Rewriting, constraints: Sequence[Constraint], schema: pa.Schema) -> pa.Table:
    """A sample with the real table's columns again, repaired where a constraint can be."""
    for name, names in rewriting.merged:
        rows = [orjson.loads(cell) for cell in sample[name].to_pylist()]
        for i, part in enumerate(names):
            sample = sample.append_column(part, _from_json([row[i] for row in rows], schema.field(part).type))
        sample = sample.drop_columns([name])
    for name, names in rewriting.hot:
        chosen = np.array(sample[name].to_pylist(), object)
        for part in names:
            sample = sample.append_column(part, cast(pa.array((chosen == part).astype(np.int64)), schema.field(part).type))
        sample = sample.drop_columns([name])
    waiting = {high: low for high, low, _ in rewriting.gaps}
    while waiting:  # a column is added up once the one below it is
        ready = [high for high, low in waiting.items() if low not in waiting]
        for high in ready or list(waiting):
            sample = put(sample, high, _added(sample[waiting.pop(high)], sample[high], schema.field(high).type))
    for name, _ in rewriting.dropped:
        sample = sample.append_column(name, pa.nulls(sample.num_rows, schema.field(name).type))
    for constraint in constraints:
        sample = repaired(constraint, sample)
    return sample.select(schema.names)


def _can_subtract(table: pa.Table, constraint: Inequality) -> bool:
    """Both are numbers or moments of one type, and a missing low never has a high."""
    low, high = table[constraint.low], table[constraint.high]
    moments = pa.types.is_temporal(low.type) and low.type == high.type
    numbers = all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (low, high))
    lost = pc.sum(pc.and_(low.is_null(), high.is_valid())).as_py() or 0
    return (moments or numbers) and lost == 0 and bool(holding(constraint, table).all())


def _difference(table: pa.Table, constraint: Inequality) -> pa.ChunkedArray:
    high, low = (_ticks(table[name]) for name in (constraint.high, constraint.low))
    return pc.subtract(high, low)


def _ticks(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return values.cast(pa.int32()).cast(pa.int64())
    return values.cast(pa.int64()) if pa.types.is_temporal(kind) else values


def _added(low: pa.ChunkedArray, gap: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    total = pc.add(_ticks(low), gap)
    if pa.types.is_floating(total.type):
        total = pc.round(total, 9)
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return total.cast(pa.int32()).cast(kind)
    return total.cast(kind, safe=False)


def _hottest(table: pa.Table, names: Sequence[str]) -> pa.Array:
    return pa.array([names[i] for i in numbers(table, names).argmax(axis=1).tolist()], pa.string())


def _from_json(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    plain = pa.array(cells)
    return pa.nulls(len(cells), kind) if pa.types.is_null(plain.type) else plain.cast(kind)
