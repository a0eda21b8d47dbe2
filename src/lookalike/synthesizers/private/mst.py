"""MST: differentially private marginals along a tree of columns."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from lookalike import rng
from lookalike.errors import SynthesizerError
from lookalike.schema.semantics import semantic_of
from lookalike.schema.types import TableSchema, Told
from lookalike.synthesizers import features as feature_rules
from lookalike.synthesizers.bins import Bins, Codes
from lookalike.synthesizers.conditions import ColumnCondition
from lookalike.synthesizers.features import Feature
from lookalike.synthesizers.methods.bayes_net import draw_network
from lookalike.synthesizers.private import domain as private_domain
from lookalike.synthesizers.private.ledger import Ledger, gaussian_sigma, rho_of
from lookalike.synthesizers.tabular import Arrays, Drawn, LearnedModel, Lesson, Tabular

Floats = npt.NDArray[np.float64]
MOST_COLUMNS = 200
Measure = Callable[[list[Bins], list[Codes], Ledger, np.random.Generator], LearnedModel]


class Mst(Tabular):
    """MST: noisy counts of single columns and of the pairs along a maximum spanning tree, under (epsilon, delta).

    Rho is split: domain 1/6 (nothing when all is declared), single columns 1/4, choice of the tree 1/4, pairs the rest. The
    tree is chosen by the exponential mechanism. As the measured pairs are a tree, rows are drawn along it; no graphical-model
    solver is needed, which is why this does not call `mbi`: importing it and compiling its programs costs more CPU time than
    the whole method.

    What is private: every row, as a whole. What is taken as public: columns, types, decimals, formats of dates and
    identifiers, whether a column can be missing, and everything you declare. Bounds and levels that are not declared are
    estimated privately; declare them where you can. Noise comes from the operating system unless `noise: seeded`, which is
    for tests: who knows the seed can take the noise away.

    Use it when a promise must be kept for every single person. Do not use it for small tables (below some 2,000 rows at
    epsilon 1), for more than 200 columns, or for relations among three and more columns, which a tree does not hold.

    Source:
        McKenna, Miklau and Sheldon 2021, "Winning the NIST contest: a scalable and general approach to differentially private
        synthetic data".
    """

    kind: ClassVar[str] = "mst"

    epsilon: float = Field(default=1.0, gt=0, description="privacy loss; smaller is more private")
    delta: float = Field(default=1e-6, gt=0, lt=1, description="chance that the promise fails; well below one over the rows")
    bins: int = Field(default=32, ge=4, le=256, description="most bins of a number")
    bounds: dict[str, tuple[float, float]] = Field(default_factory=dict, description="public range of a number")
    levels: dict[str, tuple[Any, ...]] = Field(default_factory=dict, description="public values of a category")
    noise: Literal["secure", "seeded"] = Field(default="secure", description="where noise comes from; seeded is for tests only")

    @property
    def ledger_(self) -> dict[str, Any]:
        """What was spent on what, and the epsilon and delta of all together."""
        ledger = dict(self._model.meta["ledger"])
        return {**ledger, "delta": self.delta}

    def fit(self, table: Any, schema: Told | None = None, *, seed: int = 0, budget_s: float | None = None) -> Self:
        """Learn a table; see `Synthesizer.fit`. An inferred schema loses its reasons, orders and rules, which tell of rows."""
        super().fit(table, schema, seed=seed, budget_s=budget_s)
        if not isinstance(schema, TableSchema):
            self._schema = private_domain.bare(self.schema_)
        return self

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:  # noqa: ARG002  # quick
        self._features, self._profiles, self._model = measured(self, table, schema, seed, self._measure)

    def _learn(self, lesson: Lesson) -> LearnedModel:  # noqa: ARG002  # `_fit` does it all
        raise SynthesizerError(what="mst reads tables, not features", where="mst", fix="call fit")

    def _measure(self, cuts: list[Bins], codes: list[Codes], ledger: Ledger, draws: np.random.Generator) -> LearnedModel:
        d = len(cuts)
        left = ledger.rho - ledger.spent
        single = ledger.spend(f"counts of {d} columns", left * (0.3 if d > 1 else 1.0))
        sigma = gaussian_sigma(single / d)
        ones = [
            np.bincount(code, minlength=cut.count) + draws.normal(0, sigma, cut.count)
            for cut, code in zip(cuts, codes, strict=True)
        ]
        total = max(1.0, float(np.median([counts.sum() for counts in ones])))
        ones = [shares(counts, total) for counts in ones]
        tables: Arrays = {}
        structure: list[tuple[int, list[int]]] = [(0, [])]
        if d > 1:
            choice = ledger.spend("choice of the tree", left * 0.3)
            edges = choose_tree(codes, ones, total, choice, draws)
            pairs = ledger.spend(f"counts of {d - 1} pairs", ledger.rho - ledger.spent)
            sigma = gaussian_sigma(pairs / (d - 1))
            structure = _walk(edges, d)
        for child, parents in structure:
            tables |= cuts[child].arrays(f"{child}")
            if not parents:
                tables[f"{child}/table"] = np.cumsum(ones[child])[None, :]
                continue
            parent = parents[0]
            shape = (cuts[parent].count, cuts[child].count)
            counts = np.bincount(codes[parent] * shape[1] + codes[child], minlength=shape[0] * shape[1]).reshape(shape)
            noisy = counts + draws.normal(0, sigma, shape)
            tables[f"{child}/table"] = np.cumsum(conditional(noisy / total, ones[parent], ones[child], sigma / total), axis=1)
        return LearnedModel({"structure": structure, "ledger": ledger.dump()}, tables)

    def _honours(self, condition: ColumnCondition) -> bool:
        return condition.values is not None

    def _draw(self, n: int, draws: np.random.Generator, wanted: Sequence[ColumnCondition]) -> Drawn:
        return draw_network(self._features, self._model, n, draws, wanted)


class Budgeted(Protocol):
    """What a method of noisy marginals was asked for: the fields of `mst`, which `aim` has too."""

    kind: ClassVar[str]
    epsilon: float
    delta: float
    bins: int
    bounds: dict[str, tuple[float, float]]
    levels: dict[str, tuple[Any, ...]]
    noise: Literal["secure", "seeded"]


def measured(
    method: Budgeted, table: pa.Table, schema: TableSchema, seed: int, measure: Measure
) -> tuple[tuple[Feature, ...], dict[str, Any], LearnedModel]:
    """Features, profiles and model of a table: its domain found privately, its codes measured with what is left of the budget.

    Raises:
        SynthesizerError: too many columns for one budget.
    """
    key = seed if method.noise == "seeded" else secrets.randbits(64)
    draws = rng.generator(key, "fit", method.kind)
    half = method.delta / 2  # the other half: levels that pass by chance
    ledger = Ledger(rho_of(method.epsilon, half), half)
    columns = feature_rules.learned(schema)
    if len(columns) > MOST_COLUMNS:
        raise SynthesizerError(
            what=f"{len(columns)} columns share one budget, and all their pairs are compared",
            fix=f"choose at most {MOST_COLUMNS}",
        )
    found, values = private_domain.domains(
        table, columns, ledger, draws, bins=method.bins, delta=half, bounds=method.bounds, levels=method.levels
    )
    data = [cut.encode(value) for cut, value in zip(found, values, strict=True)]
    model = measure(found, data, ledger, draws) if found else LearnedModel({"structure": [], "ledger": ledger.dump()})
    profiles = {c.name: {"missing": 0.0} for c in schema.columns if semantic_of(c).learned == "anew"}
    return tuple(cut.feature for cut in found), profiles, model


def shares(counts: Floats, total: float) -> Floats:
    """Noisy counts as shares: the nearest ones that are not negative and sum to one (in L2)."""
    values = counts / total
    ordered = np.sort(values)[::-1]
    excess = np.cumsum(ordered) - 1
    k = int(np.flatnonzero(ordered - excess / np.arange(1, len(ordered) + 1) > 0)[-1])
    return np.asarray(np.maximum(values - excess[k] / (k + 1), 0.0))


def choose_tree(
    codes: Sequence[Codes], ones: Sequence[Floats], total: float, rho: float, draws: np.random.Generator
) -> list[tuple[int, int]]:
    """Edges of a spanning tree, one after another by the exponential mechanism.

    A pair's score is the L1 distance of its counts from independence as the noisy single counts have it: one row changes it by
    at most one.
    """
    d = len(codes)
    scores = np.full((d, d), -np.inf)
    for a in range(d):
        for b in range(a + 1, d):
            counts = np.bincount(codes[a] * len(ones[b]) + codes[b], minlength=len(ones[a]) * len(ones[b]))
            scores[a, b] = np.abs(counts - total * np.outer(ones[a], ones[b]).ravel()).sum()
    epsilon = np.sqrt(8 * rho / (d - 1))
    group = np.arange(d)
    edges: list[tuple[int, int]] = []
    for _ in range(d - 1):
        open_pairs = np.where(group[:, None] != group[None, :], scores, -np.inf)
        noisy = open_pairs * epsilon / 2 + draws.gumbel(size=(d, d))
        a, b = divmod(int(np.argmax(np.where(np.isfinite(open_pairs), noisy, -np.inf))), d)
        edges.append((a, b))
        group[group == group[b]] = group[a]
    return edges


def _walk(edges: Sequence[tuple[int, int]], d: int) -> list[tuple[int, list[int]]]:
    """Columns in an order such that each follows its parent."""
    near: dict[int, list[int]] = {i: [] for i in range(d)}
    for a, b in edges:
        near[a].append(b)
        near[b].append(a)
    order: list[tuple[int, list[int]]] = [(0, [])]
    seen = {0}
    for here, _ in order:
        for there in near[here]:
            if there not in seen:
                seen.add(there)
                order.append((there, [here]))
    return order


def conditional(pair: Floats, parent: Floats, child: Floats, noise: float, base: Floats | None = None) -> Floats:
    """Shares of the child in each state of the parent, from a noisy joint table that is fitted to both single ones.

    Cells that drown in noise are shrunk towards `base`, which is independence when not given; then rows and columns are scaled in
    turn (iterative proportional fitting, Deming and Stephan 1940).
    """
    base = np.outer(parent, child) if base is None else base
    weight = base / (base + noise)  # cells that the base expects to drown in noise follow it
    joint = np.maximum(weight * pair + (1 - weight) * base, 1e-3 * base + 1e-12)
    for _ in range(50):
        joint *= (parent / np.maximum(joint.sum(axis=1), 1e-300))[:, None]
        joint *= (child / np.maximum(joint.sum(axis=0), 1e-300))[None, :]
    rows = joint.sum(axis=1, keepdims=True)
    return np.asarray(np.where(rows > 1e-12, joint / np.maximum(rows, 1e-300), child))
