"""Who is there, what are they said to be, and does a model serve them? Group by group, against the real data's own gaps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError
from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.utility import learning
from lookalike.evaluate.views import Views, Which

SMALL = 30
Shares = npt.NDArray[np.float64]


class Representation(Metric):
    """Largest change of a group's share, over the protected columns: synthetic share against real share, in log2 of the ratio.

    1 means that a group is twice as frequent, or half as frequent, as in the real rows. Groups of fewer than 30 real rows are left
    out.
    """

    kind: ClassVar[str] = "representation"
    dimension = "fairness"
    cost: ClassVar[float] = 0.05

    def compute(self, views: Views) -> list[Result]:
        """The worst group, and each group's shares."""
        if not views.protected:
            return self.skip("no protected column is declared", direction="lower")
        parts = []
        for name in views.protected:
            labels = joint.labels(views, name, coarse=False)
            shares = {w: _shares(views, name, w) for w in ("real", "synthetic", "base", "ceiling")}
            for i, label in enumerate(labels):
                if shares["real"][i] * views.rows("real") < SMALL:
                    continue
                value, ceiling = (
                    _log_ratio(shares[a][i], shares[b][i]) for a, b in (("real", "synthetic"), ("base", "ceiling"))
                )
                subject = f"{name} = {label}"
                detail = {"real": float(shares["real"][i]), "synthetic": float(shares["synthetic"][i])}
                parts.append(
                    self.result(
                        value, subject, subject=subject, direction="lower", range=(0.0, 10.0), ceiling=ceiling, detail=detail
                    )
                )
        if not parts:
            return self.skip(f"no group has {SMALL} real rows", direction="lower")
        worst = max(parts, key=Result.badness)
        reading = f"{worst.subject}: {worst.detail['real']:.1%} of real rows, {worst.detail['synthetic']:.1%} of synthetic."
        highest = max((r.ceiling for r in parts if r.ceiling is not None), default=None)
        head = self.result(worst.value, direction="lower", range=(0.0, 10.0), ceiling=highest, detail={"reading": reading})
        return [head, *parts]


class LabelRates(Metric):
    """Bias amplification: how much the largest gap of the target's rate between groups grew, synthetic minus real.

    0 is the real data's own gap (which may itself be unfair), above 0 the synthetic rows are less fair. The target is a category
    (its rarest of two classes, or each class) or a number (its mean in standard deviations).

    Source:
        Zhao et al. 2017, "Men Also Like Shopping: Reducing Gender Bias Amplification using Corpus-level Constraints".
    """

    kind: ClassVar[str] = "label_rates"
    dimension = "fairness"
    needs_target: ClassVar[bool] = True
    cost: ClassVar[float] = 0.05

    def compute(self, views: Views) -> list[Result]:
        """The growth of the gap, and each group's rates."""
        if not views.protected:
            return self.skip("no protected column is declared", direction="lower")
        out, parts = [], []
        span = (-10.0, 10.0) if views[views.target or ""].numeric else (-1.0, 1.0)
        for name in views.protected:
            if name == views.target:
                continue
            rates = {w: _rates(views, name, w) for w in ("real", "synthetic", "base", "ceiling")}
            scored = [i for i, n in enumerate(np.bincount(views.bins(name, "real"), minlength=views.width(name))) if n >= SMALL]
            gaps = {w: _gap(rates[w], scored) for w in rates}
            fields: dict[str, Any] = {"direction": "lower", "range": span, "subject": name}
            detail = {
                "real_gap": gaps["real"],
                "synthetic_gap": gaps["synthetic"],
                "groups": _group_detail(views, name, rates, scored),
            }
            parts.append(
                self.result(
                    gaps["synthetic"] - gaps["real"], name, ceiling=gaps["ceiling"] - gaps["base"], detail=detail, **fields
                )
            )
        if not parts:
            return self.skip("the only protected column is the target", direction="lower")
        worst = max(parts, key=Result.badness)
        if worst.value is None:
            return [*self.skip("the target's rate is unknown in every group", direction="lower"), *parts]
        reading = f"between groups of {worst.subject} the rate differs by {worst.detail['synthetic_gap']:.3f} ({worst.detail['real_gap']:.3f} in real rows)."
        out.append(self.result(worst.value, direction="lower", range=span, ceiling=worst.ceiling, detail={"reading": reading}))
        return [*out, *parts]


