"""Was this person in the training data? Five attacks on the release, judged where it hurts: at low false positive rates.

An attacker has the release S, a sample R of the population, and a record. Each attack gives the record a score, higher for
"was in"; members are training rows, non-members holdout rows. The holdout is cut in two: one half plays R while the other plays
the non-members, then the halves change places, so every holdout row is used and none is its own reference.

    distance             -d(x, S)                       Chen et al. 2020, "GAN-Leaks"
    calibrated distance   d(x, R) - d(x, S)              Chen et al. 2020, section 4.4
    density ratio         log p_S(x) - log p_R(x), kNN   van Breugel et al. 2023, "DOMIAS"
    local count           share of S among neighbours    Ward et al. 2024, "Data Plagiarism Index", arXiv 2406.13012
    classifier            P(S | x), boosted trees        S against R; Houssiau et al. 2022, "TAPAS"

No attack wins everywhere, so all are run and the worst counts, with bounds corrected for having looked five times. AUC hides a
leak of 1% of the rows; the true positive rate at 1% and 0.1% false positives does not (Carlini et al. 2022, "Membership
Inference Attacks From First Principles").
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError
from lookalike.evaluate.privacy.bounds import Rate, clopper_pearson
from lookalike.evaluate.privacy.neighbors import nearest
from lookalike.evaluate.privacy.space import Gower
from lookalike.evaluate.views import MODELLED
from lookalike.learners.boosting import Boosted

Scores = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

LEAST = {0.01: 200, 0.001: 5000}  # false positive rate -> non-members without which it is not measured
ATTACKS = ("distance", "calibrated distance", "density ratio", "local count", "classifier")


@dataclass(frozen=True, slots=True)
class Roc:
    """What one attack achieves.

    Attributes:
        attack: its name.
        auc: area under the curve with bounds; 0.5 is chance.
        tpr: false positive rate -> true positive rate with bounds; a rate too small for the sample is left out.
        curve: (false positive rates, true positive rates), at most 120 points, for drawing.
    """

    attack: str
    auc: Rate
    tpr: dict[float, Rate]
    curve: tuple[list[float], list[float]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fold:
    """One half of the targets, with their distances to the release and to the half of the holdout that plays the population.

    Attributes:
        inside: which members are targets here, bool [n].
        outside: which holdout rows are, bool [h].
        targets: float32 [d, t], those members, then those holdout rows.
        reference: float32 [d, r], the other half of the holdout.
        to_release: distances to the nearest rows of the release, nearest first, float64 [t, k].
        to_reference: the same to the reference.
    """

    inside: npt.NDArray[np.bool_]
    outside: npt.NDArray[np.bool_]
    targets: Gower
    reference: Gower
    to_release: Scores
    to_reference: Scores


def folds(members: Gower, holdout: Gower, synthetic: Gower, *, rng: np.random.Generator, neighbours: int = 20) -> list[Fold]:
    """The two halves; every target is in one of them.

    Args:
        members: float32 [d, n], training rows under attack.
        holdout: float32 [d, h], rows that were never seen; at least 20.
        synthetic: float32 [d, m], the release.
        rng: cuts members and holdout in two.
        neighbours: how many the local count looks at.

    Raises:
        MetricError: fewer than 20 holdout rows.
    """
    if holdout.shape[1] < 20:
        raise MetricError(
            what=f"a holdout of {holdout.shape[1]} rows is too small to attack with", fix="hold out at least 20 rows"
        )
    half_h = rng.permutation(holdout.shape[1]) % 2
    half_m = rng.permutation(members.shape[1]) % 2
    out = []
    for half in (0, 1):
        inside, outside = half_m == half, half_h == half
        reference = np.ascontiguousarray(holdout[:, ~outside])
        targets = np.concatenate([members[:, inside], holdout[:, outside]], axis=1)
        k = min(neighbours, reference.shape[1], synthetic.shape[1])
        near = [nearest(targets, points, k=k)[0].astype(np.float64) for points in (synthetic, reference)]
        out.append(Fold(inside, outside, targets, reference, near[0], near[1]))
    return out


Pair = tuple[dict[str, Scores], dict[str, Scores]]


def battery(halves: list[Fold], synthetic: Gower, *, rng: np.random.Generator, classify: bool = True) -> Pair:
    """Scores of every attack for members and for non-members.

    Args:
        halves: what `folds` gave.
        synthetic: float32 [d, m], the release.
        rng: seeds the classifier.
        classify: also run the classifier, the slowest of the five.

    Returns:
        attack -> float64 [n] for members, attack -> float64 [h] for non-members.
    """
    names = ATTACKS if classify else ATTACKS[:4]
    inside = {name: np.empty(halves[0].inside.size) for name in names}
    outside = {name: np.empty(halves[0].outside.size) for name in names}
    for fold in halves:
        scores = _neighbour_scores(fold.to_release, fold.to_reference, synthetic.shape[1], fold.reference.shape[1])
        if classify:
            scores["classifier"] = _classifier_scores(fold.targets, fold.reference, synthetic, rng)
        cut = int(fold.inside.sum())
        for name in names:
            inside[name][fold.inside] = scores[name][:cut]
            outside[name][fold.outside] = scores[name][cut:]
    return inside, outside


def plant(halves: list[Fold], copies: Gower) -> list[Fold]:
    """The same targets against a release to which copies of training rows were added; only the new distances are computed."""
    out = []
    for fold in halves:
        k = fold.to_release.shape[1]
        to_copies = nearest(fold.targets, copies, k=k)[0].astype(np.float64)
        merged = np.sort(np.concatenate([fold.to_release, to_copies], axis=1), axis=1)[:, :k]
        out.append(replace(fold, to_release=merged))
    return out


def _neighbour_scores(to_s: Scores, to_r: Scores, size_s: int, size_r: int) -> dict[str, Scores]:
    """Scores of the four attacks that need no model, from distances [t, k] to release and reference and the sizes of these."""
    k = to_s.shape[1]
    tiny = 1e-3  # an exact copy is infinitely dense; this keeps it first without drowning the rest
    few = min(3, k) - 1
    # S and R can have very different sizes: count each by its rank in the merged list, weighted to equal mass
    radius = np.sort(np.concatenate([to_s, to_r], axis=1), axis=1)[:, k - 1 : k]
    in_s = (to_s <= radius).sum(axis=1) / size_s
    in_r = (to_r <= radius).sum(axis=1) / size_r
    nearness = 1e-6 * -to_s[:, 0]  # breaks the many ties of a count
    return {
        "distance": -to_s[:, 0],
        "calibrated distance": to_r[:, 0] - to_s[:, 0],
        "density ratio": np.log(to_r[:, few] + tiny)
        + np.log(to_r[:, 0] + tiny)
        - np.log(to_s[:, few] + tiny)
        - np.log(to_s[:, 0] + tiny),
        "local count": in_s / (in_s + in_r) + nearness,
    }


def _classifier_scores(targets: Gower, reference: Gower, synthetic: Gower, rng: np.random.Generator) -> Scores:
    size = min(20_000, synthetic.shape[1], 2 * reference.shape[1])
    drawn = synthetic[:, rng.permutation(synthetic.shape[1])[:size]]
    read = np.sort(rng.permutation(len(synthetic))[:MODELLED])
    rows = np.concatenate([drawn, reference], axis=1)[read].T
    label = np.r_[np.ones(drawn.shape[1]), np.zeros(reference.shape[1])]
    return Boosted(2).fit(rows, label).probabilities(targets[read].T)[:, 1]


def roc(
    inside: Scores, outside: Scores, *, attack: str, rng: np.random.Generator, level: float = 0.95, resamples: int = 100
) -> Roc:
    """The curve of one attack, its area and its true positive rates at 1% and 0.1% false positives, with bounds.

    A false positive rate that too few non-members would set the threshold of (`LEAST`) is left out rather than made up. Ties are
    broken in expectation (the curve is interpolated). Bounds join the exact interval of the members caught with a bootstrap of
    both sides, which adds the uncertainty of the threshold.
    """
    merged = _merged(inside, outside)
    fpr, tpr = _curve(merged, np.ones(inside.size), np.ones(outside.size))
    rates = [rate for rate, least in LEAST.items() if outside.size >= least] or ([0.1] if outside.size >= 50 else [])
    draws = np.empty((resamples, len(rates)))
    for i in range(resamples):
        f, t = _curve(
            merged, *(np.bincount(rng.integers(0, side.size, side.size), minlength=side.size) for side in (inside, outside))
        )
        draws[i] = np.interp(rates, f, t)
    tail = (1.0 - level) / 2.0
    auc = float(((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr)).sum())
    spread = 1.96 * _probit_ratio(level) * _auc_error(auc, inside.size, outside.size)
    caught: dict[float, Rate] = {}
    for i, rate in enumerate(rates):
        value = float(np.interp(rate, fpr, tpr))
        exact = clopper_pearson(value * inside.size, inside.size, level=level)
        low, high = np.quantile(draws[:, i], [tail, 1 - tail])
        caught[rate] = Rate(value, min(exact.low, float(low)), max(exact.high, float(high)))
    keep = _thin(fpr)
    return Roc(
        attack, Rate(auc, max(0.0, auc - spread), min(1.0, auc + spread)), caught, (fpr[keep].tolist(), tpr[keep].tolist())
    )


def _probit_ratio(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2.0)) / 1.959964


def _auc_error(auc: float, n: int, m: int) -> float:
    """Standard error of an AUC. Hanley and McNeil 1982."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    return float(np.sqrt(max(0.0, auc * (1 - auc) + (n - 1) * (q1 - auc * auc) + (m - 1) * (q2 - auc * auc)) / (n * m)))


