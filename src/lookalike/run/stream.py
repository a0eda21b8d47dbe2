"""Tables with model columns: record by record, over several open partitions.

A fixed number of workers each take a candidate row and walk its chain of cells; a worker that is done takes the next row, so no
row waits for a slower one. Memory is the window of open rows, not the table. Rows are judged (`keep`, steps) in groups: when a
partition is full, when nothing can be opened before a verdict, or when many wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from lookalike.generators.base import ModelColumn
from lookalike.origins.base import Range
from lookalike.rows.batch import Batch
from lookalike.rows.json_types import to_arrow
from lookalike.rows.sql import row_where, rows_where, sql_columns
from lookalike.run.cells import CellFailed, CellMaker
from lookalike.run.events import Counts
from lookalike.run.journal import PartJournal
from lookalike.run.parts import Dropped, Part
from lookalike.run.progress import Progress
from lookalike.run.quota import Quota
from lookalike.run.rows import RowMaker

GROUP = 256  # rows judged together at most, when their verdict decides what is opened next
WRITING = 2  # finished partitions that wait for the disk at most: beyond it no row is begun


@dataclass
class OpenPart:
    """A partition whose rows are being made."""

    index: int
    range: Range
    batch: Batch
    rows: list[dict[str, Any]]
    masks: dict[str, np.ndarray[Any, np.dtype[np.bool_]]]
    journal: PartJournal
    cells: dict[str, list[Any]]
    opened: int = 0
    finished: int = 0
    judged: int = 0
    batches: list[Batch] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    waiting: list[int] = field(default_factory=list)  # offsets made, not judged
    failures: dict[int, CellFailed] = field(default_factory=dict)

    def __len__(self) -> int:
        """Its candidates."""
        return len(self.batch)

    @property
    def start(self) -> int:
        """Its place among the others."""
        return self.range.start

    @property
    def stop(self) -> int:
        """Where the next one starts."""
        return self.range.stop


Save = Callable[[Part, OpenPart], Coroutine[Any, Any, None]]


@dataclass
class StreamTable:
    """Makes the missing partitions of one table with model columns.

    Attributes:
        ranges: number and candidates of the nominal partitions from the first candidate on.
        ordered: verdicts are given in the order of row ids (steps with memory).
        selective: rows may be rejected, so verdicts decide what is opened.
        replace_failed: a row with a failed cell is replaced as if it were rejected.
        save: puts a finished partition on the disk.
        stages: model columns and the block columns between them, in levels that can run side by side.
    """

    rows: RowMaker
    makers: dict[str, CellMaker]
    stages: Sequence[Sequence[str]]
    needed: Sequence[str]
    quota: Quota
    done: dict[int, Part]
    fingerprint: str
    open_journal: Callable[[int], PartJournal]
    save: Save
    window: int
    ordered: bool
    selective: bool
    replace_failed: bool = False
    skip: Callable[[int], bool] = lambda index: False
    refeed: Callable[[Part], None] = lambda part: None
    progress: Progress = field(default_factory=Progress)
    parts: dict[int, OpenPart] = field(default_factory=dict)
    waiters: list[asyncio.Future[None]] = field(default_factory=list)
    verdict_at: int = -1  # with `ordered`: where the partition starts whose rows are judged next; -1: none yet
    saving: set[asyncio.Task[None]] = field(default_factory=set)
    passed: dict[int, Part] = field(default_factory=dict)
    halted: Exception | None = None
    _current: OpenPart | None = None  # the one whose rows are begun

    async def make(self, ranges: Iterator[tuple[int, Range]]) -> None:
        """Make every partition that is missing."""
        self._ranges = ranges
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.window):
                    group.create_task(self._work())
            if self.halted is None:
                self._judge()
                for part in list(self.parts.values()):
                    self._close(part, stop=min(part.stop, part.start + part.opened))
            while self.saving:
                await asyncio.wait(self.saving)
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None  # the first worker's error; the others were cancelled for it
        if self.halted is not None:
            raise self.halted

    async def _work(self) -> None:
        while True:
            while len(self.saving) > WRITING:
                await asyncio.wait(self.saving, return_when=asyncio.FIRST_COMPLETED)
            place = self._next()
            if place is None:
                if self.halted or self.quota.complete or not self.quota.undecided:
                    self._wake()
                    return
                waiter = asyncio.get_running_loop().create_future()
                self.waiters.append(waiter)
                await waiter
                continue
            part, offset = place
            try:
                await self._record(part, offset)
                self._finished(part, offset)
            except Exception as exc:  # noqa: BLE001  # kept, and raised by `make` once the others are in
                # what is in flight elsewhere still comes in and is written down; nothing new is asked
                self.halted = self.halted or exc
                self._wake()
                return

    def _next(self) -> tuple[OpenPart, int] | None:
        """The next candidate, if it is certainly needed."""
        if self.halted:
            return None
        if not self.quota.may_open and self.selective:
            self._judge()
        while self.quota.may_open:
            part = self._current
            if part is None:
                if not self._open_range():
                    return None
                continue
            self.quota.open()
            part.opened += 1
            if part.opened == len(part):
                self._current = None
            return part, part.opened - 1
        return None

    def _open_range(self) -> bool:
        """Open the next partition, or count one that exists; False when there is none."""
        numbered = next(self._ranges, None)
        if numbered is None:
            self.quota.limit = self.quota.opened
            return False
        index, found = numbered
        if self.verdict_at < 0:
            self.verdict_at = found.start
        existing = self.done.get(index)
        if existing is not None or self.skip(index):
            counts = Counts(kept=found.stop - found.start) if existing is None else existing.counts
            self.quota.opened += counts.attempted
            self.quota.settled += counts.settled(replace_failed=self.replace_failed)
            if existing is not None:
                self._pass(existing)
            return True
        part = self.parts[index] = self._open(index, found)
        self._current = part if len(part) else None
        return True

    def _pass(self, part: Part) -> None:
        """A finished partition: steps with memory see its rows in their turn."""
        if self.ordered and part.start < part.stop:
            self.passed[part.start] = part
            self._pass_finished()

    def _pass_finished(self) -> None:
        while (part := self.passed.pop(self.verdict_at, None)) is not None:
            self.refeed(part)
            self.verdict_at = part.stop

    def _open(self, index: int, range: Range) -> OpenPart:
        batch = self.rows.start(range)
        masks = {}
        for name, maker in self.makers.items():
            if maker.spec.when is not None and _ready(maker.spec.when, batch):
                masks[name] = rows_where(maker.spec.when, batch)
        names = [name for name in self.needed if name in batch.columns]
        rows = list(batch.rows(names))
        for row, row_id in zip(rows, batch.ids.tolist(), strict=True):
            row["_id"] = row_id
        cells: dict[str, list[Any]] = {name: [None] * len(batch) for stage in self.stages for name in stage}
        return OpenPart(index, range, batch, rows, masks, self.open_journal(index), cells)

    async def _record(self, part: OpenPart, offset: int) -> None:
        """Walk one row's chain of cells."""
        row = part.rows[offset]
        try:
            for stage in self.stages:
                if len(stage) == 1:
                    await self._cell(part, offset, row, stage[0])
                else:
                    await self._side_by_side(part, offset, row, stage)
        except CellFailed as exc:
            part.failures[offset] = exc

    async def _side_by_side(self, part: OpenPart, offset: int, row: dict[str, Any], stage: Sequence[str]) -> None:
        """Cells that do not need each other; one that fails does not cut off the others' replies."""
        cells = (self._cell(part, offset, row, name) for name in stage)
        for outcome in await asyncio.gather(*cells, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _cell(self, part: OpenPart, offset: int, row: dict[str, Any], name: str) -> None:
        maker = self.makers.get(name)
        if maker is None:
            value = self._block_cell(part, offset, row, name)
        elif self._skipped(part, offset, row, maker):
            value = None
        else:
            if self.halted is not None and not maker.knows(row, part.journal):
                raise self.halted
            value = await maker.make(row, part.journal)
        part.cells[name][offset] = value
        row[name] = value

    def _skipped(self, part: OpenPart, offset: int, row: dict[str, Any], maker: CellMaker) -> bool:
        if maker.spec.when is None:
            return False
        if maker.name in part.masks:
            return not part.masks[maker.name][offset]
        types = {name: self._type_of(name, part, row) for name in sql_columns(maker.spec.when)}
        return not row_where(maker.spec.when, row, types)

    def _type_of(self, name: str, part: OpenPart, row: dict[str, Any]) -> pa.DataType:
        if name in part.batch.columns:
            return part.batch[name].type
        spec = self.rows.table.table.columns[name]
        return spec.arrow_type() if isinstance(spec, ModelColumn) else pa.scalar(row[name]).type

    def _single(self, part: OpenPart, offset: int, row: dict[str, Any]) -> Batch:
        """One row as a batch, with the cells made so far."""
        batch = part.batch.take(np.array([offset]))
        for name in part.cells:
            if name in row:
                batch = batch.with_column(name, self._array(name, [row[name]]))
        return batch

    def _block_cell(self, part: OpenPart, offset: int, row: dict[str, Any], name: str) -> Any:
        spec = self.rows.table.table.columns[name]
        return self.rows.column(self._single(part, offset, row), name, spec)[0].as_py()

    def _array(self, name: str, values: list[Any]) -> pa.Array:
        spec = self.rows.table.table.columns[name]
        return to_arrow(values, spec.arrow_type()) if isinstance(spec, ModelColumn) else pa.array(values)

    def _finished(self, part: OpenPart, offset: int) -> None:
        part.waiting.append(offset)
        part.finished += 1
        self.progress.waiting += 1
        part.rows[offset] = {}  # its cells live in `cells` now
        full = part.finished == len(part)
        if full and not self.selective:
            self._judge(*(() if self.ordered else (part,)))  # in order, a verdict may set others free
        elif full or (self.selective and sum(len(p.waiting) for p in self.parts.values()) >= GROUP):
            self._judge()
        self._wake()

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _judge(self, *only: OpenPart) -> None:
        """Give verdicts on finished rows; in the order of ids where steps have memory."""
        for part in only or sorted(self.parts.values(), key=lambda p: p.start):
            self._pass_finished()
            offsets = sorted(part.waiting)
            if self.ordered:
                offsets = self._contiguous(part, offsets)
            if offsets:
                taken = set(offsets)
                part.waiting = [offset for offset in part.waiting if offset not in taken]
                self._verdict(part, offsets)
            if part.judged == len(part) and (not self.ordered or part.start == self.verdict_at):
                if self.ordered:
                    self.verdict_at = part.stop
                self._close(part, stop=part.stop)
        self._pass_finished()

    def _contiguous(self, part: OpenPart, offsets: list[int]) -> list[int]:
        """The offsets that come next in the order of ids."""
        if part.start != self.verdict_at:
            return []
        return [offset for place, offset in enumerate(offsets, part.judged) if offset == place]

    def _verdict(self, part: OpenPart, offsets: list[int]) -> None:
        made = [offset for offset in offsets if offset not in part.failures]
        counts = Counts(failed=len(offsets) - len(made))
        for offset in offsets:
            if offset in part.failures:
                part.dropped.append(self._failure(part, offset))
        if made:
            batch = part.batch if len(made) == len(part) else part.batch.take(np.array(made))
            for name, values in part.cells.items():
                batch = batch.with_column(name, self._array(name, [values[offset] for offset in made]))
            kept, dropped, judged = self.rows.finish(batch)
            counts.add(judged)
            part.dropped += dropped
            part.batches.append(kept)
        part.counts.add(counts)
        part.judged += len(offsets)
        self.progress.judged.add(counts)
        self.progress.waiting -= len(offsets)
        settled = counts.settled(replace_failed=self.replace_failed)
        self.quota.judge(settled, counts.attempted - settled)

    def _failure(self, part: OpenPart, offset: int) -> Dropped:
        exc = part.failures[offset]
        early = {name: values[offset].as_py() for name, values in part.batch.columns.items()}
        cells = {name: values[offset] for name, values in part.cells.items() if values[offset] is not None}
        text = orjson.dumps({**early, **cells}, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        return Dropped(int(part.batch.ids[offset]), "failed", exc.reason, exc.column, text.decode())

    def _close(self, part: OpenPart, *, stop: int) -> None:
        if part.index not in self.parts:
            return
        del self.parts[part.index]
        if not part.batches:
            part.batches.append(self._empty(part))
        made = Part(part.index, part.start, stop, self.fingerprint, part.counts, part.range.ids)
        task = asyncio.get_running_loop().create_task(self.save(made, part))
        self.saving.add(task)
        task.add_done_callback(self.heed)

    def heed(self, task: asyncio.Task[None]) -> None:
        """A task beside the rows has ended: what it raised stops the run."""
        self.saving.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.halted = self.halted or error
            self._wake()

    def _empty(self, part: OpenPart) -> Batch:
        """No row of the partition stayed: the columns, with nothing in them."""
        nothing = part.batch.take(np.empty(0, np.int64))
        for name in part.cells:
            nothing = nothing.with_column(name, self._array(name, []))
        return self.rows.add(nothing, self.rows.stages.late)


def _ready(condition: str, batch: Batch) -> bool:
    """Whether the condition's columns are all made before any model call."""
    return sql_columns(condition) <= set(batch.columns)
