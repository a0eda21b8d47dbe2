"""Do synthetic rows make a model better than real rows alone, and better than tricks that cost nothing?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.utility import learning
from lookalike.evaluate.utility.learning import Labels, Task
from lookalike.evaluate.views import Views
from lookalike.learners.boosting import Features

SEEDS = 5
ARMS = ("real", "synthetic", "more real", "independent", "bootstrap", "smote")
SCARCE = 1_000  # real rows of the experiment: with plenty of real rows nothing helps, and nobody augments
Part = tuple[Features, Labels]


class AugmentationLift(Metric):
    """Score on real test rows of (real + synthetic) minus (real): paired over seeds, with bounds.

    Run where augmentation is for: with few real rows (1,000 or a tenth). Two controls get as many extra rows: the same real rows
    drawn again (bootstrap), and SMOTE's interpolation between neighbours of a class. A lift that the controls reach as well does
    not come from the synthesizer. The synthetic rows themselves were learned from all real rows, so a lift also says that they
    carry over what the few rows do not show. The ceiling is the lift of as many further real rows, the floor that of independent columns.

    Source:
        Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique" (the control).
    """

    kind: ClassVar[str] = "augmentation_lift"
    dimension = "utility"
    needs_target: ClassVar[bool] = True
    cost: ClassVar[float] = 3.5
    seeds: int = SEEDS

    def compute(self, views: Views) -> list[Result]:
        """The lift, its advantage over the best control, and each arm."""
        job = learning.task(views)
        few = min(SCARCE, max(learning.LEAST, len(job.real[1]) // 10))
        extra = min(len(job.synthetic[1]), 5 * few)
        scores: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for seed in range(self.seeds):
            draw = views.random("lift", seed)
            rows = draw.permutation(len(job.real[1]))[:few]
            real = job.real[0][rows], job.real[1][rows]
            added = draw.permutation(len(job.synthetic[1]))[:extra]
            more_rows = draw.permutation(len(job.real[1]))
            more_rows = more_rows[~np.isin(more_rows, rows)][:extra]
            other = draw.permutation(len(job.independent[1]))[:extra]
            arms: dict[str, Part | None] = {
                "real": None,
                "synthetic": (job.synthetic[0][added], job.synthetic[1][added]),
                "more real": (job.real[0][more_rows], job.real[1][more_rows]),
                "independent": (job.independent[0][other], job.independent[1][other]),
                "bootstrap": learning.bootstrap(real, draw, extra),
                "smote": smote(real, extra, draw, _whole(views, job)),
            }
            for name, more in arms.items():
                part = real if more is None else (np.concatenate([real[0], more[0]]), np.concatenate([real[1], more[1]]))
                predicted = learning.fit(part, job.classes)(job.test[0])
                scores[name].append(learning.score(predicted, job.test[1], job.classes))
        return self._results(job, scores, few, extra)

    def _results(self, job: Task, scores: dict[str, list[float]], few: int, extra: int) -> list[Result]:
        def paired(name: str, other: str) -> tuple[float, tuple[float, float] | None]:
            gaps = [a - b for a, b in zip(scores[name], scores[other], strict=True)]
            return float(np.mean(gaps)), learning.interval(gaps) if len(gaps) > 1 else None

        means = {name: float(np.mean(values)) for name, values in scores.items()}
        best = max(("bootstrap", "smote"), key=lambda name: means[name])
        lift, bounds = paired("synthetic", "real")
        over, over_bounds = paired("synthetic", best)
        reading = (
            f"{few:,} real rows reach {job.score_name} {means['real']:.3f}; with {extra:,} synthetic rows {means['synthetic']:.3f}, "
            f"with SMOTE {means['smote']:.3f}, with the same rows again {means['bootstrap']:.3f}."
        )
        detail = {
            "score": job.score_name,
            "arms": scores,
            "means": means,
            "real_rows": few,
            "added_rows": extra,
            "reading": reading,
        }
        span = (-1.0, 1.0) if job.classes else (-2.0, 2.0)
        out = [
            self.result(
                lift, interval=bounds, range=span, detail=detail,
                ceiling=paired("more real", "real")[0], floor=paired("independent", "real")[0],
            )
        ]  # fmt: skip
        out.append(self.result(over, "over_controls", interval=over_bounds, range=span, detail={"control": best}))
        for name in ("bootstrap", "smote"):
            value, within = paired(name, "real")
            out.append(self.result(value, f"control.{name}", subject=name, interval=within, range=span))
        return out


def _whole(views: Views, job: Task) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Features that are categories: SMOTE copies them from one of the two neighbours."""
    return np.array([not views[name].numeric for name in job.names], dtype=np.bool_)


def smote(
    part: Part, count: int, draw: np.random.Generator, category: np.ndarray[tuple[int], np.dtype[np.bool_]], k: int = 5
) -> Part:
    """Rows between a random row and one of its k nearest of the same class, balanced over classes (SMOTE-NC).

    A regression's target is interpolated with its row (SMOTER, Torgo et al. 2013).
    """
    x, y = part
    middle = np.nanmean(np.where(np.isnan(x).all(axis=0), 0, x), axis=0)
    filled: Features = np.where(np.isnan(x), middle, x)
    scale = filled.std(axis=0)
    filled = (filled / np.where(scale > 0, scale, 1)).astype(np.float32)
    labels = y if y.dtype.kind == "i" else np.zeros(len(y), dtype=np.int64)
    classes = np.unique(labels)
    rows, near = [], []
    for i, label in enumerate(classes):
        own = np.flatnonzero(labels == label)
        wanted = count // classes.size + (i < count % classes.size)
        start = own[draw.integers(0, own.size, wanted)]
        rows.append(start)
        near.append(
            _neighbours(filled, category, own, k)[
                np.searchsorted(own, start), draw.integers(0, min(k, max(1, own.size - 1)), wanted)
            ]
        )
    first, second = np.concatenate(rows), np.concatenate(near)
    share = draw.random((first.size, 1)).astype(np.float32)
    made = x[first] + share * (x[second] - x[first])
    made[:, category] = np.where(share < 0.5, x[first][:, category], x[second][:, category])
    target = y[first] if y.dtype.kind == "i" else y[first] + share[:, 0] * (y[second] - y[first])
    return made.astype(np.float32), target


def _neighbours(
    filled: Features,
    category: np.ndarray[tuple[int], np.dtype[np.bool_]],
    own: np.ndarray[tuple[int], np.dtype[np.int64]],
    k: int,
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """For each row of a class the k nearest others of it; rows are few, so the distances fit in tiles of 256."""
    if own.size == 1:
        return own[:, None]
    k = min(k, own.size - 1)
    numbers, codes = filled[own][:, ~category], filled[own][:, category]
    out = np.empty((own.size, k), dtype=np.int64)
    for start in range(0, own.size, 256):
        stop = min(own.size, start + 256)
        gap = ((numbers[start:stop, None] - numbers[None]) ** 2).sum(axis=2) + (codes[start:stop, None] != codes[None]).sum(
            axis=2
        )
        gap[np.arange(stop - start), np.arange(start, stop)] = np.inf
        out[start:stop] = own[np.argpartition(gap, k - 1, axis=1)[:, :k]]
    return out
