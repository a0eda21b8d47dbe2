"""`uniform`: decimal numbers, evenly likely."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import Decimals, Parameter, check_order, decimals_of, parameter, parameter_columns
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Uniform(Generator):
    """A decimal number between `low` and `high`, evenly likely.

    ```yaml
    share:    {kind: uniform}
    price:    {kind: uniform, low: 5, high: 80, decimals: 2}
    discount: {kind: uniform, low: 0, high: price / 2, decimals: 2}
    ```

    Attributes:
        low: a number, or an SQL expression over the row.
        high: a number, or an SQL expression over the row.
        decimals: digits after the point; none: all that float64 has.
    """

    kind: ClassVar[str] = "uniform"

    low: Parameter = 0.0
    high: Parameter = 1.0
    decimals: Decimals = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.low, self.high)
        return self

    def needs(self) -> frozenset[str]:
        """The columns of SQL parameters."""
        return parameter_columns(self.low, self.high)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """float64."""
        low, high = parameter(self.low, batch, name="low"), parameter(self.high, batch, name="high")
        values = ctx.uniform(batch.ids)
        values *= np.subtract(high, low)
        values += low
        return decimals_of(values, self.decimals)
