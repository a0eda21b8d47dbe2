"""`integer`: whole numbers, evenly likely."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import check_order
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class Integer(Generator):
    """A whole number from `low` to `high`, both included, evenly likely.

    ```yaml
    beds:  {kind: integer, low: 1, high: 40}
    price: {kind: integer, low: 100, high: 2000, step: 50}
    ```

    Attributes:
        low: the lowest value.
        high: the highest value that may be drawn.
        step: only `low`, `low + step`, `low + 2 step` ... are drawn.
    """

    kind: ClassVar[str] = "integer"

    low: Int64
    high: Int64
    step: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.low, self.high)
        return self

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """int64."""
        count = (self.high - self.low) // self.step + 1
        if count < 2**40:  # a uniform's 53 bits leave no visible bias
            steps = (ctx.uniform(batch.ids) * count).astype(np.int64)
        else:
            steps = (ctx.bits(batch.ids) % np.uint64(min(count, 2**64 - 1))).astype(np.int64)
        with np.errstate(over="ignore"):  # two's complement: low + steps is in range again
            return pa.array(np.int64(self.low) + steps * np.int64(self.step))
