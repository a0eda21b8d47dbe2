"""`binomial`: successes in n tries."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.draws import (
    Parameter,
    by_table,
    check_at_least,
    check_share,
    integers_of,
    parameter,
    parameter_columns,
)
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_TABLE_UP_TO = 100_000.0


class Binomial(Generator):
    """How many of `n` independent tries succeed, each with probability `p`.

    ```yaml
    correct: {kind: binomial, n: 20, p: 0.6}
    passed:  {kind: binomial, n: exams, p: 0.8}
    ```

    Attributes:
        n: tries, at least 0; a whole number, or an SQL expression over the row.
        p: probability of success, 0 to 1; a number, or an SQL expression over the row.
    """

    kind: ClassVar[str] = "binomial"

    n: Parameter
    p: Parameter

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_at_least("n", self.n, 0)
        check_share("p", self.p)
        if not isinstance(self.n, str) and self.n != int(self.n):
            raise ValueError(f"n is {self.n:g}: it must be a whole number")
        return self

    def needs(self) -> frozenset[str]:
        """The columns of SQL parameters."""
        return parameter_columns(self.n, self.p)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """int64."""
        from scipy.special import bdtr, bdtrik

        n, p = parameter(self.n, batch, name="n", low=0), parameter(self.p, batch, name="p", low=0, high=1)
        uniforms = ctx.uniform(batch.ids)
        if isinstance(n, float) and isinstance(p, float) and n <= _TABLE_UP_TO:
            return pa.array(by_table(lambda k: bdtr(k, int(n), p), int(n), uniforms))
        n = np.floor(n)
        counts = np.ceil(bdtrik(uniforms, n, p))
        lower = np.maximum(counts - 1, 0)  # the inverse is approximate: one step down where that is enough
        counts = np.where(bdtr(lower, n, p) >= uniforms, lower, counts)
        counts = np.where(np.equal(p, 0) | np.equal(n, 0), 0.0, np.where(np.equal(p, 1), n, counts))
        counts[np.isnan(np.broadcast_to(np.add(n, p), counts.shape))] = np.nan
        return integers_of(np.clip(counts, 0, n))
