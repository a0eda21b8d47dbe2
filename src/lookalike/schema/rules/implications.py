"""Conditional rules: where tenure = 1, total = monthly; where the end is missing, the reason is missing.

A rule has two tests of cells. The first must be true of many rows, and the second so rare elsewhere that it would fail often by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.rows.sql import literal, sql_name
from lookalike.schema.rules.base import ALLOWED, LEAST_BROKEN, Codes, FoundRule, RuleCells
from lookalike.schema.semantics.arithmetic import aligned, comparable
from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.types import PII

Sort = Literal["is", "missing", "there", "same"]
MOST_COLUMNS = 60  # columns whose pairs are looked at; the first ones
MOST_LEVELS = 100  # values of a column that are looked at; the most frequent
LEAST_ROWS = LEAST_BROKEN  # that a value has
MOST_RULES = 100  # those with the most evidence
LOOKED_AT = 2_000  # rows on which most equalities are ruled out
LEAST_VALUES = 3  # that two equal columns take: equal constants say nothing
LEFT_OUT = PII | {"constant", "empty", "json", "text", "url", "id"}  # of values; whether they are missing is looked at


@dataclass(frozen=True)
class Test:
    """What a cell is: one value, missing, there, or the same as another column's.

    Attributes:
        column: whose cell.
        sort: which of these.
        value: of "is": the cell as an Arrow scalar.
        other: of "same": the other column.
    """

    column: str
    sort: Sort
    value: Any = None
    other: str = ""

    def true(self, cells: RuleCells) -> Mask:
        """Rows of which it is true, bool [n]."""
        if self.sort == "missing":
            return cells.missing(self.column)
        if self.sort == "there":
            return ~cells.missing(self.column)
        if self.sort == "is":
            equal = pc.equal(cells.cells(self.column), self.value).fill_null(False)
            return np.asarray(equal.to_numpy(zero_copy_only=False), bool)
        return _same(cells, self.column, self.other)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return (self.column, self.other) if self.sort == "same" else (self.column,)

    @property
    def text(self) -> str:
        """The test in words."""
        if self.sort == "is":
            return f"{self.column} = {self._plain}"
        return f"{self.column} = {self.other}" if self.sort == "same" else f"{self.column} is {self.sort}"

    @property
    def sql(self) -> str:
        """The test as an SQL condition, true or false of every row."""
        return self._written("IS NOT DISTINCT FROM", "IS NULL", "IS NOT NULL")

    @property
    def otherwise(self) -> str:
        """The opposite as an SQL condition."""
        return self._written("IS DISTINCT FROM", "IS NOT NULL", "IS NULL")

    def _written(self, equal: str, missing: str, there: str) -> str:
        name = sql_name(self.column)
        if self.sort == "is":
            return f"{name} {equal} {literal(self._plain)}"
        return (
            f"{name} {equal} {sql_name(self.other)}"
            if self.sort == "same"
            else f"{name} {missing if self.sort == 'missing' else there}"
        )

    @property
    def _plain(self) -> Any:
        return str(self.value) if pa.types.is_temporal(self.value.type) else self.value.as_py()


@dataclass(frozen=True)
class Implication(FoundRule):
    """Where `when` is true, `then` is true as well."""

    when: Test
    then: Test

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it reads."""
        return tuple(dict.fromkeys((*self.when.columns, *self.then.columns)))

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"where {self.when.text}, {self.then.text}"

    @property
    def sql(self) -> str:
        """The rule as an SQL condition."""
        return f"{self.when.otherwise} OR {self.then.sql}"

    @property
    def constraint(self) -> dict[str, Any]:
        """A conditional."""
        return {"kind": "conditional", "when": self.when.sql, "then": self.then.sql}

    def broken(self, cells: RuleCells) -> Mask:
        """Where the first test is true and the second is not."""
        return np.asarray(self.when.true(cells) & ~self.then.true(cells), bool)


