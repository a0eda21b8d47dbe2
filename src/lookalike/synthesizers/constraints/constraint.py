"""Constraints: what every sampled row must hold, by construction where that is possible.

    inequality, one_hot, fixed, sum, formula    the columns are rewritten before learning so that no row can break it, and back
    range, conditional with `set`               rows are repaired
    unique, conditional with `then`, rule       rows that break it are drawn again; the error says which one and how often

`rewriting` rewrites a table for learning and turns samples back; `violations` counts, `apply` repairs and filters any table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from lookalike.errors import SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean
from lookalike.rows.batch import Batch
from lookalike.rows.sql import Sql, evaluate, literal, rows_where, sql_name
from lookalike.synthesizers.constraints.cells import Mask, cast, joined, mask_of, numbers, put


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
        return mask_of(test(table[self.low], table[self.high]))

    def repair(self, table: pa.Table) -> pa.Table:
        """Swap the two where they are the wrong way round."""
        swap = pc.fill_null(pc.greater(table[self.low], table[self.high]), False)
        low, high = table[self.low], table[self.high]
        table = put(table, self.low, pc.if_else(swap, high.cast(low.type), low))
        return put(table, self.high, pc.if_else(swap, low.cast(high.type), high))


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
            out &= mask_of(pc.greater_equal(values, self.low))
        if self.high is not None:
            out &= mask_of(pc.less_equal(values, self.high))
        return out

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        values = table[self.column].cast(pa.float64(), safe=False)
        if self.low is not None:
            values = pc.if_else(pc.less(values, self.low), self.low, values)
        if self.high is not None:
            values = pc.if_else(pc.greater(values, self.high), self.high, values)
        return put(table, self.column, values.cast(table[self.column].type, safe=False))


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
        keys = joined(table, self.names).dictionary_encode()
        codes = keys.indices.to_numpy()
        first = np.full(len(keys.dictionary), -1, np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        return np.asarray(first[codes] == np.arange(len(codes)))


class Formula(Constraint):
    """A column is an SQL expression of others: it is not learned but worked out."""

    kind: Literal["formula"] = "formula"
    column: str
    sql: Sql

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        made, there = self.repair(table)[self.column], table[self.column]
        if pa.types.is_floating(made.type):
            return mask_of(pc.less_equal(pc.abs(pc.subtract(made, there)), 1e-9))
        return mask_of(pc.equal(made, there))

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        kind = table.schema.field(self.column).type
        made = evaluate(self.sql, Batch.of(table.drop_columns([self.column])), exact=True)
        return put(table, self.column, cast(made, kind))


class OneHot(Constraint):
    """Exactly one of the columns is 1 (or true), all others 0."""

    kind: Literal["one_hot"] = "one_hot"
    names: tuple[str, ...] = Field(alias="columns", min_length=2)

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        hot = numbers(table, self.names)
        return np.asarray((hot.sum(axis=1) == 1) & ((hot == 0) | (hot == 1)).all(axis=1))

    def repair(self, table: pa.Table) -> pa.Table:
        """The greatest becomes the one."""
        best = numbers(table, self.names).argmax(axis=1)
        for i, name in enumerate(self.names):
            table = put(table, name, cast(pa.array((best == i).astype(np.int64)), table.schema.field(name).type))
        return table


class Sum(Constraint):
    """The parts add up to the total, which is worked out from them."""

    kind: Literal["sum"] = "sum"
    parts: tuple[str, ...] = Field(min_length=1)
    total: str

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (*self.parts, self.total)

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        difference = numbers(table, self.parts).sum(axis=1) - numbers(table, (self.total,))[:, 0]
        return np.asarray(
            np.isnan(difference) | (np.abs(difference) < 1e-6 * (1 + np.abs(numbers(table, (self.total,))[:, 0])))
        )

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        total = table[self.parts[0]]
        for part in self.parts[1:]:
            total = pc.add(total, table[part])
        kind = table.schema.field(self.total).type
        digits = 9 if pa.types.is_floating(kind) else 0
        return put(table, self.total, cast(pc.round(total, digits) if digits else total, kind))


class Conditional(Constraint):
    """Where `when` is true, `then` is true as well; or columns are `set` to values."""

    kind: Literal["conditional"] = "conditional"
    when: Sql
    then: Sql | None = None
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
            then = " and ".join(f"{sql_name(name)} is not distinct from {literal(value)}" for name, value in self.set.items())
        rows = Batch.of(table)
        return ~rows_where(self.when, rows) | rows_where(then, rows, unknown=True)

    def repair(self, table: pa.Table) -> pa.Table:  # noqa: D102
        if self.set is None:
            return table
        where = pa.array(rows_where(self.when, Batch.of(table)))
        for name, value in self.set.items():
            column = table[name]
            table = put(table, name, pc.if_else(where, pa.scalar(value, column.type), column))
        return table


class Rule(Constraint):
    """An SQL condition that every row holds."""

    kind: Literal["rule"] = "rule"
    sql: Sql

    def holds(self, table: pa.Table) -> Mask:  # noqa: D102
        return rows_where(self.sql, Batch.of(table), unknown=True)


AnyConstraint = Annotated[
    Inequality | Range | Fixed | Unique | Formula | OneHot | Sum | Conditional | Rule, Field(discriminator="kind")
]


# --- of several constraints ------------------------------------------------------------------------------------------------


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


def holding(constraint: Constraint, table: pa.Table) -> Mask:
    """`holds`, with an error that names the constraint.

    Raises:
        SynthesizerError: the columns are of types that it cannot compare.
    """
    try:
        return constraint.holds(table)
    except pa.ArrowException as exc:
        raise _unfit(constraint, table, exc) from exc


def repaired(constraint: Constraint, table: pa.Table) -> pa.Table:
    """`repair`, with an error that names the constraint.

    Raises:
        SynthesizerError: the columns are of types that it cannot change.
    """
    try:
        return constraint.repair(table)
    except pa.ArrowException as exc:
        raise _unfit(constraint, table, exc) from exc


def _unfit(constraint: Constraint, table: pa.Table, exc: Exception) -> SynthesizerError:
    kinds = ", ".join(f"{name}: {table.schema.field(name).type}" for name in constraint.columns())
    return SynthesizerError(
        what=f"{text(constraint)} does not fit its columns ({kinds}): {exc}", fix="name columns of fitting types"
    )


def violations(table: pa.Table, constraints: Sequence[Constraint]) -> dict[str, int]:
    """Rows that break each constraint, by its text."""
    return {text(constraint): int((~holding(constraint, table)).sum()) for constraint in constraints}


def apply(table: pa.Table, constraints: Sequence[Constraint]) -> tuple[pa.Table, dict[str, int]]:
    """Any table repaired, rows that still break a constraint left out, and how many rows each one cost.

    Raises:
        UnknownColumn: a constraint names a column that the table does not have.
        Unsatisfiable: constraints that contradict each other.
    """
    check(constraints, table.column_names)
    for constraint in constraints:
        table = repaired(constraint, table)
    lost = {}
    for constraint in constraints:
        mask = holding(constraint, table)
        lost[text(constraint)] = int((~mask).sum())
        table = table.filter(pa.array(mask))
    return table, lost
