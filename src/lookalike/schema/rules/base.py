"""The contract of rules, and the columns that they are about, each read once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.base import Semantic
from lookalike.schema.semantics.buffers import Mask, mask_of, one
from lookalike.schema.types import TableSchema

Codes = npt.NDArray[np.int64]
LEAST_BROKEN = 20  # rows that would break a rule if its columns had nothing to do with each other
ALLOWED = 0.001  # share of the rows it is about that may break a rule for it still to be one (g3)


@dataclass(frozen=True, slots=True)
class Levels:
    """A column as codes.

    Attributes:
        values: distinct cells, without null.
        codes: int64 [n], places in `values`; null is `len(values)`.
        counts: int64 [len(values) + 1], rows of each code.
    """

    values: pa.Array
    codes: Codes
    counts: Codes

    @property
    def null(self) -> int:
        """The code of null."""
        return len(self.values)


class RuleCells:
    """A table's columns as rules read them.

    Args:
        table: the rows.
        schema: what the columns mean; cells of other types are read as the schema's, and are left out where they cannot be.
    """

    def __init__(self, table: pa.Table, schema: TableSchema) -> None:
        self.rows = table.num_rows
        self.schema = schema
        self._table = table
        self._kept: dict[tuple[str, str], Any] = {}

    @property
    def table(self) -> pa.Table:
        """The rows."""
        return self._table

    def put(self, name: str, values: pa.Array) -> RuleCells:
        """The same rows with one column set."""
        place = self._table.column_names.index(name)
        return RuleCells(self._table.set_column(place, name, values), self.schema)

    def where(self, rows: Mask) -> RuleCells:
        """Some of the rows."""
        return RuleCells(self._table.filter(pa.array(rows)), self.schema)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns that the table and the schema have."""
        return tuple(name for name in self.schema.names if name in self._table.column_names)

    def semantic(self, name: str) -> Semantic:
        """What a column's cells mean."""
        return semantic_of(self.schema[name])

    def cells(self, name: str) -> pa.Array:
        """A column in one piece, NaN as null.

        Raises:
            pa.ArrowException: cells of another type that cannot be read as the schema's.
        """

        def read() -> pa.Array:
            array, kind = one(self._table[name]), self.semantic(name).kind
            if array.type != kind and not pa.types.is_nested(kind):
                array = array.cast(kind)
            if pa.types.is_floating(array.type):
                array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
            return array

        return self._once("cells", name, read)

    def missing(self, name: str) -> Mask:
        """Where a column is null, bool [n]."""
        return self._once("missing", name, lambda: mask_of(self.cells(name)))

    def floats(self, name: str) -> npt.NDArray[np.float64]:
        """A column's numbers in their quantity's own unit, NaN where missing; for looking, not for judging."""
        return self._once("floats", name, lambda: self.semantic(name).floats(self.cells(name)))

    def levels(self, name: str) -> Levels:
        """A column as codes."""

        def encode() -> Levels:
            encoded = self.cells(name).dictionary_encode()
            values = encoded.dictionary
            codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False).astype(np.int64)
            return Levels(values, codes, np.bincount(codes, minlength=len(values) + 1))

        return self._once("levels", name, encode)

    def _once(self, what: str, name: str, make: Any) -> Any:
        if (what, name) not in self._kept:
            self._kept[what, name] = make()
        return self._kept[what, name]


@dataclass(frozen=True)
class FoundRule(ABC):
    """What rows keep.

    Attributes:
        rows: real rows that it says something about.
        exceptions: those of them that break it all the same, at most one in a thousand.
    """

    rows: int
    exceptions: int

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The rule in words, the same wherever it is shown."""

    @property
    def sql(self) -> str:
        """A condition that is true of rows that keep it and of such as it says nothing about; "" where SQL cannot say it."""
        return ""

    @property
    def constraint(self) -> dict[str, Any] | None:
        """The constraint that holds it for any method, as recipes write it; None where there is none."""
        return None

    @abstractmethod
    def broken(self, cells: RuleCells) -> Mask:
        """Rows that break it, bool [n]; a missing value breaks nothing, unless the rule is about missing ones."""

    @property
    def evidence(self) -> str:
        """How much it stands on, in words."""
        return f"kept by {f'{self.rows - self.exceptions:,} of' if self.exceptions else 'all'} {self.rows:,} rows"
