"""A Bayesian network over binned columns, its structure found greedily by mutual information."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.synthesizers.bins import Bins, Codes, cut
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Data, Feature
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular, clamped

CANDIDATES = 8  # parents that pairs are tried of: the most informative single ones
MOST_ROWS = 20_000  # rows that the structure is found on
WIDE = 120  # columns beyond which each gets one parent only
ROWS_A_CELL = 4  # rows that a cell of a table should have on average


class BayesNet(Tabular):
    """Bayesian network: each column depends on at most `parents` others; tables of conditional shares.

    The network is written as a list of columns and parents (`edges_`), so that what was learned can be read and argued with.
    Conditions clamp their columns and weight the rows by their likelihood.

    Use it where someone has to understand the model, and for tables of categories. Do not use it for many fine numbers: it sees
    them in `bins` bins, and places values within a bin independently of the other columns.

    Source:
        Zhang et al. 2017, "PrivBayes", algorithm 2 without noise; Chow and Liu 1968 for one parent.
    """

    kind: ClassVar[str] = "bayes_net"

    parents: int = Field(default=2, ge=1, le=3, description="most parents of a column")
    bins: int = Field(default=20, ge=2, le=256, description="most bins of a column")

    @property
    def edges_(self) -> list[tuple[str, str]]:
        """(parent, child) of every edge."""
        names = [feature.name for feature in self._features]
        return [(names[p], names[i]) for i, parents in self._model.meta["structure"] for p in parents]

    def _learn(self, lesson: Lesson) -> LearnedModel:
        cuts = [cut(f, lesson.data[f.name], most=self.bins) for f in lesson.features]
        codes = [c.encode(lesson.data[f.name]) for c, f in zip(cuts, lesson.features, strict=True)]
        structure = find_structure(codes, [c.count for c in cuts], self.parents)
        arrays: Arrays = {}
        for i, parents in structure:
            arrays |= cuts[i].arrays(f"{i}")
            arrays[f"{i}/table"] = _table(codes, [c.count for c in cuts], i, parents)
        return LearnedModel({"structure": structure}, arrays)

    def _honours(self, condition: ColumnCondition) -> bool:
        return condition.values is not None

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        return draw_network(self._features, self._model, n, draws, wanted)


def draw_network(
    features: Sequence[Feature], model: LearnedModel, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]
) -> Drawn:
    """Rows of a network, parents first: `structure` in the model's JSON, `<i>/table` and the cuts in its arrays.

    Args:
        features: the columns, in the order that the structure numbers them.
        model: what `BayesNet` or `Mst` learned.
        n: rows.
        draws: random numbers.
        wanted: conditions with values; their columns are clamped and the rows weighted by their likelihood.
    """
    cuts = [Bins.of(feature, model.arrays, f"{i}") for i, feature in enumerate(features)]
    codes, fixed, logs = draw_codes(cuts, model, n, draws, wanted)
    return {**decoded(cuts, codes, draws), **fixed}, logs


def draw_codes(
    cuts: Sequence[Bins], model: LearnedModel, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]
) -> tuple[list[Codes], Data, npt.NDArray[np.float64] | None]:
    """`draw_network` before values are drawn within bins: codes of each column, values of the clamped ones, log-weights."""
    asked = {condition.name: condition for condition in wanted}
    logs = np.zeros(n) if wanted else None
    codes: dict[int, Codes] = {}
    fixed: Data = {}
    for i, parents in model.meta["structure"]:
        cut, table = cuts[i], model.arrays[f"{i}/table"]
        state = np.zeros(n, np.int64)
        for parent in parents:
            state = state * cuts[parent].count + codes[parent]
        if logs is not None and cut.feature.name in asked:
            values = fixed[cut.feature.name] = clamped(asked[cut.feature.name], n, draws)
            codes[i] = cut.encode(values)
            chance = np.diff(table, axis=1, prepend=0.0)[state, codes[i]] * cut.share(values)
            with np.errstate(divide="ignore"):
                logs += np.log(np.maximum(chance, 0.0))
        else:
            codes[i] = pick(table, state, draws.random(n))
    return [codes[i] for i in range(len(cuts))], fixed, logs


def decoded(cuts: Sequence[Bins], codes: Sequence[Codes], draws: np.random.Generator) -> Data:
    """A value of each code."""
    return {cut.feature.name: cut.decode(code, draws) for cut, code in zip(cuts, codes, strict=True)}


def pick(table: npt.NDArray[np.float64], state: Codes, coins: npt.NDArray[np.float64]) -> Codes:
    """A code for each row from the cumulative shares of its parents' state."""
    flat = (table + np.arange(len(table))[:, None]).ravel()
    return np.asarray(np.minimum(np.searchsorted(flat, state + coins) - state * table.shape[1], table.shape[1] - 1), np.int64)


