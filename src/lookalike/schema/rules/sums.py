"""Numbers that others give to the last digit: total = net + tax, amount = quantity * price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lookalike.schema import identities
from lookalike.schema.identities import Identity
from lookalike.schema.rules.base import FoundRule, RuleCells
from lookalike.schema.semantics.buffers import Mask, is_text


@dataclass(frozen=True)
class Given(FoundRule):
    """A number that is worked out from others."""

    identity: Identity
    stored: bool  # whether all of them are stored as numbers, which SQL can add

    @property
    def columns(self) -> tuple[str, ...]:
        """The number and those that give it."""
        return (self.identity.column, *(name for name, _ in self.identity.terms))

    @property
    def text(self) -> str:
        """The rule in words."""
        return self.identity.text

    @property
    def constraint(self) -> dict[str, Any] | None:
        """A formula."""
        return {"kind": "formula", "column": self.identity.column, "sql": self.identity.sql} if self.stored else None

    def broken(self, cells: RuleCells) -> Mask:
        """Where the number is another, or is missing where those that it hangs on are not."""
        return self.identity.broken({name: cells.floats(name) for name in self.columns})


def sums(cells: RuleCells) -> list[Given]:
    """Sums and products that every row keeps."""
    usable = [
        name for name in cells.names
        if cells.schema[name].semantic in ("integer", "decimal") and cells.semantic(name).quantity == "number"
    ]  # fmt: skip
    values = {name: cells.floats(name) for name in usable}
    units = {name: float(cells.semantic(name).unit) if cells.semantic(name).exact else 0.0 for name in usable}
    out = []
    for found in identities.find(values, units):
        names = (found.column, *(name for name, _ in found.terms))
        rows = int((~np.isnan([values[name] for name in names]).any(0)).sum())
        out.append(Given(rows, 0, found, not any(is_text(cells.semantic(name).kind) for name in names)))
    return out
