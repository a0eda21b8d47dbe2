"""Coverage designs: each combination of factor values, so often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from lookalike.errors import RecipeError
from lookalike.generators.weighted import arrow_values
from lookalike.origins.base import Brings, IdRange, Known, Origin, Place, Problem, Rows
from lookalike.origins.covering import design
from lookalike.rng import Ids
from lookalike.rows.batch import Batch
from lookalike.schema.names import Name


class Grid(Origin):
    """A coverage design: every combination of factor values, or every pair (`strength: 2`) or triple.

    Attributes:
        grid: factor -> its values.
        strength: every combination of so many factors appears; None: the full product.
        exclude: SQL conditions on the factors; no row holds one.
        repeat: rows of each combination.
        exact: so many are *kept* of each: a rejected row is replaced by one of the same values.

    Example:
        ```yaml
        tables:
          t:
            rows: {grid: {tone: [formal, warm, blunt], topic: [billing, delivery], length: [short, long]}, strength: 2}
        ```
    """

    kind: ClassVar[str] = "grid"
    loose: ClassVar[frozenset[str]] = frozenset({"exact"})

    grid: Mapping[Name, tuple[Any, ...]]
    strength: int | None = Field(default=None, ge=1)
    exclude: tuple[str, ...] = ()
    repeat: int = Field(default=1, ge=1)
    exact: bool = False

    def brings(self, known: Known) -> Brings:  # noqa: ARG002
        """The factors."""
        try:
            size = len(design(self.grid, self.strength, self.exclude))
        except RecipeError as exc:
            return Brings(tuple(self.grid), rows=0, problems=(Problem(exc.what, exc.fix),))
        return Brings(tuple(self.grid), rows=size * self.repeat)

    def words(self) -> str:
        """What is covered."""
        return "every combination" if self.strength is None else f"every {self.strength}-way combination"

    def open(self, place: Place) -> Rows:
        """The design's rows."""
        return Combinations(place, self)


class Combinations(Rows):
    """Row `id` has combination `id % size`.

    Replacements go on counting: rounds of ids of which only the combinations that lack rows are candidates. So what a row is
    asked hangs on its id alone, and its replies stay good when other rows come out differently.
    """

    def __init__(self, place: Place, spec: Grid) -> None:
        rows = design(spec.grid, spec.strength, spec.exclude)
        self._table, self._size, self.asked = place.table, len(rows), place.asked
        self._columns = {name: arrow_values([row[name] for row in rows]) for name in spec.grid if name not in place.own}
        self._most = math.ceil(spec.repeat * place.cap)
        self._wanted = np.bincount(np.arange(self.asked) % self._size, minlength=self._size)
        self.replaces = "kind" if spec.exact else "nobody"

    def rows(self, range: IdRange) -> Batch:
        """The design's rows, repeated in whole rounds."""
        ids = range.candidates()
        index = pa.array(ids % self._size)
        return Batch(self._table, ids, {name: values.take(index) for name, values in self._columns.items()})

    def more(self, tried: Ids, settled: Ids, size: int) -> list[IdRange]:
        """As many further rows of each combination as it lacks, in rounds that nobody has used yet."""
        room = self._most - np.bincount(tried % self._size, minlength=self._size)
        wanted = np.minimum(self._lacking(settled), room).clip(min=0)
        first = -(-(int(tried.max()) + 1) // self._size)
        rounds = [(first + n) * self._size + np.flatnonzero(wanted > n) for n in range(int(wanted.max(initial=0)))]
        if not rounds:
            return []
        ids = np.concatenate(rounds)
        found, start = [], int(ids[0])
        for at in range(0, len(ids), size):
            chosen = tuple(ids[at : at + size].tolist())
            stop = chosen[-1] + 1
            found.append(IdRange(start, stop, None if len(chosen) == stop - start else chosen))
            start = stop
        return found

    def short(self, settled: Ids) -> list[str]:
        """Combinations with fewer rows than wanted, in words."""
        lacking = self._lacking(settled)
        words = []
        for at in np.flatnonzero(lacking > 0).tolist():
            values = ", ".join(f"{name} {column[at].as_py()}" for name, column in self._columns.items())
            words.append(f"{values}: {self._wanted[at] - lacking[at]} of {self._wanted[at]}")
        return words

    def _lacking(self, settled: Ids) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Rows that each combination lacks."""
        return self._wanted - np.bincount(settled % self._size, minlength=self._size)
