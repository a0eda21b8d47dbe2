"""`lognormal`: positive numbers with a long right tail."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import (
    Decimals,
    Parameter,
    check_at_least,
    check_order,
    decimals_of,
    parameter,
    parameter_columns,
)
from lookalike.generators.normal import truncated
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Lognormal(Generator):
    """exp of a normal number: incomes, sizes, waiting times.

    ```yaml
    income: {kind: lognormal, mean: 10.4, sd: 0.6, high: 500000, decimals: 2}
    ```

    Attributes:
        mean: mean of the logarithm; the median of the values is exp(mean). A number, or an SQL expression over the row.
        sd: standard deviation of the logarithm, at least 0. A number, or an SQL expression over the row.
        low: no value is below it; the distribution is cut there.
        high: no value is above it.
        decimals: digits after the point.
    """

    kind: ClassVar[str] = "lognormal"

    mean: Parameter = 0.0
    sd: Parameter = 1.0
    low: float | None = None
    high: float | None = None
    decimals: Decimals = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.low, self.high)
        check_at_least("sd", self.sd, 0)
        if self.high is not None:
            check_at_least("high", self.high, 0, strict=True)
        return self

    def needs(self) -> frozenset[str]:
        """The columns of SQL parameters."""
        return parameter_columns(self.mean, self.sd)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """float64."""
        mean, sd = parameter(self.mean, batch, name="mean"), parameter(self.sd, batch, name="sd", low=0)
        low = None if self.low is None or self.low <= 0 else float(np.log(self.low))
        high = None if self.high is None else float(np.log(self.high))
        values = np.exp(truncated(ctx.uniform(batch.ids), mean, sd, low, high))
        if self.low is not None or self.high is not None:
            np.clip(values, self.low, self.high, out=values)
        return decimals_of(values, self.decimals)
