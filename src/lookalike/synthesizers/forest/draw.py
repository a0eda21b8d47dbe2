"""Drawing rows in blocks: every column from its trees, then thinning to the rows that are kept.

A block is a function of the model, the seed and its number, so threads and memory do not change a bit, and any number of rows needs
the memory of a few blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike import rng
from lookalike.kernels import keyed
from lookalike.learners import oblivious
from lookalike.synthesizers import encoding
from lookalike.synthesizers.forest import keeping, kernels, pairs, sums, thinning
from lookalike.synthesizers.forest.trained import Bag, Block, Trained

Array = npt.NDArray[Any]
TRIES = 30  # times that a block is drawn again before a condition counts as impossible
CLIP = 10.0
CHOICES = 3  # candidates for a row whose context is given


def candidates(model: Trained, n: int, key: int, start: Block | None = None) -> Block:
    """Rows as the trees draw them, before thinning; `start` holds the columns that are given."""
    p = len(model.codings)
    block = Block(np.zeros((n, p), np.uint8), np.zeros((p, n), np.int32), places_of(model, n, key))
    if start is not None:
        block.bins[:], block.codes[:] = start.bins, start.codes
    drawn = {*model.given}
    for bag in model.bags:
        column(model, bag, block, key)
        keeping.settle(model, block, bag.column, drawn)
        drawn.add(bag.column)
    return block


def column(model: Trained, bag: Bag, block: Block, key: int, *, asked: bool = False) -> None:
    """Draw one column of a block, in place, given those before it; one that is asked for is drawn even if others give it."""
    j = bag.column
    if bag.source >= 0:
        kernels.follow(bag.table, model.bin_of[j], block.codes[bag.source], block.bins, block.codes[j], j)
    elif j in model.worked_out and not asked:
        sums.work_out(model, block, j)
    else:
        kernels.draw(
            rng.key(key, "column", j) >> 1, bag.nodes, bag.start, bag.size, bag.deck, bag.roots, bag.slots, bag.luts,
            bag.feats, model.bin_of[j], block.bins, block.codes[j], j,
        )  # fmt: skip
        mend(model, bag, block, rng.key(key, "pairs", j) >> 1)


def mend(model: Trained, bag: Bag, block: Block, key: int, need: Array | None = None) -> None:
    """Draw again, in place, what does not go with the column's partner; `need` says in which rows, in all when not given."""
    j, partner = bag.column, bag.partner
    if partner.column < 0:
        return
    need = np.ones(len(block.bins), bool) if need is None else need
    pairs.mend(
        key, bag.nodes, bag.start, bag.size, bag.deck, bag.roots, bag.slots, bag.luts, bag.feats, model.bin_of[j], block.bins,
        block.codes, j, need, model.codings[j].form == "number", partner.column, partner.start, partner.codes, partner.rows,
        partner.spared,
    )  # fmt: skip


def places_of(model: Trained, n: int, key: int) -> list[Array]:
    """Where inside its cell each number lies."""
    none = np.empty(n)
    return [
        keyed.uniforms(rng.key(key, "place", j) >> 1, n) if coding.form == "number" else none
        for j, coding in enumerate(model.codings)
    ]


def weights_of(model: Trained, block: Block) -> Array:
    """How many real rows there are for one such candidate, clipped; 0 where a rule of the table is broken."""
    thinner = model.thinner
    if len(thinner.feats):
        weights = clipped(oblivious.logits(block.bins, thinner.feats, thinner.cuts, thinner.values))
    else:
        weights = np.ones(len(block.bins))
    for a, b in model.rules:
        with np.errstate(invalid="ignore"):
            weights[sums.numbers_of(model, block, a) > sums.numbers_of(model, block, b)] = 0.0
    if model.worked_out:
        weights[sums.impossible(model, block)] = 0.0
    if model.kept:
        weights[keeping.broken(model, block)] = 0.0
    return weights


def clipped(score: Array) -> Array:
    """Odds of log odds, float64 [n], no more than `CLIP` either way."""
    most = np.float32(np.log(CLIP))
    return np.exp(np.clip(score, -most, most)).astype(np.float64)


