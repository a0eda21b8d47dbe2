"""What flows through the house: some rows of a table, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pyarrow as pa

from lookalike import rng

Row = Mapping[str, Any]


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

    @classmethod
    def of(cls, table: pa.Table, name: str = "data") -> Self:
        """All rows of a table, counted from 0."""
        return cls(name, np.arange(table.num_rows), columns_of(table))

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


def flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One contiguous array."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def columns_of(table: pa.Table) -> Mapping[str, pa.Array]:
    """A table's columns as contiguous arrays."""
    return {name: flat(table[name]) for name in table.column_names}
