"""One table's files in a run folder: what is found there when a run goes on, and what is put there when it is made."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from lookalike.errors import GateFailed, RunError
from lookalike.plan import TablePlan
from lookalike.rng import Ids
from lookalike.rows.batch import Batch
from lookalike.run.events import Counts, Events
from lookalike.run.parts import (
    ROW_ID,
    FinishedPart,
    PartOutcome,
    check_part,
    dropped_ids,
    dropped_reasons,
    load_part,
    part_path,
    read_part,
    row_ids,
    write_part,
)
from lookalike.run.tally import Tally
from lookalike.store import disk_errors

Look = Callable[[str, pa.Table], str]
"""Sees the rows of each finished partition; gives a reason to stop, or ""."""


class TableFolder:
    """Finds and puts one table's partitions; whatever is put is counted, told and looked at."""

    def __init__(self, run: Path, table: TablePlan, events: Events, tally: Tally, look: Look | None) -> None:
        self.run, self.table, self.events, self.tally = run, table, events, tally
        self._look = look
        self._hidden = [name for name, spec in table.table.columns.items() if spec.hidden]
        self._lock = threading.Lock()  # several threads make blocks

    def numbers(self) -> list[int]:
        """Numbers of the partitions that are there."""
        found = (self.run / "tables" / self.table.name).glob("part-*.parquet")
        return sorted(int(path.stem.partition("-")[2]) for path in found)

    def find(self, index: int) -> FinishedPart | None:
        """A partition that is there and of this plan; one that is damaged is told, and removed as one of another plan is."""
        try:
            part = check_part(self.run, self.table.name, index, linked=bool(self._hidden))
        except RunError as exc:
            self.events.damaged(Path(exc.where))
        else:
            if part.fingerprint == self.table.fingerprint:
                return part
        self.remove(index)
        return None

    def remove(self, index: int) -> None:
        """Take a partition away; its replies stay in the journal."""
        path = part_path(self.run, "tables", self.table.name, index)
        with disk_errors(path):
            path.unlink(missing_ok=True)

    def keep(self, part: FinishedPart) -> None:
        """Count a partition that was found and stays."""
        self.tally.write(part.counts, judged=False)
        if self._look is not None:
            self._seen(self.load(part).arrow())

    def put(self, made: PartOutcome, *, judged: bool = False) -> None:
        """Put a partition on the disk; `judged`: its verdicts were counted before.

        Raises:
            GateFailed: who looks on says that the run is lost.
        """
        rows = _output(made.batches, self.table.columns)
        links = None
        if self._hidden:
            numbered = [batch.with_column(ROW_ID, pa.array(batch.ids)) for batch in made.batches]
            links = _output(numbered, [ROW_ID, *self._hidden])
        write_part(self.run, self.table.name, made, rows, links)
        self.tally.write(made.part.counts, judged=judged)
        with self._lock:
            self.events.emit("part", table=self.table.name, part=made.part.index, counts=made.part.counts.dump())
            self._seen(rows)

    def journal(self, index: int) -> Path:
        """Where a partition's replies lie."""
        return self.run / "journal" / self.table.name / f"part-{index:05d}"

    def settles(self, counts: Counts) -> int:
        """How many of these rows hold their places."""
        return counts.settled(replace_failed=self.table.table.replace_failed)

    def load(self, part: FinishedPart) -> Batch:
        """A partition's rows with their ids."""
        return load_part(self.run, self.table.name, part)

    def parts(self) -> list[FinishedPart]:
        """All partitions, in order."""
        return [read_part(part_path(self.run, "tables", self.table.name, index)) for index in self.numbers()]

    def settled(self, parts: Iterable[FinishedPart]) -> Ids:
        """Ids of the rows that hold their places."""
        found = []
        for part in parts:
            found.append(row_ids(self.run, self.table.name, part))
            if not self.table.table.replace_failed:
                found.append(dropped_ids(self.run, self.table.name, part.index, "failed"))
        return np.concatenate(found)

    def reasons(self, parts: Iterable[FinishedPart]) -> Counter[str]:
        """Why rows were dropped, and how often."""
        return Counter(reason for part in parts for reason in dropped_reasons(self.run, self.table.name, part.index))

    def _seen(self, rows: pa.Table) -> None:
        if self._look is not None and (why := self._look(self.table.name, rows)):
            raise GateFailed(
                what=f"the run stopped early: {why}",
                where=f"table {self.table.name!r}",
                fix="what was made is kept: change the recipe, or loosen or remove the gate, and run the same command again",
            )


def _output(batches: Sequence[Batch], columns: Sequence[str]) -> pa.Table:
    """The rows to write, in the order of their ids."""
    tables = [batch.arrow(columns) for batch in batches]
    table = pa.concat_tables(tables, promote_options="permissive") if len(tables) > 1 else tables[0]
    ids = np.concatenate([batch.ids for batch in batches])
    if len(ids) > 1 and (np.diff(ids) < 0).any():
        table = table.take(pa.array(np.argsort(ids, kind="stable")))
    return table.combine_chunks()
