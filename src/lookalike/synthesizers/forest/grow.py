"""Growing the trees of every column, in threads; the same bits for any number of them."""

# ruff: noqa: N806  # V, X and Y are matrices
from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lookalike import rng
from lookalike.kernels import keyed
from lookalike.synthesizers.forest import kernels, learn, leaves, smoothing, splits
from lookalike.synthesizers.forest.learn import Matrix
from lookalike.synthesizers.forest.trained import Bag
from lookalike.synthesizers.series import in_threads

Array = npt.NDArray[Any]
T = TypeVar("T")
R = TypeVar("R")

AROUND = 2000  # growing rows that say what is usual around a leaf


@dataclass(frozen=True, slots=True)
class Settings:
    """How trees grow; see `Forest`."""

    trees: int
    min_leaf: int
    alpha: float
    max_rows: int
    max_depth: int = 30
    bag: float = 0.7
    honest: bool = True


def grow_all(
    data: Matrix,
    order: list[int],
    rules: dict[int, int],
    settings: Settings,
    *,
    given: int = 0,
    near: Array | None,
    seed: int,
    threads: int,
    deadline: float | None,
) -> list[Bag]:
    """The bag of every column, in the order in which they are drawn.

    Args:
        data: the table.
        order: of the columns.
        rules: columns that another determines.
        settings: how trees grow.
        given: so many columns at the front of `order` are looked at and never drawn: they have no bag.
        near: float [p, p], how columns hang together, when there are more than a column can look at.
        seed: of bags and sketches.
        threads: 0: one a core.
        deadline: `time.monotonic()` until which rounds of more trees are grown; None: one round.
    """
    feats = {}
    drawn = order[given:]
    for place, j in enumerate(drawn, given):
        before = np.array(order[:place], np.int64)
        if near is not None and len(before) > learn.PREDECESSORS:
            before = np.sort(before[np.argsort(-near[j, before], kind="stable")[: learn.PREDECESSORS]])
        feats[j] = before
    grown: dict[int, list[_Tree]] = {j: [] for j in drawn}
    free = [j for j in drawn if j not in rules]
    done = 0
    while True:
        began = time.monotonic()
        tasks = [(j, done + t) for j in reversed(free) for t in range(settings.trees if len(feats[j]) else 1)]
        trees = in_threads(
            lambda task: _tree(data, task[0], feats[task[0]], settings, rng.key(seed, "tree", *task)), tasks, threads
        )
        for (j, _), tree in zip(tasks, trees, strict=True):
            if len(feats[j]) or not grown[j]:
                grown[j].append(tree)
        done += settings.trees
        now = time.monotonic()
        if deadline is None or now + (now - began) > deadline or done >= 64:
            break
    return [_determined(data, j, rules[j]) if j in rules else _bag(data, j, feats[j], grown[j]) for j in drawn]


@dataclass(frozen=True, slots=True)
class _Tree:
    nodes: Array
    start: Array
    size: Array
    deck: Array
    slots: Array
    luts: Array


def _tree(data: Matrix, j: int, feats: Array, settings: Settings, key: int) -> _Tree:
    if not len(feats):
        rows = np.linspace(0, data.rows - 1, min(data.rows, settings.max_rows)).astype(np.int64)
        deck = np.sort(data.codes[j][rows])
        size = np.array([len(deck)], np.int32)
        return _Tree(
            np.array([kernels.LEAF], np.int64), np.zeros(1, np.int32), size, deck, np.empty((1, 0), np.int32), _no_luts()
        )
    rows, rest = _split(key >> 1, data.rows, settings)
    draws = rng.generator(key, "sketch")
    V = learn.sketch(data.codings[j], data.counts[j], draws)
    codes = data.codes[j][rows]
    slots = np.full(len(feats), -1, np.int32)
    luts: list[Array] = []
    for f, feature in enumerate(feats):
        if data.codings[feature].form == "category" and len(data.counts[feature]) > 3:
            direction = draws.normal(size=kernels.WIDTH)
            slots[f] = len(luts)
            luts.append(leaves.sketched_order(data.bins[feature], rows, data.codes[j], V, direction))
    tables = np.stack(luts) if luts else _no_luts()
    X = leaves.gather(data.bins, feats, rows, tables, slots)
    nodes, lo, hi, order = splits.grow(X, V[codes], settings.min_leaf, settings.max_depth, settings.alpha)
    other = leaves.gather(data.bins, feats, rest, tables, slots)
    start, size, deck = leaves.decks(nodes, lo, hi, order, codes, other, data.codes[j][rest])
    if data.codings[j].form == "number":
        around = smoothing.surroundings(nodes, lo, hi, order, codes, AROUND)
        smoothing.smooth(start, size, deck, around, data.counts[j], key >> 2)
    return _Tree(nodes, start, size, deck, slots[None], tables)


def _no_luts() -> Array:
    return np.empty((0, 256), np.uint8)


def _split(key: int, n: int, settings: Settings) -> tuple[Array, Array]:
    """Rows that grow a tree, and rows that only fill its leaves."""
    if n < 4 * settings.min_leaf:
        return np.arange(n, dtype=np.int32), np.empty(0, np.int32)
    share = min(settings.bag, settings.max_rows / n)
    fill = min(1 - share, share * (1 - settings.bag) / settings.bag) if settings.honest else 0.0
    coins = keyed.uniforms(key, n)
    rows = np.flatnonzero(coins < share).astype(np.int32)
    return rows, np.flatnonzero((coins >= share) & (coins < share + fill)).astype(np.int32)


def _bag(data: Matrix, j: int, feats: Array, trees: list[_Tree]) -> Bag:
    """The trees of a column joined into one set of arrays."""
    roots = np.cumsum([0] + [len(tree.nodes) for tree in trees])[:-1].astype(np.int64)
    decks = np.cumsum([0] + [len(tree.deck) for tree in trees])[:-1]
    tables = np.cumsum([0] + [len(tree.luts) for tree in trees])[:-1]
    start = np.concatenate([tree.start + at for tree, at in zip(trees, decks, strict=True)]).astype(np.int32)
    slots = np.concatenate([np.where(tree.slots >= 0, tree.slots + at, -1) for tree, at in zip(trees, tables, strict=True)])
    deck = np.concatenate([tree.deck for tree in trees])
    narrow = np.uint16 if len(data.counts[j]) <= 1 << 16 else np.int32
    return Bag(
        j, feats, np.concatenate([tree.nodes for tree in trees]), start, np.concatenate([tree.size for tree in trees]),
        deck.astype(narrow), roots, slots.astype(np.int32), np.concatenate([tree.luts for tree in trees]), -1, np.empty(0, np.int32),
    )  # fmt: skip


def _determined(data: Matrix, j: int, source: int) -> Bag:
    """A column that is looked up: no tree."""
    table = np.zeros(len(data.counts[source]), np.int32)
    table[data.codes[source]] = data.codes[j]
    none = np.empty(0, np.int32)
    return Bag(
        j, np.empty(0, np.int64), np.empty(0, np.int64), none, none, np.empty(0, np.uint16), np.empty(0, np.int64),
        np.empty((0, 0), np.int32), _no_luts(), source, table,
    )  # fmt: skip
