"""Pairs of values that the table does not show: a model of another make, an income that its year did not have.

Trees look at a few hundred bins and at smooth sketches, so they draw such pairs where two columns hang together value by value. After
the trees are grown, drawn rows are held against the table: where nearly all real rows hold pairs that others hold too, and drawn rows
do not, the column learns which of its values go with each value of its *partner*; what goes with none is drawn again.
"""

# ruff: noqa: N803, D417  # S is a matrix; a compiled kernel takes its buffers
# pyright: reportArgumentType=false, reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import mix, unit
from lookalike.kernels.native import kernel
from lookalike.kernels.ordering import first_at_least
from lookalike.synthesizers.forest.kernels import walk
from lookalike.synthesizers.forest.trained import NONE, Bag, Partner

if TYPE_CHECKING:
    from lookalike.synthesizers.forest.learn import Matrix

Array = npt.NDArray[Any]
EXCESS = 0.02  # share of drawn rows, beyond that of real ones, with pairs that the table does not show
RATIO = 0.2  # real rows with such pairs for a drawn one, at most: else the columns are only dependent, which is the trees' work
LEVELS = 400  # pairs that two columns could have, from which trees lose sight of some
LOOKED_AT = 100_000  # rows on which pairs are compared
SLOTS = 1 << 20
AGAIN = 8  # times that a row is drawn again from its leaves


def with_partners(data: Matrix, bags: Sequence[Bag], drawn: Array, k: int) -> list[Bag]:
    """The same bags; columns that need a partner have one.

    Args:
        data: the table.
        bags: in drawing order.
        drawn: int32 [p, m], codes of rows drawn from them.
        k: rows that must show a pair before it counts as the table's.
    """
    some = np.linspace(0, data.rows - 1, min(data.rows, LOOKED_AT)).astype(np.int64)
    few = [codes[some] for codes in data.codes]
    return [bag if bag.source >= 0 else replace(bag, partner=_partner(data, bag, few, drawn, k)) for bag in bags]


def _partner(data: Matrix, bag: Bag, few: Sequence[Array], drawn: Array, k: int) -> Partner:
    j, best = bag.column, (EXCESS, -1, 0.0)
    for f in bag.feats.tolist():
        a, b = data.codings[f].size, data.codings[j].size
        if min(a, b) < 4 or a * b < LEVELS:
            continue
        real, wrong = unseen(few[f], few[j], drawn[f], drawn[j], k)
        if real < RATIO * wrong and wrong - real > best[0]:
            best = wrong - real, f, real / wrong
    _, f, spared = best
    return NONE if f < 0 else Partner(f, *_pairs(data.codes[f], data.codes[j], data.codings[f].size, k), spared)


def _pairs(a: Array, b: Array, size: int, k: int) -> tuple[Array, Array, Array]:
    """Where the codes b that go with each a begin, the codes, and their rows counted up."""
    width = int(b.max()) + 1
    joint, counts = np.unique(a.astype(np.int64) * width + b, return_counts=True)
    joint, counts = joint[counts >= k], counts[counts >= k]
    left, total = joint // width, np.cumsum(counts)
    start = np.searchsorted(left, np.arange(size + 1)).astype(np.int64)
    before = np.concatenate([[0], total])[start[left]]
    return start, (joint % width).astype(np.int32), (total - before).astype(np.int32)


@kernel("i4:1 i4:1 i4:1 i4:1 i8 u1:1 ?:1 i8:1")
def _unseen(a: Array, b: Array, drawn_a: Array, drawn_b: Array, k: int, count: Array, paired: Array, out: Array) -> None:
    missed, real, wrong, drawn = 0, 0, 0, 0
    for i in range(len(a)):
        slot = mix(a[i], b[i]) >> np.uint64(44)
        if count[slot] <= k:
            count[slot] += 1
        if count[slot] > k:
            paired[a[i]] = True
    for i in range(len(a)):
        if paired[a[i]]:
            real += 1
            missed += count[mix(a[i], b[i]) >> np.uint64(44)] <= k
    for i in range(len(drawn_a)):
        if paired[drawn_a[i]]:
            drawn += 1
            wrong += count[mix(drawn_a[i], drawn_b[i]) >> np.uint64(44)] < k
    out[0], out[1], out[2], out[3] = missed, real, wrong, drawn


def unseen(a: Array, b: Array, drawn_a: Array, drawn_b: Array, k: int) -> tuple[float, float]:
    """Share of real rows, and of drawn ones, whose pair fewer than `k` other real rows hold; only where `a` is one that has such pairs.

    Args:
        a: int32 [n], codes of one column.
        b: int32 [n], codes of another.
        drawn_a: int32 [m], of drawn rows.
        drawn_b: int32 [m].
        k: see above.
    """
    count = np.zeros(SLOTS, np.uint8)  # by a hash of the pair: two may share a slot, which hides a few
    paired = np.zeros(max(a.max(), drawn_a.max()) + 1, np.bool_)
    out = np.zeros(4, np.int64)
    _unseen(a, b, drawn_a, drawn_b, k, count, paired, out)
    missed, real, wrong, drawn = out.tolist()
    return missed / max(real, 1), wrong / max(drawn, 1)


@kernel("i8 i8:1 i4:1 i4:1 u2/i4:1 i8:1 i4:2 u1:2 i8:1 u1:1 u1:2 i4:2 i8 ?:1 i8 i8 i8:1 i4:1 i4:1 f8")
def mend(
    key: int, nodes: Array, start: Array, size: Array, deck: Array, roots: Array, slots: Array, luts: Array, feats: Array,
    bin_of: Array, S: Array, codes: Array, column: int, need: Array, number: bool, other: int, first: Array, fits: Array,
    rows: Array, spared: float,
) -> None:  # fmt: skip
    """Draw again, in place, what does not go with the partner: from the row's leaves, else the nearest number or the partner's category.

    Args:
        need: bool [n], rows to look at.
        number: whether codes of the column have an order.
        other: the partner.
        first: see `Partner.start`.
        fits: see `Partner.codes`.
        rows: see `Partner.rows`.
        spared: see `Partner`.
        (others): see `kernels.draw`; `codes` are those of all columns, int32 [p, n].
    """
    for i in range(S.shape[0]):
        a, b, old = first[codes[other, i]], first[codes[other, i] + 1], codes[column, i]
        at = first_at_least(fits, a, b, old)
        if not need[i] or a == b or (at < b and fits[at] == old) or unit(key, i) < spared:
            continue
        new = -1
        for attempt in range(i * AGAIN, (i + 1) * AGAIN):
            t = mix(key + 1, attempt) % np.uint64(len(roots))
            k = walk(nodes, roots[t], slots[t], luts, feats, S[i])
            code = deck[start[k] + np.int64(unit(key + 2, attempt) * size[k])]
            found = first_at_least(fits, a, b, code)
            if found < b and fits[found] == code:
                new = code
                break
        if new < 0 and number and old > 0:
            below = at > a and fits[at - 1] > 0 and (at == b or old - fits[at - 1] < fits[at] - old)
            new = fits[at - 1] if below or at == b else fits[at]
        elif new < 0:
            want, found = unit(key + 3, i) * rows[b - 1], a
            while rows[found] <= want:
                found += 1
            new = fits[found]
        codes[column, i] = new
        S[i, column] = bin_of[new]
