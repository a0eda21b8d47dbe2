"""Constraints: what every sampled row must hold, by construction where that is possible.

    inequality, one_hot, fixed, sum, formula    the columns are rewritten before learning so that no row can break it, and back
    range, conditional with `set`               rows are repaired
    unique, conditional with `then`, rule       rows that break it are drawn again; the error says which one and how often

Cells are compared and added up as what their columns are: dates in texts as dates, cents to the last digit. A missing value breaks
nothing: a rule lets gaps be as the data have them.

`rewriting` rewrites a table for learning and turns samples back; `violations` counts, `apply` repairs and filters any table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)  # fmt: skip

from lookalike.errors import SchemaError, SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean
from lookalike.rows.batch import Batch
from lookalike.rows.sql import Sql, evaluate, rows_where
from lookalike.schema.infer import infer
from lookalike.schema.rules import RuleCells
from lookalike.schema.semantics.arithmetic import Pair, aligned, placed
from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.types import TableSchema
from lookalike.synthesizers.constraints.cells import bounds, chosen, clipped, differ, fitted, joined, total, typed


class Constraint(BaseModel):
    """One condition on all rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_serializer(mode="wrap")
    def _with_kind(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The kind is a default, and yet always written: it tells the constraints apart."""
        return {"kind": getattr(self, "kind", ""), **written(self)}

    def columns(self) -> tuple[str, ...]:
        """Columns that it names."""
        return ()

    def holds(self, cells: RuleCells) -> Mask:
        """The rows that hold it; a missing value breaks nothing."""
        raise NotImplementedError

    def repair(self, cells: RuleCells) -> RuleCells:
        """The table with rows changed so that they hold it, where that is possible."""
        return cells

    def concerns(self, cells: RuleCells) -> Mask | None:
        """Of a constraint that draws rows again, those that it is about: they keep their share. None: it does not say."""
        del cells
        return None


class Inequality(Constraint):
    """`low` is at most `high` (below it, when strict): numbers, or moments, also such as are written in texts."""

    kind: Literal["inequality"] = "inequality"
    low: str
    high: str
    strict: bool = False

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.low, self.high

    def pair(self, cells: RuleCells) -> Pair:
        """Both in one unit."""
        return aligned(typed(cells, self.low), cells.cells(self.low), typed(cells, self.high), cells.cells(self.high))

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        pair = self.pair(cells)
        kept = pair.left < pair.right if self.strict else pair.left <= pair.right
        return np.asarray(kept, bool) | pair.missing

    def repair(self, cells: RuleCells) -> RuleCells:
        """Swap the two where they are the wrong way round."""
        pair = self.pair(cells)
        swap = np.asarray(pair.left > pair.right, bool) & ~pair.missing
        if not swap.any():
            return cells
        for name, whole in ((self.low, pair.right), (self.high, pair.left)):
            swapped = placed(typed(cells, name), whole, pair.unit, pair.missing)
            cells = cells.put(name, chosen(swap, swapped, cells.cells(name)))
        return cells


class Range(Constraint):
    """A number or a moment lies within bounds; samples are clipped."""

    kind: Literal["range"] = "range"
    column: str
    low: int | float | date | datetime | str | None = None
    high: int | float | date | datetime | str | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Range:
        if self.low is None and self.high is None:
            raise ValueError("a range needs low or high")
        numbers = isinstance(self.low, (int, float)) and isinstance(self.high, (int, float))
        if numbers and self.low > self.high:  # type: ignore[operator]  # numbers
            raise ValueError(f"no number is at least {self.low} and at most {self.high}; swap them")
        return self

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        semantic = typed(cells, self.column)
        numbers, (low, high) = semantic.numbers(cells.cells(self.column)), bounds(semantic, self.low, self.high)
        out = np.ones(cells.rows, bool) if low is None else np.asarray(numbers.whole >= low, bool)
        out &= True if high is None else np.asarray(numbers.whole <= high, bool)
        return out | numbers.missing

    def repair(self, cells: RuleCells) -> RuleCells:  # noqa: D102
        off = ~self.holds(cells)
        if not off.any():
            return cells
        semantic = typed(cells, self.column)
        own = cells.cells(self.column)
        inside = clipped(semantic, semantic.numbers(own), *bounds(semantic, self.low, self.high))
        return cells.put(self.column, chosen(off, inside, own))


class Fixed(Constraint):
    """Only combinations of values that the real table has: city with its country."""

    kind: Literal["fixed"] = "fixed"
    names: tuple[str, ...] = Field(alias="columns", min_length=2)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, cells: RuleCells) -> Mask:
        """By construction; a table alone does not say which combinations are real."""
        return np.ones(cells.rows, bool)


class Unique(Constraint):
    """No two rows agree in all these columns; the later ones are dropped and drawn again."""

    kind: Literal["unique"] = "unique"
    names: tuple[str, ...] = Field(alias="columns", min_length=1)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        keys = joined(cells, self.names).dictionary_encode()
        codes = keys.indices.to_numpy()
        first = np.full(len(keys.dictionary), -1, np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        return np.asarray(first[codes] == np.arange(len(codes)))


class Formula(Constraint):
    """A column is an SQL expression of others: it is not learned but worked out, with the digits of the column."""

    kind: Literal["formula"] = "formula"
    column: str
    sql: Sql

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (self.column,)

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        return ~differ(typed(cells, self.column), self.made(cells), cells.cells(self.column))

    def made(self, cells: RuleCells) -> pa.Array:
        """What the expression gives."""
        made = evaluate(self.sql, Batch.of(cells.table.drop_columns([self.column])), exact=True)
        return fitted(made, typed(cells, self.column))

    def repair(self, cells: RuleCells) -> RuleCells:  # noqa: D102
        return cells.put(self.column, self.made(cells))


class OneHot(Constraint):
    """Exactly one of the columns is 1 (or true), all others 0."""

    kind: Literal["one_hot"] = "one_hot"
    names: tuple[str, ...] = Field(alias="columns", min_length=2)

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return self.names

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        hot = self.numbers(cells)
        return np.asarray((hot.sum(axis=1) == 1) & ((hot == 0) | (hot == 1)).all(axis=1))

    def numbers(self, cells: RuleCells) -> npt.NDArray[np.float64]:
        """The columns as float64 [n, d]."""
        return np.stack([typed(cells, name).floats(cells.cells(name)) for name in self.names], axis=1)

    def repair(self, cells: RuleCells) -> RuleCells:
        """The greatest becomes the one."""
        best = self.numbers(cells).argmax(axis=1)
        for i, name in enumerate(self.names):
            hot = pa.array((best == i).astype(np.int64))
            cells = cells.put(name, fitted(hot, typed(cells, name)))
        return cells


class Sum(Constraint):
    """The parts add up to the total, which is worked out from them, to the last digit."""

    kind: Literal["sum"] = "sum"
    parts: tuple[str, ...] = Field(min_length=1)
    total: str

    def columns(self) -> tuple[str, ...]:  # noqa: D102
        return (*self.parts, self.total)

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        target = typed(cells, self.total)
        return ~differ(target, total(cells, self.parts, target), cells.cells(self.total))

    def repair(self, cells: RuleCells) -> RuleCells:  # noqa: D102
        return cells.put(self.total, total(cells, self.parts, typed(cells, self.total)))


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

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        concerned = rows_where(self.when, Batch.of(cells.table))
        if self.then is not None:
            return ~concerned | rows_where(self.then, Batch.of(cells.table), unknown=True)
        repaired = self.repair(cells)
        same = [_equal(repaired.cells(name), cells.cells(name)) for name in self.set or ()]
        return ~concerned | np.all(same, axis=0)

    def repair(self, cells: RuleCells) -> RuleCells:  # noqa: D102
        if self.set is None:
            return cells
        where = rows_where(self.when, Batch.of(cells.table))
        for name, value in self.set.items():
            own = cells.cells(name)
            wanted = cells.semantic(name).cells([value]).take(pa.array(np.zeros(cells.rows, np.int64)))
            cells = cells.put(name, chosen(where, wanted, own))
        return cells

    def concerns(self, cells: RuleCells) -> Mask | None:  # noqa: D102
        return None if self.then is None else rows_where(self.when, Batch.of(cells.table))


def _equal(a: pa.Array, b: pa.Array) -> Mask:
    """Where two columns are equal, or both missing."""
    both = pc.or_(pc.fill_null(pc.equal(a, b), False), pc.and_(pc.is_null(a), pc.is_null(b)))
    return np.asarray(both.to_numpy(zero_copy_only=False), bool)


class Rule(Constraint):
    """An SQL condition that every row holds."""

    kind: Literal["rule"] = "rule"
    sql: Sql

    def holds(self, cells: RuleCells) -> Mask:  # noqa: D102
        return rows_where(self.sql, Batch.of(cells.table), unknown=True)


NAME = r"""("(?:[^"]|"")+"|[^\W\d]\w*)"""
BETWEEN = re.compile(rf"\s*{NAME}\s*(<=?|>=?)\s*{NAME}\s*")


