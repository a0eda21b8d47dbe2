"""Distances to the closest record. Diagnostics: they warn, they never clear.

Measured on Adult: 1% verbatim training rows leave the DCR share at 0.504, where 0.5 is perfect; and tables of different sizes
give 0.73 for a release that leaks nothing. Yao et al. 2025, "The DCR Delusion", arXiv 2505.01524, shows releases that pass and
are exposed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.privacy.bounds import Rate, wilson
from lookalike.evaluate.privacy.neighbors import nearest
from lookalike.evaluate.privacy.space import Gower

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Closeness:
    """Where synthetic rows lie between training data and holdout.

    Attributes:
        share: synthetic rows nearer to a training row than to a holdout row, ties half; 0.5 when nothing is memorised.
        train: mean Gower distance to the closest training row, at the 1st, 5th, 25th, 50th, 75th and 95th percentile.
        holdout: the same to the closest holdout row.
        train_ratio: 5th percentile of the closest over the second closest distance, training rows.
        holdout_ratio: the same, holdout rows.
        ratio_interval: bounds of `train_ratio` at 95%, by bootstrap.
        rows: size to which both tables were cut.
    """

    share: Rate
    train: list[float]
    holdout: list[float]
    train_ratio: float
    holdout_ratio: float
    ratio_interval: tuple[float, float]
    rows: int


PERCENTILES = (1, 5, 25, 50, 75, 95)


def closeness(train: Gower, holdout: Gower, synthetic: Gower, *, rng: np.random.Generator, rows: int = 8000) -> Closeness:
    """DCR and NNDR against training data and holdout, both cut to the same number of rows.

    Source:
        Park et al. 2018, "Data Synthesis based on Generative Adversarial Networks", section 5.2 (DCR);
        Lowe 2004 (the ratio); Platzer and Reutterer 2021 (the share against a holdout).
    """
    size = min(train.shape[1], holdout.shape[1])
    made = np.ascontiguousarray(synthetic[:, rng.permutation(synthetic.shape[1])[:rows]])
    near = [
        nearest(made, np.ascontiguousarray(t[:, rng.permutation(t.shape[1])[:size]]), k=2)[0].astype(np.float64) / t.shape[0]
        for t in (train, holdout)
    ]
    t, h = near
    gap = h[:, 0] - t[:, 0]
    wins = float((gap > 1e-7).sum() + 0.5 * (np.abs(gap) <= 1e-7).sum())
    ratios = [_ratio(d) for d in near]
    resampled = [float(np.quantile(rng.choice(ratios[0], ratios[0].size), 0.05)) for _ in range(200)]
    return Closeness(
        share=wilson(wins, gap.size),
        train=[float(v) for v in np.percentile(t[:, 0], PERCENTILES)],
        holdout=[float(v) for v in np.percentile(h[:, 0], PERCENTILES)],
        train_ratio=float(np.quantile(ratios[0], 0.05)),
        holdout_ratio=float(np.quantile(ratios[1], 0.05)),
        ratio_interval=(float(np.quantile(resampled, 0.025)), float(np.quantile(resampled, 0.975))),
        rows=size,
    )


def _ratio(distance: Vector) -> Vector:
    """Closest over second closest; two rows at distance zero count as 1: a repeated row is nobody's own."""
    first, second = distance[:, 0], distance[:, -1]
    return np.where(second > 0, first / np.where(second > 0, second, 1.0), 1.0)
