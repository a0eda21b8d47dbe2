"""Compiled loops that smooth a leaf: no row vouches for a number by itself."""

# pyright: reportArgumentType=false, reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.kernels.keyed import unit
from lookalike.kernels.native import kernel, part
from lookalike.kernels.ordering import first_above, first_at_least, sort
from lookalike.synthesizers.forest.kernels import LEAF

Array = npt.NDArray[Any]
REACH = 3.0  # times the gap on the other side, at most
FEW = 6  # rows around a leaf, below which those of the whole table are looked at


@kernel("i8:1 i4:1 i4:1 i8 i4:1 ?:1")
def _nearest(nodes: Array, lo: Array, hi: Array, rows: int, near: Array, used: Array) -> None:
    """The lowest node at or above each one that has enough growing rows, and which of these leaves ask for."""
    for k in range(len(nodes)):  # children come after their parent
        if hi[k] - lo[k] >= rows:
            near[k] = k
        if (nodes[k] & LEAF) == LEAF:
            used[near[k]] = True
        else:
            child = nodes[k] >> 32
            near[child] = near[child + 1] = near[k]


@kernel("i4:1 i4:1 i4:1 i4:1 i4:1 i4:1 i4:1")
def _look(lo: Array, hi: Array, order: Array, codes: Array, start: Array, size: Array, out: Array) -> None:
    """Sorted codes of some nodes' growing rows, evenly where a node has more."""
    for k in range(len(size)):
        for i in range(size[k]):
            out[start[k] + i] = codes[order[lo[k] + i * (hi[k] - lo[k]) // size[k]]]
        sort(out[start[k] : start[k] + size[k]])


def surroundings(nodes: Array, lo: Array, hi: Array, order: Array, codes: Array, rows: int) -> tuple[Array, Array, Array]:
    """What the rows around a leaf look like: sorted codes of the lowest node above it, or itself, with enough growing rows.

    Args:
        nodes: of one tree.
        lo: first growing row of each node.
        hi: end of the growing rows of each node.
        order: the growing rows, node by node.
        codes: int32 [n], the growing rows' codes.
        rows: that are enough. Nodes of many more are looked at evenly.

    Returns:
        Start and length for each leaf, int32 [m], and the codes, int32.
    """
    near, used = np.zeros(len(nodes), np.int32), np.zeros(len(nodes), np.bool_)
    _nearest(nodes, lo, hi, rows, near, used)
    size = np.where(used, np.minimum(hi - lo, 4 * rows), 0).astype(np.int32)
    start = (np.cumsum(size) - size).astype(np.int32)
    out = np.empty(int(size.sum()), np.int32)
    _look(lo, hi, order, codes, start, size, out)
    return start[near], size[near], out


@kernel("i4:1 i4:1 i4:1 i4:1 i4:1 i4:1 f8:1 f8:1 i8 i4:2")
def _smooth(
    start: Array,
    size: Array,
    deck: Array,
    first: Array,
    length: Array,
    rows: Array,
    ends: Array,
    middle: Array,
    key: int,
    room: Array,
) -> None:
    code, at = room[0], room[1]  # a leaf's numbers, and the first row of each
    low, high = room[2], room[3]  # their rows around the leaf
    for k in range(len(size)):
        if size[k] < 2:
            continue
        own = deck[start[k] : start[k] + size[k]]
        near = rows[first[k] : first[k] + length[k]]
        m = 0
        for i in range(len(own)):
            if own[i] > 0 and (m == 0 or own[i] != code[m - 1]):
                code[m], at[m] = own[i], i
                low[m] = first_at_least(near, 0, len(near), own[i])
                high[m] = first_above(near, low[m], len(near), own[i])
                m += 1
        for x in range(m if m > 1 else 0):
            u, c = unit(key, start[k] + at[x]), code[x]
            itself = high[x] - low[x] - 1
            below = low[x] - 0.5 * (low[x - 1] + high[x - 1]) if x > 0 else 0.0  # nothing leaves the leaf's range
            above = 0.5 * (low[x + 1] + high[x + 1]) - high[x] if x < m - 1 else 0.0
            if 0 < x < m - 1:
                below, above = min(below, REACH * (above + itself)), min(above, REACH * (below + itself))
            place = u * (below + itself + above)
            if below + itself + above < FEW:
                own[at[x]] = anywhere(ends, middle, code[x - 1] if x > 0 else c, c, code[x + 1] if x < m - 1 else c, u)
            elif place < below:
                own[at[x]] = near[max(int(low[x] - below + place), 0)]
            elif place >= below + itself:
                own[at[x]] = near[min(int(high[x] + place - below - itself), len(near) - 1)]
        sort(own)


def smooth(start: Array, size: Array, deck: Array, around: tuple[Array, Array, Array], counts: Array, key: int) -> None:
    """Let a row vouch for no number by itself: in each leaf, move one row of every number, in place, to somewhere between its neighbours.

    What is left of a number in a leaf is what other rows say of it (counts less one, as in leave-one-out and in absolute
    discounting); the row that was taken lies anywhere between the numbers next to it in the leaf, as likely as the rows around the
    leaf do, or as the table's do where there are few. A gap counts for at most `REACH` times the one on the other side, so that
    nothing lands half way between two humps.

    Args:
        start: of each node's deck.
        size: of each node's deck.
        deck: sorted codes of the leaves.
        around: see `surroundings`.
        counts: float64, rows of the table with each code; code 0 (missing) stays.
        key: of the random numbers.
    """
    ends = np.cumsum(counts, dtype=np.float64)
    middle = ends - 0.5 * counts  # ranks
    _smooth(start, size, deck, *around, ends, middle, key, np.empty((4, int(size.max(initial=0))), np.int32))


@part()
def anywhere(ends: Array, middle: Array, before: int, c: int, after: int, u: float) -> int:
    """A code between two neighbours of one, as the rows of the table lie there."""
    below, above = middle[c] - middle[before], middle[after] - middle[c]
    if before < c < after:
        below, above = min(below, REACH * above), min(above, REACH * below)
    return first_above(ends, 0, len(ends), middle[c] - below + u * (below + above))