def _table(codes: Sequence[Codes], sizes: Sequence[int], child: int, parents: Sequence[int]) -> npt.NDArray[np.float64]:
    """Cumulative shares of the child's codes in each state of its parents, pulled slightly to its overall shares."""
    state, states = joint(codes, sizes, parents)
    counts = np.bincount(state * sizes[child] + codes[child], minlength=states * sizes[child]).reshape(states, sizes[child])
    overall = np.bincount(codes[child], minlength=sizes[child]) / len(codes[child])
    shares = counts + 0.1 * overall  # a tenth of a row: states that were never seen get the overall shares
    return np.asarray(np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1))


def joint(codes: Sequence[Codes], sizes: Sequence[int], columns: Sequence[int]) -> tuple[Codes, int]:
    """One code for the columns together, and how many there are."""
    state, states = np.zeros(len(codes[0]), np.int64), 1
    for column in columns:
        state, states = state * sizes[column] + codes[column], states * sizes[column]
    return state, states


def mutual_information(a: Codes, b: Codes, size_a: int, size_b: int) -> float:
    """Nats that one coded column tells about another."""
    counts = np.bincount(a * size_b + b, minlength=size_a * size_b).reshape(size_a, size_b) / len(a)
    outer = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True)
    seen = counts > 0
    return float((counts[seen] * np.log(counts[seen] / outer[seen])).sum())


def find_structure(codes: Sequence[Codes], sizes: Sequence[int], most: int) -> list[tuple[int, list[int]]]:
    """Columns in an order such that parents come first, each with its parents.

    A column joins when its best set of earlier parents tells more about it than any other column's; sets whose table would
    have fewer than `ROWS_A_CELL` rows a cell are left out.
    """
    step = max(1, len(codes[0]) // MOST_ROWS)
    few = [code[::step] for code in codes]
    d, cells = len(codes), len(codes[0]) / ROWS_A_CELL
    pair = _pairs(few, sizes)
    first = int(np.argmax(pair.sum(axis=0))) if d > 1 else 0
    if d > WIDE:
        return _tree(pair, first, sizes, cells)
    placed, waiting = [first], [i for i in range(d) if i != first]
    structure: list[tuple[int, list[int]]] = [(first, [])]
    cache: dict[tuple[int, tuple[int, ...]], float] = {}
    while waiting:
        best = max(
            ((_best_parents(i, placed, few, sizes, pair, most, cells, cache), i) for i in waiting),
            key=lambda x: (x[0][0], -x[1]),
        )
        (_, parents), child = best
        structure.append((child, list(parents)))
        placed.append(child)
        waiting.remove(child)
    return structure


def _tree(pair: npt.NDArray[np.float64], first: int, sizes: Sequence[int], cells: float) -> list[tuple[int, list[int]]]:
    """The maximum spanning tree by Prim's algorithm: what very wide tables get, one parent a column."""
    structure: list[tuple[int, list[int]]] = [(first, [])]
    gain, parent = pair[first].copy(), np.full(len(pair), first)
    gain[first] = -np.inf
    for _ in range(len(pair) - 1):
        child = int(np.argmax(gain))
        near = int(parent[child])
        fits = gain[child] > 0 and sizes[near] * sizes[child] <= max(cells, 2.0 * sizes[child])
        structure.append((child, [near] if fits else []))
        gain[child] = -np.inf
        better = (pair[child] > gain) & np.isfinite(gain)
        gain[better], parent[better] = pair[child][better], child
    return structure


def _pairs(codes: Sequence[Codes], sizes: Sequence[int]) -> npt.NDArray[np.float64]:
    """Mutual information of all pairs; for very wide tables on every 10th row."""
    d = len(codes)
    thin = codes if d <= 150 else [code[:: max(1, len(code) // 1000)] for code in codes]
    out = np.zeros((d, d))
    for a, b in combinations(range(d), 2):
        if d <= 300 or b - a <= 20:  # beyond 300 columns only near neighbours are compared
            out[a, b] = out[b, a] = mutual_information(thin[a], thin[b], sizes[a], sizes[b])
    return out


def _best_parents(  # the inside of one loop, with its state
    child: int, placed: list[int], codes: Sequence[Codes], sizes: Sequence[int], pair: npt.NDArray[Any], most: int,
    cells: float, cache: dict[tuple[int, tuple[int, ...]], float],
) -> tuple[float, tuple[int, ...]]:  # fmt: skip
    near = sorted(placed, key=lambda p: -pair[child, p])[:CANDIDATES]
    best: tuple[float, tuple[int, ...]] = (-1.0, ())
    for size in range(1, min(most, len(near)) + 1):
        for parents in combinations(sorted(near), size):
            states = int(np.prod([sizes[p] for p in parents]))
            if states * sizes[child] > max(cells, 2.0 * sizes[child]):
                continue
            if (child, parents) not in cache:
                state, _ = joint(codes, sizes, parents)
                gain = mutual_information(state, codes[child], states, sizes[child])
                # Miller 1955: an empty relation shows (r-1)(c-1)/2n nats by chance
                cache[child, parents] = gain - (states - 1) * (sizes[child] - 1) / (2 * len(codes[child]))
            best = max(best, (cache[child, parents], parents))
    return best if best[1] or not near else (0.0, ())
