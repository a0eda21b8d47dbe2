"""The one finder of rules.

A rule that holds by chance is worse than one that is missing, so each must have been able to fail: if its columns had nothing to do with
each other, at least 20 rows would be expected to break it. In tables whose columns are shuffled there is none to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.schema.rules.base import ALLOWED, FoundRule, RuleCells
from lookalike.schema.rules.dependencies import Dependency, dependencies
from lookalike.schema.rules.gaps import Together, gaps
from lookalike.schema.rules.implications import Implication, implications
from lookalike.schema.rules.orders import OrderRule, orders
from lookalike.schema.rules.sums import Given, sums
from lookalike.schema.types import TableSchema

LOOKED_AT = 100_000  # rows in which rules are looked for


@dataclass(frozen=True)
class Rules:
    """What was found, by kind.

    Attributes:
        orders: inequalities.
        sums: numbers that others give.
        dependencies: columns that others determine.
        gaps: columns that are missing together.
        implications: conditional rules.
    """

    orders: Sequence[OrderRule] = ()
    sums: Sequence[Given] = ()
    dependencies: Sequence[Dependency] = ()
    gaps: Sequence[Together] = ()
    implications: Sequence[Implication] = ()

    @property
    def all(self) -> list[FoundRule]:
        """All of them."""
        return [*self.orders, *self.sums, *self.dependencies, *self.gaps, *self.implications]


def find(table: pa.Table, schema: TableSchema) -> Rules:
    """The rules that (nearly) all rows of a table keep; in long tables looked for in some rows and checked on all.

    Args:
        table: real rows.
        schema: what its columns mean.
    """
    if table.num_rows > LOOKED_AT:
        some = pa.array(np.linspace(0, table.num_rows - 1, LOOKED_AT).astype(np.int64))
        return _checked(find(table.take(some), schema), RuleCells(table, schema))
    cells = RuleCells(table, schema)
    found = dependencies(cells)
    pairs = {(rule.determinant, rule.dependent) for rule in found}
    return Rules(orders(cells), sums(cells), found, gaps(cells), implications(cells, lambda a, b: (a, b) in pairs))


def _checked(found: Rules, cells: RuleCells) -> Rules:
    """The rules that all rows keep too, with the exceptions that they have there."""

    def of(rules: Sequence[Any]) -> list[Any]:
        out = []
        for rule in rules:
            rows, broken = int(rule.rows * cells.rows / LOOKED_AT), int(rule.broken(cells).sum())
            if broken <= (ALLOWED * rows if rule.exceptions or isinstance(rule, (Dependency, Implication)) else 0):
                out.append(replace(rule, rows=rows, exceptions=broken))
        return out

    return Rules(*(of(getattr(found, field.name)) for field in fields(found)))


def with_rules(table: pa.Table, schema: TableSchema) -> TableSchema:
    """The schema with the inequalities that hold on every row, as SQL."""
    return replace(schema, rules=tuple(rule.sql for rule in orders(RuleCells(table, schema)) if rule.sql))
