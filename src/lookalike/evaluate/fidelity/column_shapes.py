"""The two numbers that users of SDMetrics know, equal to that package's to six digits, without its imports."""

from __future__ import annotations

from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.shapes import shape, total_variation
from lookalike.evaluate.views import Views, Which

MAX_PAIRS = 5_000
Cells = npt.NDArray[np.int64]


class ColumnShapes(Metric):
    """Mean over columns of 1 - KS (numbers, times) or 1 - TV (categories): SDMetrics' Column Shapes.

    Source:
        SDMetrics, reports/single_table/_properties/column_shapes.py.
    """

    kind: ClassVar[str] = "column_shapes"
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """One number and its ceiling; independent columns have perfect shapes, so there is no floor."""

        def score(a: Which, b: Which) -> float:
            values = [1 - shape(views, c.name, a, b).distance for c in views.compared]
            known = [v for v in values if v == v]  # noqa: PLR0124  # NaN: a column that is all null
            return float(np.mean(known)) if known else float("nan")

        if not views.compared:
            return self.skip("no column is a number, a time or a category")
        return [self.result(score("real", "synthetic"), ceiling=score("base", "ceiling"), headline=False)]


class ColumnPairTrends(Metric):
    """Mean over column pairs of how alike their dependence is: SDMetrics' Column Pair Trends, as of 0.25.

    Two numbers: 1 - half the difference of Pearson's r. Otherwise: 1 - TV of the contingency tables, numbers cut into ten bins
    of equal width over each table's own range (which is why a single outlier moves it; `pairs` uses real quantiles). SDMetrics
    draws 50,000 rows of larger tables; here all rows count.

    Source:
        SDMetrics, reports/single_table/_properties/column_pair_trends.py.
    """

    kind: ClassVar[str] = "column_pair_trends"
    cost: ClassVar[float] = 0.4
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """One number, its ceiling and floor; a sample of pairs beyond 5,000."""
        pairs = list(combinations([c.name for c in views.compared], 2))
        if not pairs:
            return self.skip("fewer than two columns are numbers, times or categories")
        total = len(pairs)
        if total > MAX_PAIRS:
            pairs = [pairs[i] for i in np.sort(views.random("column_pair_trends").permutation(total)[:MAX_PAIRS])]
        value = _trends(views, pairs, "real", "synthetic")
        ceiling = _trends(views, pairs, "base", "ceiling")
        floor = _trends(views, pairs, "real", "independent")
        return [self.result(value, ceiling=ceiling, floor=floor, headline=False, detail={"pairs": len(pairs), "of": total})]


def _trends(views: Views, pairs: list[tuple[str, str]], a: Which, b: Which) -> float:
    cells = {name: _cells(views, name, a, b) for name in dict.fromkeys(n for pair in pairs for n in pair)}
    known = [v for pair in pairs if (v := _trend(views, pair, a, b, cells)) == v]  # NaN
    return float(np.mean(known)) if known else float("nan")


def _trend(views: Views, pair: tuple[str, str], a: Which, b: Which, cells: dict[str, tuple[Cells, Cells]]) -> float:
    first, second = pair
    if views[first].numeric and views[second].numeric:
        return 1 - abs(_pearson(views, first, second, a) - _pearson(views, first, second, b)) / 2
    (p, q), (r, s) = cells[first], cells[second]
    width = int(max(r.max(initial=0), s.max(initial=0))) + 1
    height = int(max(p.max(initial=0), q.max(initial=0))) + 1
    if width * height > 4 * (p.size + q.size):
        return _sparse(p * width + r, q * width + s)
    size = width * height
    return 1 - total_variation(
        np.bincount(p * width + r, minlength=size) / p.size, np.bincount(q * width + s, minlength=size) / q.size
    )


def _sparse(a: Cells, b: Cells) -> float:
    """1 - TV of two tables of cells, when there are more possible cells than rows."""
    _, inverse = np.unique(np.concatenate([a, b]), return_inverse=True)
    size = int(inverse.max()) + 1
    p, q = np.bincount(inverse[: a.size], minlength=size), np.bincount(inverse[a.size :], minlength=size)
    return 1 - total_variation(p / a.size, q / b.size)


def _pearson(views: Views, first: str, second: str, which: Which) -> float:
    x, y = views.numbers(first, which), views.numbers(second, which)
    both = ~(np.isnan(x) | np.isnan(y))
    x, y = (x, y) if both.all() else (x[both], y[both])
    if x.size < 2 or x.min() == x.max() or y.min() == y.max():
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def _cells(views: Views, name: str, a: Which, b: Which) -> tuple[Cells, Cells]:
    """Category codes, or bins of equal width over each table's own range; null falls into the last bin."""
    if not views[name].numeric:
        return views.codes(name, a).astype(np.int64), views.codes(name, b).astype(np.int64)
    out = []
    for which in (a, b):
        values = views.numbers(name, which)
        known = values[~np.isnan(values)]
        edges = np.histogram_bin_edges(known) if known.size else np.linspace(0, 1, 11)
        out.append(np.digitize(values, edges).astype(np.int64))
    return out[0], out[1]
