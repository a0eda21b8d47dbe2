"""Do synthetic rows make a model better than real rows alone, and better than tricks that cost nothing?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.utility import learning
from lookalike.evaluate.utility.learning import Labels, PredictionTask
from lookalike.evaluate.views import Views
from lookalike.learners.boosting import Features, Vector

SEEDS = 5
CONTROLS = {"duplication": "the same rows again", "class weights": "class weights", "smote": "SMOTE"}
SCARCE = 1_000  # real rows of the experiment: with plenty of real rows nothing helps, and nobody augments
Part = tuple[Features, Labels]
Scores = dict[str, list[float]]


class AugmentationLift(Metric):
    """Score on real test rows of (real + synthetic) minus (real): paired over seeds, with bounds.

    Run where augmentation is for: with few real rows (1,000 or a tenth). Three controls cost nothing: the same real rows drawn
    again, rare classes as often as common ones (duplication), class weights, and SMOTE's interpolation between neighbours of a class.
    A lift that one of them reaches as well does not come from the synthesizer, and the reading says so. `augmentation_lift.balanced` is
    the same lift in balanced accuracy, where rare classes count as much as common ones. The synthetic rows themselves were learned from
    all real rows, so a lift also says that they carry over what the few rows do not show. The ceiling is the lift of as many further
    real rows, the floor that of independent columns.

    Source:
        Chawla et al. 2002, "SMOTE: Synthetic Minority Over-sampling Technique" (the control).
    """

    kind: ClassVar[str] = "augmentation_lift"
    dimension = "utility"
    reads: ClassVar[tuple[str, ...]] = ("number", "time", "category", "text")
    needs_target: ClassVar[bool] = True
    cost: ClassVar[float] = 4.0
    seeds: int = SEEDS

    def compute(self, views: Views) -> list[Result]:
        """The lift, its advantage over the best control, the same in balanced accuracy, and each control."""
        job = learning.task(views)
        few = min(SCARCE, max(learning.LEAST, len(job.real[1]) // 10))
        extra = min(len(job.synthetic[1]), 5 * few)
        scores: Scores = {}
        balanced: Scores = {}
        for seed in range(self.seeds):
            draw = views.random("lift", seed)
            rows = draw.permutation(len(job.real[1]))[:few]
            real = job.real[0][rows], job.real[1][rows]
            for name, part, weights in _arms(job, real, rows, extra, draw):
                predicted = learning.fit(part, job.classes, weights)(job.test[0])
                scores.setdefault(name, []).append(learning.score(predicted, job.test[1], job.classes))
                balanced.setdefault(name, []).append(learning.balanced_accuracy(predicted, job.test[1], job.classes))
        return self._results(job, scores, balanced, (few, extra))

    def _results(self, job: PredictionTask, scores: Scores, balanced: Scores, sizes: tuple[int, int]) -> list[Result]:
        span = (-1.0, 1.0) if job.classes else (-2.0, 2.0)
        best, (lift, bounds) = _best(scores), _paired(scores, "synthetic", "real")
        over, over_bounds = _paired(scores, "synthetic", best)
        detail = {
            "score": job.score_name, "arms": scores, "means": _means(scores), "real_rows": sizes[0], "added_rows": sizes[1],
            "reading": _reading(job.score_name, _means(scores), sizes, "" if over_bounds and over_bounds[0] > 0 else best),
        }  # fmt: skip
        out = [
            self.result(
                lift, interval=bounds, range=span, detail=detail,
                ceiling=_paired(scores, "more real", "real")[0], floor=_paired(scores, "independent", "real")[0],
            ),
            self.result(over, "over_controls", interval=over_bounds, range=span, detail={"control": best}),
        ]  # fmt: skip
        if job.classes:
            fair = _best(balanced)
            value, within = _paired(balanced, "synthetic", "real")
            more, more_within = _paired(balanced, "synthetic", fair)
            said = {
                "means": _means(balanced),
                "reading": _reading("balanced accuracy", _means(balanced), sizes, "" if more > 0 else fair),
            }
            out.append(self.result(value, "balanced", interval=within, range=span, detail=said))
            out.append(self.result(more, "balanced_over_controls", interval=more_within, range=span, detail={"control": fair}))
        for name in CONTROLS:
            value, within = _paired(scores, name, "real")
            out.append(self.result(value, f"control.{name.replace(' ', '_')}", subject=name, interval=within, range=span))
        return out


def _arms(
    job: PredictionTask, real: Part, rows: np.ndarray[tuple[int], np.dtype[np.int64]], extra: int, draw: np.random.Generator
) -> Iterator[tuple[str, Part, Vector | None]]:
    """What a model is trained on in each arm: the few real rows, and what is added to them."""
    others = draw.permutation(len(job.real[1]))
    others = others[~np.isin(others, rows)][:extra]
    weights = learning.class_weights(real[1])
    added = {
        "synthetic": _some(job.synthetic, draw.permutation(len(job.synthetic[1]))[:extra]),
        "more real": _some(job.real, others),
        "independent": _some(job.independent, draw.permutation(len(job.independent[1]))[:extra]),
        "duplication": _some(real, draw.choice(len(real[1]), extra, p=weights / weights.sum())),
        "smote": smote(real, extra, draw, np.array(job.whole, dtype=np.bool_)),
    }
    yield "real", real, None
    yield "class weights", real, weights
    for name, more in added.items():
        yield name, (np.concatenate([real[0], more[0]]), np.concatenate([real[1], more[1]])), None


def _some(part: Part, rows: Any) -> Part:
    return part[0][rows], part[1][rows]


def _means(scores: Scores) -> dict[str, float]:
    return {name: float(np.mean(values)) for name, values in scores.items()}


def _best(scores: Scores) -> str:
    means = _means(scores)
    return max(CONTROLS, key=lambda name: means[name])


def _paired(scores: Scores, name: str, other: str) -> tuple[float, tuple[float, float] | None]:
    """The mean gap of two arms over seeds, with bounds."""
    gaps = [a - b for a, b in zip(scores[name], scores[other], strict=True)]
    return float(np.mean(gaps)), learning.interval(gaps) if len(gaps) > 1 else None


def _reading(score: str, means: Mapping[str, float], sizes: tuple[int, int], as_well: str) -> str:
    """The arms side by side, and the control that does as well for nothing, if one does."""
    controls = ", ".join(f"with {said} {means[name]:.3f}" for name, said in CONTROLS.items())
    told = f"{sizes[0]:,} real rows reach {score} {means['real']:.3f}; with {sizes[1]:,} synthetic rows {means['synthetic']:.3f}, {controls}."
    return f"{told} {CONTROLS[as_well][0].upper()}{CONTROLS[as_well][1:]} do as well." if as_well else told


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
