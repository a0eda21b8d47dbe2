"""Likelihood of rows, and cells filled in given the others."""

# ruff: noqa: N803, N806  # S is a matrix
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import rng
from lookalike.kernels import keyed
from lookalike.synthesizers import encoding
from lookalike.synthesizers.forest import draw, kernels, leaves, sums
from lookalike.synthesizers.forest.trained import Bag, Block, Trained

Array = npt.NDArray[Any]
SMOOTH = 1.0  # rows of the table's own shares that every leaf is smoothed with
PARTICLES = 16


def coded(model: Trained, table: pa.Table, only: Sequence[int] | None = None) -> tuple[Block, Array]:
    """A table's learned columns as a block, all or some, and where a value was never seen, bool [p, n]."""
    n, p = table.num_rows, len(model.codings)
    S, codes, new = np.zeros((n, p), np.uint8), np.zeros((p, n), np.int32), np.zeros((p, n), bool)
    for j in range(p) if only is None else only:
        coding = model.codings[j]
        codes[j], new[j] = encoding.encode(coding, table[coding.schema.name])
        S[:, j] = model.bin_of[j][codes[j]]
    return Block(S, codes, []), new


def edges(bin_of: Array) -> tuple[Array, Array]:
    """First and last code of each bin, int64 [256]; empty bins have last < first."""
    bins = np.arange(256)
    return np.searchsorted(bin_of, bins, "left"), np.searchsorted(bin_of, bins, "right") - 1


def column_probability(model: Trained, bag: Bag, S: Array, codes: Array) -> Array:
    """Probability of each row's bin in one column given those before it, float64 [n]."""
    j = bag.column
    if bag.source >= 0:
        return np.where(bag.table[codes[bag.source]] == codes[j], 1.0, 1e-9)
    out = np.empty(len(S))
    low, high = edges(model.bin_of[j])
    kernels.bin_probability(
        bag.nodes, bag.start, bag.size, bag.deck, bag.roots, bag.slots, bag.luts, bag.feats, low, high, model.thinner.shares[j],
        SMOOTH, S, j, out,
    )  # fmt: skip
    return np.maximum(out, 1e-12)


def log_likelihood(model: Trained, table: pa.Table) -> Array:
    """Natural log of the probability of each row's bins, float64 [n]; a value never seen counts as one in a million."""
    block, new = coded(model, table)
    total = np.zeros(table.num_rows)
    for bag in model.bags:
        chance = column_probability(model, bag, block.bins, block.codes)
        total += np.log(np.where(new[bag.column], 1e-6, chance))
    return total


def complete(model: Trained, table: pa.Table, key: int) -> Block:
    """Codes of all learned columns, the missing ones drawn jointly given the others.

    Every row is drawn `PARTICLES` times with its known cells held, and one draw is picked by the likelihood of the known cells
    (likelihood weighting: Fung and Chang 1990).
    """
    block, _ = coded(model, table)
    n = table.num_rows
    need = block.codes == 0
    rows = np.flatnonzero(need.any(0))
    if not len(rows):
        return Block(block.bins, block.codes, draw.places_of(model, n, key))
    where = np.repeat(rows, PARTICLES)
    S = block.bins[where]
    codes = np.ascontiguousarray(block.codes[:, where])
    missing, score, begun = np.take(need, where, axis=1), np.zeros(len(where)), False
    for bag in model.bags:
        j = bag.column
        if missing[j].any():
            begun = True
            _fill(model, bag, S, codes, missing[j], key=rng.key(key, "fill", j) >> 1)
            draw.mend(model, bag, Block(S, codes, []), rng.key(key, "pairs", j) >> 1, missing[j] & (codes[j] > 0))
        if begun and not missing[j].all():
            chance = np.log(column_probability(model, bag, S, codes))
            score += np.where(missing[j], 0.0, chance)
    noise = keyed.uniforms(rng.key(key, "pick") >> 1, len(score)).reshape(len(rows), PARTICLES)
    best = (score.reshape(noise.shape) - np.log(-np.log(np.clip(noise, 1e-12, 1 - 1e-12)))).argmax(
        1
    )  # Gumbel: a draw by weight
    chosen = np.arange(len(rows)) * PARTICLES + best
    block.codes[:, rows], block.bins[rows] = codes[:, chosen], S[chosen]
    return _added_up(model, Block(block.bins, block.codes, draw.places_of(model, n, key)), table, need)


def _added_up(model: Trained, block: Block, table: pa.Table, need: Array) -> Block:
    """The same rows, whose drawn numbers are worked out from those that are known, or take up what is left over."""
    for j, identity in model.worked_out.items():
        others = sums.needed(identity, [coding.schema.name for coding in model.codings])
        for k in (j, *others):
            ticks = encoding.ticks_of(model.codings[k], table[model.codings[k].schema.name])
            placed = encoding.placed(model.codings[k], block.codes[k], block.places[k])
            block.fixed[k] = np.where(np.isnan(ticks), placed.astype(np.float64), ticks)
        known = block.fixed[j].copy()
        sums.work_out(model, block, j)
        sums.set_to(model, block, j, np.where(need[j], block.fixed[j], known))
        left, single = ~need[j], need[others].sum(0) == 1
        for k in sorted(others, key=lambda k: -model.codings[k].size):  # the finest first: what is left over shows least there
            coding, rows = model.codings[k], need[k] & left
            drawn = np.where(block.codes[k] == 0, np.nan, block.fixed[k])
            sums.settle(model, block, j, set(others) - {k}, rows=rows)
            with np.errstate(invalid="ignore"):
                fits = single | ((block.fixed[k] >= coding.low[0]) & (block.fixed[k] <= coding.high[-1]))
            sums.set_to(model, block, k, np.where(rows & ~fits, drawn, block.fixed[k]))
            left &= ~(rows & fits)
    return block


def _fill(model: Trained, bag: Bag, S: Array, codes: Array, need: Array, *, key: int) -> None:
    j = bag.column
    if bag.source >= 0:
        drawn = bag.table[codes[bag.source]]
        codes[j] = np.where(need, drawn, codes[j])
        S[:, j] = model.bin_of[j][codes[j]]
        return
    present = bag
    if (bag.deck == 0).any() and (bag.deck != 0).any():  # a gap is to be filled, not drawn again
        allowed = np.ones(len(model.bin_of[j]), bool)
        allowed[0] = False
        start, size, deck = leaves.keep_allowed(bag.start, bag.size, bag.deck, allowed)
        whole = np.unique(deck).astype(bag.deck.dtype)
        empty = size == 0  # leaves of gaps alone: any of the column's values
        start, size = np.where(empty, len(deck), start).astype(np.int32), np.where(empty, len(whole), size).astype(np.int32)
        deck = np.concatenate([deck, whole])
        present = Bag(bag.column, bag.feats, bag.nodes, start, size, deck, bag.roots, bag.slots, bag.luts, -1, bag.table)
    kernels.fill(
        key, present.nodes, present.start, present.size, present.deck, present.roots, present.slots, present.luts, present.feats,
        model.bin_of[j], S, codes[j], j, need,
    )  # fmt: skip
