"""Are related columns still related? Pearson, Spearman, Cramér's V, correlation ratio and mutual information, real against synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.fidelity.joint import Counts
from lookalike.evaluate.views import Views, Which

RELATED = 0.1  # an association below it in both tables is left out: hundreds of unrelated pairs would hide the few that matter
NAMED = 20
MATRIX = 60
RANK_ROWS = 100_000
Vector = npt.NDArray[np.float64]
Pair = tuple[str, str]


class Dependence(Metric):
    """1 - mean change of association over the pairs that are related in either table (at least 0.1).

    Two numbers: Spearman's rho; two categories: Cramér's V, bias-corrected; a number and a category: correlation ratio. The floor
    is what independent columns would reach, every association lost.

    Source:
        Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T"; Fisher 1925 (correlation ratio).
    """

    kind: ClassVar[str] = "dependence"
    cost: ClassVar[float] = 0.5
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The headline, one mean change for each coefficient, and the pairs that changed most."""
        pairs, total = _pairs(views)
        if not pairs:
            return self.skip("fewer than two columns are numbers, times or categories")
        real, synthetic = associations(views, "real"), associations(views, "synthetic")
        base, reference = associations(views, "base"), associations(views, "ceiling")
        related = [p for p in pairs if max(abs(real["any"][p]), abs(synthetic["any"][p])) >= RELATED]
        out = []
        if related:
            gaps = {p: min(1.0, abs(real["any"][p] - synthetic["any"][p])) for p in related}
            worst = sorted(gaps, key=lambda p: (-gaps[p], p))
            shown = ", ".join(f"{a} × {b} ({real['any'][a, b]:.2f} became {synthetic['any'][a, b]:.2f})" for a, b in worst[:3])
            ceiling = 1 - float(np.mean([min(1.0, abs(base["any"][p] - reference["any"][p])) for p in related]))
            floor = 1 - float(np.mean([abs(real["any"][p]) for p in related]))
            detail: dict[str, Any] = {
                "related": len(related),
                "sets": len(pairs),
                "of": total,
                "reading": f"most changed: {shown}.",
            }
            if len(views.compared) <= MATRIX:
                detail["matrix"] = _matrices(views, real["any"], synthetic["any"])
            out.append(self.result(1 - float(np.mean(list(gaps.values()))), ceiling=ceiling, floor=floor, detail=detail))
        else:
            out += self.skip("no two columns are related in either table")
        out += self._coefficients(real, synthetic, base, reference)
        return out + self._named(related, real, synthetic, base, reference)

    def _coefficients(self, *tables: dict[str, dict[Pair, float]]) -> list[Result]:
        real, synthetic, base, reference = tables
        out = []
        for name in ("pearson", "spearman", "cramers_v", "correlation_ratio", "mutual_information"):
            pairs = [p for p in real[name] if _known(real[name][p], synthetic[name][p])]
            if not pairs:
                out += self.skip("no pair of columns of that kind", name, direction="lower")
                continue
            gaps = {p: abs(real[name][p] - synthetic[name][p]) for p in pairs}
            ceiling = [abs(base[name][p] - reference[name][p]) for p in pairs if _known(base[name][p], reference[name][p])]
            worst = max(gaps, key=lambda p: gaps[p])
            out.append(
                self.result(
                    float(np.mean(list(gaps.values()))), name, direction="lower", range=(0.0, 2.0 if name in ("pearson", "spearman") else 1.0),
                    ceiling=float(np.mean(ceiling)) if ceiling else None, floor=float(np.mean([abs(real[name][p]) for p in pairs])),
                    detail={"pairs": len(pairs), "worst": " × ".join(worst), "worst_gap": gaps[worst]},
                )
            )  # fmt: skip
        return out

    def _named(self, related: list[Pair], *tables: dict[str, dict[Pair, float]]) -> list[Result]:
        real, synthetic, base, reference = (t["any"] for t in tables)
        worst = sorted(related, key=lambda p: (-abs(real[p] - synthetic[p]), p))[:NAMED]
        out = []
        for pair in worst:
            subject = " × ".join(pair)
            detail = {"columns": list(pair), "real": real[pair], "synthetic": synthetic[pair]}
            value, ceiling = 1 - min(1.0, abs(real[pair] - synthetic[pair])), 1 - min(1.0, abs(base[pair] - reference[pair]))
            out.append(self.result(value, subject, subject=subject, ceiling=ceiling, floor=1 - abs(real[pair]), detail=detail))
        return out


def _known(*values: float) -> bool:
    return all(v == v for v in values)  # noqa: PLR0124  # NaN


def _pairs(views: Views) -> tuple[list[Pair], int]:
    chosen, total = joint.sets(views, 2)
    return [(names[0], names[1]) for names in chosen], total


def associations(views: Views, which: Which) -> dict[str, dict[Pair, float]]:
    """Every coefficient of every counted pair; "any" holds the one that fits the pair's forms, 0 where it is undefined."""
    return views.once(("associations", which), lambda: _associations(views, which))


