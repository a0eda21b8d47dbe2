"""`expression`: a value computed from the row by SQL."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.rows.sql import Sql, evaluate, sql_columns


class Expression(Generator):
    """A value computed from the row's other columns by an SQL expression, run by DuckDB.

    Everything of DuckDB's scalar SQL works (CASE, arithmetic, dates, text, lists, structs); aggregates, subqueries, files and
    functions that change from call to call do not. A parent's or a struct's field is `patients.sex`, the row id is `_id`.

    ```yaml
    bmi:   {kind: expression, sql: "round(weight / (height * height), 1)"}
    group: {kind: expression, sql: "CASE WHEN age < 18 THEN 'child' ELSE 'adult' END"}
    ```

    Attributes:
        sql: what stands between SELECT and FROM. Decimals come out as float64.
    """

    kind: ClassVar[str] = "expression"

    sql: Sql

    def needs(self) -> frozenset[str]:
        """The columns in the SQL."""
        return sql_columns(self.sql)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:  # noqa: ARG002  # nothing random
        """The expression's own type."""
        return evaluate(self.sql, batch)
