"""Constraints: what every sampled row must hold, by construction where that is possible.

    inequality, one_hot, fixed, sum, formula    the columns are rewritten before learning so that no row can break it, and back
    range, conditional with `set`               rows are repaired
    unique, conditional with `then`, rule       rows that break it are drawn again; the error says which one and how often

`prepare` rewrites a table for learning, `restore` turns samples back, `violations` counts, `apply` repairs and filters any
table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from lookalike.errors import SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean

Mask = npt.NDArray[np.bool_]


class Constraint(BaseModel):
    """One condition on all rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _with_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The kind is a default, and yet always written: it tells the constraints apart."""
        return {"kind": getattr(self, "kind", ""), **written(self)}

    def columns(self) -> tuple[str, ...]:
        """Columns that it names."""
        return ()

    def holds(self, table: pa.Table) -> Mask:
        """The rows that hold it; a missing value breaks nothing."""
        raise NotImplementedError

    def repair(self, table: pa.Table) -> pa.Table:
        """The table with rows changed so that they hold it, where that is possible."""
        return table


class Inequality(Constraint):
    """`low` is at most `high` (below it, when strict)."""

    kind: Literal["inequality"] = "inequality"
    low: str
    high: str
    strict: bool = False

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.low, self.high

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        test = pc.less if self.strict else pc.less_equal
        return _mask(test(table[self.low], table[self.high]))

    def repair(self, table: pa.Table) -> pa.Table:
        """Swap the two where they are the wrong way round."""
        swap = pc.fill_null(pc.greater(table[self.low], table[self.high]), False)
        low, high = table[self.low], table[self.high]
        table = _set(table, self.low, pc.if_else(swap, high.cast(low.type), low))
        return _set(table, self.high, pc.if_else(swap, low.cast(high.type), high))


class Range(Constraint):
    """A number lies within bounds; samples are clipped."""

    kind: Literal["range"] = "range"
    column: str
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Range:
        if self.low is None and self.high is None:
            raise ValueError("a range needs low or high")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"no number is at least {self.low} and at most {self.high}; swap them")
        return self

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        values = table[self.column].cast(pa.float64(), safe=False)
        out = np.ones(table.num_rows, bool)
        if self.low is not None:
            out &= _mask(pc.greater_equal(values, self.low))
        if self.high is not None:
            out &= _mask(pc.less_equal(values, self.high))
        return out

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        values = table[self.column].cast(pa.float64(), safe=False)
        if self.low is not None:
            values = pc.if_else(pc.less(values, self.low), self.low, values)
        if self.high is not None:
            values = pc.if_else(pc.greater(values, self.high), self.high, values)
        return _set(table, self.column, values.cast(table[self.column].type, safe=False))


class Fixed(Constraint):
    """Only combinations of values that the real table has: city with its country."""

    kind: Literal["fixed"] = "fixed"
    names: tuple[str, ...] = Field(alias="columns", min_length=2)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, table: pa.Table) -> Mask:
        """By construction; a table alone does not say which combinations are real."""
        return np.ones(table.num_rows, bool)


class Unique(Constraint):
    """No two rows agree in all these columns; the later ones are dropped and drawn again."""

    kind: Literal["unique"] = "unique"
    names: tuple[str, ...] = Field(alias="columns", min_length=1)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        keys = _joined(table, self.names).dictionary_encode()
        codes = keys.indices.to_numpy()
        first = np.full(len(keys.dictionary), -1, np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        return np.asarray(first[codes] == np.arange(len(codes)))


class Formula(Constraint):
    """A column is an SQL expression of others: it is not learned but worked out."""

    kind: Literal["formula"] = "formula"
    column: str
    sql: str

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        made, there = self.repair(table)[self.column], table[self.column]
        if pa.types.is_floating(made.type):
            return _mask(pc.less_equal(pc.abs(pc.subtract(made, there)), 1e-9))
        return _mask(pc.equal(made, there))

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        kind = table.schema.field(self.column).type
        rest = table.drop_columns([self.column])
        made = _query(rest, f"select ({self.sql}) as made from data", self.sql)["made"]  # noqa: S608  # the user's own, no access outside
        return _set(table, self.column, _cast(made, kind))


class OneHot(Constraint):
    """Exactly one of the columns is 1 (or true), all others 0."""

    kind: Literal["one_hot"] = "one_hot"
    names: tuple[str, ...] = Field(alias="columns", min_length=2)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        hot = _numbers(table, self.names)
        return np.asarray((hot.sum(axis=1) == 1) & ((hot == 0) | (hot == 1)).all(axis=1))

    def repair(self, table: pa.Table) -> pa.Table:
        """The greatest becomes the one."""
        best = _numbers(table, self.names).argmax(axis=1)
        for i, name in enumerate(self.names):
            table = _set(table, name, _cast(pa.array((best == i).astype(np.int64)), table.schema.field(name).type))
        return table


class Sum(Constraint):
    """The parts add up to the total, which is worked out from them."""

    kind: Literal["sum"] = "sum"
    parts: tuple[str, ...] = Field(min_length=1)
    total: str

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (*self.parts, self.total)

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        difference = _numbers(table, self.parts).sum(axis=1) - _numbers(table, (self.total,))[:, 0]
        return np.asarray(
            np.isnan(difference) | (np.abs(difference) < 1e-6 * (1 + np.abs(_numbers(table, (self.total,))[:, 0])))
        )

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        total = table[self.parts[0]]
        for part in self.parts[1:]:
            total = pc.add(total, table[part])
        kind = table.schema.field(self.total).type
        digits = 9 if pa.types.is_floating(kind) else 0
        return _set(table, self.total, _cast(pc.round(total, digits) if digits else total, kind))


class Conditional(Constraint):
    """Where `when` is true, `then` is true as well; or columns are `set` to values."""

    kind: Literal["conditional"] = "conditional"
    when: str
    then: str | None = None
    set: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> Conditional:
        if (self.then is None) == (self.set is None):
            raise ValueError("a conditional needs either `then` or `set`")
        return self

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(self.set or ())

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        then = self.then
        if then is None:
            assert self.set is not None
            then = " and ".join(f'"{name}" is not distinct from {_literal(value)}' for name, value in self.set.items())
        return _sql_mask(table, f"not coalesce(({self.when}), false) or coalesce(({then}), true)", near=self)

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        if self.set is None:
            return table
        where = pa.array(_sql_mask(table, f"coalesce(({self.when}), false)", near=self))
        for name, value in self.set.items():
            column = table[name]
            table = _set(table, name, pc.if_else(where, pa.scalar(value, column.type), column))
        return table


class Rule(Constraint):
    """An SQL condition that every row holds."""

    kind: Literal["rule"] = "rule"
    sql: str

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        return _sql_mask(table, f"coalesce(({self.sql}), true)", near=self)


AnyConstraint = Annotated[
    Inequality | Range | Fixed | Unique | Formula | OneHot | Sum | Conditional | Rule, Field(discriminator="kind")
]


# --- rewriting -------------------------------------------------------------------------------------------------------------


def check(constraints: Sequence[Constraint], names: Sequence[str]) -> None:
    """Refuse constraints on unknown columns and such as contradict each other.

    Raises:
        UnknownColumn: a constraint names a column that the table does not have.
        Unsatisfiable: a cycle of strict inequalities, or ranges that do not meet.
    """
    for constraint in constraints:
        for name in constraint.columns():
            if name not in names:
                raise UnknownColumn(what=f"{text(constraint)} names {name!r}", fix=did_you_mean(name, names, label="columns"))
    above: dict[str, set[str]] = {}
    for c in constraints:
        if isinstance(c, Inequality):
            above.setdefault(c.low, set()).add(c.high)
    for c in constraints:
        if isinstance(c, Inequality) and c.strict and _reaches(c.high, c.low, above):
            raise Unsatisfiable(
                what=f"{text(c)} contradicts another inequality: {c.high} is also at most {c.low}", fix="remove one"
            )
    _check_ranges(constraints)


def _check_ranges(constraints: Sequence[Constraint]) -> None:
    bounds: dict[str, tuple[float, float]] = {}
    for c in constraints:
        if isinstance(c, Range):
            low, high = bounds.get(c.column, (-np.inf, np.inf))
            low, high = max(low, c.low if c.low is not None else -np.inf), min(high, c.high if c.high is not None else np.inf)
            if low > high:
                raise Unsatisfiable(what=f"ranges of {c.column!r} do not meet", fix="remove one of them")
            bounds[c.column] = (low, high)


def _reaches(start: str, goal: str, above: dict[str, set[str]]) -> bool:
    seen, todo = set(), [start]
    while todo:
        here = todo.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            todo += above.get(here, ())
    return False


def text(constraint: Constraint) -> str:
    """A constraint as messages name it."""
    body = constraint.model_dump(exclude_defaults=True, by_alias=True)
    return f"{body.pop('kind')} " + ", ".join(f"{key}={value}" for key, value in body.items())


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
                out = _set(out, constraint.high, _difference(table, constraint))
                gaps.append((constraint.high, constraint.low, str(table.schema.field(constraint.high).type)))
        elif isinstance(constraint, (Fixed, OneHot)) and not taken & set(names):
            taken |= set(names)
            name = f"_{constraint.kind}_{number}"
            joined = _joined(table, names) if isinstance(constraint, Fixed) else _hottest(table, names)
            out = out.drop_columns(list(names)).append_column(name, joined)
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
            sample = sample.append_column(part, _cast(pa.array((chosen == part).astype(np.int64)), schema.field(part).type))
        sample = sample.drop_columns([name])
    waiting = {high: low for high, low, _ in rewriting.gaps}
    while waiting:  # a column is added up once the one below it is
        ready = [high for high, low in waiting.items() if low not in waiting]
        for high in ready or list(waiting):
            sample = _set(sample, high, _added(sample[waiting.pop(high)], sample[high], schema.field(high).type))
    for name, _ in rewriting.dropped:
        sample = sample.append_column(name, pa.nulls(sample.num_rows, schema.field(name).type))
    for constraint in constraints:
        sample = constraint.repair(sample)
    return sample.select(schema.names)


def violations(table: pa.Table, constraints: Sequence[Constraint]) -> dict[str, int]:
    """Rows that break each constraint, by its text."""
    return {text(constraint): int((~constraint.holds(table)).sum()) for constraint in constraints}


def apply(table: pa.Table, constraints: Sequence[Constraint]) -> tuple[pa.Table, dict[str, int]]:
    """Any table repaired, rows that still break a constraint left out, and how many rows each one cost.

    Raises:
        UnknownColumn: a constraint names a column that the table does not have.
        Unsatisfiable: constraints that contradict each other.
    """
    check(constraints, table.column_names)
    for constraint in constraints:
        table = constraint.repair(table)
    lost = {}
    for constraint in constraints:
        mask = constraint.holds(table)
        lost[text(constraint)] = int((~mask).sum())
        table = table.filter(pa.array(mask))
    return table, lost


# --- cells -----------------------------------------------------------------------------------------------------------------


def _can_subtract(table: pa.Table, constraint: Inequality) -> bool:
    """Both are numbers or moments of one type, and a missing low never has a high."""
    low, high = table[constraint.low], table[constraint.high]
    moments = pa.types.is_temporal(low.type) and low.type == high.type
    numbers = all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (low, high))
    lost = pc.sum(pc.and_(low.is_null(), high.is_valid())).as_py() or 0
    return (moments or numbers) and lost == 0 and bool(constraint.holds(table).all())


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


def _joined(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Several columns as one text a row."""
    columns = [table[name].to_pylist() for name in names]
    return pa.array([orjson.dumps(row, default=str).decode() for row in zip(*columns, strict=True)], pa.string())