def copies_of(model: Trained, block: Block) -> Array:
    """Where a candidate equals a row of the table, bool [n]."""
    prints = model.thinner.prints
    if not len(prints):
        return np.zeros(len(block.bins), bool)
    return thinning.among(thinning.fingerprints(block.codes, model.thinner.salt), prints)


def allowed_copies(model: Trained, n: int, key: int) -> int:
    """How many of `n` rows may equal a row of the table: a little fewer than fresh real rows do."""
    coin = float(keyed.uniforms(rng.key(key, "copies") >> 1, 1)[0])
    return int(0.9 * model.thinner.copy_rate * n + coin)


def forbid_copies(weights: Array, copies: Array, allowed: int, n: int) -> None:
    """Scale the weight of copies down, in place, until as many as allowed are expected among `n` rows.

    Where fewer than `n` other rows are there, copies fill the rest. All copies are scaled alike: to leave some of them out would
    leave those that are left without a choice, and what they weigh without an effect.
    """
    some = np.flatnonzero(copies & (weights > 0))
    mine = float(weights[some].sum())
    other = float(weights.sum()) - mine
    most = max(allowed, n - int(np.count_nonzero(weights)) + len(some))
    if most < n and mine * n > most * (mine + other):
        weights[some] *= most * other / ((n - most) * mine)


def block_of(model: Trained, n: int, key: int) -> Block:
    """`n` rows of one block, thinned."""
    want = int(np.ceil(n * model.oversample)) + 16 if n else 0
    allowed = allowed_copies(model, n, key)
    blocks: list[Block] = []
    weights, copies = np.empty(0), np.empty(0, bool)
    for attempt in range(TRIES):
        more = candidates(model, want, rng.key(key, "again", attempt) >> 1 if attempt else key)
        blocks.append(more)
        weights = np.concatenate([weights, weights_of(model, more)])
        copies = np.concatenate([copies, copies_of(model, more)])
        if int(np.count_nonzero((weights > 0) & ~copies)) + min(allowed, int(copies.sum())) >= n:
            break
    block = joined(blocks) if len(blocks) > 1 else blocks[0]
    if np.count_nonzero(weights) < n:  # the rules leave too little: better rows that break one than too few rows
        weights = np.maximum(weights, 1e-9)
    forbid_copies(weights, copies, allowed, n)
    thinning.rake(block.bins, weights, model.thinner.shares, 2, 2.0)
    keep = thinning.select(weights, n, float(keyed.uniforms(rng.key(key, "start") >> 1, 1)[0]))
    return block.take(np.flatnonzero(keep))


def best_of(model: Trained, start: Block, key: int) -> Block:
    """One row for each row of `start`: of a few candidates, one by its weight."""
    n = len(start.bins)
    many = candidates(model, n * CHOICES, key, start.take(np.repeat(np.arange(n), CHOICES)))
    weights = np.maximum(weights_of(model, many), 1e-9).reshape(n, CHOICES)
    coins = keyed.uniforms(rng.key(key, "choice") >> 1, n * CHOICES).reshape(n, CHOICES)
    chosen = (np.log(weights) - np.log(-np.log(np.clip(coins, 1e-12, 1 - 1e-12)))).argmax(1)  # Gumbel: a draw by weight
    return many.take(np.arange(n) * CHOICES + chosen)


def joined(blocks: Sequence[Block]) -> Block:
    """Blocks one after another."""
    fixed = {j: np.concatenate([b.fixed[j] for b in blocks]) for j in blocks[0].fixed}
    return Block(
        np.concatenate([b.bins for b in blocks]),
        np.concatenate([b.codes for b in blocks], axis=1),
        [np.concatenate(parts) for parts in zip(*(b.places for b in blocks), strict=True)],
        fixed,
    )


def mixed(model: Trained, blocks: Sequence[Block]) -> Block:
    """Blocks of different conditions one after another."""
    fixed: dict[int, Array] = {}
    for j in sorted({j for block in blocks for j in block.fixed}):
        parts = [
            block.fixed[j] if j in block.fixed else encoding.placed(model.codings[j], block.codes[j], block.places[j])
            for block in blocks
        ]
        fixed[j] = np.concatenate(parts)
    return joined([Block(block.bins, block.codes, block.places) for block in blocks]).with_fixed(fixed)
