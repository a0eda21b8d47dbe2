"""The contract of columns.

A `Generator` makes a column for a block of rows, vectorised and keyed. A `ModelColumn` makes one cell by talking to models.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator as PyGenerator
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa

from lookalike import rng
from lookalike.models.base import Reply, Request
from lookalike.spec import Spec

Row = Mapping[str, Any]
Conversation = PyGenerator[Request, Reply, Any]


@dataclass(frozen=True)
class Batch:
    """Some rows of a table and the columns that are made already.

    Attributes:
        table: the table's name.
        ids: int64 [n], the row ids: keys of all randomness. Ascending, not always contiguous.
        columns: name -> Arrow array [n]. In a child table the parent's row is here as a struct under the parent's name.
    """

    table: str
    ids: rng.Ids
    columns: Mapping[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, column: str) -> pa.Array:
        return self.columns[column]

    def with_column(self, name: str, values: pa.Array) -> Batch:
        """The same rows with one more column."""
        return Batch(self.table, self.ids, {**self.columns, name: values})

    def take(self, keep: np.ndarray) -> Batch:
        """The rows at these positions, or where this mask is true."""
        index = pa.array(np.flatnonzero(keep) if keep.dtype == bool else keep)
        columns = {name: values.take(index) for name, values in self.columns.items()}
        return Batch(self.table, self.ids[keep], columns)

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The columns as an Arrow table, without the ids."""
        names = list(self.columns) if columns is None else list(columns)
        return pa.table({name: self.columns[name] for name in names})

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
        """The rows as dicts of Python values."""
        names = list(self.columns) if columns is None else list(columns)
        lists = [self.columns[name].to_pylist() for name in names]
        if not lists:
            return iter({} for _ in range(len(self)))
        return (dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True))


class Tables(Protocol):
    """Where generators find sources by name."""

    def source(self, name: str) -> pa.Table:
        """A source's rows, read once."""
        ...


class TableKey:
    """A table as the key of a cache: itself, by identity; it stays alive as long as the cache holds it."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __hash__(self) -> int:
        return id(self.table)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TableKey) and other.table is self.table


@dataclass(frozen=True)
class Context:
    """What a column may use beside its batch."""

    seed: int
    table: str
    column: str
    tables: Tables
    root: Path = Path()  # the recipe's folder; paths in recipes stay under it
    allow_code: bool = False

    @cached_property
    def key(self) -> int:
        """The column's 64-bit key."""
        return rng.key(self.seed, self.table, self.column)

    def uniform(self, ids: rng.Ids, draw: int = 0) -> rng.Uniforms:
        """One uniform in (0, 1) a row; number the draws that one cell needs."""
        return rng.uniform(self.key, ids, draw)

    def bits(self, ids: rng.Ids, draw: int = 0) -> np.ndarray:
        """64 random bits a row, uint64 [n]."""
        return rng.bits(self.key, ids, draw)

    def generator(self, row_id: int) -> np.random.Generator:
        """A stream of draws of one row, for cells that need many."""
        return rng.generator(self.key, row_id)


class Generator(Spec):
    """A column's recipe: keeps the rows, adds a column. Subclasses define `generate`."""

    group: ClassVar[str] = "generator"

    when: str | None = None  # an SQL condition on the row: other rows get null
    hidden: bool = False  # made for other columns to use, not written

    def needs(self) -> frozenset[str]:
        """Columns that `generate` reads, worked out from templates and expressions. `when` is added by the plan."""
        return frozenset()

    def sources(self) -> frozenset[str]:
        """Sources that `generate` reads."""
        return frozenset()

    @abstractmethod
    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """The column, of the batch's length; a function of row ids and needed columns alone."""


class ModelColumn(Generator):
    """A cell that takes one or more model calls."""

    @abstractmethod
    def models(self) -> frozenset[str]:
        """Names of the models that a conversation may ask."""

    @abstractmethod
    def arrow_type(self) -> pa.DataType:
        """The column's type, known before any call."""

    @abstractmethod
    def converse(self, row: Row, ctx: Context) -> Conversation:
        """A plain generator function: `reply = yield Request(...)`; it returns the cell's value.

        Pure: the engine sends it the journalled replies again after a crash and it comes to the same point. `row` holds the
        needed columns and `_id`, the row id (keyed draws: `ctx.generator(row["_id"])`).

        Raises:
            CallFailed: thrown in by the engine when a call has no reply; raise it for content that stays bad.
        """

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Never called: the run walks conversations cell by cell."""
        raise NotImplementedError(f"{self.kind} cells are conversations")

    def calls(self) -> float:
        """Expected calls a cell, for the plan's estimate."""
        return 1.0

    def expected_tokens(self) -> tuple[int, int]:
        """Expected (prompt, completion) tokens a cell, for the plan's estimate: about 4 characters a token."""
        return 200, 150
