"""Does what one column implies still hold? City gives country, code gives name: rules found in the real rows, counted in the synthetic."""

from __future__ import annotations

from itertools import permutations
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.views import Views, Which

MOST_LEVELS = 2_000
MOST_COLUMNS = 40
ROWS = 100_000
ALLOWED = 0.001  # share of real rows that may break a rule for it still to be one (g3)
SUPPORT = 5  # real rows a left-hand value must have on average: near-keys imply everything
NAMED = 20
Cells = npt.NDArray[np.int64]


class FunctionalDependencies(Metric):
    """1 - mean share of synthetic rows that break a rule "X gives Y" which (nearly) all real rows keep.

    A rule counts when at most 0.1% of real rows break it, X is not a near-key, and Y is not nearly constant. A value of X that no
    real row has breaks nothing here; `validity.categories` counts it.

    Source:
        Kivinen and Mannila 1995, "Approximate inference of functional dependencies from relations" (g3).
    """

    kind: ClassVar[str] = "functional_dependencies"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The mean over rules, and each rule that is broken."""
        names = _candidates(views)
        real = {n: _cells(views, n, "real") for n in names}
        rules = [(x, y) for x, y in permutations(names, 2) if _holds(real[x], real[y])]
        if not rules:
            return self.skip("the real rows show no rule between two columns")
        parts = []
        for x, y in rules:
            given = _rule(real[x], real[y])
            value = 1 - _broken(given, _cells(views, x, "synthetic"), _cells(views, y, "synthetic"))
            ceiling = 1 - _broken(given, _cells(views, x, "ceiling"), _cells(views, y, "ceiling"))
            floor = 1 - _broken(given, _cells(views, x, "independent"), _cells(views, y, "independent"))
            subject = f"{x} → {y}"
            parts.append(self.result(value, subject, subject=subject, ceiling=ceiling, floor=floor))
        parts.sort(key=Result.badness, reverse=True)
        mean = {k: float(np.mean([getattr(r, k) for r in parts])) for k in ("value", "ceiling", "floor")}
        reading = f"most broken: {parts[0].subject}, kept by {parts[0].value:.1%} of synthetic rows."
        head = self.result(
            mean["value"], ceiling=mean["ceiling"], floor=mean["floor"], detail={"rules": len(parts), "reading": reading}
        )
        return [head, *parts[:NAMED]]


def _candidates(views: Views) -> list[str]:
    out = []
    for column in views.compared:
        if column.form == "category":
            levels = views.real_levels(column.name)
        elif column.whole:
            low, high = views.range(column.name)
            levels = int(high - low) + 1 if high - low < MOST_LEVELS else MOST_LEVELS + 1
        else:
            continue
        if 2 <= levels <= min(MOST_LEVELS, views.rows("real") // SUPPORT):
            out.append(column.name)
    return out[:MOST_COLUMNS]


def _cells(views: Views, name: str, which: Which) -> Cells:
    """Codes from 0; null and numbers out of the real range are 0."""
    if not views[name].numeric:
        cells = views.codes(name, which)[:ROWS].astype(np.int64)
        return np.where(cells > views.real_levels(name), views.real_levels(name) + 1, cells)
    low, high = views.range(name)
    values = views.numbers(name, which)[:ROWS]
    inside = (values >= low) & (values <= high)
    return np.where(inside, np.where(inside, values, low) - low + 1, 0).astype(np.int64)


def _table(x: Cells, y: Cells) -> Cells:
    width = int(y.max(initial=0)) + 1
    return np.bincount(x * width + y, minlength=(int(x.max(initial=0)) + 1) * width).reshape(-1, width)


def _holds(x: Cells, y: Cells) -> bool:
    by_y = np.bincount(y)
    if by_y.max() > 0.95 * y.size:
        return False
    if (int(x.max()) + 1) * by_y.size > 4_000_000:
        return False
    table = _table(x, y)
    used = table[table.any(axis=1)]
    return bool(used.shape[0] * SUPPORT <= x.size and used.shape[0] > 1 and 1 - used.max(axis=1).sum() / x.size <= ALLOWED)


def _rule(x: Cells, y: Cells) -> Cells:
    """X -> the y it gives; -1 where no real row has that x."""
    table = _table(x, y)
    return np.where(table.any(axis=1), table.argmax(axis=1), -1)


def _broken(rule: Cells, x: Cells, y: Cells) -> float:
    given = rule[np.minimum(x, rule.size - 1)]
    given = np.where(x < rule.size, given, -1)
    return float(((given >= 0) & (given != y)).mean())
