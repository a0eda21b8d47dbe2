"""Functional dependencies: each zip has one city."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, permutations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.rules.base import ALLOWED, LEAST_BROKEN, FoundRule, Levels, RuleCells
from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.types import PII

MOST_COLUMNS = 60  # columns whose pairs are looked at; the first ones
LOOKED_AT = 2_000  # rows on which most pairs are ruled out
LEFT_OUT = PII | {"constant", "empty", "json", "text", "url", "id"}


@dataclass(frozen=True)
class Dependency(FoundRule):
    """Each value of `determinant` comes with one value of `dependent`.

    Attributes:
        given: values of the determinant.
        gives: what each of them comes with, null for a missing one.
    """

    determinant: str
    dependent: str
    given: pa.Array
    gives: pa.Array

    @property
    def repeats(self) -> float:
        """Rows of a determinant's value, on average."""
        return self.rows / max(len(self.given), 1)

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return self.determinant, self.dependent

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"each {self.determinant} has one {self.dependent}"

    @property
    def constraint(self) -> dict[str, Any]:
        """Only combinations that are there."""
        return {"kind": "fixed", "columns": [self.determinant, self.dependent]}

    def broken(self, cells: RuleCells) -> Mask:
        """Where a known determinant comes with something else; one that no real row has says nothing."""
        place = pc.index_in(cells.cells(self.determinant), self.given)
        values = pc.unique(self.gives)
        wanted = pc.index_in(self.gives, values).take(place).fill_null(-1)
        there = pc.index_in(cells.cells(self.dependent), values).fill_null(-2)
        known = pc.is_valid(place).to_numpy(zero_copy_only=False)
        return np.asarray(known & (wanted.to_numpy() != there.to_numpy()), bool)


def dependencies(cells: RuleCells) -> list[Dependency]:
    """Dependencies between single columns, none of which a key or a constant gives trivially.

    Source:
        Kivinen and Mannila 1995, "Approximate inference of functional dependencies from relations" (g3).
    """
    usable = list(islice((name for name in cells.names if _repeats(cells, name)), MOST_COLUMNS))
    step = max(1, cells.rows // LOOKED_AT)
    found = []
    for x, y in permutations(usable, 2):
        a, b = cells.levels(x), cells.levels(y)
        if _few_exceptions(a.codes[::step], b.codes[::step], len(b.counts)) and (rule := _rule(x, a, y, b)):
            found.append(rule)
    return found


def _repeats(cells: RuleCells, name: str) -> bool:
    """Whether a column has several values, and fewer of them than half the rows."""
    if cells.schema[name].semantic in LEFT_OUT or pa.types.is_nested(cells.semantic(name).kind):
        return False
    levels = cells.levels(name)
    return int(np.count_nonzero(levels.counts)) > 1 and len(levels.values) <= 0.5 * cells.rows


def _few_exceptions(a: np.ndarray, b: np.ndarray, width: int) -> bool:
    """Whether hardly any value of `a` comes with several of `b`."""
    first = np.zeros(int(a.max()) + 1, np.int64)
    first[a[::-1]] = b[::-1]
    wrong = a[first[a] != b]
    if len(wrong) <= 10 * ALLOWED * len(a):
        return True
    pairs = len(np.unique(a * width + b))  # one exception that comes first makes all others of its value wrong
    return bool(pairs - len(np.unique(a)) <= 10 * ALLOWED * len(a))


def _rule(x: str, a: Levels, y: str, b: Levels) -> Dependency | None:
    """The dependency on all rows, when there are few exceptions and many would be expected."""
    pairs, counts = np.unique(a.codes * len(b.counts) + b.codes, return_counts=True)
    left, right = np.divmod(pairs, len(b.counts))
    order = np.lexsort((-counts, left))
    left, right, counts = left[order], right[order], counts[order]
    first = np.concatenate([[True], left[1:] != left[:-1]]) & (left != a.null)  # a missing value gives nothing
    rows = int(a.counts[: a.null].sum())
    kept = int(counts[first].sum())
    values = int(first.sum())
    share = float((b.counts / b.counts.sum()) @ (b.counts / b.counts.sum()))
    if values < 2 or rows - kept > ALLOWED * rows or (rows - values) * (1 - share) < LEAST_BROKEN:
        return None
    if rows - values < rows // 2:  # a near-key gives everything
        return None
    gives = pa.array(right[first], pa.int64(), mask=right[first] == b.null)
    return Dependency(rows, rows - kept, x, y, a.values.take(pa.array(left[first])), b.values.take(gives))