def implications(cells: RuleCells, follows: Callable[[str, str], bool]) -> list[Implication]:
    """Conditional rules, those with the most evidence first; what follows from others is left out.

    Args:
        cells: the real rows.
        follows: whether all of one column follows from another already (determinant, dependent).
    """
    if cells.rows < LEAST_ROWS:
        return []
    valued = list(islice((name for name in cells.names if _has_values(cells, name)), MOST_COLUMNS))
    nullable = list(islice((name for name in cells.names if 0 < cells.missing(name).sum() < cells.rows), MOST_COLUMNS))
    few = {name: _Few.of(cells, name) for name in valued}
    found = [*_of_gaps(cells, nullable), *_of_equals(cells, valued, few)]
    turned = {
        (rule.then.column, rule.when.column) for rule in found if (rule.when.sort, rule.then.sort) == ("missing", "missing")
    }
    few |= {name: _Few.gaps(cells, name) for name in nullable if name not in few}
    for a, b in product(valued, few):
        if a != b:
            found += [
                rule for rule in _of_values(few[a], few[b], cells.rows) if rule.then.sort != "there" or (a, b) not in turned
            ]
    return [rule for rule in _direct(found) if not follows(rule.when.column, rule.then.column)][:MOST_RULES]


def _has_values(cells: RuleCells, name: str) -> bool:
    plain = cells.schema[name].semantic not in LEFT_OUT and not pa.types.is_nested(cells.semantic(name).kind)
    return plain and int(np.count_nonzero(cells.levels(name).counts)) > 1


@dataclass(frozen=True, slots=True)
class _Few:
    """A column as few codes: 0 any other value, then the frequent ones, then null.

    Attributes:
        name: the column.
        tests: what codes 1, 2, ... mean.
        codes: int64 [n].
        counts: int64 [size].
        order: int64 [n], rows by code.
        ends: int64 [size], where each code's rows end in `order`.
    """

    name: str
    tests: tuple[Test, ...]
    codes: Codes
    counts: Codes
    order: Codes
    ends: Codes

    @classmethod
    def of(cls, cells: RuleCells, name: str) -> _Few:
        levels = cells.levels(name)
        often = np.argsort(-levels.counts[: levels.null], kind="stable")[:MOST_LEVELS]
        often = often[levels.counts[often] >= LEAST_ROWS]
        place = np.zeros(levels.null + 1, np.int64)
        place[often] = np.arange(1, len(often) + 1)
        tests = [Test(name, "is", levels.values[int(code)]) for code in often]
        if levels.counts[levels.null]:
            place[levels.null] = len(often) + 1
            tests.append(Test(name, "missing"))
        return cls._of(name, tests, place[levels.codes])

    @classmethod
    def gaps(cls, cells: RuleCells, name: str) -> _Few:
        return cls._of(name, [Test(name, "missing")], cells.missing(name).astype(np.int64))

    @classmethod
    def _of(cls, name: str, tests: list[Test], codes: Codes) -> _Few:
        counts = np.bincount(codes, minlength=len(tests) + 1)
        return cls(name, tuple(tests), codes, counts, np.argsort(codes, kind="stable"), np.cumsum(counts))

    @property
    def null(self) -> int:
        """The code of null; -1 when nothing is missing."""
        return len(self.tests) if self.tests and self.tests[-1].sort == "missing" else -1


def _of_values(a: _Few, b: _Few, rows: int) -> Iterator[Implication]:
    """A value that comes with one value, or never with a gap, or always with one."""
    width = len(b.counts)
    table = np.bincount(a.codes * width + b.codes, minlength=len(a.counts) * width).reshape(-1, width)
    share = b.counts / rows
    for code in range(1, len(a.counts)):
        when, n = a.tests[code - 1], int(a.counts[code])
        if n < LEAST_ROWS:
            continue
        best = int(table[code].argmax())
        wrong = n - int(table[code, best])
        both_gaps = when.sort == "missing" and best == b.null
        if best and not both_gaps and wrong <= ALLOWED * n and n * (1 - share[best]) >= LEAST_BROKEN:
            yield Implication(n, wrong, when, b.tests[best - 1])
        elif b.null > 0 and when.sort == "is" and table[code, b.null] <= ALLOWED * n and n * share[b.null] >= LEAST_BROKEN:
            yield Implication(n, int(table[code, b.null]), when, Test(b.name, "there"))


