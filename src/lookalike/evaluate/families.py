"""Whether families look real: children beside their parent, parents beside what their children are like, siblings beside each other.

A table can be perfect row by row and its families not: shuffle the foreign keys, and every metric of a table stays as it was.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result, Scope
from lookalike.evaluate.dataset import RelationViews
from lookalike.evaluate.relations import half_of
from lookalike.evaluate.views import Which
from lookalike.learners.boosting import Boosted, auc, auc_error
from lookalike.synthesizers.relational.families import likeness as alike
from lookalike.synthesizers.relational.families import ranks

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

ROWS = 6_000  # of each side
LEAST = 100  # families of each side
PARTS = 3  # folds


class JoinedC2st(Metric):
    """AUC of boosted trees that tell real from synthetic rows of a child table, each with its parent's columns beside it.

    0.5 is indistinguishable. A family is in one fold with all its rows, else the trees would know it again. The ceiling is the same
    of two halves of the real families.

    Source:
        Hudovernik et al. 2024, "SyntheRela: A Benchmark For Synthetic Relational Database Generation" (discriminative detection).
    """

    kind: ClassVar[str] = "joined_c2st"
    scope: ClassVar[Scope] = "relation"
    cost: ClassVar[float] = 1.5

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key."""
        if not views.child.compared or not views.parent.compared:
            return self.skip("no columns to compare on both sides")
        return _told(self, views, {which: _joined(views, which) for which in ("real", "synthetic")})


class FamilyC2st(Metric):
    """AUC of boosted trees that tell real from synthetic parents by their columns and what their children are like.

    What children are like: how many there are, mean and spread of their numbers, and how many different categories they have. 0.5 is
    indistinguishable; the ceiling is the same of two halves of the real parents.

    Source:
        Hudovernik et al. 2024, "SyntheRela" (detection with aggregation).
    """

    kind: ClassVar[str] = "family_c2st"
    scope: ClassVar[Scope] = "relation"
    cost: ClassVar[float] = 1.5

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key."""
        if not views.child.compared:
            return self.skip("the child table has no columns to compare")
        return _told(self, views, {which: _families(views, which) for which in ("real", "synthetic")})


class SiblingLikeness(Metric):
    """1 - mean difference, real against synthetic, of how much siblings resemble each other in each numeric column.

    The likeness of a column is the intra-class correlation of its ranks within families: 0 strangers, 1 all alike. The ceiling compares
    two halves of the real families.
    """

    kind: ClassVar[str] = "sibling_likeness"
    scope: ClassVar[Scope] = "relation"
    cost: ClassVar[float] = 0.2
    statistics: ClassVar[bool] = True

    def compute(self, views: RelationViews) -> list[Result]:
        """One foreign key."""
        names = [column.name for column in views.child.compared if column.numeric]
        halves = half_of(views)
        pairs = {}
        apart = []
        for name in names:
            real, new = likeness(views, name, "real"), likeness(views, name, "synthetic")
            if real is None or new is None:
                continue
            pairs[name] = (real, new)
            parts = [likeness(views, name, "real", halves == side) for side in (False, True)]
            if parts[0] is not None and parts[1] is not None:
                apart.append(abs(parts[0] - parts[1]))
        if not pairs:
            return self.skip("no numeric column, or too few children with siblings")
        worst = sorted(pairs, key=lambda name: -abs(pairs[name][0] - pairs[name][1]))[:5]
        value = 1 - float(np.mean([abs(real - new) for real, new in pairs.values()]))
        reading = f"worst: {worst[0]} ({pairs[worst[0]][1]:.2f}, {pairs[worst[0]][0]:.2f} in the real tables)."
        detail = {"columns": {name: list(pair) for name, pair in pairs.items()}, "reading": reading}
        return [self.result(value, ceiling=1 - float(np.mean(apart)) if apart else None, range=(-1.0, 1.0), detail=detail)]


def likeness(views: RelationViews, name: str, which: Which, of: npt.NDArray[np.bool_] | None = None) -> float | None:
    """Intra-class correlation of a column's ranks within families, pairs of siblings counted alike; None: too few siblings.

    Args:
        views: the foreign key.
        name: a numeric column of the child.
        which: real or synthetic rows.
        of: bool [parents], those to look at; all when not given.
    """
    family = views.parents(which)[0]
    values = views.child.numbers(name, which)
    known = ~np.isnan(values) & (family >= 0)
    if of is not None:
        known &= of[np.maximum(family, 0)]
    group = np.unique(family[known], return_inverse=True)[1]
    size = np.bincount(group).astype(np.float64)
    many = size[group] > 1 if len(group) else np.zeros(0, bool)
    if many.sum() < 2 * LEAST:
        return None
    rank = ranks(values[known])
    return alike(rank, family[known]) if rank[many].std() else None


def _joined(views: RelationViews, which: Which) -> tuple[Matrix, Rows]:
    """Child rows beside their parents', and the families that they belong to."""
    family = views.parents(which)[0]
    rows = np.flatnonzero(family >= 0)
    own = views.child.features(which, views.child.modelled())[rows]
    return np.concatenate([own, views.parent.features(which, views.parent.modelled())[family[rows]]], axis=1), family[rows]


