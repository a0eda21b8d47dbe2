"""The contract of columns.

A `Generator` makes a column for a block of rows, vectorised and keyed. A `ModelColumn` makes one cell by talking to models.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator as PyGenerator
from typing import Any, ClassVar

import pyarrow as pa

from lookalike.models.base import Reply, Request
from lookalike.rows.batch import Batch, Row
from lookalike.rows.context import Context
from lookalike.spec import Spec

Conversation = PyGenerator[Request, Reply, Any]


class Generator(Spec):
    """A column's recipe: keeps the rows, adds a column. Subclasses define `generate`."""

    group: ClassVar[str] = "generator"

    when: str | None = None  # an SQL condition on the row: other rows get null
    hidden: bool = False  # made for other columns to use, not written

    def needs(self) -> frozenset[str]:
        """Columns that `generate` reads, worked out from templates and expressions. `when` is added by the plan."""
        return frozenset()

    def sources(self) -> frozenset[str]:
        """Sources that `generate` reads."""
        return frozenset()

    def inside(self) -> tuple[str, ...]:
        """Names of the fields inside its cells; empty: it has none, or they are known only when it is made."""
        return ()

    @abstractmethod
    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """The column, of the batch's length; a function of row ids and needed columns alone."""


class ModelColumn(Generator):
    """A cell that takes one or more model calls."""

    @abstractmethod
    def models(self) -> frozenset[str]:
        """Names of the models that a conversation may ask."""

    @abstractmethod
    def arrow_type(self) -> pa.DataType:
        """The column's type, known before any call."""

    @abstractmethod
    def converse(self, row: Row, ctx: Context) -> Conversation:
        """A plain generator function: `reply = yield Request(...)`; it returns the cell's value.

        Pure: the engine sends it the journalled replies again after a crash and it comes to the same point. `row` holds the
        needed columns and `_id`, the row id (keyed draws: `ctx.generator(row["_id"])`).

        Raises:
            CallFailed: thrown in by the engine when a call has no reply; raise it for content that stays bad.
        """

    def inside(self) -> tuple[str, ...]:
        """The fields of its type."""
        kind = self.arrow_type()
        return tuple(field.name for field in kind) if pa.types.is_struct(kind) else ()

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Never called: the run walks conversations cell by cell."""
        raise NotImplementedError(f"{self.kind} cells are conversations")

    def calls(self) -> float:
        """Expected calls a cell, for the plan's estimate."""
        return 1.0

    def expected_tokens(self) -> tuple[int, int]:
        """Expected (prompt, completion) tokens a cell, for the plan's estimate: about 4 characters a token."""
        return 200, 150
