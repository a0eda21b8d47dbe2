"""`poisson`: counts of rare events."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import Parameter, by_table, check_at_least, integers_of, parameter, parameter_columns
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_TABLE_UP_TO = 10_000.0


class Poisson(Generator):
    """A Poisson count: how many events happen when they come independently at a steady rate.

    ```yaml
    visits:  {kind: poisson, mean: 3}
    refills: {kind: poisson, mean: 0.5 * visits, high: 12}
    ```

    Attributes:
        mean: at least 0; a number, or an SQL expression over the row.
        low: the least count; smaller ones are not drawn (the distribution is cut).
        high: the greatest count; larger ones are not drawn.
    """

    kind: ClassVar[str] = "poisson"

    mean: Parameter
    low: int = Field(0, ge=0)
    high: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_at_least("mean", self.mean, 0)
        if self.high is not None and self.high < self.low:
            raise ValueError(f"low is {self.low} and high is {self.high}: low must not be above high; swap them")
        return self

    def needs(self) -> frozenset[str]:
        """The columns of an SQL mean."""
        return parameter_columns(self.mean)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """int64."""
        from scipy.special import pdtr, pdtrik

        mean = parameter(self.mean, batch, name="mean", low=0, high=1e15)
        uniforms = ctx.uniform(batch.ids)
        if self.low or self.high is not None:
            below = pdtr(self.low - 1, mean) if self.low else 0.0
            above = pdtr(self.high, mean) if self.high is not None else 1.0
            uniforms = below + uniforms * (above - below)
        if isinstance(mean, float) and mean <= _TABLE_UP_TO:
            highest = int(mean + 12 * np.sqrt(mean) + 40)  # beyond it: less than 1e-17
            counts = by_table(lambda k: pdtr(k, mean), highest, uniforms).astype(np.float64)
        else:
            counts = np.ceil(pdtrik(uniforms, mean))
            lower = np.maximum(counts - 1, 0)  # the inverse is approximate: one step down where that is enough
            counts = np.where(pdtr(lower, mean) >= uniforms, lower, counts)
            counts = np.where(np.equal(mean, 0), 0.0, counts)
            counts[np.isnan(np.broadcast_to(mean, counts.shape))] = np.nan
        return integers_of(np.clip(counts, self.low, self.high).astype(np.float64, copy=False))
