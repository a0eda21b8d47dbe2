"""Columns that are missing together: the four measures of an animal that ran away."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log

import numpy as np

from lookalike.rows.sql import sql_name
from lookalike.schema.rules.base import FoundRule, RuleCells
from lookalike.schema.semantics.buffers import Mask

SURPRISE = 5.0  # how many times likelier than chance, as a logarithm, two equal patterns must be


@dataclass(frozen=True)
class Together(FoundRule):
    """Columns of which all are missing, or none.

    Attributes:
        names: the columns, at least two.
    """

    names: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return self.names

    @property
    def text(self) -> str:
        """The rule in words."""
        return f"{', '.join(self.names)} are missing together"

    @property
    def sql(self) -> str:
        """Each as the first."""
        first, *others = map(sql_name, self.names)
        return " AND ".join(f"({first} IS NULL) = ({other} IS NULL)" for other in others)

    def broken(self, cells: RuleCells) -> Mask:
        """Where some are missing and others are there."""
        gone = np.stack([cells.missing(name) for name in self.names])
        return np.asarray(gone.any(0) & ~gone.all(0), bool)


def gaps(cells: RuleCells) -> list[Together]:
    """Groups of columns that are always missing together, where equal patterns are no chance."""
    n = cells.rows
    groups: dict[bytes, list[str]] = {}
    for name in cells.names:
        if 0 < cells.missing(name).sum() < n:
            groups.setdefault(np.packbits(cells.missing(name)).tobytes(), []).append(name)
    pairs = max(sum(map(len, groups.values())) * (sum(map(len, groups.values())) - 1) // 2, 1)
    out = []
    for names in groups.values():
        rows = int(cells.missing(names[0]).sum())
        patterns = lgamma(n + 1) - lgamma(rows + 1) - lgamma(n - rows + 1)  # so many ways to place the gaps
        if len(names) > 1 and patterns - log(pairs) >= SURPRISE:
            out.append(Together(rows, 0, tuple(names)))
    return out
