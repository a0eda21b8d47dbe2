"""Do columns go together as in the real table? All pairs and triples, as total variation of their binned cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.fidelity.joint import Counts, Names
from lookalike.evaluate.views import Views

NAMED = 20  # worst sets that get a result of their own
DRAWN = 4
Vector = npt.NDArray[np.float64]
MATRIX = 60  # columns beyond which no matrix is kept


class KWay(Metric):
    """1 - total variation of k columns' cells, mean over all sets of columns; the worst sets are named."""

    statistics: ClassVar[bool] = True
    k: ClassVar[Literal[2, 3]] = 2

    def compute(self, views: Views) -> list[Result]:
        """The mean, the share of real combinations that were reached, and the worst sets."""
        chosen, total = joint.sets(views, self.k)
        if not chosen:
            return self.skip(f"fewer than {self.k} columns are numbers, times or categories")
        real, synthetic = joint.counts(views, "real", self.k), joint.counts(views, "synthetic", self.k)
        scores = _similarities(real, synthetic)
        ceilings = _similarities(joint.counts(views, "base", self.k), joint.counts(views, "ceiling", self.k))
        floors = _similarities(real, joint.counts(views, "independent", self.k))
        worst = np.argsort(scores - ceilings, kind="stable")
        reading = f"furthest below a real holdout: {_named(chosen[worst[0]])} ({scores[worst[0]]:.3f} against {ceilings[worst[0]]:.3f})."
        detail: dict[str, Any] = {"sets": len(chosen), "of": total, "reading": reading}
        if self.k == 2 and len(views.compared) <= MATRIX:
            detail["matrix"] = _matrix(views, chosen, scores)
        head = self.result(float(scores.mean()), ceiling=float(ceilings.mean()), floor=float(floors.mean()), detail=detail)
        return [
            head,
            self._coverage(views, real, synthetic),
            *self._worst(views, chosen, np.stack([scores, ceilings, floors]), worst),
        ]

    def _coverage(self, views: Views, real: Sequence[Counts], synthetic: Sequence[Counts]) -> Result:
        """Share of the combinations that real rows show at least five times which synthetic rows show at all."""
        expected = sum(int((r >= 5).sum()) for r in real)
        reached = sum(int(((r >= 5) & (s > 0)).sum()) for r, s in zip(real, synthetic, strict=True))
        if not expected:
            return self.skip("no combination is seen five times in the real rows", "coverage")[0]
        ceilings = [
            (int((b >= 5).sum()), int(((b >= 5) & (c > 0)).sum()))
            for b, c in zip(joint.counts(views, "base", self.k), joint.counts(views, "ceiling", self.k), strict=True)
        ]
        known = sum(n for n, _ in ceilings)
        ceiling = sum(hit for _, hit in ceilings) / known if known else None
        return self.result(reached / expected, "coverage", ceiling=ceiling, detail={"combinations": expected})

    def _worst(self, views: Views, chosen: list[Names], values: Vector, worst: npt.NDArray[np.int64]) -> list[Result]:
        """The sets furthest below their ceiling; `values` are scores, ceilings and floors [3, sets]."""
        scores, ceilings, floors = values
        out = []
        for rank, i in enumerate(worst[:NAMED]):
            detail: dict[str, Any] = {"columns": list(chosen[i])}
            if self.k == 2 and rank < DRAWN:
                detail["drawn"] = _drawn(views, chosen[i])
            subject = _named(chosen[i])
            out.append(
                self.result(
                    float(scores[i]),
                    subject,
                    subject=subject,
                    ceiling=float(ceilings[i]),
                    floor=float(floors[i]),
                    detail=detail,
                )
            )
        return out


class Pairs(KWay):
    """1 - total variation of the cells of two columns, mean over all pairs; the worst pairs are named and drawn.

    Numbers are cut at real quantiles, rare categories are put together, null is a cell of its own. Cells have sampling noise, so
    that even real rows do not reach 1: compare with the ceiling. The floor has the real margins and no dependence. `pairs.coverage` is
    the share of combinations that five real rows show which synthetic rows show at all.

    Source:
        SDNist: k-marginal score.
    """

    kind: ClassVar[str] = "pairs"
    cost: ClassVar[float] = 0.3


class Triples(KWay):
    """1 - total variation of the cells of three columns, mean over all triples; the worst triples are named.

    As `pairs`, in coarser bins and on at most 100,000 rows; beyond 500 triples a seeded sample of them.

    Source:
        SDNist: k-marginal score.
    """

    kind: ClassVar[str] = "triples"
    cost: ClassVar[float] = 0.8
    k: ClassVar[Literal[2, 3]] = 3


def _similarities(a: Sequence[Counts], b: Sequence[Counts]) -> Vector:
    return np.array([joint.similarity(x, y) for x, y in zip(a, b, strict=True)])


def _named(group: Names) -> str:
    return " × ".join(group)


def _matrix(views: Views, chosen: list[Names], scores: Vector) -> dict[str, Any]:
    names = [c.name for c in views.compared]
    place = {name: i for i, name in enumerate(names)}
    matrix: list[list[float | None]] = [[None] * len(names) for _ in names]
    for (first, second), score in zip(chosen, scores, strict=True):
        i, j = place[first], place[second]
        matrix[i][j] = matrix[j][i] = round(float(score), 4)
    return {"columns": names, "similarity": matrix}


def _drawn(views: Views, group: Names) -> dict[str, Any]:
    """Both tables of a pair in coarse bins, empty rows and columns left out, to draw side by side."""
    tables = []
    size = [views.width(n, coarse=True) for n in group]
    for which in ("real", "synthetic"):
        cells = views.bins(group[0], which, coarse=True).astype(np.int64) * size[1] + views.bins(group[1], which, coarse=True)
        tables.append(joint.shares(np.bincount(cells, minlength=size[0] * size[1]).reshape(size)))
    used = [np.flatnonzero(tables[0].sum(axis=1 - axis) + tables[1].sum(axis=1 - axis)) for axis in (0, 1)]
    names = [
        [label for i, label in enumerate(joint.labels(views, n)) if i in set(u.tolist())]
        for n, u in zip(group, used, strict=True)
    ]
    real, synthetic = (np.round(t[np.ix_(*used)], 4).tolist() for t in tables)
    return {"rows": names[0], "columns": names[1], "real": real, "synthetic": synthetic}
