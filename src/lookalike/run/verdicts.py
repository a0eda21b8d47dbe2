"""Verdicts on rows whose cells are made: which of them stay (`keep`, steps), and when a partition is finished.

Rows are judged in groups: when a partition is full, when nothing can be opened before a verdict, or when many wait; where steps
have memory, in the order of ids. Judging is done on another thread, one group after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from lookalike.run.events import Counts
from lookalike.run.fill import Fill
from lookalike.run.journal import Journals
from lookalike.run.loop import Bell, Loop
from lookalike.run.open_part import OpenPart
from lookalike.run.parts import FinishedPart, PartOutcome
from lookalike.run.quota import Quota
from lookalike.run.rows import RowMaker
from lookalike.run.table_folder import TableFolder


@dataclass
class Verdicts:
    """Judges the rows of one pass over a table, and puts partitions that are finished.

    Attributes:
        group: rows judged together at most, when their verdict decides what is opened next.
        draft: cells are made and journalled, and nothing is judged or put: the run that finishes does it.
        bell: rung when a verdict may have changed what can be opened.
        halted: why nothing new is to be asked.
    """

    maker: RowMaker
    fill: Fill
    folder: TableFolder
    journals: Journals
    loop: Loop
    quota: Quota
    bell: Bell
    group: int
    draft: bool
    halted: Exception | None = None
    _open: dict[int, OpenPart] = field(default_factory=dict)  # by start
    _found: dict[int, FinishedPart] = field(
        default_factory=dict
    )  # by start: in order, partitions that exist wait for their turn
    _saving: set[asyncio.Task[None]] = field(default_factory=set)
    _judging: asyncio.Task[None] | None = None
    _hurry: bool = False
    _turn: int | None = None  # in order: where the partition starts whose rows are judged next; None: none is known

    def __post_init__(self) -> None:
        self._ordered = self.maker.ordered and not self.draft

    def open(self, part: OpenPart) -> None:
        """A partition's rows are begun; partitions come in the order of ids."""
        self._open[part.range.start] = part
        self._begin(part.range.start)

    def find(self, part: FinishedPart) -> None:
        """A partition exists: steps with memory see its rows in their turn."""
        if self._ordered and part.start < part.stop:
            self._found[part.start] = part
            self._begin(part.start)

    def _begin(self, start: int) -> None:
        if self._turn is None:
            self._turn = start
        self._judge_soon()

    def take(self, part: OpenPart, offset: int) -> None:
        """A row is made."""
        part.waiting.append(offset)
        part.finished += 1
        self.folder.tally.wait(1)
        if part.full or self.fill.decides:
            self._judge_soon()
        self.bell.ring()

    def hurry(self) -> None:
        """Nothing can be opened: rows that wait are judged at once, if their verdicts decide what is opened next."""
        if self.fill.decides and not self.halted:
            self._hurry = True
            self._judge_soon()

    def halt(self, exc: Exception) -> None:
        """Ask nothing new; what is in flight elsewhere still comes in and is written down."""
        self.halted = self.halted or exc
        self.bell.ring()

    async def room(self, writing: int) -> None:
        """Wait until no more finished partitions than this wait for the disk."""
        while len(self._saving) > writing:
            await asyncio.wait(self._saving, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """All rows are made: the last verdicts, and what is on its way to the disk."""
        while self.halted is None and (self._judging is not None or self._open):
            if self._judging is None:
                self._hurry = True
                self._judge_soon()
            if self._judging is None:
                for part in list(self._open.values()):  # what is left was not opened to its end
                    self._close(part, part.range.start + part.opened)
            else:
                await asyncio.wait([self._judging])
        while self._saving or self._judging:
            await asyncio.wait([*self._saving, *([self._judging] if self._judging else [])])

    def _judge_soon(self) -> None:
        if self._judging is None and self._due():
            self._judging = self._beside(self._judge())

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work beside the rows: what it raises stops the run."""
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self.heed)
        return task

    def heed(self, task: asyncio.Task[None]) -> None:
        """A task beside the rows has ended."""
        self._saving.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.halt(error)
        if task is self._judging:
            self._judging = None
            if self.halted is None and not task.cancelled():
                self._judge_soon()  # for rows that came in between its last look and its end

    def _due(self) -> list[OpenPart | FinishedPart]:
        """What is to be judged now: partitions with rows that wait, or none; those that exist, in their turn."""
        if self._ordered:
            found = None if self._turn is None else self._found.get(self._turn) or self._open.get(self._turn)
            parts = [] if found is None else [found]
        else:
            parts = [self._open[start] for start in sorted(self._open)]
        many = self.fill.decides and sum(len(part.waiting) for part in self._open.values()) >= self.group
        full = any(part.full for part in self._open.values())
        everything = self._hurry or many or (full and (self.fill.decides or self._ordered))
        return [part for part in parts if isinstance(part, FinishedPart) or self._ripe(part, everything=everything)]

    def _ripe(self, part: OpenPart, *, everything: bool) -> bool:
        """Whether some of its rows are to be judged, or all of them are."""
        return part.judged == len(part) or ((everything or part.full) and bool(part.ready(ordered=self._ordered)))

    async def _judge(self) -> None:
        """Judge what is due until nothing is."""
        while due := self._due():
            self._hurry = False
            for part in due:
                if isinstance(part, FinishedPart):
                    await self.loop.aside(self._remember, part)
                    self._turn = self._found.pop(part.start).stop
                    continue
                if offsets := part.ready(ordered=self._ordered):
                    await self._verdict(part, offsets)
                if part.judged == len(part):
                    self._close(part, part.range.stop)
            self.bell.ring()

    def _remember(self, part: FinishedPart) -> None:
        self.maker.remember(self.folder.load(part))

    async def _verdict(self, part: OpenPart, offsets: list[int]) -> None:
        part.judging(offsets)
        made = [offset for offset in offsets if offset not in part.failures]
        counts = Counts(failed=len(offsets) - len(made))
        part.dropped += [part.failure(offset) for offset in offsets if offset in part.failures]
        if made and self.draft:
            counts.kept = len(made)
        elif made:
            kept, dropped, judged = await self.loop.aside(lambda: self.maker.finish(part.made(made)))
            counts.add(judged)
            part.dropped += dropped
            part.batches.append(kept)
        part.counts.add(counts)
        part.judged += len(offsets)
        self.folder.tally.judge(counts)
        settled = self.folder.settles(counts)
        self.quota.judge(settled, counts.attempted - settled)

    def _close(self, part: OpenPart, stop: int) -> None:
        """The partition is finished at `stop`: put it on the disk."""
        del self._open[part.range.start]
        self._turn = part.range.stop
        made = FinishedPart(part.index, part.range.start, stop, self.folder.table.fingerprint, part.counts, part.range.ids)
        self._saving.add(self._beside(self.loop.on_disk(self._put, part, made)))

    def _put(self, part: OpenPart, made: FinishedPart) -> None:
        self.journals.finish(part.journal)
        if self.draft:
            self.folder.tally.write(made.counts, judged=True)
            return
        batches = part.batches or [self.maker.add(part.made([]), self.maker.stages.late)]  # no row stayed: the columns alone
        current = {self.folder.table.fingerprints[name] for name in part.cells}
        entries = [entry for (column, _, _), entry in part.journal.entries.items() if column in current]
        self.folder.put(PartOutcome(made, batches, part.dropped, entries), judged=True)
