"""Is each column's distribution right? KS, TV, Wasserstein, Jensen-Shannon, quantiles, means and variances."""

# pyright: reportArgumentType=false, reportCallIssue=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result, shortened
from lookalike.evaluate.encode import Column
from lookalike.evaluate.shapes import QUANTILES, Shape, shape, shares
from lookalike.evaluate.views import Views

DRAWN_BINS = 32
DRAWN_LEVELS = 12
RARE = 5  # real levels with fewer rows keep no name in a report


class Marginals(Metric):
    """Mean over columns of 1 - the worse of shape and nulls: KS for numbers, TV for categories, difference of null shares.

    Sampling noise alone keeps a column of many categories below 1: compare with the ceiling. There is no floor: columns drawn
    independently have right marginals.
    """

    kind: ClassVar[str] = "marginals"
    cost: ClassVar[float] = 0.2
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The mean, mean and variance deltas, and one result a column with what is needed to draw it."""
        if not views.compared:
            return self.skip("no column is a number, a time or a category")
        parts = [self._column(views, column) for column in views.compared]
        known = [r for r in parts if r.value is not None]
        if not known:
            return self.skip("every column is null in both tables")
        worst = sorted(known, key=Result.badness, reverse=True)
        reading = "worst: " + ", ".join(f"{r.subject} {r.value:.3f}" for r in worst[:3]) + "."
        ceilings = [r.ceiling for r in known if r.ceiling is not None]
        head = self.result(
            float(np.mean([r.value for r in known])),
            ceiling=float(np.mean(ceilings)) if ceilings else None,
            detail={"reading": reading},
        )
        return [head, *self._moments(views), *parts]

    def _column(self, views: Views, column: Column) -> Result:
        own, reference = shape(views, column.name, "real", "synthetic"), shape(views, column.name, "base", "ceiling")
        detail = _detail(own) | {"form": column.form} | drawing(views, column)
        return self.result(_score(own), column.name, subject=column.name, ceiling=_score(reference), detail=detail)

    def _moments(self, views: Views) -> list[Result]:
        """Largest standardised difference of means, and largest ratio of standard deviations."""
        own = {c.name: shape(views, c.name, "real", "synthetic") for c in views.compared if c.numeric}
        means = {n: abs(s.mean_gap) for n, s in own.items() if s.mean_gap is not None}
        ratios = {n: abs(float(np.log(s.sd_ratio))) for n, s in own.items() if s.sd_ratio}
        out = []
        for name, values, unit in (("mean_gap", means, "real standard deviations"), ("sd_gap", ratios, "|log ratio|")):
            if not values:
                out += self.skip("no column is a number with any spread", name, direction="lower")
                continue
            worst = max(values, key=lambda n: values[n])
            detail = {"worst": worst, "unit": unit, "columns": {k: round(v, 6) for k, v in values.items()}}
            out.append(self.result(max(values.values()), name, direction="lower", range=(0.0, float("inf")), detail=detail))
        return out


def _score(one: Shape) -> float:
    """1 - the worse of shape and nulls; a column that is null in one table only is scored by that, in both it has no score."""
    if one.distance == one.distance:  # not NaN: both tables have cells
        return 1 - max(one.distance, abs(one.null_gap))
    return 1 - abs(one.null_gap) if one.null_gap else float("nan")


def _detail(one: Shape) -> dict[str, Any]:
    detail: dict[str, Any] = {"distance": one.distance, "js": one.js, "null_gap": one.null_gap}
    if one.quantiles is not None:
        detail |= {"wasserstein": one.wasserstein, "mean_gap": one.mean_gap, "sd_ratio": one.sd_ratio}
        detail["quantiles"] = {"at": list(QUANTILES), "real": one.quantiles[0].tolist(), "synthetic": one.quantiles[1].tolist()}
    return detail


def drawing(views: Views, column: Column) -> dict[str, Any]:
    """The overlaid series of one column: shares in equal bins between the real 0.5% and 99.5% points, or of the top levels."""
    name = column.name
    whiches = ("real", "synthetic", "holdout") if "holdout" in views else ("real", "synthetic")
    if column.numeric:
        known = views.numbers(name, "real")
        known = known[~np.isnan(known)]
        if not known.size:
            return {}
        sample = known if known.size <= 100_000 else known[:: known.size // 50_000]
        low, high = np.quantile(sample, [0.005, 0.995])
        if low == high:
            low, high = low - 0.5, high + 0.5
        count = DRAWN_BINS if not column.whole or high - low >= DRAWN_BINS else max(2, int(high - low) + 1)
        edges = np.linspace(low, high if count == DRAWN_BINS else high + 1, count + 1)
        series = {}
        for which in whiches:
            values = views.numbers(name, which)  # type: ignore[arg-type]  # literals
            place = (values[(values >= edges[0]) & (values <= edges[-1])] - edges[0]) / (edges[-1] - edges[0]) * count
            hits = np.bincount(np.minimum(place.astype(np.int64), count - 1), minlength=count)
            series[which] = [round(float(v), 5) for v in hits / max(1, values.size)]
        return {"edges": [float(f"{e:.6g}") for e in edges], "series": series}
    width = len(views.levels(name)) + 1
    counts = {w: shares(views.codes(name, w), width) for w in whiches}  # type: ignore[arg-type]  # literals
    order = (
        np.lexsort((np.arange(1, width), -counts["real"][1:], -(counts["real"][1:] + counts["synthetic"][1:])))[:DRAWN_LEVELS]
        + 1
    )
    often = counts["real"] * views.rows("real") >= RARE
    new = np.arange(width) > views.real_levels(name)
    shown = [int(i) for i in order if often[i] or new[i]]
    levels = [shortened(views.levels(name)[i - 1], 60) for i in shown]
    series = {w: [round(float(c[i]), 5) for i in shown] for w, c in counts.items()}
    for which, share in counts.items():
        series[which] += [round(float(1 - share[0] - sum(share[i] for i in shown)), 5), round(float(share[0]), 5)]
    return {"levels": [*levels, "(other)", "(null)"], "series": series}
