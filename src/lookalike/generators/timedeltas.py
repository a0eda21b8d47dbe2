"""`timedelta`: lengths of time."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.generators.spans import UNITS, Span, micros
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Timedelta(Generator):
    """A length of time from `low` to `high`, both included, evenly likely.

    ```yaml
    stay: {kind: timedelta, low: 1d, high: 14d, unit: day}
    call: {kind: timedelta, low: 10s, high: 45m}
    ```

    Attributes:
        low: the shortest: 90d, 2h 30m, 45s, or ISO 8601 (P1D).
        high: the longest.
        unit: the step between lengths.
    """

    kind: ClassVar[str] = "timedelta"

    low: Span = timedelta()
    high: Span
    unit: Literal["day", "hour", "minute", "second", "millisecond"] = "second"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low is {self.low} and high is {self.high}: low must not be above high; swap them")
        return self

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """duration[us]."""
        tick, low = UNITS[self.unit], micros(self.low)
        count = (micros(self.high) - low) // tick + 1
        steps = (ctx.uniform(batch.ids) * count).astype(np.int64)
        return pa.array(low + steps * tick).cast(pa.duration("us"))
