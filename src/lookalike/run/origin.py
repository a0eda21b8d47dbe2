"""What an origin may use in a run: sources, what was learned, finished parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from lookalike.origins.base import Place, Rows
from lookalike.plan import Plan, TablePlan
from lookalike.rows.batch import Batch
from lookalike.run.events import Events
from lookalike.run.fit import fitted
from lookalike.run.parts import FinishedPart, load_part
from lookalike.sources.base import Source
from lookalike.synthesizers.base import Synthesizer


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


class Finished:
    """The finished tables of a run, as their children read them."""

    def __init__(self, plan: Plan, to: Path, parts: Mapping[str, Sequence[FinishedPart]]) -> None:
        self._plan, self._to, self._parts = plan, to, parts

    def parts(self, table: str) -> int:
        """How many partitions a table has."""
        return len(self._parts[table])

    def part(self, table: str, index: int) -> Batch:
        """The rows of a partition with their ids."""
        return load_part(self._to, table, self._parts[table][index])

    def key(self, table: str) -> str | None:
        """The column that identifies a row."""
        return self._plan.table(table).key


def opened(
    plan: Plan, table: TablePlan, sources: Sources, to: Path, events: Events, parts: Mapping[str, Sequence[FinishedPart]]
) -> Rows:
    """The candidate rows of a table; what they stand on is learned here if it was not yet."""
    origin = table.table.rows

    def model() -> Synthesizer:
        learning = origin.learns()
        if learning is None:
            raise TypeError(f"{origin.kind} asks for a model, but says in `learns` that it needs none")
        return fitted(learning, to / "fitted" / table.fit, sources, plan.recipe.seed, events, table.name)

    place = Place(
        table=table.name,
        seed=plan.recipe.seed,
        draws=table.draws,
        asked=table.n_rows or 0,
        own=frozenset(table.table.columns),
        cap=table.table.cap,
        tables=sources,
        root=plan.root,
        model=model,
        parents=Finished(plan, to, parts),
    )
    return origin.open(place)
