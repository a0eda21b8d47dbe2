"""A plan: tables in making order, columns by the time they are made, partitions, fingerprints, and what it will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lookalike.generators.base import ModelColumn
from lookalike.models.base import Model
from lookalike.models.default import default_model
from lookalike.plan.estimate import ColumnEstimate, Estimate
from lookalike.plan.stages import Stages
from lookalike.recipe.model import Recipe, Table


@dataclass(frozen=True)
class TablePlan:
    """One table.

    Attributes:
        n_rows: rows asked for; None for children, whose number their parents' rows decide.
        n_expected: rows expected: those asked for, or a guess from the parent's number and the mean of `count`.
        parents: tables whose rows must be there before.
        incoming: columns that rows bring along: learned, real, of a design, of the parent.
        columns: output columns in order.
        order: made columns, each after what it needs.
        needs: what each made column needs, `when` included.
        fingerprints: of each column: its spec, its model, its inputs.
        fingerprint: of the table: a partition with another one is made anew.
        fit: fingerprint of what must be learned first, which names its folder; empty where nothing is.
        draws: seed of rows that are drawn from what was learned; see `origins.base.Place`.
        partition_rows: candidate rows of a partition.
    """

    name: str
    table: Table
    n_rows: int | None
    parents: tuple[str, ...]
    incoming: tuple[str, ...]
    columns: tuple[str, ...]
    order: tuple[str, ...]
    stages: Stages
    needs: Mapping[str, frozenset[str]]
    fingerprints: Mapping[str, str]
    fingerprint: str
    fit: str
    draws: int
    partition_rows: int
    n_expected: int = 0
    estimates: tuple[ColumnEstimate, ...] = ()

    def partitions(self) -> list[tuple[int, int]]:
        """Ranges [start, stop) of row ids; empty for children."""
        rows = self.n_rows or 0
        return [(start, min(start + self.partition_rows, rows)) for start in range(0, rows, self.partition_rows)]

    @property
    def judged_together(self) -> bool:
        """Whether verdicts on some rows hang on others: rejected ones are replaced, or a step has memory."""
        spec = self.table
        return bool(spec.keep or spec.steps or spec.replace_failed)

    @property
    def key(self) -> str | None:
        """The column that identifies a row."""
        return self.table.key


@dataclass(frozen=True)
class Compiled:
    """A compiled recipe: what is in it, and questions to ask of it. `Plan` is this and its forms."""

    recipe: Recipe
    root: Path
    tables: tuple[TablePlan, ...]

    def table(self, name: str) -> TablePlan:
        """A table by name."""
        return next(table for table in self.tables if table.name == name)

    def model(self, name: str) -> Model:
        """A model by name; `default` always exists."""
        return self.recipe.models[name] if name in self.recipe.models else default_model()

    def models_used(self) -> dict[str, Model]:
        """The models that some column asks."""
        names = {
            model
            for table in self.tables
            for column in table.table.columns.values()
            if isinstance(column, ModelColumn)
            for model in column.models()
        }
        return {name: self.model(name) for name in sorted(names)}

    @property
    def estimate(self) -> Estimate:
        """What the whole run is expected to take."""
        return Estimate.sum(column for table in self.tables for column in table.estimates)
