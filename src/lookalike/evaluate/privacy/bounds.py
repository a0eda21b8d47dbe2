"""Rates of success, their intervals, and exact tests.

Every count here is small where it matters (a handful of hits at 0.1% false positives), so intervals are exact or score
intervals, never the normal approximation around the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError


@dataclass(frozen=True, slots=True)
class Rate:
    """An estimated rate with its bounds.

    Attributes:
        value: the estimate, 0..1 (a residual risk can be below 0 before it is clipped).
        low: lower bound.
        high: upper bound.
    """

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high)."""
        return self.low, self.high


def clopper_pearson(hits: float, trials: float, *, level: float = 0.95) -> Rate:
    """The exact binomial interval; counts may be fractional (weights).

    Raises:
        MetricError: no trials, or more hits than trials.

    Source:
        Clopper and Pearson 1934, "The use of confidence or fiducial limits".
    """
    from scipy.special import betaincinv  # scipy.special only: scipy.stats costs two seconds to import

    if trials <= 0 or not 0 <= hits <= trials:
        raise MetricError(what=f"{hits} hits in {trials} trials have no rate", fix="give at least one trial")
    tail = (1.0 - level) / 2.0
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1.0, tail))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1.0, trials - hits, 1.0 - tail))
    return Rate(hits / trials, low, high)


def poisson_interval(count: int, *, level: float = 0.95) -> tuple[float, float]:
    """The exact bounds of the mean that a count was drawn from.

    Source:
        Garwood 1936, "Fiducial limits for the Poisson distribution".
    """
    from scipy.special import gammaincinv

    tail = (1.0 - level) / 2.0
    return (float(gammaincinv(count, tail)) if count else 0.0), float(gammaincinv(count + 1, 1.0 - tail))


def wilson(hits: float, trials: float, *, level: float = 0.95) -> Rate:
    """The score interval; `value` is its centre, which shrinks towards a half.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    from scipy.special import ndtri

    if trials <= 0:
        raise MetricError(what="a rate needs at least one trial", fix="run more attacks")
    z = float(ndtri(0.5 + level / 2.0))
    total = trials + z * z
    centre = (hits + z * z / 2.0) / total
    half = z / total * float(np.sqrt(hits * (trials - hits) / trials + z * z / 4.0))
    return Rate(centre, centre - half, centre + half)


def residual_risk(attack: Rate, control: Rate) -> Rate:
    """How much better an attack does on members than on the holdout, of what was left to do: (a - c) / (1 - c).

    Returns:
        The risk clipped to 0..1, with the two half widths propagated.

    Source:
        Giomi et al. 2023, "A Unified Framework for Quantifying Privacy Risk in Synthetic Data", section 4.
    """
    room = max(1.0 - control.value, 1e-9)
    value = (attack.value - control.value) / room
    slope = (1.0 - attack.value) / room**2
    error = float(np.hypot((attack.high - attack.value) / room, (control.high - control.value) * slope))
    low, high = (float(np.clip(v, 0.0, 1.0)) for v in (value - error, value + error))
    return Rate(float(np.clip(value, 0.0, 1.0)), low, high)


def excess_interval(a: float, b: float, *, share_a: float, level: float = 0.95) -> Rate:
    """Bounds of the chance that a hit falls on side A, against `share_a`, which chance alone gives it.

    Returns:
        The excess in -share_a/(1-share_a)..1: 0 is chance, 1 is "all hits are on side A".
    """
    ratio = share_a / max(1.0 - share_a, 1e-12)
    p = clopper_pearson(a, a + b, level=level)
    value, low, high = (v - (1.0 - v) * ratio for v in (p.value, p.low, p.high))
    return Rate(value, low, high)


def binomial_tail(hits: int, trials: int, p: float) -> float:
    """P(X >= hits) for X ~ Binomial(trials, p); the exact one-sided test."""
    from scipy.special import betainc

    return 1.0 if hits <= 0 else float(betainc(hits, trials - hits + 1.0, p))


def hypergeometric_tail(hits_a: int, size_a: int, hits_b: int, size_b: int) -> float:
    """One-sided Fisher test: the chance of at least `hits_a` of all hits on side A when labels mean nothing.

    Source:
        Fisher 1935, "The logic of inductive inference".
    """
    from scipy.special import gammaln

    total, hits = size_a + size_b, hits_a + hits_b
    k = np.arange(max(hits_a, hits - size_b), min(hits, size_a) + 1, dtype=np.float64)

    def choose(n: float, r: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(gammaln(n + 1.0) - gammaln(r + 1.0) - gammaln(n - r + 1.0))

    logs = choose(size_a, k) + choose(size_b, hits - k) - choose(total, np.array([float(hits)]))
    return float(min(1.0, np.exp(logs).sum()))