def _associations(views: Views, which: Which) -> dict[str, dict[Pair, float]]:
    pairs = _pairs(views)[0]
    tables = joint.counts(views, which, 2)
    names = ("any", "pearson", "spearman", "cramers_v", "correlation_ratio", "mutual_information")
    out: dict[str, dict[Pair, float]] = {name: {} for name in names}
    numbers = [pair for pair in pairs if all(views[n].numeric for n in pair)]
    pearson, spearman = _correlations(views, which, numbers)
    for (first, second), table in zip(pairs, tables, strict=True):
        pair = (first, second)
        numeric = [views[n].numeric for n in pair]
        out["mutual_information"][pair] = normalised_information(table)
        if all(numeric):
            out["pearson"][pair] = pearson[pair]
            value = out["spearman"][pair] = spearman[pair]
        elif any(numeric):
            number, category = (first, second) if numeric[0] else (second, first)
            value = out["correlation_ratio"][pair] = correlation_ratio(
                views.codes(category, which), views.numbers(number, which)
            )
        else:
            value = out["cramers_v"][pair] = cramers_v(table)
        out["any"][pair] = value if _known(value) else 0.0
    return out


def cramers_v(table: Counts) -> float:
    """Bias-corrected Cramér's V of a table of counts, 0..1; nan with fewer than two rows or columns in use."""
    used = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    n, (r, k) = used.sum(), used.shape
    if r < 2 or k < 2 or n < 2:
        return float("nan")
    expected = used.sum(axis=1, keepdims=True) * used.sum(axis=0, keepdims=True) / n
    phi2 = max(0.0, float(((used - expected) ** 2 / expected).sum() / n) - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(min(1.0, np.sqrt(phi2 / max(1e-12, min(rows, columns) - 1))))


def normalised_information(table: Counts) -> float:
    """Mutual information over the smaller entropy, 0..1, less its expected value under independence (Miller 1955); nan when constant."""
    p = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0] / max(1, int(table.sum()))
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    smaller = min(float(-(rows * np.log(rows)).sum()), float(-(columns * np.log(columns)).sum()))
    if smaller <= 1e-12:
        return float("nan")
    at = p > 0
    information = float((p[at] * np.log(p[at] / np.outer(rows, columns)[at])).sum())
    bias = (rows.size - 1) * (columns.size - 1) / (2 * max(1, int(table.sum())))
    return float(np.clip((information - bias) / smaller, 0, 1))


def correlation_ratio(codes: npt.NDArray[np.int32], values: npt.NDArray[np.float64]) -> float:
    """Square root of the share of a number's variance that lies between categories, 0..1; corrected for their number."""
    missing = np.isnan(values)
    if missing.any():
        codes, values = codes[~missing], values[~missing]
    if values.size < 3:
        return float("nan")
    centred = values - values.mean()
    total = float(centred @ centred)
    if total <= 1e-12 * values.size:
        return float("nan")
    count = np.bincount(codes)
    sums = np.bincount(codes, weights=centred)
    used = count > 0
    between = float((sums[used] ** 2 / count[used]).sum()) / total
    groups = int(used.sum())
    if values.size <= groups:
        return float("nan")
    return float(np.sqrt(max(0.0, 1 - (1 - between) * (values.size - 1) / (values.size - groups))))


def _correlations(views: Views, which: Which, pairs: Sequence[Pair]) -> tuple[dict[Pair, float], dict[Pair, float]]:
    """Pearson and Spearman of pairs of numbers; nulls take the mean, constant columns have nan. Ranks are of at most 100,000 rows."""
    rows = views.rows(which)
    keep = np.sort(views.random("ranks", which).permutation(rows)[:RANK_ROWS]) if rows > RANK_ROWS else None
    plain: dict[str, Vector] = {}
    ranked: dict[str, Vector] = {}
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        values = views.numbers(name, which)
        plain[name] = _standard(values)
        ranked[name] = _standard(_ranks(values if keep is None else values[keep]))
    out = [{(a, b): float(np.clip(own[a] @ own[b], -1, 1)) for a, b in pairs} for own in (plain, ranked)]
    return out[0], out[1]


def _standard(values: Vector) -> Vector:
    missing = np.isnan(values)
    known = values[~missing] if missing.any() else values
    mean = known.mean() if known.size else 0.0
    centred = np.where(missing, 0.0, values - mean)
    norm = float(np.sqrt(centred @ centred))
    return centred / norm if norm > 1e-9 * max(1.0, abs(mean)) else np.full(values.size, np.nan)


def _ranks(values: Vector) -> Vector:
    """Mean ranks, null as null."""
    missing = np.isnan(values)
    known = np.sort(values[~missing])
    if known.size:
        ranks = (np.searchsorted(known, values, side="left") + np.searchsorted(known, values, side="right")) / 2.0
    else:
        ranks = np.zeros(values.size)
    return np.where(missing, np.nan, ranks)


def _matrices(views: Views, real: dict[Pair, float], synthetic: dict[Pair, float]) -> dict[str, Any]:
    names = [c.name for c in views.compared]
    place = {name: i for i, name in enumerate(names)}
    out: dict[str, Any] = {"columns": names}
    for key, values in (("real", real), ("synthetic", synthetic)):
        matrix: list[list[float | None]] = [[1.0 if i == j else None for j in range(len(names))] for i in range(len(names))]
        for (first, second), value in values.items():
            matrix[place[first]][place[second]] = matrix[place[second]][place[first]] = round(value, 4)
        out[key] = matrix
    return out