def _families(views: RelationViews, which: Which) -> tuple[Matrix, Rows]:
    """Parents beside what their children are like."""
    parents = views.parent.rows(which)
    family = views.parents(which)[0]
    rows = np.flatnonzero(family >= 0)
    columns = [np.bincount(family[rows], minlength=parents).astype(np.float32)]
    names = views.child.modelled()
    cells = views.child.features(which, names)[rows] if names else np.zeros((len(rows), 0), np.float32)
    for name, values in zip(names, cells.T, strict=True):
        known = ~np.isnan(values)
        of, found = family[rows][known], values[known].astype(np.float64)
        count = np.bincount(of, minlength=parents)
        with np.errstate(invalid="ignore", divide="ignore"):
            if views.child[name].numeric:
                mean = np.bincount(of, found, minlength=parents) / count
                spread = np.sqrt(
                    np.bincount(of, (found - mean[of]) ** 2, minlength=parents) / np.where(count > 1, count - 1, np.nan)
                )
                columns += [mean.astype(np.float32), spread.astype(np.float32)]
            else:
                pairs = np.unique(np.stack([of, found.astype(np.int64)]), axis=1)
                columns.append(np.bincount(pairs[0], minlength=parents).astype(np.float32))
    own = views.parent.features(which, views.parent.modelled())
    return np.concatenate([own, np.stack(columns, axis=1)], axis=1), np.arange(parents)


def _told(metric: JoinedC2st | FamilyC2st, views: RelationViews, sides: dict[Which, tuple[Matrix, Rows]]) -> list[Result]:
    """The AUC, and that of two halves of the real families."""
    (real, own), (new, others) = sides["real"], sides["synthetic"]
    if min(len(np.unique(own)), len(np.unique(others))) < LEAST:
        return metric.skip(f"needs {LEAST} families of each side")
    area, error = _area(views, metric.kind, (real, own), (new, others))
    half = half_of(views)[own]
    ceiling, _ = _area(views, metric.kind, (real[half], own[half]), (real[~half], own[~half]))
    interval = max(0.5, area - error), max(0.5, min(1.0, area + error))
    return [
        metric.result(
            max(0.5, area),
            interval=interval,
            ceiling=max(0.5, ceiling),
            direction="lower",
            range=(0.5, 1.0),
            detail={"families": [len(np.unique(own)), len(np.unique(others))]},
        )
    ]


def _area(views: RelationViews, kind: str, a: tuple[Matrix, Rows], b: tuple[Matrix, Rows]) -> tuple[float, float]:
    """AUC of telling `a` from `b`, families kept in one fold, and its error."""
    draw = views.child.random(kind, views.name, len(a[0]))
    size = min(ROWS, len(a[0]), len(b[0]))
    x, fold = [], []
    for cells, family in (a, b):
        rows = np.sort(draw.permutation(len(cells))[:size])
        x.append(cells[rows])
        fold.append(draw.integers(0, PARTS, int(family.max()) + 1)[family[rows]])
    cells, parts, y = np.concatenate(x), np.concatenate(fold), np.repeat([False, True], size)
    areas = []
    for part in range(PARTS):
        test = parts == part
        if len(np.unique(y[test])) == 2 and len(np.unique(y[~test])) == 2:
            model = Boosted(2, rounds=60, rate=0.15).fit(cells[~test], y[~test])
            areas.append(auc(model.probabilities(cells[test])[:, 1], y[test]))
    area = float(np.mean(areas)) if areas else 0.5
    return area, 1.96 * auc_error(area, size, size)