def _from_text(written: Any) -> Any:
    """A text as a constraint: `net <= gross` is an inequality, any other an SQL condition."""
    if not isinstance(written, str):
        return written
    match = BETWEEN.fullmatch(written)
    if match is None:
        return {"kind": "rule", "sql": written}
    low, sign, high = match.groups()
    low, high = (part[1:-1].replace('""', '"') if part.startswith('"') else part for part in (low, high))
    if sign.startswith(">"):
        low, high = high, low
    return {"kind": "inequality", "low": low, "high": high, "strict": not sign.endswith("=")}


AnyConstraint = Annotated[
    Annotated[Inequality | Range | Fixed | Unique | Formula | OneHot | Sum | Conditional | Rule, Field(discriminator="kind")],
    BeforeValidator(_from_text),
]
"""A constraint as recipes and calls write it: a mapping with its kind, or a text such as `net <= gross`."""


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
    known: dict[str, tuple[float, float]] = {}
    for c in constraints:
        if isinstance(c, Range):
            low, high = known.get(c.column, (-np.inf, np.inf))
            low, high = (
                max(low, c.low) if isinstance(c.low, (int, float)) else low,
                min(high, c.high) if isinstance(c.high, (int, float)) else high,
            )
            if low > high:
                raise Unsatisfiable(what=f"ranges of {c.column!r} do not meet", fix="remove one of them")
            known[c.column] = (low, high)


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


