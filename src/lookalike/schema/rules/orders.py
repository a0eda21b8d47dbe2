"""Inequalities: a start before its end, a part below its whole."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lookalike.rows.sql import literal, sql_name
from lookalike.schema.rules.base import LEAST_BROKEN, FoundRule, RuleCells
from lookalike.schema.semantics.arithmetic import aligned
from lookalike.schema.semantics.buffers import Mask, is_text
from lookalike.schema.types import ColumnSchema

COMPARED = frozenset({"integer", "decimal", "date", "datetime", "duration", "time"})
MOST_COLUMNS = 60  # columns whose pairs are looked at; the first ones
COULD_FAIL = 0.02  # share of rows that break it when the two are drawn independently


@dataclass(frozen=True)
class OrderRule(FoundRule):
    """`low` is at most `high` in every row that has both."""

    low: str
    high: str
    forms: tuple[str, str] = ("", "")  # of dates in texts

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return self.low, self.high

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{self.low} <= {self.high}"

    @property
    def sql(self) -> str:
        """The inequality; null of a missing value. Texts that are no dates cannot be compared in SQL."""
        if "?" in self.forms:
            return ""
        low, high = (
            f"try_strptime({sql_name(name)}, {literal(form)})" if form else sql_name(name)
            for name, form in zip(self.columns, self.forms, strict=True)
        )
        return f"{low} <= {high}"

    @property
    def constraint(self) -> dict[str, Any]:
        """An inequality."""
        return {"kind": "inequality", "low": self.low, "high": self.high}

    def broken(self, cells: RuleCells) -> Mask:
        """Where both are there and the wrong way round, compared exactly."""
        low, high = self.columns
        pair = aligned(cells.semantic(low), cells.cells(low), cells.semantic(high), cells.cells(high))
        return np.asarray(pair.left > pair.right, bool) & ~pair.missing


def orders(cells: RuleCells) -> list[OrderRule]:
    """Inequalities that every row keeps and that would fail often by chance; those that follow from others are left out."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for column in cells.schema.columns:
        if column.name in cells.names and column.semantic in COMPARED:
            groups.setdefault(_group(cells, column), []).append(column.name)
    found: dict[tuple[str, str], OrderRule] = {}
    for names in groups.values():
        for a, b in combinations(names[:MOST_COLUMNS], 2):
            for low, high in ((a, b), (b, a)):
                if rows := _kept(cells, low, high):
                    found[low, high] = OrderRule(rows, 0, low, high, (_form(cells, low), _form(cells, high)))
                    break
    place = {name: i for i, name in enumerate(cells.names)}
    direct = [pair for pair in found if not any((pair[0], c) in found and (c, pair[1]) in found for c in place)]
    return [found[pair] for pair in sorted(direct, key=lambda pair: (place[pair[0]], place[pair[1]]))]


def _group(cells: RuleCells, column: ColumnSchema) -> tuple[str, ...]:
    zone = "zone" if "tz=" in column.arrow else ""
    return cells.semantic(column.name).quantity, column.unit, zone


def _form(cells: RuleCells, name: str) -> str:
    """The format of dates in texts; "?" of other texts and of numbers whose digits are a date."""
    column, semantic = cells.schema[name], cells.semantic(name)
    if is_text(semantic.kind):
        return (
            column.format
            if column.semantic in ("date", "datetime") and "%" in column.format and "|" not in column.format
            else "?"
        )
    return ""


def _kept(cells: RuleCells, low: str, high: str) -> int:
    """Rows that have both, when all of them keep it and many would not by chance; else 0."""
    a, b = cells.floats(low), cells.floats(high)
    if np.any(a[:500] > b[:500]) or np.any(a > b):  # NaN compares false
        return 0
    both = ~(np.isnan(a) | np.isnan(b))
    n = int(both.sum())
    if n < LEAST_BROKEN:
        return 0
    a, b = a[both], b[both]
    share = float(np.mean(a > np.roll(b, n // 3 + 1)))
    if share < COULD_FAIL or share * n < LEAST_BROKEN or not np.any(a < b):
        return 0
    return 0 if OrderRule(n, 0, low, high).broken(cells).any() else n