def _merged(inside: Scores, outside: Scores) -> tuple[Rows, Rows]:
    """Both sides by falling score: the order, and the last place of each distinct score."""
    scores = np.concatenate([inside, outside])
    order = np.argsort(-scores, kind="stable")
    return order, np.r_[np.flatnonzero(np.diff(scores[order])), scores.size - 1]


def _curve(merged: tuple[Rows, Rows], inside: npt.NDArray[Any], outside: npt.NDArray[Any]) -> tuple[Scores, Scores]:
    """False and true positive rates, one point a distinct score; each row counts as often as its weight says.

    A bootstrap is weights then, and rows are sorted once.
    """
    order, last = merged
    caught = np.cumsum(np.concatenate([inside, np.zeros(outside.size)])[order])[last]
    blamed = np.cumsum(np.concatenate([np.zeros(inside.size), outside])[order])[last]
    return np.r_[0.0, blamed / blamed[-1]], np.r_[0.0, caught / caught[-1]]


def _thin(fpr: Scores, most: int = 60) -> npt.NDArray[np.int64]:
    """Points worth drawing on log axes: as many below 1% as above."""
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1.0, most)])
    places = np.searchsorted(fpr, grid, side="right") - 1
    return np.unique(np.r_[0, places, fpr.size - 1])


def attack_all(
    inside: dict[str, Scores], outside: dict[str, Scores], *, rng: np.random.Generator, level: float = 0.95
) -> list[Roc]:
    """Every attack's curve, bounds Bonferroni-corrected for the number of attacks."""
    corrected = 1.0 - (1.0 - level) / len(inside)
    return [roc(inside[name], outside[name], attack=name, rng=rng, level=corrected) for name in inside]
