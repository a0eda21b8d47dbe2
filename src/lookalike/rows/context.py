"""What a column may use beside its rows: keyed randomness, sources, the recipe's folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa

from lookalike import rng


class SourceTables(Protocol):
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
    tables: SourceTables
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
