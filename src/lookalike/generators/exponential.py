"""`exponential`: waiting times."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import Decimals, Parameter, check_at_least, decimals_of, parameter, parameter_columns
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Exponential(Generator):
    """An exponential number: the time to the next event when events come at a steady rate.

    ```yaml
    minutes: {kind: exponential, mean: 12, decimals: 1}
    wait:    {kind: exponential, mean: 5 + 10 * queue, high: 240}
    ```

    Attributes:
        mean: the mean before cutting, above 0; a number, or an SQL expression over the row.
        high: no value is above it; the distribution is cut there.
        decimals: digits after the point.
    """

    kind: ClassVar[str] = "exponential"

    mean: Parameter = 1.0
    high: float | None = None
    decimals: Decimals = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_at_least("mean", self.mean, 0, strict=True)
        if self.high is not None:
            check_at_least("high", self.high, 0, strict=True)
        return self

    def needs(self) -> frozenset[str]:
        """The columns of an SQL mean."""
        return parameter_columns(self.mean)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """float64, at least 0."""
        mean = parameter(self.mean, batch, name="mean", low=0)
        uniforms = ctx.uniform(batch.ids)
        if self.high is not None:
            uniforms *= -np.expm1(-np.divide(self.high, mean))
        values = -np.log1p(-uniforms) * mean
        if self.high is not None:
            np.minimum(values, self.high, out=values)
        return decimals_of(values, self.decimals)
