"""Rows without model calls: where they come from, the columns made in blocks, and which of them stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from lookalike.generators.base import Generator
from lookalike.origins.base import IdRange
from lookalike.plan import TablePlan
from lookalike.plan.stages import Stages
from lookalike.rows.batch import Batch, flat
from lookalike.rows.context import Context, SourceTables
from lookalike.rows.sql import rows_where
from lookalike.run.events import Counts
from lookalike.run.parts import Dropped
from lookalike.steps.base import Step

Base = Callable[[IdRange], Batch]  # candidate rows with the columns that they bring along


@dataclass
class RowMaker:
    """Makes and judges blocks of one table's rows.

    Attributes:
        base: gives the rows that a block starts from.
        steps: opened steps; those with memory see rows in the order of their ids.
    """

    table: TablePlan
    stages: Stages
    base: Base
    seed: int
    tables: SourceTables
    root: Path
    allow_code: bool
    steps: tuple[Step, ...] = ()
    contexts: dict[str, Context] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = tuple(step.open() for step in self.table.table.steps)

    def context(self, column: str) -> Context:
        """The context of a column, made once."""
        if column not in self.contexts:
            self.contexts[column] = Context(self.seed, self.table.name, column, self.tables, self.root, self.allow_code)
        return self.contexts[column]

    def start(self, range: IdRange) -> Batch:
        """Candidate rows with every column that needs no model."""
        return self.add(self.base(range), self.stages.early)

    def add(self, batch: Batch, columns: Sequence[str]) -> Batch:
        """The batch with block columns made, in the order given."""
        for name in columns:
            batch = batch.with_column(name, self.column(batch, name, self.table.table.columns[name]))
        return batch

    def column(self, batch: Batch, name: str, spec: Generator) -> pa.Array:
        """One block column; where `when` does not hold, null."""
        if spec.when is None:
            return flat(spec.generate(batch, self.context(name)))
        mask = rows_where(spec.when, batch)
        some = flat(spec.generate(batch.take(mask), self.context(name)))
        places = np.cumsum(mask) - 1
        return some.take(pa.array(places, mask=~mask))

    def finish(self, batch: Batch) -> tuple[Batch, list[Dropped], Counts]:
        """Late columns, then `keep`, then steps: the rows that stay, the others with their reasons, and the counts.

        Steps with memory must be given batches in the order of row ids.
        """
        batch = self.add(batch, self.stages.late)
        dropped: list[Dropped] = []
        counts = Counts()
        for condition in self.table.table.keep:
            mask = rows_where(condition, batch)
            dropped += [Dropped(int(row), "filtered", f"not {condition}") for row in batch.ids[~mask]]
            counts.filtered += int((~mask).sum())
            batch = batch.take(mask)
        for number, step in enumerate(self.steps):
            kept = step.apply(batch, self.context(f"step {number}"))
            batch = kept.batch
            dropped += [Dropped(int(row), kept.outcome, why) for row, why in zip(kept.dropped, kept.reasons, strict=True)]
            if kept.outcome == "duplicate":
                counts.duplicate += len(kept.dropped)
            else:
                counts.filtered += len(kept.dropped)
        counts.kept = len(batch)
        return batch, dropped, counts

    def remember(self, batch: Batch) -> None:
        """Steps with memory see rows that exist already."""
        for number, step in enumerate(self.steps):
            if step.scope == "table" and step.needs() <= set(batch.columns):
                step.apply(batch, self.context(f"step {number}"))

    @property
    def ordered(self) -> bool:
        """Whether some step has memory: verdicts are given in the order of row ids."""
        return any(step.scope == "table" for step in self.steps)
