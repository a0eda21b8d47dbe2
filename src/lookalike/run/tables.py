"""One table of a run: what exists of it, what is missing, and the maker that fits."""

from __future__ import annotations

import math
import threading
from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from functools import partial

from lookalike.generators.base import ModelColumn
from lookalike.models.base import Reply, Request
from lookalike.models.lanes import Lanes
from lookalike.plan import TablePlan
from lookalike.run.blocks import BlockTable
from lookalike.run.cells import CellMaker
from lookalike.run.fill import Fill, rejects
from lookalike.run.journal import Journals
from lookalike.run.loop import Bell, Loop, stopped
from lookalike.run.options import Options
from lookalike.run.parts import FinishedPart, Partition
from lookalike.run.rows import RowMaker
from lookalike.run.stream import StreamTable
from lookalike.run.table_folder import TableFolder
from lookalike.run.verdicts import Verdicts


@dataclass
class TableRun:
    """Says what is missing of a table, pass by pass.

    Attributes:
        fill: who takes the place of a rejected row.
    """

    table: TablePlan
    maker: RowMaker
    fill: Fill
    folder: TableFolder
    options: Options

    @property
    def draft(self) -> bool:
        """Whether only cells are made: verdicts need the rows of all shards."""
        counted = self.fill.rows.replaces == "count" and rejects(self.table.table)
        return not self.options.shard.whole and (self.maker.ordered or counted)

    @property
    def asks(self) -> dict[str, ModelColumn]:
        """Columns that models make."""
        columns = ((name, self.table.table.columns[name]) for name in self.table.order)
        return {name: spec for name, spec in columns if isinstance(spec, ModelColumn)}

    @property
    def complete(self) -> bool:
        """Whether all of it is there, what other shards make included."""
        wanted = {partition.index for partition in self.fill.first()}
        return self.options.shard.whole or (not self.draft and wanted <= set(self.folder.numbers()))

    def passes(self) -> Iterator[tuple[list[Partition], dict[int, FinishedPart]]]:
        """Partitions to make, and those of them that exist; the next pass is worked out when this one is made."""
        mine = self.options.shard.mine
        found = {index: part for index in self.folder.numbers() if mine(index) and (part := self.folder.find(index))}
        partitions = [partition for partition in self.fill.first() if mine(partition.index)]
        while partitions:
            yield partitions, self._existing(partitions, found)
            partitions = self.fill.more(
                lambda: [part for part in self.folder.parts() if part.index not in found], self.folder.settled
            )
        for index in found:
            self.folder.remove(index)

    def _existing(self, partitions: list[Partition], found: dict[int, FinishedPart]) -> dict[int, FinishedPart]:
        """Partitions that stay; those in their places that do not fit are removed."""
        done: dict[int, FinishedPart] = {}
        settled = 0
        for partition in partitions:
            part = found.pop(partition.index, None)
            if part is None:
                continue
            settled += self.folder.settles(part.counts)
            same = (part.start, part.ids) == (partition.range.start, partition.range.ids)
            again = self.options.retry_failed and part.counts.failed
            if same and not again and self.fill.fits(part, partition.range, settled):
                done[partition.index] = part
                self.folder.keep(part)
            else:
                self.folder.remove(partition.index)
        return done

    def short(self) -> str:
        """Why fewer rows are there than were promised; empty where none lacks."""
        counts = self.folder.tally.outcomes
        if not self.fill.lacks(self.folder.settles(counts)):
            return ""
        parts = self.folder.parts()
        why = f"{counts.attempted:,} candidates were tried, the cap of {self.table.table.cap:g} a row"
        if reasons := self.folder.reasons(parts):
            reason, times = reasons.most_common(1)[0]
            why += f"; most often ({times:,} times): {reason}"
        if lacking := self.fill.rows.short(self.folder.settled(parts)):
            why += f"; short: {'; '.join(lacking[:5])}" + (f" and {len(lacking) - 5:,} more" if len(lacking) > 5 else "")
        return why

    def blocks(self, threads: int, halt: threading.Event) -> BlockTable:
        """The maker of a table that asks no model."""
        return BlockTable(self.maker, self.fill, self.folder, threads, halt.is_set)

    def stream(self, lanes: Lanes, journals: Journals, loop: Loop, halt: threading.Event) -> StreamTable:
        """The maker of a table that asks models."""
        bell, quota = Bell(), self.fill.quota()
        pace = self.options.pace
        verdicts = Verdicts(self.maker, self.fill, self.folder, journals, loop, quota, bell, group=pace.group, draft=self.draft)
        makers = {
            name: CellMaker(
                name,
                spec,
                self.maker.context(name),
                self.table.fingerprints[name],
                Stoppable(lanes, halt),
                watch=partial(self.options.watch, self.table.name),
                retry=self.options.retry_failed,
                ahead=name not in self.table.stages.levels[0],
            )
            for name, spec in self.asks.items()
        }
        return StreamTable(self.maker, makers, self.folder, journals, loop, quota, verdicts, bell, pace.writing)

    def window(self, lanes: Lanes) -> int:
        """Rows to walk at the same time."""
        names = {lane for spec in self.asks.values() for lane in spec.models()}
        return max(1, math.ceil(self.options.pace.window * sum(lanes.concurrency(name) for name in names)))


class Stoppable:
    """The lanes, until the user stops the run."""

    def __init__(self, lanes: Lanes, halt: threading.Event) -> None:
        self._lanes, self._halt = lanes, halt

    def ask(self, request: Request, *, ahead: bool = False) -> Awaitable[Reply]:
        """Ask, unless the run is stopping."""
        if self._halt.is_set():
            raise stopped()
        return self._lanes.ask(request, ahead=ahead)
