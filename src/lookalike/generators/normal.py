"""`normal`: the bell curve, cut at bounds without piling up on them."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
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
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

FAR = 5.0  # standard deviations from which the cdf has too few digits left to be inverted


def truncated(uniforms: Floats, mean: Floats | float, sd: Floats | float, low: float | None, high: float | None) -> Floats:
    """Normal values in [low, high] by the inverse of the truncated cdf."""
    from scipy.special import ndtr, ndtri

    if low is None and high is None:
        values: Floats = ndtri(uniforms)
        values *= sd
        values += mean
        return values
    scale = np.where(np.equal(sd, 0), 1.0, sd)
    first = (low - mean) / scale if low is not None else -np.inf
    last = (high - mean) / scale if high is not None else np.inf
    below, above = ndtr(first), ndtr(last)
    values = ndtri(below + uniforms * (above - below))
    far = np.broadcast_to(np.greater(first, FAR) | np.less(last, -FAR), values.shape)
    if far.any():
        ends = (np.broadcast_to(end, values.shape)[far] for end in (first, last))
        values[far] = _tail(uniforms[far], *ends)
    values *= sd
    values += mean
    np.clip(values, low, high, out=values)  # rounding
    return values


def _tail(uniforms: Floats, first: Floats, last: Floats) -> Floats:
    """Standard normal values in [first, last], both on one side of 0: by the logarithm of the cdf of the lower tail."""
    from scipy.special import log_ndtr, ndtri_exp

    upper = first > 0
    lower_end, upper_end = log_ndtr(np.where(upper, -last, first)), log_ndtr(np.where(upper, -first, last))
    shares = np.where(upper, 1 - uniforms, uniforms)
    values = ndtri_exp(upper_end + np.log(shares + (1 - shares) * np.exp(lower_end - upper_end)))
    found: Floats = np.where(upper, -values, values)
    return found


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
