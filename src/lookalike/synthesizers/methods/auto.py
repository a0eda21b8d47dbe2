"""Which method? A short bake-off on the user's own rows, and the reason in a sentence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import rng
from lookalike.errors import LookalikeError, NotFitted, SynthesizerError, UnknownColumn, did_you_mean
from lookalike.learners.boosting import Boosted, auc
from lookalike.registry import builtins, resolve
from lookalike.schema.types import TableSchema
from lookalike.synthesizers import features
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.series import Stretch
from lookalike.synthesizers.watch import tell

MOST_ROWS = 6_000  # of the bake-off, a third of them held out
MOST_CELLS = 300_000  # likewise: wide tables are judged on fewer rows
FEWEST_HELD = 20  # held-out rows with which something can be said
MOST_TARGETS = 5
SEEN = 0.0005  # share of copies that is worth a word
TIE = 0.01  # scores so near that the order of the candidates decides


class Auto(Synthesizer):
    """Fit the candidates on two thirds of at most 6,000 rows, judge them by the last third, fit the best on all rows.

    A candidate's score is the mean of two numbers between 0 and 1: how badly a classifier (boosted trees, held-out rows) tells
    its rows from real ones it has not seen, and how much of what real rows teach about up to five columns a model trained on its
    rows learns as well. A candidate that repeats real rows more often than the held-out rows do loses what it repeats. Of
    candidates within .01 of the best the first of the list is kept, so that the choice hangs on rows and seed alone.
    `report_` holds every number, `reason_` the sentence, which `lookalike fit` and `mimic` print.

    Takes 5 to 10 CPU s on real tables, whatever their size, and the winner's own fit. With a budget, candidates whose turn has
    not come when half of it is used up are left out, and the sentence says so.

    Use it when you have no time to choose. Do not use it to publish a comparison: one split of few rows decides.
    """

    kind: ClassVar[str] = "auto"

    kinds: tuple[str, ...] = Field(
        default=("forest", "cart", "arf", "bayes_net", "copula"), min_length=1, description="candidates, the preferred first"
    )
    target: str | None = Field(default=None, description="the column whose prediction counts; several when not given")

    _chosen: Synthesizer | None = PrivateAttr(default=None)
    _report: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def report_(self) -> list[dict[str, Any]]:
        """Each candidate's numbers, the chosen first, then the best; `error` or `skipped` says why one has none."""
        return list(self._report)

    @property
    def chosen_(self) -> Synthesizer:
        """The fitted winner."""
        if self._chosen is None:
            raise NotFitted(what="nothing is chosen yet", fix="call fit(table) first")
        return self._chosen

    @property
    def reason_(self) -> str:
        """Why the winner was chosen."""
        if not self._report:
            raise NotFitted(what="nothing is chosen yet", fix="call fit(table) first")
        best, *others = self._report
        if "score" not in best:
            return f"{best['kind']}: {best['note']}"
        rivals = [one for one in others if "score" in one]
        text = (
            f"{best['kind']} (score {best['score']:.3f}): told from real rows with AUC {best['c2st']:.3f} (0.5 is not at all)"
        )
        if best["targets"]:
            text += f", keeps {best['utility']:.0%} of what real rows teach about {', '.join(best['targets'])}"
        if best["copies"] >= SEEN:
            text += f", {best['copies']:.1%} more copies of real rows than chance"
        if rivals:
            text += f"; next is {_shortly(rivals[0])}"
            if rivals[0]["score"] > best["score"]:
                text += f"; within {TIE} the earlier candidate is kept"
        for key in ("error", "skipped"):
            if named := [one["kind"] for one in others if key in one]:
                text += f"; {'no time for' if key == 'skipped' else 'could not be fitted:'} {', '.join(named)}"
        return text

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        unknown = set(self.kinds) - set(builtins("synthesizer"))
        if unknown or self.kind in self.kinds:
            raise SynthesizerError(what=f"no candidates: {sorted(unknown or {'auto'})}", fix="name kinds of synthesizers")
        names = [column.name for column in features.learned(schema)]
        if self.target is not None and self.target not in names:
            hint = did_you_mean(self.target, names, label="columns that are learned")
            raise UnknownColumn(what=f"the target {self.target!r} is no column that is learned; {hint}", where="auto")
        most = max(300, min(MOST_ROWS, MOST_CELLS // table.num_columns))
        rows = rng.generator(seed, "auto").permutation(table.num_rows)[:most]
        cut = max(1, 2 * len(rows) // 3)
        train, held = table.take(pa.array(rows[:cut])), table.take(pa.array(rows[cut:]))
        report = self._contest(train, held, schema, seed, budget_s) if names and len(held) >= FEWEST_HELD else []
        scored = [one for one in report if "score" in one]
        if report and not scored:
            raise SynthesizerError(what=f"no candidate could be fitted: {report}", fix="name other kinds")
        top = max((one["score"] for one in scored), default=0.0)
        first = next((one for one in scored if one["score"] >= top - TIE), None) or {
            "kind": self.kinds[0], "note": "the first candidate, as there is too little to compare them on",
        }  # fmt: skip
        chosen = resolve("synthesizer", first["kind"])()
        tell(f"learning all rows by {first['kind']}", 0.9)
        chosen.fit(table, schema, seed=seed, budget_s=budget_s / 2 if budget_s is not None else None)
        others = sorted((one for one in report if one is not first), key=lambda one: -one.get("score", -1.0))
        self._chosen, self._report = chosen, [first, *others]

    def _contest(
        self, train: pa.Table, held: pa.Table, schema: TableSchema, seed: int, budget_s: float | None
    ) -> list[dict[str, Any]]:
        """Each candidate's numbers, in the candidates' order."""
        began = time.monotonic()
        share = budget_s / (2 * len(self.kinds)) if budget_s is not None else None
        judge, report = _Judge(train, held, schema, self.target, seed), list[dict[str, Any]]()
        for i, kind in enumerate(self.kinds):
            if budget_s is not None and i and time.monotonic() - began > budget_s / 2:
                report.append({"kind": kind, "skipped": "half of the budget was used up"})
                continue
            tell(f"trying {kind}", 0.9 * i / len(self.kinds))
            started = time.process_time()
            try:
                model = resolve("synthesizer", kind)().fit(train, schema, seed=seed, budget_s=share)
                fitted = time.process_time()
                made = model.sample_arrow(train.num_rows, seed=seed)
            except LookalikeError as exc:
                report.append({"kind": kind, "error": str(exc)})
                continue
            seconds = {"fit_s": fitted - started, "sample_s": time.process_time() - fitted}
            report.append({"kind": kind, **judge.of(made), **seconds})
        return report

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:
        return self.chosen_._sample(stretch, schema, given)  # noqa: SLF001  # a model inside a model

    def _profile(self, name: str) -> dict[str, Any] | None:
        return self.chosen_._profile(name)  # noqa: SLF001  # likewise

    def _first(self, given: dict[str, Any], whole: int) -> int:
        return self.chosen_._first(given, whole)  # noqa: SLF001  # likewise

    def _threads(self) -> int:
        return self.chosen_._threads()  # noqa: SLF001  # likewise

    def _state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        meta, arrays = self.chosen_._state()  # noqa: SLF001  # a model inside a model
        return {"spec": self.chosen_.dump(), "model": meta, "report": self._report}, arrays

    def _restore(self, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        chosen = Synthesizer.parse(meta["spec"])
        chosen._schema = self._schema  # noqa: SLF001  # likewise
        chosen._restore(meta["model"], arrays)  # noqa: SLF001  # likewise
        self._chosen, self._report = chosen, meta["report"]


Matrix = npt.NDArray[np.float64]


def _shortly(one: Mapping[str, Any]) -> str:
    """A rival's numbers."""
    kept = f", keeps {one['utility']:.0%}" if one["targets"] else ""
    copies = f", {one['copies']:.1%} more copies" if one["copies"] >= SEEN else ""
    return f"{one['kind']} (score {one['score']:.3f}): AUC {one['c2st']:.3f}{kept}{copies}"


class _Judge:
    """Real rows to learn and held-out ones, and what the first teach about the second: worked out once for all candidates."""

    def __init__(self, train: pa.Table, held: pa.Table, schema: TableSchema, target: str | None, seed: int) -> None:
        self.schema, self.seed = schema, seed
        self.learned, _ = features.learn(train, schema)
        self.train, self.held = (_matrix(table, schema, self.learned) for table in (train, held))
        names = [feature.name for feature in self.learned]
        few = [i for i, f in enumerate(self.learned) if f.is_number or 1 < f.size <= 20]
        self.gains: dict[int, tuple[float, float]] = {}  # column -> score of guessing, and of a model trained on real rows
        for j in [names.index(target)] if target is not None else few[-MOST_TARGETS:]:
            values, counts = np.unique(self.held[:, j], return_counts=True)
            floor = 0.0 if self.learned[j].is_number else float(counts.max() / len(self.held))
            real = self._taught(self.train, j)
            if real - floor > 0.05 and len(values) > 1:  # nothing can be lost where real rows teach nothing
                self.gains[j] = floor, real

    def _taught(self, rows: Matrix, j: int) -> float:
        """Score on held-out rows of a model of column `j`: R2 of a number, accuracy of a category."""
        taught, asked = (np.delete(table, j, 1).astype(np.float32) for table in (rows, self.held))
        answer, truth = rows[:, j], self.held[:, j]
        if self.learned[j].is_number:
            left = truth - Boosted(0).fit(taught, answer).predict(asked)
            return 1 - float((left**2).mean() / max(truth.var(), 1e-300))
        classes = int(max(answer.max(), truth.max())) + 1
        model = Boosted(max(classes, 2)).fit(taught, answer.astype(np.int64))
        return float((model.probabilities(asked).argmax(axis=1) == truth).mean())

    def of(self, table: pa.Table) -> dict[str, Any]:
        """A candidate's numbers."""
        made = _matrix(table, self.schema, self.learned)
        auc = _told_apart(self.held, made, self.seed)
        kept = [np.clip((self._taught(made, j) - floor) / (real - floor), 0, 1) for j, (floor, real) in self.gains.items()]
        useful = float(np.mean(kept)) if kept else 1.0
        copies = max(0.0, _repeats(made, self.train) - _repeats(self.held, self.train))
        score = (2 * (1 - max(auc, 0.5)) + useful) / 2 - copies
        targets = [self.learned[j].name for j in self.gains]
        return {"score": score, "c2st": auc, "utility": useful, "copies": copies, "targets": targets}


def _matrix(table: pa.Table, schema: TableSchema, learned: list[features.Feature]) -> Matrix:
    """Rows as float64, codes for categories, a number below all for gaps."""
    columns = []
    for feature in learned:
        values, _ = features.encode(feature, schema[feature.name], table[feature.name])
        columns.append(np.where(np.isfinite(values), values, feature.low - 1))
    return np.stack(columns, axis=1)


def _told_apart(real: Matrix, made: Matrix, seed: int) -> float:
    """Held-out AUC of boosted trees that tell real rows from made ones; 0.5 is perfect."""
    size = min(len(real), len(made))
    rows = np.concatenate([real[:size], made[:size]]).astype(np.float32)
    labels = np.repeat([True, False], size)
    order = np.random.default_rng(seed).permutation(len(rows))
    half = len(rows) // 2
    scores = []
    for fit, test in ((order[:half], order[half:]), (order[half:], order[:half])):
        if len(set(labels[fit])) < 2 or len(set(labels[test])) < 2:
            return 0.5
        scores.append(auc(Boosted(2).fit(rows[fit], labels[fit]).probabilities(rows[test])[:, 1], labels[test]))
    return float(np.mean(scores))


def _repeats(rows: Matrix, train: Matrix) -> float:
    """Share of rows that are in the training rows, all cells equal."""
    known = {row.tobytes() for row in train}
    return float(np.mean([row.tobytes() in known for row in rows]))
