"""`normal`: the bell curve, cut at bounds without piling up on them."""

from __future__ import annotations

from typing import ClassVar, Self

import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Batch, Context, Generator
from lookalike.generators.draws import (
    Decimals,
    Floats,
    Parameter,
    check_at_least,
    check_order,
    decimals_of,
    parameter,
    parameter_columns,
)


def truncated(uniforms: Floats, mean: Floats | float, sd: Floats | float, low: float | None, high: float | None) -> Floats:
    """Normal values in [low, high] by the inverse of the truncated cdf."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    if low is not None or high is not None:
        scale = np.where(np.equal(sd, 0), 1.0, sd)
        below = ndtr((low - mean) / scale) if low is not None else 0.0
        above = ndtr((high - mean) / scale) if high is not None else 1.0
        uniforms = below + uniforms * (above - below)
    values: Floats = ndtri(uniforms)
    values *= sd
    values += mean
    if low is not None or high is not None:
        np.clip(values, low, high, out=values)  # rounding of the cdf far from the mean
    return values


class Normal(Generator):
    """A normal (Gaussian) number; with bounds, a truncated normal: the bell is cut, nothing piles up on the bounds.

    ```yaml
    age:    {kind: normal, mean: 54, sd: 18, low: 0, high: 104, decimals: 0}
    weight: {kind: normal, mean: 24 * height * height, sd: 9, decimals: 1}
    ```

    Attributes:
        mean: of the bell before it is cut; a number, or an SQL expression over the row.
        sd: standard deviation before cutting, at least 0; a number, or an SQL expression over the row.
        low: no value is below it.
        high: no value is above it.
        decimals: digits after the point; none: all that float64 has.
    """

    kind: ClassVar[str] = "normal"

    mean: Parameter = 0.0
    sd: Parameter = 1.0
    low: float | None = None
    high: float | None = None
    decimals: Decimals = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.low, self.high)
        check_at_least("sd", self.sd, 0)
        return self

    def needs(self) -> frozenset[str]:
        """The columns of SQL parameters."""
        return parameter_columns(self.mean, self.sd)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """float64."""
        mean, sd = parameter(self.mean, batch, name="mean"), parameter(self.sd, batch, name="sd", low=0)
        return decimals_of(truncated(ctx.uniform(batch.ids), mean, sd, self.low, self.high), self.decimals)
