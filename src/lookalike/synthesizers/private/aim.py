"""AIM with a network and weights for its graphical model: marginals, each chosen by what the model so far gets most wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from lookalike.errors import SynthesizerError, UnknownColumn, did_you_mean
from lookalike.schema.types import TableSchema, Told
from lookalike.synthesizers import features as feature_rules
from lookalike.synthesizers.bins import Bins, Codes
from lookalike.synthesizers.conditions import ColumnCondition, resample
from lookalike.synthesizers.methods.bayes_net import decoded, draw_codes, pick
from lookalike.synthesizers.private import domain as private_domain
from lookalike.synthesizers.private.ledger import Ledger, gaussian_sigma
from lookalike.synthesizers.private.mst import conditional, measured, shares
from lookalike.synthesizers.private.raking import Raking, log_weights
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

Floats = npt.NDArray[np.float64]
NETWORK = 0.25  # share of the budget after single columns
CHOICE = 0.1  # share of a round
MOST_TURNS = 60
TIMES = 6  # rows drawn for each row that is kept by its weight
AT_ONCE = 20_000
MOST_CELLS = 50_000  # of a measured table
WIDE = 40  # columns beyond which a triple is tried with the target or the newest column only
AWAY = 0.5  # weight of a marginal without the target, when there is one


class Aim(Tabular):
    """AIM: noisy counts of pairs and triples of columns, each chosen by what the model so far gets most wrong, under (epsilon, delta).

    First every column is attached to one or two that are already placed: rows are drawn along this network. Then, twice as often
    as there are columns and at most 60 times, the pair is measured that its rows get most wrong, and the rows are weighted until they hold all
    measured pairs. Every choice is the exponential mechanism's by AIM's score: how far the real counts lie from those that the
    model so far expects (L1), less what the noise alone would add. With a `target`, that column is placed first and
    marginals that hold it weigh twice as much.

    What differs from AIM: weights of drawn rows stand for a graphical model (`mbi`), which costs a hundred times as much, each
    round gets the same budget, and single columns get a share of their own. Columns are cut to `parent_bins` where others
    depend on them. Rho is split: domain 1/6 (nothing when all is declared); of the rest single columns 15%, choices 8.5%, the
    network 19%, further pairs 57%.

    What is private and public is as in `mst`. Use it instead of `mst` where more than a tree of pairs matters, above all when
    a model is trained on the rows; do not use it for small tables (below some 5,000 rows at epsilon 1).

    Source:
        McKenna, Mullins, Sheldon and Miklau 2022, "AIM: an adaptive and iterative mechanism for differentially private
        synthetic data"; Zhang et al. 2017, "PrivBayes", for the network.
    """

    kind: ClassVar[str] = "aim"
    drawn: ClassVar[int] = 100_000  # rows drawn from the model so far, to estimate what it says of columns together
    drawn_wide: ClassVar[int] = 40_000  # of wide tables

    epsilon: float = Field(default=1.0, gt=0, description="privacy loss; smaller is more private")
    delta: float = Field(default=1e-6, gt=0, lt=1, description="chance that the promise fails; well below one over the rows")
    bins: int = Field(default=32, ge=4, le=256, description="most bins of a number")
    bounds: dict[str, tuple[float, float]] = Field(default_factory=dict, description="public range of a number")
    levels: dict[str, tuple[Any, ...]] = Field(default_factory=dict, description="public values of a category")
    noise: Literal["secure", "seeded"] = Field(default="secure", description="where noise comes from; seeded is for tests only")
    target: str | None = Field(default=None, description="the column that models will predict")
    parents: int = Field(default=2, ge=1, le=2, description="most columns that one depends on: 2 for triples")
    parent_bins: int = Field(default=12, ge=2, le=256, description="most bins of a column that others depend on")

    @property
    def ledger_(self) -> dict[str, Any]:
        """What was spent on what, and the epsilon and delta of all together."""
        return {**self._model.meta["ledger"], "delta": self.delta}

    def fit(self, table: Any, schema: Told | None = None, *, seed: int = 0, budget_s: float | None = None) -> Self:
        """Learn a table; see `Mst.fit`."""
        super().fit(table, schema, seed=seed, budget_s=budget_s)
        if not isinstance(schema, TableSchema):
            self._schema = private_domain.bare(self.schema_)
        return self

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:  # noqa: ARG002  # quick
        names = [column.name for column in feature_rules.learned(schema)]
        if self.target is not None and self.target not in names:
            hint = did_you_mean(self.target, names, label="columns that are learned")
            raise UnknownColumn(what=f"the target {self.target!r} is no column that is learned; {hint}", where="aim")
        self._features, self._profiles, self._model = measured(self, table, schema, seed, self._measure)

    def _learn(self, lesson: Lesson) -> LearnedModel:  # noqa: ARG002  # `_fit` does it all
        raise SynthesizerError(what="aim reads tables, not features", where="aim", fix="call fit")

    def _honours(self, condition: ColumnCondition) -> bool:
        return condition.values is not None

    def _measure(self, cuts: list[Bins], codes: list[Codes], ledger: Ledger, draws: np.random.Generator) -> LearnedModel:
        d = len(cuts)
        left = ledger.rho - ledger.spent
        single = ledger.spend(f"counts of {d} columns", left * (0.15 if d > 1 else 1.0))
        sigma = gaussian_sigma(single / d)
        noisy = [
            np.bincount(code, minlength=cut.count) + draws.normal(0, sigma, cut.count)
            for cut, code in zip(cuts, codes, strict=True)
        ]
        total = max(1.0, float(np.median([counts.sum() for counts in noisy])))
        ones = [shares(counts, total) for counts in noisy]
        names = [cut.feature.name for cut in cuts]
        target = names.index(self.target) if self.target in names else None
        growth = _Growth(codes, ones, [coarse(one, self.parent_bins, cut) for one, cut in zip(ones, cuts, strict=True)],
                         total, target, self.parents, self.drawn if d <= WIDE else self.drawn_wide, draws)  # fmt: skip
        if d == 1 or target is not None:
            growth.root(target or 0)
        if d > 1:
            turns = min(2 * d, MOST_TURNS)
            left = ledger.rho - ledger.spent
            for what, count, rho, step in (
                ("marginals", d - 1, NETWORK * left, growth.step), ("further pairs", turns, (1 - NETWORK) * left, growth.correct),
            ):  # fmt: skip
                choice = ledger.spend(f"choice of {count} {what}", CHOICE * rho) / count
                counting = ledger.spend(f"counts of {count} {what}", min((1 - CHOICE) * rho, ledger.rho - ledger.spent)) / count
                for _ in range(count):
                    step(float(np.sqrt(8 * choice)), gaussian_sigma(counting))
            growth.tables |= growth.raking.arrays()
        for i, cut in enumerate(cuts):
            growth.tables |= cut.arrays(f"{i}")
        return LearnedModel({"structure": growth.structure, "ledger": ledger.dump()}, growth.tables)

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        arrays = self._model.arrays
        cuts = [Bins.of(feature, arrays, f"{i}") for i, feature in enumerate(self._features)]
        sizes = [cut.count for cut in cuts]
        if "tilt/cap" not in arrays or wanted:
            codes, fixed, logs = draw_codes(cuts, self._model, n, draws, wanted)
            tilt = log_weights(arrays, codes, sizes)
            return {**decoded(cuts, codes, draws), **fixed}, logs if logs is None or tilt is None else logs + tilt
        parts: list[list[Codes]] = []
        for start in range(0, n, AT_ONCE):
            some = min(AT_ONCE, n - start)
            codes, _, _ = draw_codes(cuts, self._model, TIMES * some, draws, ())
            tilt = log_weights(arrays, codes, sizes)
            assert tilt is not None  # the model has weights
            rows = resample(np.exp(tilt), some, draws)
            parts.append([code[rows] for code in codes])
        return decoded(cuts, [np.concatenate(column) for column in zip(*parts, strict=True)], draws), None


def coarse(one: Floats, most: int, cut: Bins) -> Codes:
    """A group of each code, at most `most`: stretches of a number's bins of about equal noisy shares; rare levels together."""
    count = len(one)
    if count <= most:
        return np.arange(count)
    if not cut.feature.is_number:
        ranks = np.empty(count, np.int64)
        ranks[np.argsort(-one, kind="stable")] = np.arange(count)
        return np.minimum(ranks, most - 1)
    last = int(cut.feature.missing)  # the code of "missing" stays alone
    inner = one[: count - last]
    middle = (np.cumsum(inner) - inner / 2) / max(float(inner.sum()), 1e-12)
    groups = np.unique(np.minimum((middle * (most - last)).astype(np.int64), most - last - 1), return_inverse=True)[1]
    return np.concatenate([groups, np.full(last, groups.max() + 1)]).astype(np.int64)


