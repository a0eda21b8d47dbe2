"""Who takes the place of a row that is rejected: nobody, the next candidate, or one of the row's own kind.

A fill says which partitions there are, which candidates of them are opened (`quota`), when a partition that exists still
fits, and what is made after a pass. Failed rows keep their places, unless the table says `replace_failed`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from lookalike.origins.base import IdRange, Rows
from lookalike.recipe.model import Table
from lookalike.rng import Ids
from lookalike.run.parts import FinishedPart, Partition
from lookalike.run.quota import Quota


class Fill(Protocol):
    """Who takes the place of a rejected row of one table.

    Attributes:
        decides: verdicts decide which candidates are opened.
    """

    decides: ClassVar[bool]

    @property
    def rows(self) -> Rows:
        """The candidates."""
        ...

    @property
    def asked(self) -> int:
        """Rows wanted."""
        ...

    def first(self) -> list[Partition]:
        """The partitions of the first pass, in order."""
        ...

    def more(self, made: Callable[[], list[FinishedPart]], settled: Callable[[list[FinishedPart]], Ids]) -> list[Partition]:
        """Those of the next pass; none: the table is finished.

        Args:
            made: reads what is made.
            settled: reads the ids of rows that hold their places.
        """
        ...

    def quota(self) -> Quota:
        """How many candidates of a pass are opened."""
        ...

    def fits(self, part: FinishedPart, range: IdRange, settled: int) -> bool:
        """Whether a partition of the same start stays, where it and those before it hold so many places."""
        ...

    def lacks(self, settled: int) -> bool:
        """Whether so many rows are fewer than were promised."""
        ...


def rejects(table: Table) -> bool:
    """Whether a row may be made and not stay."""
    return bool(table.keep or table.steps or table.replace_failed)


def fill_of(rows: Rows, table: Table, size: int, *, whole: bool) -> Fill:
    """The fill of a table; a shard replaces nothing, since verdicts need the rows of all.

    Args:
        rows: the candidates.
        table: as the recipe has it.
        size: candidates of a partition.
        whole: the run makes all of the table.
    """
    if not whole or not rejects(table) or rows.replaces == "nobody":
        return Unfilled(rows, size)
    return (ByCount if rows.replaces == "count" else ByKind)(rows, size, table.cap)


def _asked_for(rows: Rows, size: int) -> list[Partition]:
    return [Partition(index, found) for index, found in enumerate(rows.ranges(size))]


@dataclass(frozen=True)
class Unfilled:
    """Nobody: every candidate is made, whatever becomes of it."""

    decides: ClassVar[bool] = False

    rows: Rows
    size: int

    @property
    def asked(self) -> int:
        """Rows wanted."""
        return self.rows.asked

    def first(self) -> list[Partition]:
        """All rows that are asked for."""
        return _asked_for(self.rows, self.size)

    def more(self, made: Callable[[], list[FinishedPart]], settled: Callable[[list[FinishedPart]], Ids]) -> list[Partition]:  # noqa: ARG002
        """Nothing."""
        return []

    def quota(self) -> Quota:
        """Every candidate."""
        return Quota(None)

    def fits(self, part: FinishedPart, range: IdRange, settled: int) -> bool:  # noqa: ARG002
        """Whether it has the same candidates."""
        return part.stop == range.stop

    def lacks(self, settled: int) -> bool:  # noqa: ARG002
        """Nothing was promised."""
        return False


@dataclass(frozen=True)
class ByCount:
    """The next candidate: as many are opened as it takes to keep the rows that are asked for, up to the cap."""

    decides: ClassVar[bool] = True

    rows: Rows
    size: int
    cap: float

    @property
    def asked(self) -> int:
        """Rows wanted."""
        return self.rows.asked

    @property
    def limit(self) -> int:
        """Candidates that are tried at most."""
        most = math.ceil(self.asked * self.cap)
        return most if self.rows.end is None else min(most, self.rows.end)

    def first(self) -> list[Partition]:
        """The rows that are asked for, then as many more as replacements may need."""
        found = _asked_for(self.rows, self.size)
        for start in range(self.asked, self.limit, self.size):
            found.append(Partition(len(found), IdRange(start, min(start + self.size, self.limit))))
        return found

    def more(self, made: Callable[[], list[FinishedPart]], settled: Callable[[list[FinishedPart]], Ids]) -> list[Partition]:  # noqa: ARG002
        """Nothing: the first pass goes on until the count is reached."""
        return []

    def quota(self) -> Quota:
        """As few as give the rows asked for."""
        return Quota(self.asked, self.limit)

    def fits(self, part: FinishedPart, range: IdRange, settled: int) -> bool:
        """Whether the count is not passed, and reached exactly where the partition was cut."""
        return settled <= self.asked and (part.stop == range.stop or (part.stop < range.stop and settled == self.asked))

    def lacks(self, settled: int) -> bool:
        """Whether the cap came before the count."""
        return settled < self.asked


@dataclass(frozen=True)
class ByKind:
    """One of the row's own kind: after each pass the origin says what is still missing of each."""

    decides: ClassVar[bool] = False

    rows: Rows
    size: int
    cap: float

    @property
    def asked(self) -> int:
        """Rows wanted."""
        return self.rows.asked

    def first(self) -> list[Partition]:
        """All rows that are asked for."""
        return _asked_for(self.rows, self.size)

    def more(self, made: Callable[[], list[FinishedPart]], settled: Callable[[list[FinishedPart]], Ids]) -> list[Partition]:
        """Candidates for the places that are still empty."""
        parts = made()
        tried = np.concatenate([part.candidates() for part in parts])
        more = self.rows.more(tried, settled(parts), self.size)
        return [Partition(index, found) for index, found in enumerate(more, parts[-1].index + 1)]

    def quota(self) -> Quota:
        """Every candidate that the origin names."""
        return Quota(None)

    def fits(self, part: FinishedPart, range: IdRange, settled: int) -> bool:  # noqa: ARG002
        """Whether it has the same candidates."""
        return part.stop == range.stop

    def lacks(self, settled: int) -> bool:
        """Whether the cap came before the count."""
        return settled < self.asked
