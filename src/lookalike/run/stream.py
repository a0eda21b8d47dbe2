"""Tables with model columns: record by record, over several open partitions.

A fixed number of workers each take a candidate row and walk its chain of cells; a worker that is done takes the next row, so no
row waits for a slower one. Memory is the window of open rows, not the table. Whatever computes (early columns, block columns
between model columns, verdicts) does so on another thread: it holds up no reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lookalike.rows.sql import row_where, rows_where, sql_columns
from lookalike.run.between import Between
from lookalike.run.cells import CellFailed, CellMaker
from lookalike.run.journal import Journals
from lookalike.run.loop import Bell, Loop
from lookalike.run.open_part import OpenPart
from lookalike.run.parts import FinishedPart, Partition
from lookalike.run.quota import Quota
from lookalike.run.rows import RowMaker
from lookalike.run.table_folder import TableFolder
from lookalike.run.verdicts import Verdicts


@dataclass
class StreamTable:
    """Makes the missing partitions of one table with model columns, in one pass.

    Attributes:
        makers: of the model columns.
        verdicts: takes rows whose cells are made.
        writing: finished partitions that wait for the disk at most: beyond it no row is begun.
    """

    maker: RowMaker
    makers: Mapping[str, CellMaker]
    folder: TableFolder
    journals: Journals
    loop: Loop
    quota: Quota
    verdicts: Verdicts
    bell: Bell
    writing: int
    _current: OpenPart | None = None  # the one whose rows are begun

    def __post_init__(self) -> None:
        table = self.maker.table
        self._levels = table.stages.levels
        made = [name for level in self._levels for name in level]
        self._needed = sorted({other for name in made for other in table.needs[name]} - set(made))
        reads = {name: [other for other in made if other in table.needs[name]] for name in made if name not in self.makers}
        self._between = Between(self.maker, reads, self.loop)
        self._opening = asyncio.Lock()

    async def make(self, partitions: Sequence[Partition], done: Mapping[int, FinishedPart], window: int) -> None:
        """Make every partition that is missing.

        Args:
            partitions: all of a pass, in order; where rows are replaced, more than will be needed.
            done: those that exist.
            window: rows that are walked at the same time.
        """
        self._partitions, self._done = iter(partitions), done
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(window):
                    group.create_task(self._work())
            await self.verdicts.finish()
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None  # the first worker's error; the others were cancelled for it
        if self.verdicts.halted is not None:
            raise self.verdicts.halted

    async def _work(self) -> None:
        while True:
            await self.verdicts.room(self.writing)
            try:
                place = await self._next()
                if place is None:
                    if self.verdicts.halted or self.quota.complete or not self.quota.undecided:
                        self.bell.ring()
                        return
                    await self.bell.wait()
                    continue
                part, offset = place
                await self._record(part, offset)
                part.rows[offset] = {}  # its cells live in `cells` now
                self.verdicts.take(part, offset)
            except Exception as exc:  # noqa: BLE001  # kept, and raised by `make` once the others are in
                self.verdicts.halt(exc)
                return

    async def _next(self) -> tuple[OpenPart, int] | None:
        """The next candidate, if it is certainly needed."""
        while not self.verdicts.halted and self.quota.may_open:
            part = self._current
            if part is not None:
                self.quota.open()
                part.opened += 1
                if part.opened == len(part):
                    self._current = None
                return part, part.opened - 1
            async with self._opening:
                if self._current is None and self.quota.may_open:
                    await self._open_next()
        self.verdicts.hurry()
        return None

    async def _open_next(self) -> None:
        """Open the next partition, or pass one that exists; with the last the quota ends."""
        partition = next(self._partitions, None)
        if partition is None:
            self.quota.end()
            return
        existing = self._done.get(partition.index)
        if existing is not None:
            self.quota.find(self.folder.settles(existing.counts), existing.counts.attempted)
            self.verdicts.find(existing)
            return
        part = await self.loop.aside(self._open, partition)
        self.verdicts.open(part)
        self._current = part if len(part) else None

    def _open(self, partition: Partition) -> OpenPart:
        batch = self.maker.start(partition.range)
        masks = {}
        for name, maker in self.makers.items():
            if maker.spec.when is not None and sql_columns(maker.spec.when) <= set(batch.columns):
                masks[name] = rows_where(maker.spec.when, batch)
        rows = list(batch.rows([name for name in self._needed if name in batch.columns]))
        for row, row_id in zip(rows, batch.ids.tolist(), strict=True):
            row["_id"] = row_id
        specs = {name: self.maker.table.table.columns[name] for level in self._levels for name in level}
        cells: dict[str, list[Any]] = {name: [None] * len(batch) for name in specs}
        journal = self.journals.open(self.folder.journal(partition.index))
        return OpenPart(partition.index, partition.range, batch, rows, masks, journal, cells, specs)

    async def _record(self, part: OpenPart, offset: int) -> None:
        """Walk one row's chain of cells."""
        try:
            for level in self._levels:
                if len(level) == 1:
                    await self._cell(part, offset, level[0])
                else:
                    await self._side_by_side(part, offset, level)
        except CellFailed as exc:
            part.failures[offset] = exc

    async def _side_by_side(self, part: OpenPart, offset: int, level: Sequence[str]) -> None:
        """Cells that do not need each other; one that fails does not cut off the others' replies."""
        cells = (self._cell(part, offset, name) for name in level)
        for outcome in await asyncio.gather(*cells, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _cell(self, part: OpenPart, offset: int, name: str) -> None:
        maker, row = self.makers.get(name), part.rows[offset]
        if maker is None:
            value = await self._between.cell(part, offset, name)
        elif self._skipped(part, offset, maker):
            value = None
        else:
            if self.verdicts.halted is not None and not maker.knows(row, part.journal):
                raise self.verdicts.halted
            value = await maker.make(row, part.journal)
        part.cells[name][offset] = value
        row[name] = value

    def _skipped(self, part: OpenPart, offset: int, maker: CellMaker) -> bool:
        if maker.spec.when is None:
            return False
        if maker.name in part.masks:
            return not part.masks[maker.name][offset]
        row = part.rows[offset]
        types = {name: part.type_of(name, row[name]) for name in sql_columns(maker.spec.when)}
        return not row_where(maker.spec.when, row, types)