@dataclass
class _Growth:
    """A network that grows by one column a round.

    Attributes:
        codes: the real rows, private; only `step` reads them, under the ledger's budget.
        ones: noisy shares of each column.
        groups: `coarse` of each column.
        total: noisy count of rows.
        target: the column that weighs most.
        most: most parents.
        drawn: rows that are drawn from the model so far.
        draws: noise.
    """

    codes: Sequence[Codes]
    ones: Sequence[Floats]
    groups: Sequence[Codes]
    total: float
    target: int | None
    most: int
    drawn: int
    draws: np.random.Generator
    structure: list[tuple[int, list[int]]] = field(default_factory=list)
    tables: Arrays = field(default_factory=dict)
    _made: dict[int, Codes] = field(default_factory=dict)  # drawn rows of the model so far, full codes
    _states: dict[tuple[int, ...], tuple[Codes, Floats]] = field(default_factory=dict)

    @cached_property
    def raking(self) -> Raking:
        """Weights of the rows drawn from the whole network."""
        made = [self._made[i] for i in range(len(self.codes))]
        near = [(child, parent) for child, parents in self.structure for parent in parents]
        return Raking(self.codes, made, self.ones, self.total, near, self.target, self.draws)

    def correct(self, epsilon: float, sigma: float) -> None:
        """Measure one more pair, and weigh the rows by it."""
        self.raking.step(epsilon, sigma)

    def root(self, column: int) -> None:
        """Place a column without parents."""
        self.structure.append((column, []))
        self.tables[f"{column}/table"] = np.cumsum(self.ones[column])[None, :]
        self._made[column] = pick(self.tables[f"{column}/table"], np.zeros(self.drawn, np.int64), self.draws.random(self.drawn))

    def step(self, epsilon: float, sigma: float) -> None:
        """Choose one marginal under `epsilon` (exponential mechanism) and measure it with noise `sigma`."""
        candidates = list(self._candidates())
        scores = np.array([self._score(child, parents, sigma) for child, parents in candidates])
        # weights are at most 1 and one row changes an L1 distance by at most 1, so that scores have sensitivity 1
        child, parents = candidates[int(np.argmax(scores * epsilon / 2 + self.draws.gumbel(size=len(scores))))]
        if not self.structure:
            self.root(parents[0])
        state, expected = self._state(parents)
        counts = self._counts(child, state, len(expected))
        noisy = (counts + self.draws.normal(0, sigma, counts.shape)) / self.total
        table = self._estimate(noisy, expected, child, parents, sigma / self.total)
        wide = np.cumsum(table, axis=1)[self._expand(parents)]
        self.structure.append((child, list(parents)))
        self.tables[f"{child}/table"] = wide
        full = np.zeros(self.drawn, np.int64)
        for parent in parents:
            full = full * len(self.ones[parent]) + self._made[parent]
        self._made[child] = pick(wide, full, self.draws.random(self.drawn))

    def _candidates(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        d = len(self.ones)
        if not self.structure:
            yield from ((b, (a,)) for a, b in combinations(range(d), 2))
            return
        placed = [column for column, _ in self.structure]
        sets: list[tuple[int, ...]] = [(p,) for p in placed]
        if self.most > 1:
            sets += [
                pair
                for pair in combinations(placed, 2)
                if (d <= WIDE or placed[-1] in pair or self.target in pair)
                and len(self.ones[pair[0]]) * len(self.ones[pair[1]]) <= MOST_CELLS
            ]
        for child in set(range(d)) - set(placed):
            for parents in sets:
                if len(parents) == 1 or self._size(parents) * len(self.ones[child]) <= MOST_CELLS:
                    yield child, parents

    def _size(self, parents: tuple[int, ...]) -> int:
        return int(np.prod([self.groups[p].max() + 1 for p in parents]))

    def _state(self, parents: tuple[int, ...]) -> tuple[Codes, Floats]:
        """Each real row's state of the parents' groups, and the share of each state that the model so far expects."""
        if parents not in self._states:
            real, size = np.zeros(len(self.codes[0]), np.int64), self._size(parents)
            for p in parents:
                real = real * (self.groups[p].max() + 1) + self.groups[p][self.codes[p]]
            if len(parents) == 1:
                weights = self.ones[parents[0]]
                expected = np.asarray(np.bincount(self.groups[parents[0]], weights=weights, minlength=size), np.float64)
            else:
                made = np.zeros(self.drawn, np.int64)
                for p in parents:
                    made = made * (self.groups[p].max() + 1) + self.groups[p][self._made[p]]
                expected = np.asarray(np.bincount(made, minlength=size) / self.drawn, np.float64)
            self._states[parents] = real, expected
        return self._states[parents]

    def _counts(self, child: int, state: Codes, states: int) -> Floats:
        k = len(self.ones[child])
        return np.bincount(state * k + self.codes[child], minlength=states * k).reshape(states, k).astype(np.float64)

    def _score(self, child: int, parents: tuple[int, ...], sigma: float) -> float:
        state, expected = self._state(parents)
        counts = self._counts(child, state, len(expected))
        off = (
            np.abs(counts - self.total * np.outer(expected, self.ones[child])).sum() - np.sqrt(2 / np.pi) * sigma * counts.size
        )
        weight = 1.0 if self.target is None or self.target in (child, *parents) else AWAY
        return float(weight * off)

    def _estimate(self, noisy: Floats, expected: Floats, child: int, parents: tuple[int, ...], noise: float) -> Floats:
        """Shares of the child in each state; a triple is pulled to the stronger of the two pairs that it holds."""
        one = self.ones[child]
        if len(parents) == 1:
            return conditional(noisy, expected, one, noise)
        sizes = [int(self.groups[p].max() + 1) for p in parents]
        cube, joint = noisy.reshape(*sizes, -1), expected.reshape(sizes)
        pairs = []
        for axis in (0, 1):
            margin = joint.sum(axis=1 - axis)
            pair = conditional(cube.sum(axis=1 - axis), margin, one, noise * float(np.sqrt(sizes[1 - axis])))
            strength = float((margin[:, None] * np.abs(pair - one)).sum())
            spread = np.broadcast_to(np.expand_dims(pair, 1 - axis), cube.shape).reshape(noisy.shape)
            pairs.append((strength, axis, spread))
        return conditional(noisy, expected, one, noise, base=expected[:, None] * max(pairs)[2])

    def _expand(self, parents: tuple[int, ...]) -> Codes:
        """The state of groups of every state of full codes."""
        out = np.zeros(1, np.int64)
        for p in parents:
            out = (out[:, None] * (self.groups[p].max() + 1) + self.groups[p][None, :]).ravel()
        return out
