"""Where a table's rows come from: a count, a learned source, a real source, a parent's rows, or a design."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike import rng
from lookalike.errors import SourceError
from lookalike.generators.grid import design
from lookalike.generators.weighted import arrow_values
from lookalike.plan import Plan, TablePlan
from lookalike.recipe.model import Count, From, Grid, Like, Per
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context, Tables
from lookalike.run.events import Events
from lookalike.run.fit import LearnedRows, fitted
from lookalike.run.parts import Part, load_part
from lookalike.run.rows import columns_of
from lookalike.schema.holdout import split
from lookalike.sources.base import Source

Ids = np.ndarray[Any, np.dtype[np.int64]]


class Sources:
    """The recipe's sources, each read once."""

    def __init__(self, sources: Mapping[str, Source], root: Path) -> None:
        self._sources, self._root = sources, root
        self._read: dict[str, pa.Table] = {}

    def source(self, name: str) -> pa.Table:
        """A source's rows."""
        if name not in self._read:
            self._read[name] = self._sources[name].read(self._root).combine_chunks()
        return self._read[name]


class Origin:
    """Gives candidate rows by their ids.

    Attributes:
        asked: rows wanted.
        refills: whether there are candidates beyond the rows wanted, to replace rejected ones.
    """

    asked: int
    refills: bool = True
    exact: bool = False  # rejected rows are replaced by `more`, by rows of their own kind

    def rows(self, start: int, stop: int) -> Batch:
        """Candidate rows [start, stop) with the columns that they bring along."""
        raise NotImplementedError

    def ranges(self, partition_rows: int) -> Iterator[tuple[int, int]]:
        """The base partitions."""
        for start in range(0, self.asked, partition_rows):
            yield start, min(start + partition_rows, self.asked)

    def ids(self, start: int, stop: int) -> tuple[int, ...] | None:  # noqa: ARG002
        """The candidates of a range; None: all."""
        return None

    def more(self, tried: Ids, settled: Ids, partition_rows: int) -> list[tuple[int, int]]:  # noqa: ARG002
        """Ranges with candidates for the places that are still empty; none when all are filled or the cap is reached."""
        return []

    def short(self, settled: Ids) -> list[str]:  # noqa: ARG002
        """What has fewer rows than wanted, in words."""
        return []

    @staticmethod
    def open(
        plan: Plan, table: TablePlan, sources: Sources, to: Path, events: Events, parts: Mapping[str, Sequence[Part]]
    ) -> Origin:
        """The origin that the table's `rows` asks for; a learned source is fitted here."""
        rows = table.table.rows
        if isinstance(rows, Like):
            folder = to / "fitted" / table.source_fingerprint
            learned_from, _ = split(sources.source(rows.like), rows.holdout, plan.recipe.seed)
            model = fitted(rows.synthesizer, learned_from, folder, plan.recipe.seed, events, table.name)
            learned = LearnedRows(model, dict(rows.given), plan.recipe.seed, table.name, rows.n)
            return Learned(table, learned)
        if isinstance(rows, From):
            return Real(table, rows, sources.source(rows.source), plan.recipe.seed)
        if isinstance(rows, Grid):
            return Design(table, rows, rows.exact)
        if isinstance(rows, Per):
            return Children(plan, table, rows, sources, to, parts[rows.per])
        assert isinstance(rows, Count)
        return Counted(table)


@dataclass
class Counted(Origin):
    """A number of rows, with nothing in them yet."""

    table: TablePlan

    def __post_init__(self) -> None:
        self.asked = self.table.n_rows or 0

    def rows(self, start: int, stop: int) -> Batch:
        """Ids alone."""
        return Batch(self.table.name, np.arange(start, stop))


@dataclass
class Learned(Counted):
    """Rows sampled from a fitted source."""

    learned: LearnedRows

    def rows(self, start: int, stop: int) -> Batch:
        """Sampled rows; the table may leave columns to its own generators."""
        table = self.learned.rows(start, stop)
        own = set(self.table.table.columns)
        columns = {name: values for name, values in columns_of(table).items() if name not in own}
        return Batch(self.table.name, np.arange(start, stop), columns)


@dataclass
class Real(Counted):
    """Real rows as seeds."""

    spec: From
    source: pa.Table
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        size = self.source.num_rows
        if size == 0:
            raise SourceError(what=f"source {self.spec.source!r} has no rows", fix="give a source with rows")
        self._order = np.arange(size)
        if self.spec.order == "shuffle":
            self._order = rng.generator(self.seed, self.table.name, "order").permutation(size)
        self.refills = self.spec.order == "cycle" or size > self.asked
        self._end = None if self.spec.order == "cycle" else size

    def rows(self, start: int, stop: int) -> Batch:
        """The source's rows, in its own or a shuffled order; `cycle` begins again at its end."""
        ids = np.arange(start, stop)
        picked = self.source.take(pa.array(self._order[ids % len(self._order)]))
        own = set(self.table.table.columns)
        return Batch(self.table.name, ids, {n: v for n, v in columns_of(picked).items() if n not in own})


