"""`bernoulli`: yes or no."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import Parameter, check_share, parameter, parameter_columns
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Bernoulli(Generator):
    """True with probability `p`.

    ```yaml
    churned:    {kind: bernoulli, p: 0.1}
    readmitted: {kind: bernoulli, p: "CASE WHEN age > 70 THEN 0.3 ELSE 0.1 END"}
    ```

    Attributes:
        p: from 0 to 1; a number, or an SQL expression over the row.
    """

    kind: ClassVar[str] = "bernoulli"

    p: Parameter = 0.5

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_share("p", self.p)
        return self

    def needs(self) -> frozenset[str]:
        """The columns of an SQL probability."""
        return parameter_columns(self.p)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Bool [n]."""
        p = parameter(self.p, batch, name="p", low=0, high=1)
        return pa.array(ctx.uniform(batch.ids) < p, mask=None if isinstance(p, float) else np.isnan(p))