def _of_gaps(cells: RuleCells, names: list[str]) -> Iterator[Implication]:
    """Gaps that come together, exclude each other, or never leave both cells empty."""
    for a, b in combinations(names, 2):
        x, y = cells.missing(a), cells.missing(b)
        if (x == y).all():
            continue  # they go together, which is a rule of its own
        p, q, both = int(x.sum()), int(y.sum()), int((x & y).sum())
        n = cells.rows
        missing, there = "missing", "there"
        for first, second, rows, wrong, sorts in (
            (a, b, p, p - both, (missing, missing)), (b, a, q, q - both, (missing, missing)),
            (a, b, p, both, (missing, there)), (a, b, n - p, n - p - q + both, (there, missing)),
        ):  # fmt: skip
            share = (q if second == b else p) / n
            by_chance = rows * (share if sorts[1] == there else 1 - share)
            if rows >= LEAST_ROWS and wrong <= ALLOWED * rows and by_chance >= LEAST_BROKEN:
                yield Implication(rows, wrong, Test(first, sorts[0]), Test(second, sorts[1]))  # type: ignore[arg-type]  # literals


def _of_equals(cells: RuleCells, names: list[str], few: dict[str, _Few]) -> Iterator[Implication]:
    """Numbers and moments that are equal where another column has one value."""
    numbers = [
        name for name in names if cells.semantic(name).quantity and cells.schema[name].semantic not in ("category", "boolean")
    ]
    for a, b in combinations(numbers, 2):
        if not comparable(cells.semantic(a), cells.semantic(b)):
            continue
        with np.errstate(invalid="ignore"):
            likely = int((cells.floats(a) == cells.floats(b)).sum())
        if not LEAST_ROWS <= likely < cells.rows:
            continue
        equal = _same(cells, a, b)
        for name in few.keys() - {a, b}:
            yield from _where_equal(cells, few[name], a, b, equal)


def _where_equal(cells: RuleCells, by: _Few, a: str, b: str, equal: Mask) -> Iterator[Implication]:
    some = slice(None, None, max(1, cells.rows // LOOKED_AT))
    wrong = np.bincount(by.codes[some][~equal[some]], minlength=len(by.counts))
    enough = (by.counts >= LEAST_ROWS) & (by.counts * (1 - equal.mean()) >= LEAST_BROKEN)
    for code in np.flatnonzero(enough[1:] & (wrong[1:] <= 10 * ALLOWED * by.counts[1:])) + 1:
        here = by.order[by.ends[code] - by.counts[code] : by.ends[code]]
        n, odd = len(here), int((~equal[here]).sum())
        if odd <= ALLOWED * n:
            values = cells.floats(a)[here]
            if len(np.unique(values[~np.isnan(values)])) >= LEAST_VALUES:
                yield Implication(n, odd, by.tests[code - 1], Test(b, "same", other=a))


def _same(cells: RuleCells, a: str, b: str) -> Mask:
    """Where two columns are equal, or both missing."""
    pair = aligned(cells.semantic(a), cells.cells(a), cells.semantic(b), cells.cells(b))
    return np.asarray(np.where(pair.missing, cells.missing(a) & cells.missing(b), pair.left == pair.right), bool)


def _direct(found: list[Implication]) -> list[Implication]:
    """Rules by evidence, without those that two others give together."""
    gives: dict[Test, set[Test]] = {}
    for rule in found:
        gives.setdefault(rule.when, set()).add(rule.then)

    def follows(rule: Implication) -> bool:
        return any(rule.then in gives.get(middle, ()) and middle not in (rule.when, rule.then) and rule.when not in gives.get(middle, ())
                   for middle in gives[rule.when])  # fmt: skip

    return sorted((rule for rule in found if not follows(rule)), key=lambda rule: -rule.rows)
