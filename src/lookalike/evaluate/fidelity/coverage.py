"""Near the real rows, and near all of them? Density and coverage by nearest neighbours in mixed columns."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.views import Views, Which

ROWS = 4_000  # of each table: neighbourhoods depend on the sample's size, so both sides have equally many
NEAREST = 5
Distances = npt.NDArray[np.float32]


class Coverage(Metric):
    """Coverage: share of real rows that have a synthetic row within the distance of their fifth real neighbour.

    Low coverage is mode dropping. `coverage.density` is the mean number of real neighbourhoods that a synthetic row falls into,
    over five: low density is rows far from anything real. `coverage.precision` is the share of synthetic rows inside any
    neighbourhood. Distances are Gower's, exact, over all numbers, times and categories.

    Source:
        Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models"; Kynkäänniemi et al. 2019 (precision).
    """

    kind: ClassVar[str] = "coverage"
    cost: ClassVar[float] = 1.0

    def compute(self, views: Views) -> list[Result]:
        """Coverage, density and precision with their ceilings and floors."""
        if not views.compared:
            return self.skip("no column is a number, a time or a category")
        size = min(ROWS, views.rows("real"), views.rows("synthetic"))
        half = min(size, views.rows("ceiling"), views.rows("base"))
        if half <= NEAREST + 1:
            return self.skip(f"needs more than {2 * NEAREST + 2} rows of each table")
        own = _measure(views, "real", "synthetic", size)
        ceiling, floor = _measure(views, "base", "ceiling", half), _measure(views, "real", "independent", size)
        out = []
        for i, name in enumerate(("", "density", "precision")):
            top = 1.0 if name != "density" else float("inf")
            out.append(self.result(own[i], name, ceiling=ceiling[i], floor=floor[i], range=(0.0, top), detail={"rows": size}))
        return out


def _measure(views: Views, a: Which, b: Which, size: int) -> tuple[float, float, float]:
    """Coverage, density and precision of table `b` as a copy of `a`."""
    from lookalike.evaluate.privacy.neighbors import nearest, within

    real, made = (np.ascontiguousarray(views.gower(w, limit=size)[:, :size]) for w in (a, b))

    def reach() -> Distances:  # the first neighbour is the row itself
        return nearest(real, real, k=NEAREST + 1)[0][:, NEAREST] + np.float32(1e-5)

    hits, covered = within(made, real, views.once(("reach", a, size), reach))
    return float(covered.mean()), float(hits.mean() / NEAREST), float((hits > 0).mean())
