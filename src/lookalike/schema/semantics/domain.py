"""Numbers of few values: those that rows share, and no others."""

from __future__ import annotations

import numpy as np

from lookalike.schema.semantics.grid import Ticks

SMALL = 60  # different values up to which a number is one of them
MOSTLY = 0.9  # of the rows, which values that enough rows share must hold


def points(ticks: Ticks, least: int) -> Ticks | None:
    """The values of a column that has few of them, apart from each other, ascending; None for any other column.

    Values that fewer than `least` rows share are left out where they do not fill the grid: between 5, 10 and 50 euros lies nothing,
    between 3 and 7 visits lie 4, 5 and 6.

    Args:
        ticks: those that are not missing.
        least: rows that must share a value.
    """
    unique, counts = np.unique(ticks, return_counts=True)
    if len(unique) > SMALL or not len(unique):
        return None
    kept = unique[counts >= least]
    if len(kept) == len(unique):
        return np.asarray(unique)
    dense = ticks.dtype.kind != "f" and int(unique[-1]) - int(unique[0]) + 1 <= 2 * len(unique)
    return None if dense or counts[counts >= least].sum() < MOSTLY * len(ticks) else np.asarray(kept)
