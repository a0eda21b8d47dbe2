"""How the rows were made, as the run says it: rows that failed, and the scores that a judge gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.evaluate.base import Metric, Result, Scope
from lookalike.evaluate.dataset import DatasetViews
from lookalike.evaluate.encode import as_numpy
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.views import Views

FEW = 11  # levels of a scale that are counted one by one


class FailedShare(Metric):
    """Share of the attempted rows of a run that failed: no model answered, or no answer was usable. The worst table counts.

    A run tells it by itself; elsewhere give `making={"outcomes": {table: {"kept": 90, "failed": 10}}}`.
    """

    kind: ClassVar[str] = "failed_share"
    dimension = "validity"
    scope: ClassVar[Scope] = "dataset"
    reads: ClassVar[tuple[str, ...]] = ()
    extras: ClassVar[tuple[str, ...]] = ("making",)
    alone: ClassVar[bool] = True
    statistics: ClassVar[bool] = True
    cost: ClassVar[float] = 0.01

    def compute(self, views: DatasetViews) -> list[Result]:
        """The worst table's share, then each table's."""
        making = views.extras.get("making") or {}
        outcomes: Mapping[str, Mapping[str, int]] = making.get("outcomes", {})
        reasons = making.get("reasons", {})
        each = [self._of(table, counts, reasons.get(table, {})) for table, counts in outcomes.items() if _tried(counts)]
        if not each:
            return self.skip("no run says how many rows failed", headline=False, direction="lower")
        worst = max(each, key=Result.badness)
        head = self.result(worst.value, direction="lower", interval=worst.interval, detail=worst.detail)
        return [head, *each]

    def _of(self, table: str, counts: Mapping[str, int], reasons: Mapping[str, int]) -> Result:
        failed, tried = counts.get("failed", 0), _tried(counts)
        rate = clopper_pearson(failed, tried)
        often = max(reasons, key=lambda why: reasons[why], default="")
        said = f", most often ({reasons[often]:,} times): {often}" if often else ""
        detail = {
            "reading": f"{failed:,} of {tried:,} rows of {table} failed{said}.",
            "fix": "see failures.parquet, mend the cause and run again with --retry-failed" if failed else "",
        }
        return self.result(
            rate.value, "table", subject=table, direction="lower", interval=rate.interval, headline=False, detail=detail
        )


def _tried(counts: Mapping[str, int]) -> int:
    return counts.get("attempted", 0) or sum(counts.values())


class Scores(Metric):
    """Mean of each number that was given to synthetic rows and has no real column beside it: a judge's scores.

    Gate it on your own scale: `{metric: scores, min: 3.5, bound: lower}`. The lowest mean leads.
    """

    kind: ClassVar[str] = "scores"
    dimension = "validity"
    alone: ClassVar[bool] = True
    statistics: ClassVar[bool] = True
    cost: ClassVar[float] = 0.01

    def looks_at(self, table: Views) -> list[str]:
        """Numbers that only the synthetic table has."""
        return [name for name in table.release.column_names if not table.beside(name) and _is_number(table.release[name].type)]

    def compute(self, views: Views) -> list[Result]:
        """The lowest mean, then each column's with the share of each level."""
        each = [self._of(name, views.release[name]) for name in self.looks_at(views)]
        measured = [r for r in each if r.value is not None]
        if not measured:
            return self.skip("no number was given to the synthetic rows alone", headline=False)
        worst = max(measured, key=Result.badness)
        reading = "; ".join(f"{r.subject} {r.value:.3g} of {r.range[0]:.3g} to {r.range[1]:.3g}" for r in measured[:6])
        head = self.result(worst.value, interval=worst.interval, range=worst.range, detail={"reading": f"{reading}."})
        return [head, *each]

    def _of(self, name: str, column: pa.ChunkedArray) -> Result:
        values = as_numpy(column.drop_null().cast(pa.float64(), safe=False))
        values = values[np.isfinite(values)]
        if not values.size:
            return self.result(None, "column", subject=name, skipped="every cell is null", headline=False)
        mean, half = float(values.mean()), 1.96 * float(values.std()) / float(np.sqrt(values.size))
        levels, counts = np.unique(values, return_counts=True)
        shares = {f"{v:g}": float(n / values.size) for v, n in zip(levels, counts, strict=True)} if levels.size <= FEW else {}
        detail: dict[str, Any] = {"rows": int(values.size), "levels": shares}
        span = (float(levels[0]), float(levels[-1]))
        return self.result(
            mean, "column", subject=name, interval=(mean - half, mean + half), range=span, detail=detail, headline=False
        )


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def samples(views: Views, most: int = 3, longest: int = 400) -> dict[str, list[str]]:
    """A few texts of each column that no real one stands beside, drawn by the seed: synthetic words, never a real row's."""
    out = {}
    for column in (*views.columns, *views.written):
        if column.form == "text" and not views.beside(column.name):
            found = [
                text for text in pc.unique(views.release[column.name].cast(pa.large_string()).drop_null()).to_pylist() if text
            ]
            chosen = np.sort(views.random("samples", column.name).permutation(len(found))[:most])
            out[column.name] = [found[i] if len(found[i]) <= longest else f"{found[i][: longest - 1]}…" for i in chosen]
    return out
