"""Columns that are not learned: their values are made anew, so that none of a real row's comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa

from lookalike.schema.semantics.base import Learned, Measured, Semantic
from lookalike.schema.semantics.buffers import is_text


class Anew(Semantic):
    """What they share."""

    learned: ClassVar[Learned] = "anew"
    measured: ClassVar[Measured] = "id"

    @property
    def ordered(self) -> bool:
        """They have no order."""
        return False

    def cells(self, asked: Sequence[Any]) -> pa.Array:
        """Values that somebody typed, in the column's type."""
        try:
            if is_text(self.kind):
                asked = [None if value is None else str(value) for value in asked]
            return pa.array(list(asked), self.kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as exc:
            raise self.refused(list(asked), str(exc)) from exc


class Identifier(Anew):
    """Keys and references: numbers or codes that stand for something."""


class Personal(Anew):
    """What names or reaches a person: names, addresses, phones, mail addresses, account, card and identity numbers."""


class Prose(Anew):
    """Free text, nested cells, links: nothing of one row may come back."""

    measured: ClassVar[Measured] = "text"
