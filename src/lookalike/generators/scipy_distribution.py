"""`scipy`: any distribution of scipy.stats by name."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.errors import did_you_mean
from lookalike.generators.base import Batch, Context, Generator
from lookalike.generators.draws import Decimals, check_order, decimals_of


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
        if self.low is not None or self.high is not None:
            below = (law.cdf(np.ceil(self.low) - 1) if discrete else law.cdf(self.low)) if self.low is not None else 0.0
            above = law.cdf(self.high) if self.high is not None else 1.0
            uniforms = below + uniforms * (above - below)
        values = np.asarray(law.ppf(uniforms), np.float64)
        if self.low is not None or self.high is not None:
            np.clip(values, self.low, self.high, out=values)
        return pa.array(values.astype(np.int64)) if discrete else decimals_of(values, self.decimals)
