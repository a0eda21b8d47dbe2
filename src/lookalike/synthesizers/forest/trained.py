"""What a learned forest is: trees, what thins their rows, and the blocks of rows that are drawn from both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.schema.identities import Identity
from lookalike.schema.rules.implications import Sort
from lookalike.synthesizers.encoding import ColumnCodes

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Partner:
    """Which codes of a column go with each code of another.

    Attributes:
        column: the other; -1: none.
        start: int64 [size + 1], where the codes that go with each of the other's begin.
        codes: int32, rising for each code of the other.
        rows: int32, rows of the table up to and with that code, among those with the other's code.
        spared: share of the pairs that the table does not show that stay: real rows have new ones too.
    """

    column: int
    start: Array
    codes: Array
    rows: Array
    spared: float


NONE = Partner(-1, np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.int32), 0.0)


@dataclass(frozen=True, slots=True)
class Bag:
    """The trees of one column.

    Attributes:
        column: which one.
        feats: int64 [f], columns that it is drawn from.
        nodes: int64 [m], of all trees; children count from the tree's root.
        start: int32 [m], of each leaf's deck.
        size: int32 [m].
        deck: sorted codes of the leaves.
        roots: int64 [trees].
        slots: int32 [trees, f], lookup table of a feature in a tree; -1: none.
        luts: uint8 [s, 256].
        source: the column that determines this one, or -1.
        table: int32, this column's code for each of the source's; empty without a source.
        partner: the column whose values say which of this one's may stand beside them.
    """

    column: int
    feats: Array
    nodes: Array
    start: Array
    size: Array
    deck: Array
    roots: Array
    slots: Array
    luts: Array
    source: int
    table: Array
    partner: Partner = NONE


@dataclass(frozen=True, slots=True)
class Thinner:
    """What candidates are thinned by.

    Attributes:
        feats: the discriminator's features, int16 [trees, depth]; no tree: none.
        cuts: uint8 [trees, depth].
        values: float32 [trees, leaves].
        shares: float64 [p, 256], share of each bin in the table.
        prints: sorted uint32 fingerprints of the table's rows.
        copy_rate: share of fresh real rows that equal a row of the table.
        salt: of the fingerprints.
    """

    feats: Array
    cuts: Array
    values: Array
    shares: Array
    prints: Array
    copy_rate: float
    salt: int


@dataclass(frozen=True, slots=True)
class Side:
    """A test of one learned column.

    Attributes:
        column: which.
        sort: a value, missing, there, or the same number as another column's.
        code: of a value.
        other: of "same", the other column.
    """

    column: int
    sort: Sort
    code: int = 0
    other: int = -1

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that it reads."""
        return (self.column, self.other) if self.other >= 0 else (self.column,)


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A conditional rule: where one test is true, the other is true as well."""

    when: Side
    then: Side

    @property
    def columns(self) -> tuple[int, ...]:
        """The columns that it reads."""
        return (*self.when.columns, *self.then.columns)


@dataclass(frozen=True, slots=True)
class Trained:
    """A learned table: everything that drawing needs."""

    codings: Sequence[ColumnCodes]  # of the learned columns
    bin_of: Sequence[Array]
    bags: Sequence[Bag]  # in drawing order
    thinner: Thinner
    rules: Sequence[tuple[int, int]]  # columns a, b with a <= b in every row
    rows: int
    worked_out: Mapping[int, Identity] = field(default_factory=dict)  # columns that others give
    oversample: float = 1.1  # candidates for a row that is kept
    given: tuple[int, ...] = ()  # columns that rows are drawn for; they have no bag
    kept: tuple[KeptRule, ...] = ()  # conditional rules


@dataclass(slots=True)
class Block:
    """Drawn rows: bins uint8 [n, p], codes int32 [p, n], and the place of each number inside its cell, float64 [n] each."""

    bins: Array
    codes: Array
    places: list[Array]
    fixed: dict[int, Array] = field(default_factory=dict)  # columns whose ticks are given, not placed

    def take(self, rows: Array) -> Block:
        """Some of the rows."""
        fixed = {j: ticks[rows] for j, ticks in self.fixed.items()}
        return Block(self.bins[rows], np.take(self.codes, rows, axis=1), [place[rows] for place in self.places], fixed)

    def with_fixed(self, fixed: dict[int, Array]) -> Block:
        """The same rows with given ticks."""
        return Block(self.bins, self.codes, self.places, fixed)
