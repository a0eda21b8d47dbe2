"""Which rows are learned and which are kept aside to measure with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from lookalike import rng

FEWEST = 50  # rows below which nothing could be said with the few held out


def split(source: pa.Table, share: float, seed: int) -> tuple[pa.Table, pa.Table | None]:
    """Rows to learn, and rows held out; a row's side depends on its place and the seed alone.

    Fewer than `FEWEST` rows are not split.
    """
    if share <= 0 or source.num_rows < FEWEST:
        return source, None
    held = rng.uniform(rng.key(seed, "holdout"), np.arange(source.num_rows)) < share
    return source.filter(pa.array(~held)), source.filter(pa.array(held))
