"""What utility and fairness share: one prediction task, cut once, with models trained on different rows and tested on the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError
from lookalike.evaluate.utility.wording import DIRECTIONS, wording
from lookalike.evaluate.views import Views
from lookalike.learners.boosting import Boosted, Features, Vector, auc

ROWS = 30_000
LEAST = 50
MOST_CLASSES = 30
Labels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class PredictionTask:
    """Predict the target from the other columns.

    Attributes:
        classes: their names; empty for a regression.
        whole: which features are categories: texts are numbers of their own, see `wording`.
        real: features and labels to train on.
        synthetic: the same of the synthetic table, as many rows as `real` at most.
        independent: the same of independently drawn columns.
        test: real rows that no model and, with a holdout, no generator saw.
        seen: the test rows were among those that the generator learned from, because there is no holdout.
        test_rows: which rows of the holdout, or of the real table, are tested on.
    """

    classes: tuple[str, ...]
    whole: tuple[bool, ...]
    real: tuple[Features, Labels]
    synthetic: tuple[Features, Labels]
    independent: tuple[Features, Labels]
    test: tuple[Features, Labels]
    seen: bool
    test_rows: npt.NDArray[np.int64]

    @property
    def score_name(self) -> str:
        """What `score` is."""
        return "AUC" if len(self.classes) == 2 else "macro AUC" if self.classes else "R²"


def task(views: Views) -> PredictionTask:
    """The task of a target, cut once.

    Raises:
        MetricError: the target has one class, too many classes, cannot be predicted, or too few rows.
    """
    return views.once("task", lambda: _task(views))


def _task(views: Views) -> PredictionTask:
    target = views.target or ""
    column = views[target]
    names, words = tuple(views.modelled(but=target)), [c.name for c in views.of_form("text") if c.name != target]
    if not column.compared:
        raise MetricError(what=f"target {target!r} is of form {column.form!r}", fix="name a number or a category")
    if not names and not words:
        raise MetricError(what=f"there is no column to predict {target!r} from", fix="compare tables with other columns")
    few = column.numeric and np.unique(views.numbers(target, "real")[:5000]).size <= 2
    classes = () if column.numeric and not few else _classes(views, target, few=few)
    draw = views.random("task")
    real_rows = draw.permutation(views.rows("real"))
    seen = "holdout" not in views
    if seen:
        cut = min(ROWS // 3, views.rows("real") // 4)
        test_which, test_rows, real_rows = "real", np.sort(real_rows[:cut]), real_rows[cut:]
    else:
        test_which, test_rows = "holdout", np.sort(draw.permutation(views.rows("holdout"))[: ROWS // 2])

    def take(which: Any, rows: npt.NDArray[np.int64]) -> tuple[Features, Labels]:
        parts = [views.features(which, names)[rows], *(wording(views, name, which, rows) for name in words)]
        x, y = np.concatenate(parts, axis=1), _labels(views, which, target, classes)[rows]
        known = ~np.isnan(y)
        return x[known], y[known].astype(np.int64) if classes else y[known]

    size = min(ROWS, real_rows.size)
    synthetic = draw.permutation(views.rows("synthetic"))[:size]
    independent = draw.permutation(views.rows("independent"))[:size]
    whole = tuple(not views[name].numeric for name in names)
    made = PredictionTask(
        classes, whole + (False,) * (len(words) * (DIRECTIONS + 2)), take("real", np.sort(real_rows[:size])), take("synthetic", np.sort(synthetic)),
        take("independent", np.sort(independent)), take(test_which, test_rows), seen, test_rows,
    )  # fmt: skip
    for part in ("real", "synthetic", "test"):
        if len(getattr(made, part)[1]) < LEAST:
            raise MetricError(what=f"fewer than {LEAST} {part} rows with a target", fix="give more rows")
    return made


def _classes(views: Views, target: str, *, few: bool) -> tuple[str, ...]:
    if few:
        values = np.unique(views.numbers(target, "real"))
        levels = [f"{v:g}" for v in values[~np.isnan(values)]]
    else:
        levels = views.levels(target)[: views.real_levels(target)]
    if len(levels) < 2:
        raise MetricError(what=f"target {target!r} has one class in the real table", fix="name a target that varies")
    if len(levels) > MOST_CLASSES:
        raise MetricError(
            what=f"target {target!r} has {len(levels):,} classes", fix=f"name a target with at most {MOST_CLASSES}"
        )
    return tuple(levels)


def _labels(views: Views, which: Any, target: str, classes: tuple[str, ...]) -> Vector:
    """Class numbers or values; NaN for null and for classes that the real table does not have."""
    if not classes:
        return views.numbers(target, which)
    if views[target].numeric:
        values = views.numbers(target, which)
        known = np.array([float(c) for c in classes])
        place = np.searchsorted(known, values).clip(0, known.size - 1)
        return np.where(np.isclose(known[place], values), place, np.nan)
    codes = views.codes(target, which).astype(np.float64) - 1
    return np.where((codes >= 0) & (codes < len(classes)), codes, np.nan)


def fit(part: tuple[Features, Labels], classes: tuple[str, ...], weights: Vector | None = None) -> Callable[[Features], Vector]:
    """A model trained on `part`: probabilities [n, classes], or values [n]; a single class in training is predicted as such."""
    x, y = part
    if not classes:
        return Boosted(0).fit(x, y, weights).predict
    present = np.unique(y)
    if present.size < 2:
        only = np.zeros(len(classes))
        only[present] = 1.0
        return lambda test: np.tile(only, (len(test), 1))
    model = Boosted(len(classes)).fit(x, y, weights)
    return model.probabilities


def score(predicted: Vector, y: Labels, classes: tuple[str, ...]) -> float:
    """AUC (mean of one-against-rest for more classes), or R² of a regression; higher is better.

    R² is bounded at -1, so that one absurd model does not decide a mean.
    """
    if classes:
        areas = [auc(predicted[:, k], y == k) for k in range(1 if len(classes) == 2 else 0, len(classes))]
        known = [a for a in areas if a == a]  # noqa: PLR0124  # NaN: a class that is not among the test rows
        return float(np.mean(known)) if known else float("nan")
    rest = float(((y - y.mean()) ** 2).sum())
    return max(-1.0, 1 - float(((y - predicted) ** 2).sum()) / rest) if rest > 0 else float("nan")


def balanced_accuracy(predicted: Vector, y: Labels, classes: tuple[str, ...]) -> float:
    """Mean recall of the classes that are among the rows, each row called by its likeliest class; NaN of a regression."""
    if not classes:
        return float("nan")
    called = predicted.argmax(axis=1)
    return float(np.mean([(called[y == k] == k).mean() for k in np.unique(y)]))


def class_weights(y: Labels) -> Vector:
    """A weight for each row, by which all classes together weigh alike; ones of a regression."""
    if y.dtype.kind != "i":
        return np.ones(len(y))
    counts = np.bincount(y)
    return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y]))


def bootstrap(part: tuple[Features, Labels], draw: np.random.Generator, size: int | None = None) -> tuple[Features, Labels]:
    """Rows drawn with replacement."""
    rows = draw.integers(0, len(part[1]), size or len(part[1]))
    return part[0][rows], part[1][rows]


def interval(values: list[float]) -> tuple[float, float]:
    """95% bounds of a mean by Student's t; infinite bounds are left to the caller, who has at least two values."""
    from scipy.special import stdtrit

    n = len(values)
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / np.sqrt(n)
    mean = float(np.mean(values))
    return mean - float(half), mean + float(half)
