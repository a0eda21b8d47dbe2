"""`scipy`: any distribution of scipy.stats by name."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.errors import did_you_mean
from lookalike.generators.base import Generator
from lookalike.generators.draws import Decimals, Floats, check_order, decimals_of
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

UPPER = 1e-6  # share of a distribution above `low` from which its upper tail is drawn by the survival function


class Scipy(Generator):
    """A number from any distribution of scipy.stats, by its name and its parameters' names there.

    ```yaml
    response_ms: {kind: scipy, distribution: gamma, params: {a: 2.5, scale: 40}, decimals: 1}
    tail:        {kind: scipy, distribution: pareto, params: {b: 3}, high: 50}
    ```

    Attributes:
        distribution: its name in scipy.stats, continuous or discrete.
        params: shape parameters by name, and `loc` and `scale`.
        low: no value is below it; the distribution is cut there.
        high: no value is above it.
        decimals: digits after the point; discrete distributions give whole numbers.
    """

    kind: ClassVar[str] = "scipy"

    distribution: str
    params: dict[str, float] = Field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    decimals: Decimals = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_order(self.low, self.high, strict=True)
        self._frozen  # noqa: B018  # builds it, and so checks name and parameters
        return self

    @cached_property
    def _frozen(self) -> Any:
        from scipy import stats  # half a second to import: here only

        known = {
            name: value for name, value in vars(stats).items() if isinstance(value, (stats.rv_continuous, stats.rv_discrete))
        }
        if self.distribution not in known:
            raise ValueError(f"unknown distribution {self.distribution!r}; {did_you_mean(self.distribution, known)}")
        law = known[self.distribution]
        shapes = [name.strip() for name in (law.shapes or "").split(",") if name.strip()]
        allowed = [*shapes, "loc", *(["scale"] if isinstance(law, stats.rv_continuous) else [])]
        for name in self.params:
            if name not in allowed:
                raise ValueError(f"{self.distribution} has no parameter {name!r}; {did_you_mean(name, allowed)}")
        missing = [name for name in shapes if name not in self.params]
        if missing:
            raise ValueError(f"{self.distribution} needs params {', '.join(missing)}; it takes {', '.join(allowed)}")
        frozen = law(**self.params)
        if not np.isfinite(frozen.ppf(0.5)):
            raise ValueError(
                f"{self.distribution} is not defined for params {self.params}; see scipy.stats.{self.distribution}"
            )
        return frozen

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """float64, or int64 for a discrete distribution."""
        law, uniforms = self._frozen, ctx.uniform(batch.ids)
        discrete = not hasattr(law, "pdf")
        if self.low is None and self.high is None:
            values = np.asarray(law.ppf(uniforms), np.float64)
        else:
            values = self._cut(uniforms, np.ceil(self.low or 0) - 1 if discrete else self.low or 0)
            np.clip(values, self.low, self.high, out=values)
        return pa.array(values.astype(np.int64)) if discrete else decimals_of(values, self.decimals)

    def _cut(self, uniforms: Floats, before: float) -> Floats:
        """Values between the bounds; `before` is the last one that is too low. Far out the cdf is 1 and has no digits left: sf has."""
        law = self._frozen
        tail = self.low is not None and law.sf(before) < UPPER
        function, inverse = (law.sf, law.isf) if tail else (law.cdf, law.ppf)
        lowest, highest = (1.0, 0.0) if tail else (0.0, 1.0)
        first = function(before) if self.low is not None else lowest
        last = function(self.high) if self.high is not None else highest
        return np.asarray(inverse(first + uniforms * (last - first)), np.float64)
