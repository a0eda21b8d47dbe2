"""What differential privacy was spent on: rho of zero-concentrated privacy, added up, and read as (epsilon, delta).

Neighbours are two tables of which one has one row more. Gaussian noise of standard deviation sigma on counts (one row
changes one count by one) costs rho = 1 / (2 sigma^2); the exponential mechanism with parameter eps costs eps^2 / 8.

Source:
    Bun and Steinke 2016, "Concentrated differential privacy"; Canonne, Kamath and Steinke 2020, "The discrete Gaussian for
    differential privacy", corollary 13; Cesar and Rogers 2021, "Bounding, concentrating, and truncating".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from lookalike.errors import SynthesizerError


@lru_cache(256)
def rho_of(epsilon: float, delta: float) -> float:
    """The greatest rho that is (epsilon, delta)-private.

    Raises:
        SynthesizerError: epsilon is not positive, or delta not between 0 and 1.
    """
    if not epsilon > 0 or not 0 < delta < 1:
        raise SynthesizerError(
            what=f"epsilon is {epsilon} and delta {delta}", fix="give an epsilon above 0 and a delta between 0 and 1"
        )
    low, high = 0.0, epsilon
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low


def delta_of(rho: float, epsilon: float) -> float:
    """The delta at which rho-zCDP is (epsilon, delta)-private: the least over the Renyi orders."""
    if rho <= 0:
        return 0.0
    alpha = 1 + np.exp(np.linspace(np.log(1e-4), np.log(1e5), 4000))
    logs = (alpha - 1) * (alpha * rho - epsilon) + alpha * np.log1p(-1 / alpha) - np.log(alpha - 1)
    return float(min(1.0, np.exp(np.minimum(logs, 0.0)).min()))


@lru_cache(256)
def epsilon_of(rho: float, delta: float) -> float:
    """The least epsilon at which rho-zCDP is (epsilon, delta)-private."""
    low, high = 0.0, rho + 2 * float(np.sqrt(rho * np.log(1 / delta))) + 1e-9
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if delta_of(rho, middle) <= delta else (middle, high)
    return high


@dataclass
class Ledger:
    """The budget of one release and what it went to.

    Attributes:
        rho: all that may be spent; infinite for a ledger that only adds up.
        delta: at which epsilon is read.
        entries: (what, rho) of each mechanism.
    """

    rho: float
    delta: float
    entries: list[tuple[str, float]] = field(default_factory=list)

    @property
    def spent(self) -> float:
        """Rho of all entries together."""
        return sum(rho for _, rho in self.entries)

    @property
    def epsilon(self) -> float:
        """Epsilon of all entries together, at `delta`."""
        return epsilon_of(self.spent, self.delta) if self.entries else 0.0

    def spend(self, what: str, rho: float) -> float:
        """Write a mechanism down before it runs; gives rho back.

        Raises:
            SynthesizerError: the budget does not reach.
        """
        if rho < 0 or self.spent + rho > self.rho * (1 + 1e-9):
            raise SynthesizerError(
                what=f"{what} costs rho {rho:.4g}, but {self.rho - self.spent:.4g} is left",
                fix="raise epsilon, or ask for less",
            )
        self.entries.append((what, rho))
        return rho

    def dump(self) -> dict[str, Any]:
        """Plain data for reports and models."""
        return {
            "epsilon": self.epsilon, "delta": self.delta, "rho": self.spent,
            "entries": [{"what": what, "rho": rho} for what, rho in self.entries],
        }  # fmt: skip


def compose(ledgers: Iterable[Ledger], delta: float) -> Ledger:
    """One ledger of several releases from the same rows: their rho adds up.

    Args:
        ledgers: of the releases.
        delta: at which the whole is read.
    """
    whole = Ledger(float("inf"), delta)
    for number, ledger in enumerate(ledgers):
        for what, rho in ledger.entries:
            whole.spend(f"release {number + 1}: {what}", rho)
    return whole


def gaussian_sigma(rho: float) -> float:
    """Standard deviation of the noise on counts that costs rho."""
    return float(np.sqrt(1 / (2 * rho)))