class FairnessGap(Metric):
    """How much worse the worst-served group fares with a model trained on synthetic rows than with one trained on real rows.

    For each group: score of the real-trained model minus score of the synthetic-trained one, on the group's own real test rows.
    The value is the largest of these less the loss of everybody: 0 means that the loss, if any, is shared evenly.
    """

    kind: ClassVar[str] = "fairness_gap"
    dimension = "fairness"
    needs_target: ClassVar[bool] = True
    cost: ClassVar[float] = 0.4

    def compute(self, views: Views) -> list[Result]:
        """The gap, and each group's scores."""
        if not views.protected:
            return self.skip("no protected column is declared", direction="lower")
        job = learning.task(views)
        predicted = {w: learning.fit(getattr(job, w), job.classes)(job.test[0]) for w in ("real", "synthetic")}
        whole = {w: learning.score(p, job.test[1], job.classes) for w, p in predicted.items()}
        which: Which = "real" if job.seen else "holdout"
        known = _test_known(views, which, job)
        parts = []
        for name in views.protected:
            if name == views.target:
                continue
            groups = views.bins(name, which)[job.test_rows][known]
            for i, label in enumerate(joint.labels(views, name, coarse=False)):
                own = groups == i
                if int(own.sum()) < SMALL:
                    continue
                scores = {w: learning.score(p[own], job.test[1][own], job.classes) for w, p in predicted.items()}
                loss = (scores["real"] - scores["synthetic"]) - (whole["real"] - whole["synthetic"])
                detail = scores | {"rows": int(own.sum())}
                subject = f"{name} = {label}"
                parts.append(self.result(loss, subject, subject=subject, direction="lower", range=(-1.0, 1.0), detail=detail))
        measured = [r for r in parts if r.value is not None]
        if not measured:
            return self.skip(f"no group has {SMALL} test rows with more than one class", direction="lower")
        worst = max(measured, key=Result.badness)
        reading = f"{worst.subject} loses {worst.value:.3f} {job.score_name} more than everybody." if worst.value else ""
        return [
            self.result(worst.value, direction="lower", range=(-1.0, 1.0), ceiling=0.0, detail={"reading": reading}),
            *parts,
        ]


def _test_known(views: Views, which: Which, job: learning.PredictionTask) -> npt.NDArray[np.bool_]:
    """Which of the test rows have a target, as `learning.task` left the others out."""
    labels = learning._labels(views, which, views.target or "", job.classes)[job.test_rows]  # noqa: SLF001  # same family
    known = ~np.isnan(labels)
    if int(known.sum()) != len(job.test[1]):
        raise MetricError(what="test rows and groups do not line up", fix="report this as a bug")
    return np.asarray(known)


def _shares(views: Views, name: str, which: Any) -> Shares:
    return np.bincount(views.bins(name, which), minlength=views.width(name)) / views.rows(which)


def _log_ratio(a: float, b: float) -> float:
    """|log2(b / a)|, at most 10."""
    if a <= 0 or b <= 0:
        return 0.0 if a == b else 10.0
    return float(min(10.0, abs(np.log2(b / a))))


def _rates(views: Views, name: str, which: Any) -> Shares:
    """[groups, classes] shares of the target's classes, or [groups, 1] its mean in real standard deviations; NaN when empty."""
    target, groups = views.target or "", views.bins(name, which).astype(np.int64)
    size = views.width(name)
    if views[target].numeric:
        values = views.numbers(target, which)
        known = ~np.isnan(values)
        spread = float(np.nanstd(views.numbers(target, "real"))) or 1.0
        count = np.bincount(groups[known], minlength=size)
        total = np.bincount(groups[known], weights=values[known], minlength=size)
        return np.where(count > 0, total / np.maximum(1, count) / spread, np.nan)[:, None]
    width = views.width(target)
    table = np.bincount(groups * width + views.bins(target, which), minlength=size * width).reshape(size, width)
    total = table.sum(axis=1, keepdims=True)
    return np.where(total > 0, table / np.maximum(1, total), np.nan)


def _gap(rates: Shares, scored: list[int]) -> float:
    """Largest difference of a class's rate between two groups."""
    own = rates[scored]
    own = own[~np.isnan(own).any(axis=1)]
    return float((own.max(axis=0) - own.min(axis=0)).max()) if len(own) > 1 else float("nan")


def _group_detail(views: Views, name: str, rates: dict[str, Shares], scored: list[int]) -> dict[str, Any]:
    labels = joint.labels(views, name, coarse=False)
    classes = joint.labels(views, views.target or "", coarse=False) if not views[views.target or ""].numeric else ["mean"]
    used = [j for j in range(len(classes)) if np.nansum(rates["real"][:, j]) > 0][:8]
    return {
        labels[i]: {classes[j]: [round(float(rates[w][i, j]), 4) for w in ("real", "synthetic")] for j in used} for i in scored
    }
