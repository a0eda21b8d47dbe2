"""Good on average, bad for a minority? Pair fidelity inside each group, the worst group and the gap."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.fidelity.joint import Shares
from lookalike.evaluate.views import Views, Which

SMALL = 50  # rows of a group below which its shapes are noise
MOST_COLUMNS = 4
MOST_LEVELS = 12
NAMED = 20


class Subgroups(Metric):
    """Inside each group: 1 - total variation of the other columns, mean over columns; the headline is the worst group.

    Groups are the levels of the protected columns, or else of the categories with 2 to 12 levels (at most four columns, the target
    first). Groups with fewer than 50 real rows or none that are synthetic are named, not scored.
    """

    kind: ClassVar[str] = "subgroups"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The worst group against its own ceiling, the gap between groups, and each group."""
        columns = group_columns(views)
        if not columns:
            return self.skip("no protected column, and no category of 2 to 12 levels")
        parts = [r for name in columns for r in self._groups(views, name)]
        known = [r for r in parts if r.value is not None]
        if not known:
            return [*self.skip(f"no group has {SMALL} real rows"), *parts]
        worst = min(known, key=lambda r: (r.value or 0.0) - (r.ceiling or 1.0))
        values = [r.value for r in known if r.value is not None]
        absent = [r.subject for r in parts if r.value is None]
        reading = (
            f"worst: {worst.subject} ({worst.value:.3f}, a real holdout reaches {worst.ceiling:.3f})." if worst.ceiling else ""
        )
        detail = {"worst": worst.subject, "reading": reading, "not_scored": absent[:20]}
        head = self.result(worst.value, ceiling=worst.ceiling, floor=worst.floor, detail=detail)
        gap = self.result(max(values) - min(values), "gap", direction="lower", detail={"groups": len(values)})
        ordered = sorted(known, key=lambda r: (r.value or 0.0) - (r.ceiling or 1.0))
        return [head, gap, *ordered[:NAMED], *[r for r in parts if r.value is None][:NAMED]]

    def _groups(self, views: Views, name: str) -> list[Result]:
        tables: dict[Which, list[Shares]] = {
            w: _within(views, name, w) for w in ("real", "synthetic", "base", "ceiling", "independent")
        }
        rows = {w: np.bincount(views.bins(name, w), minlength=views.width(name)) for w in tables}
        out = []
        for i, label in enumerate(joint.labels(views, name, coarse=False)):
            if not rows["real"][i] or label == "(rare)":
                continue
            subject = f"{name} = {label}"
            sizes = {"real": int(rows["real"][i]), "synthetic": int(rows["synthetic"][i])}
            if rows["real"][i] < SMALL or not rows["synthetic"][i]:
                why = f"only {sizes['real']} real and {sizes['synthetic']} synthetic rows"
                out += self.skip(why, subject, subject=subject, detail=sizes)
                continue
            value = _like(tables["real"], tables["synthetic"], i)
            both = rows["base"][i] and rows["ceiling"][i]
            ceiling = _like(tables["base"], tables["ceiling"], i) if both else None
            floor = _like(tables["real"], tables["independent"], i) if rows["independent"][i] else None
            out.append(self.result(value, subject, subject=subject, ceiling=ceiling, floor=floor, detail=sizes))
        return out


def group_columns(views: Views) -> list[str]:
    """The columns whose levels are the groups."""
    fit = [c.name for c in views.of_form("category") if 2 <= views.real_levels(c.name) <= MOST_LEVELS]
    if views.protected:
        return [n for n in views.protected if views[n].compared]
    first = [views.target] if views.target in fit else []
    return [*first, *[n for n in fit if n != views.target]][:MOST_COLUMNS]


def _within(views: Views, name: str, which: Which) -> list[Shares]:
    """For each other column: shares [groups, bins] inside the groups."""
    groups = views.bins(name, which).astype(np.int64)
    out = []
    for column in views.compared:
        if column.name == name:
            continue
        width = views.width(column.name, coarse=True)
        size = views.width(name) * width
        table = np.bincount(groups * width + views.bins(column.name, which, coarse=True), minlength=size).reshape(-1, width)
        out.append(table / np.maximum(1, table.sum(axis=1, keepdims=True)))
    return out


def _like(a: list[Shares], b: list[Shares], group: int) -> float:
    return float(np.mean([1 - np.abs(x[group] - y[group]).sum() / 2 for x, y in zip(a, b, strict=True)])) if a else float("nan")