@dataclass
class Design(Counted):
    """Every combination that a coverage design asks for: row `id` has combination `id % size`.

    Replacements go on counting: rounds of ids of which only the combinations that lack rows are candidates. So what a row is
    asked hangs on its id alone, and its replies stay good when other rows come out differently.
    """

    spec: Grid
    exact: bool = False

    def __post_init__(self) -> None:
        rows = design(self.spec.grid, self.spec.strength, self.spec.exclude)
        self._columns = {name: arrow_values([row[name] for row in rows]) for name in self.spec.grid}
        self._size = len(rows)
        self.asked = self._size * self.spec.repeat
        self.refills = False
        self._most = math.ceil(self.spec.repeat * self.table.table.cap)
        self._needed = np.empty(0, np.int64)

    def ids(self, start: int, stop: int) -> tuple[int, ...] | None:
        """Beyond the rows asked for, the candidates that `more` has named."""
        if start < self.asked:
            return None
        found = self._needed[(self._needed >= start) & (self._needed < stop)].tolist()
        return None if len(found) == stop - start else tuple(found)

    def more(self, tried: Ids, settled: Ids, partition_rows: int) -> list[tuple[int, int]]:
        """As many further rows of each combination as it lacks, in rounds that nobody has used yet."""
        lacking = self.spec.repeat - np.bincount(settled % self._size, minlength=self._size)
        room = self._most - np.bincount(tried % self._size, minlength=self._size)
        wanted = np.minimum(lacking, room).clip(min=0)
        first = -(-(int(tried.max()) + 1) // self._size)
        rounds = [(first + n) * self._size + np.flatnonzero(wanted > n) for n in range(int(wanted.max(initial=0)))]
        if not rounds:
            return []
        self._needed = np.concatenate([self._needed, *rounds])
        ids = np.concatenate(rounds)
        stops = [int(ids[min(at + partition_rows, len(ids)) - 1]) + 1 for at in range(0, len(ids), partition_rows)]
        return list(zip([int(ids[0]), *stops], stops, strict=False))

    def short(self, settled: Ids) -> list[str]:
        """Combinations with fewer rows than wanted, in words."""
        lacking = self.spec.repeat - np.bincount(settled % self._size, minlength=self._size)
        words = []
        for at in np.flatnonzero(lacking > 0).tolist():
            values = ", ".join(f"{name} {column[at].as_py()}" for name, column in self._columns.items())
            words.append(f"{values}: {self.spec.repeat - lacking[at]} of {self.spec.repeat}")
        return words

    def rows(self, start: int, stop: int) -> Batch:
        """The design's rows, repeated in whole rounds."""
        chosen = self.ids(start, stop)
        ids = np.arange(start, stop) if chosen is None else np.array(chosen, np.int64)
        index = pa.array(ids % self._size)
        return Batch(self.table.name, ids, {name: values.take(index) for name, values in self._columns.items()})


class Children(Origin):
    """Rows of a child table: a number for each row of its parent.

    A child partition holds the children of one parent partition. Ids are counted through in the order of parents.
    """

    refills = False

    def __init__(self, plan: Plan, table: TablePlan, spec: Per, sources: Tables, to: Path, parts: Sequence[Part]) -> None:
        self._table, self._spec, self._to, self._parts = table, spec, to, parts
        self._ctx = Context(plan.recipe.seed, table.name, "rows", sources, plan.root)
        self._counts: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        self._starts = [0]
        for part in parts:
            counts = self._count(load_part(to, spec.per, part))
            self._counts.append(counts)
            self._starts.append(self._starts[-1] + int(counts.sum()))
        self.asked = self._starts[-1]
        self._key = plan.table(spec.per).key
        self._loaded: tuple[int, Batch] | None = None

    def _count(self, parents: Batch) -> np.ndarray[Any, np.dtype[np.int64]]:
        if isinstance(self._spec.count, int):
            return np.full(len(parents), self._spec.count, np.int64)
        drawn = self._spec.count.generate(parents, self._ctx)
        return np.maximum(np.nan_to_num(drawn.to_numpy(zero_copy_only=False)), 0).astype(np.int64)

    def ranges(self, partition_rows: int) -> Iterator[tuple[int, int]]:  # noqa: ARG002
        """One partition for each of the parent's."""
        yield from zip(self._starts, self._starts[1:], strict=False)

    def rows(self, start: int, stop: int) -> Batch:
        """Children with their parent's row as a struct, and the parent's key as `<parent>_id`."""
        part = max(i for i, first in enumerate(self._starts[:-1] or [0]) if first <= start) if self._parts else 0
        while part + 1 < len(self._starts) and self._starts[part + 1] <= start and stop > start:
            part += 1
        parents = load_part(self._to, self._spec.per, self._parts[part])
        owner = np.repeat(np.arange(len(parents)), self._counts[part])[start - self._starts[part] : stop - self._starts[part]]
        index = pa.array(owner)
        struct = pa.StructArray.from_arrays(list(parents.columns.values()), names=list(parents.columns)).take(index)
        key = parents[self._key].take(index) if self._key else pa.array(parents.ids).take(index)
        return Batch(self._table.name, np.arange(start, stop), {self._spec.per: struct, f"{self._spec.per}_id": key})