def _hottest(table: pa.Table, names: Sequence[str]) -> pa.Array:
    return pa.array([names[i] for i in _numbers(table, names).argmax(axis=1).tolist()], pa.string())


def _numbers(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.float64]:
    columns = [table[name].combine_chunks().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) for name in names]
    return np.stack(columns, axis=1)


def _from_json(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    plain = pa.array(cells)
    return pa.nulls(len(cells), kind) if pa.types.is_null(plain.type) else plain.cast(kind)


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _cast(values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind) and not pa.types.is_integer(values.type) and not pa.types.is_string(values.type):
        values = pc.round(values.cast(pa.float64(), safe=False))
    return values.cast(kind, safe=False)


def _mask(values: Any) -> Mask:
    filled = pc.fill_null(values, True)
    array = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    return np.asarray(array.to_numpy(zero_copy_only=False), bool)


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value).lower()


def _sql_mask(table: pa.Table, predicate: str, *, near: Constraint) -> Mask:
    made = _query(table, f"select ({predicate}) as keep from data", text(near))["keep"]  # noqa: S608  # likewise
    return _mask(made)


def _query(table: pa.Table, sql: str, what: str) -> pa.Table:
    connection = duckdb.connect(config={"enable_external_access": False})
    try:
        connection.register("data", table)
        relation = connection.sql(sql)
        out = relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.fetch_arrow_table()
    except duckdb.Error as exc:
        raise SynthesizerError(what=f"{what}: {exc}", fix="write it as SQL over the table's columns") from exc
    finally:
        connection.close()
    return out
