"""What holds between tables: keys that are found, children a parent, dependence across; one number a foreign key."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result, Scope
from lookalike.evaluate.dataset import RelationViews
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.shapes import shares, total_variation
from lookalike.evaluate.views import Which

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float64]
MOST_COLUMNS = 12  # of each side in pairs across tables
_COUNTS = 24  # children a parent: 0..15 one bin each, then doubling


class ReferentialIntegrity(Metric):
    """Share of child rows whose key is found in the parent table; null keys count only where the real table has none."""

    kind: ClassVar[str] = "referential_integrity"
    dimension = "validity"
    scope: ClassVar[Scope] = "relation"
    reads: ClassVar[tuple[str, ...]] = ("id",)
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key."""
        found, null = views.parents("synthetic")
        optional = bool(views.parents("real")[1].any())
        orphans = (found < 0) & ~(null & optional)
        lost = int(orphans.sum())
        child, parent = views.ends
        reading = f"{lost:,} rows of {child} name no row of {parent}." if lost else ""
        detail = {"orphans": lost, "rows": int(found.size), "reading": reading}
        return [self.result(1 - float(orphans.mean()), ceiling=1.0, detail=detail)]


class ChildCounts(Metric):
    """1 - total variation of the number of children a parent has, parents without any included."""

    kind: ClassVar[str] = "child_counts"
    scope: ClassVar[Scope] = "relation"
    reads: ClassVar[tuple[str, ...]] = ("id",)
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key; the ceiling compares two halves of the real parents."""
        real, synthetic = _children(views, "real"), _children(views, "synthetic")
        order = views.parent.random("halves", views.name).permutation(real.size)
        half = max(1, real.size // 2)
        ceiling = 1 - total_variation(_binned(real[order[:half]]), _binned(real[order[half:]])) if real.size > 1 else None
        p, q = _binned(real), _binned(synthetic)
        detail = {
            "mean": [float(real.mean()), float(synthetic.mean())], "none": [float(p[0]), float(q[0])],
            "series": {"real": np.round(p, 5).tolist(), "synthetic": np.round(q, 5).tolist()}, "labels": _labels(),
            "reading": f"{synthetic.mean():.2f} children a parent ({real.mean():.2f} in the real tables), {q[0]:.1%} of parents have none ({p[0]:.1%}).",
        }  # fmt: skip
        return [self.result(1 - total_variation(p, q), ceiling=ceiling, detail=detail)]


class ParentChildDependence(Metric):
    """1 - total variation of binned cells (parent column, child column), mean over pairs across the two tables.

    The floor is children that have nothing to do with their parents; the ceiling compares the children of two halves of the real
    parents.
    """

    kind: ClassVar[str] = "parent_child_dependence"
    scope: ClassVar[Scope] = "relation"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key."""
        pairs = [(p.name, c.name) for p in views.parent.compared[:MOST_COLUMNS] for c in views.child.compared[:MOST_COLUMNS]]
        real, synthetic = ({pair: _joined(views, pair, w) for pair in pairs} for w in ("real", "synthetic"))
        if not pairs or not all(t.sum() for t in (*real.values(), *synthetic.values())):
            return self.skip("no columns to compare across, or no child with a parent")
        scores = {pair: joint.similarity(real[pair], synthetic[pair]) for pair in pairs}
        halves = [[_joined(views, pair, "real", half=h) for h in (0, 1)] for pair in pairs]
        ceiling = float(np.mean([joint.similarity(a, b) for a, b in halves]))
        floor = float(np.mean([1 - np.abs(joint.shares(t) - joint.independent(t)).sum() / 2 for t in real.values()]))
        worst = sorted(scores, key=lambda pair: scores[pair])[:5]
        reading = f"worst: {worst[0][0]} × {worst[0][1]} ({scores[worst[0]]:.3f})."
        detail = {"pairs": len(pairs), "worst": {" × ".join(w): scores[w] for w in worst}, "reading": reading}
        return [self.result(float(np.mean(list(scores.values()))), ceiling=ceiling, floor=floor, detail=detail)]


def _children(views: RelationViews, which: Which) -> Rows:
    rows = views.parents(which)[0]
    return np.bincount(rows[rows >= 0], minlength=views.parent.rows(which))


def _binned(counts: Rows) -> Vector:
    place = np.where(counts < 16, counts, 12 + np.log2(np.maximum(counts, 1)).astype(np.int64))
    return shares(np.minimum(place, _COUNTS - 1), _COUNTS)


def _labels() -> list[str]:
    return [*map(str, range(16)), *[f"{2**k} to {2 ** (k + 1) - 1}" for k in range(4, 11)], "2048 or more"]


def _joined(views: RelationViews, pair: tuple[str, str], which: Which, half: int | None = None) -> joint.Counts:
    """Counts [parent bins, child bins] over child rows that have a parent; of one half of the parents when asked."""
    rows = views.parents(which)[0]
    keep = rows >= 0 if half is None else (rows >= 0) & (half_of(views)[np.maximum(rows, 0)] == half)
    above = views.parent.bins(pair[0], which, coarse=True)[rows[keep]].astype(np.int64)
    width = views.child.width(pair[1], coarse=True)
    size = views.parent.width(pair[0], coarse=True) * width
    cells = above * width + views.child.bins(pair[1], which, coarse=True)[keep]
    return np.bincount(cells, minlength=size).reshape(-1, width)


def half_of(views: RelationViews) -> npt.NDArray[np.bool_]:
    """One half of the real parents, bool [parents]."""
    parent = views.parent
    return parent.once(("half", views.name), lambda: parent.random("half", views.name).random(parent.rows("real")) < 0.5)
