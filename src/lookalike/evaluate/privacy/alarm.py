"""Does the alarm ring? The attacks are run on a release that leaks for certain and on one that cannot leak.

The leaky control is the release itself with 1% of its rows replaced by training rows; the safe control is one half of the
holdout, judged against the other half. A suite that misses the first or rings at the second has proved nothing about the
release, whatever its numbers are; and a green light always states the smallest leak that would have turned it red.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookalike.evaluate.privacy.replay import Excess, identical_excess
from lookalike.evaluate.privacy.space import Codes, row_hashes


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whether the attacks tell a leak from none at this sample size.

    Attributes:
        rang: the leaky control was called a leak.
        quiet: the safe control was not.
        leaky: what was measured on the leaky control.
        safe: what was measured on the safe control.
        planted: share of rows planted.
        smallest_seen: the smallest share of copied rows that would have been called a leak here.
    """

    rang: bool
    quiet: bool
    leaky: Excess
    safe: Excess
    planted: float
    smallest_seen: float

    @property
    def works(self) -> bool:
        """Rang when it had to, and was quiet when it had to be."""
        return self.rang and self.quiet


def prove(
    train: Codes, holdout: Codes, synthetic: Codes, *, rng: np.random.Generator, planted: float = 0.01, alpha: float = 0.01
) -> Alarm:
    """Run the replay test on a leaky and on a safe control.

    Args:
        train: int64 [d, n] codes.
        holdout: int64 [d, h], at least 4 rows.
        synthetic: int64 [d, m].
        rng: draws what is planted and cuts the holdout.
        planted: share of the release replaced by training rows, at least one row.
        alpha: p-value below which the test rings.
    """
    count = max(1, round(planted * synthetic.shape[1]))
    rows = rng.choice(train.shape[1], count, replace=train.shape[1] < count)
    keep = rng.permutation(synthetic.shape[1])[count:]
    leaky_table = np.concatenate([train[:, rows], synthetic[:, keep]], axis=1)
    t, h, s = row_hashes(train), row_hashes(holdout), row_hashes(leaky_table)
    leaky = identical_excess(t, h, s, alpha=alpha)
    half = rng.permutation(h.size)
    safe = identical_excess(t, h[half[: h.size // 2]], h[half[h.size // 2 :]], alpha=alpha)
    own = identical_excess(t, h, row_hashes(synthetic), alpha=alpha)
    return Alarm(
        rang=leaky.p <= alpha, quiet=safe.p > alpha, leaky=leaky, safe=safe, planted=count / synthetic.shape[1],
        smallest_seen=own.smallest_seen,
    )  # fmt: skip
