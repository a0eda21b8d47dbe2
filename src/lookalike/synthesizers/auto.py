"""Which method? A short bake-off on the user's own rows, and the reason in a sentence."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import rng
from lookalike.errors import LookalikeError, SynthesizerError
from lookalike.registry import builtins, resolve
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import features
from lookalike.synthesizers.base import Synthesizer

MOST_ROWS = 8_000  # of the bake-off
TIE = 0.01  # scores so near that time decides


class Auto(Synthesizer):
    """Fit the candidates on two thirds of the rows, judge them by the last third, keep the best.

    A candidate's score is the mean of two numbers between 0 and 1: how badly a classifier (random forest, held-out rows) tells
    its rows from real ones it has not seen, and how near a model trained on it comes to one trained on real rows, over up to
    five columns as targets. A candidate that repeats real rows more often than the held-out rows do loses what it repeats.
    `report_` holds every number, `reason_` the sentence.

    Use it when you have no time to choose. Do not use it to publish a comparison: one split of at most 8,000 rows decides.
    """

    kind: ClassVar[str] = "auto"

    kinds: tuple[str, ...] = Field(
        default=("forest", "cart", "arf", "bayes_net", "copula"), min_length=1, description="candidates"
    )
    target: str | None = Field(default=None, description="the column whose prediction counts; several when not given")

    _chosen: Synthesizer | None = PrivateAttr(default=None)
    _report: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def report_(self) -> list[dict[str, Any]]:
        """Each candidate's numbers, the best first; `error` where one could not be fitted."""
        return list(self._report)

    @property
    def chosen_(self) -> Synthesizer:
        """The fitted winner."""
        if self._chosen is None:
            raise SynthesizerError(what="nothing is chosen yet", fix="call fit(table) first")
        return self._chosen

    @property
    def reason_(self) -> str:
        """Why the winner was chosen."""
        best = self._report[0]
        others = [one for one in self._report[1:] if "error" not in one]
        seconds = f"{best['fit_s']:.1f} s to fit"
        if not others:
            return f"{best['kind']}: the only candidate that could be fitted, {seconds}"
        second = others[0]
        return (
            f"{best['kind']}: score {best['score']:.3f} against {second['score']:.3f} of {second['kind']} "
            f"(told apart with AUC {best['c2st']:.3f}, usefulness {best['utility']:.3f} of real, {seconds})"
        )

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        unknown = set(self.kinds) - set(builtins("synthesizer"))
        if unknown or self.kind in self.kinds:
            raise SynthesizerError(what=f"no candidates: {sorted(unknown or {'auto'})}", fix="name kinds of synthesizers")
        draws = rng.generator(seed, "auto")
        rows = draws.permutation(table.num_rows)[: 3 * MOST_ROWS // 2]
        cut = max(1, 2 * len(rows) // 3)
        train, held = table.take(pa.array(rows[:cut])), table.take(pa.array(rows[cut:]))
        share = budget_s / (2 * len(self.kinds)) if budget_s is not None else None
        report = [self._judged(kind, train, held, schema, seed, share) for kind in self.kinds] if len(held) >= 20 else []
        report.sort(key=lambda one: -one.get("score", -1.0))
        near = [one for one in report if "score" in one and one["score"] >= report[0].get("score", 0) - TIE]
        near.sort(key=lambda one: one["fit_s"])
        if report and not near:
            raise SynthesizerError(what=f"no candidate could be fitted: {report}", fix="name other kinds")
        best = near[0]["kind"] if near else self.kinds[0]
        chosen = resolve("synthesizer", best)()
        chosen.fit(table, schema, seed=seed, budget_s=budget_s / 2 if budget_s is not None else None)
        first = near[0] if near else {"kind": best, "score": 0.0, "c2st": 0.5, "utility": 1.0, "fit_s": 0.0}
        self._chosen, self._report = chosen, [first, *(one for one in report if one is not first)]

    def _judged(  # one candidate of the loop in `_fit`
        self, kind: str, train: pa.Table, held: pa.Table, schema: TableSchema, seed: int, budget_s: float | None
    ) -> dict[str, Any]:  # fmt: skip
        started = time.process_time()
        try:
            model = resolve("synthesizer", kind)().fit(train, schema, seed=seed, budget_s=budget_s)
            fitted = time.process_time()
            made = model.sample_arrow(train.num_rows, seed=seed)
            sampled = time.process_time()
        except LookalikeError as exc:
            return {"kind": kind, "error": str(exc)}
        learned, real = features.learn(train, schema)
        views = [_matrix(table, schema, learned) for table in (train, held, made)]
        auc = _told_apart(views[1], views[2], seed)
        useful = _usefulness(views, learned, self.target, seed)
        copies = max(0.0, _repeats(views[2], views[0]) - _repeats(views[1], views[0]))
        score = (2 * (1 - max(auc, 0.5)) + useful) / 2 - copies
        return {
            "kind": kind, "score": score, "c2st": auc, "utility": useful, "copies": copies, "fit_s": fitted - started,
            "sample_s": sampled - fitted, "columns": len(real),
        }  # fmt: skip

    def _sample(self, n: int, schema: TableSchema, given: dict[str, Any], seed: int) -> pa.Table:  # noqa: ARG002
        return self.chosen_.sample_arrow(n, given=given, seed=seed)

    def _state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        meta, arrays = self.chosen_._state()  # noqa: SLF001  # a model inside a model
        return {"spec": self.chosen_.dump(), "model": meta, "report": self._report}, arrays

    def _restore(self, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        chosen = Synthesizer.parse(meta["spec"])
        chosen._schema = self._schema  # noqa: SLF001  # likewise
        chosen._restore(meta["model"], arrays)  # noqa: SLF001  # likewise
        self._chosen, self._report = chosen, meta["report"]


Matrix = npt.NDArray[np.float64]


def _matrix(table: pa.Table, schema: TableSchema, learned: list[features.Feature]) -> Matrix:
    """Rows as float64, codes for categories, a number below all for gaps."""
    columns = []
    for feature in learned:
        if feature.is_number:
            values = features.as_numbers(schema[feature.name], table[feature.name])
            columns.append(np.where(np.isfinite(values), values, feature.low - 1))
        else:
            columns.append(features.codes(feature, features._category(table[feature.name])).astype(np.float64))  # noqa: SLF001
    return np.stack(columns, axis=1)


def _told_apart(real: Matrix, made: Matrix, seed: int) -> float:
    """Held-out AUC of a random forest that tells real rows from made ones; 0.5 is perfect."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    size = min(len(real), len(made))
    rows = np.concatenate([real[:size], made[:size]])
    labels = np.repeat([1, 0], size)
    order = np.random.default_rng(seed).permutation(len(rows))
    half = len(rows) // 2
    forest = RandomForestClassifier(60, min_samples_leaf=3, n_jobs=1, random_state=seed & 0x7FFF)
    scores, truth = [], []
    for fit, test in ((order[:half], order[half:]), (order[half:], order[:half])):
        if len(set(labels[fit])) < 2 or len(set(labels[test])) < 2:
            return 0.5
        scores.append(forest.fit(rows[fit], labels[fit]).predict_proba(rows[test])[:, 1])
        truth.append(labels[test])
    return float(np.mean([roc_auc_score(t, s) for t, s in zip(truth, scores, strict=True)]))


def _usefulness(views: list[Matrix], learned: list[features.Feature], target: str | None, seed: int) -> float:
    """How much of what real rows teach about a column the made rows teach as well, mean over targets, 0 to 1."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    train, held, made = views
    names = [feature.name for feature in learned]
    few = [i for i, f in enumerate(learned) if f.is_number or 1 < f.size <= 20]
    targets = [names.index(target)] if target in names else few[-5:]
    gains = []
    for j in targets:
        forest = RandomForestRegressor if learned[j].is_number else RandomForestClassifier
        scores = []
        for table in (train, made):
            model = forest(30, min_samples_leaf=3, n_jobs=1, random_state=seed & 0x7FFF)
            model.fit(np.delete(table, j, 1), table[:, j])
            scores.append(model.score(np.delete(held, j, 1), held[:, j]))
        values, counts = np.unique(held[:, j], return_counts=True)
        floor = 0.0 if learned[j].is_number else counts.max() / len(held)
        if scores[0] - floor > 0.05 and len(values) > 1:  # nothing can be lost where real rows teach nothing
            gains.append(np.clip((scores[1] - floor) / (scores[0] - floor), 0, 1))
    return float(np.mean(gains)) if gains else 1.0


def _repeats(rows: Matrix, train: Matrix) -> float:
    """Share of rows that are in the training rows, all cells equal."""
    known = {row.tobytes() for row in train}
    return float(np.mean([row.tobytes() in known for row in rows]))
