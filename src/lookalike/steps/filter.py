"""Keep the rows for which a condition holds."""

from __future__ import annotations

from typing import ClassVar

from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.rows.sql import Sql, rows_where, sql_columns
from lookalike.steps.base import Kept, Step


class Filter(Step):
    """Keeps the rows for which an SQL condition holds; null counts as no.

    ```yaml
    steps: [{kind: filter, where: "length(note) > 40"}]
    ```

    Attributes:
        where: an SQL condition over the row.
    """

    kind: ClassVar[str] = "filter"

    where: Sql

    def needs(self) -> frozenset[str]:
        """The condition's columns."""
        return sql_columns(self.where)

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002
        """Drop the rows where the condition does not hold."""
        mask = rows_where(self.where, batch)
        dropped = batch.ids[~mask]
        return Kept(batch.take(mask), dropped, tuple(f"not {self.where}" for _ in dropped))