def holding(constraint: Constraint, cells: RuleCells) -> Mask:
    """`holds`, with an error that names the constraint.

    Raises:
        SynthesizerError: the columns are of types that it cannot compare.
    """
    try:
        return constraint.holds(cells)
    except (pa.ArrowException, SchemaError) as exc:
        raise _unfit(constraint, cells, exc) from exc


def repaired(constraint: Constraint, cells: RuleCells) -> RuleCells:
    """`repair`, with an error that names the constraint.

    Raises:
        SynthesizerError: the columns are of types that it cannot change.
    """
    try:
        return constraint.repair(cells)
    except (pa.ArrowException, SchemaError) as exc:
        raise _unfit(constraint, cells, exc) from exc


def _unfit(constraint: Constraint, cells: RuleCells, exc: Exception) -> SynthesizerError:
    kinds = ", ".join(f"{name}: {cells.table.schema.field(name).type}" for name in constraint.columns())
    return SynthesizerError(
        what=f"{text(constraint)} does not fit its columns ({kinds}): {exc}", fix="name columns of fitting types"
    )


def violations(table: pa.Table, constraints: Sequence[Constraint], schema: TableSchema | None = None) -> dict[str, int]:
    """Rows that break each constraint, by its text."""
    cells = RuleCells(table, schema or infer(table))
    return {text(constraint): int((~holding(constraint, cells)).sum()) for constraint in constraints}


def apply(
    table: pa.Table, constraints: Sequence[Constraint], schema: TableSchema | None = None
) -> tuple[pa.Table, dict[str, int]]:
    """Any table repaired, rows that still break a constraint left out, and how many rows each one cost.

    Raises:
        UnknownColumn: a constraint names a column that the table does not have.
        Unsatisfiable: constraints that contradict each other.
    """
    check(constraints, table.column_names)
    cells = RuleCells(table, schema or infer(table))
    for constraint in constraints:
        cells = repaired(constraint, cells)
    lost = {}
    for constraint in constraints:
        mask = holding(constraint, cells)
        lost[text(constraint)] = int((~mask).sum())
        cells = cells.where(mask)
    return cells.table, lost
