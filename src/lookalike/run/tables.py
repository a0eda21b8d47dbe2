"""One table of a run: what exists, what is missing, and the maker that fits."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections import Counter
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from lookalike.errors import GateFailed, RunError
from lookalike.generators.base import ModelColumn
from lookalike.models.base import Reply, Request
from lookalike.models.lanes import Lanes
from lookalike.origins.base import Range
from lookalike.plan import TablePlan
from lookalike.rng import Ids
from lookalike.rows.batch import Batch
from lookalike.run.blocks import BlockTable
from lookalike.run.cells import CellMaker
from lookalike.run.journal import Entry, PartJournal
from lookalike.run.loop import stopped
from lookalike.run.origin import opened
from lookalike.run.parts import (
    Dropped,
    Part,
    check_part,
    dropped_ids,
    dropped_reasons,
    load_part,
    read_part,
    row_ids,
    write_part,
)
from lookalike.run.quota import Quota
from lookalike.run.rows import RowMaker
from lookalike.run.stream import OpenPart, StreamTable
from lookalike.store import disk_errors

if TYPE_CHECKING:
    from lookalike.run.engine import Runner

Numbered = tuple[int, Range]  # a partition's number, and its candidates
WINDOW = 1.25  # rows walked for each request that may be in flight: the next one is always at hand


class TableRun:
    """Makes one table."""

    def __init__(self, runner: Runner, table: TablePlan) -> None:
        self.runner, self.table = runner, table
        self.to = runner.to
        recipe = runner.plan.recipe
        self.origin = opened(runner.plan, table, runner.sources, self.to, runner.events, runner.parts)
        self.rows = RowMaker(
            table, table.stages, self.origin.rows, recipe.seed, runner.sources, runner.plan.root, runner.options.allow_code
        )
        self.ordered = any(step.scope == "table" for step in table.table.steps)
        self.rejects = bool(table.table.keep or table.table.steps or table.table.replace_failed)
        self.selective = self.rejects and self.origin.replaces == "count"
        self.asked = self.origin.asked
        self.limit = math.ceil(self.asked * table.table.cap) if self.selective else self.asked
        self.counts = runner.progress.counts[table.name]
        self.done: dict[int, Part] = {}
        self.found = {path.name: path for path in self.folder.glob("part-*.parquet")}
        self.lock = threading.Lock()

    def ranges(self) -> Iterator[Numbered]:
        """Nominal partitions: the base ones, then as many more as replacements may need."""
        index = -1
        stop = 0
        for index, found in enumerate(self.origin.ranges(self.table.partition_rows)):
            stop = found.stop
            yield index, found
        while self.selective and self.runner.options.shard.whole and stop < self.limit:
            index, start = index + 1, stop
            stop = min(start + self.table.partition_rows, self.limit)
            yield index, Range(start, stop)

    def make(self) -> None:
        """Make what is missing."""
        whole = self.runner.options.shard.whole
        self._pass(list(self.ranges()))
        replaces = self.origin.replaces == "kind" and self.rejects and whole
        while replaces and not self.runner.halt.is_set():
            parts = self.finished()
            tried = np.concatenate([part.candidates() for part in parts])
            more = self.origin.more(tried, self._settled(parts), self.table.partition_rows)
            if not more:
                break
            self._pass(list(enumerate(more, parts[-1].index + 1)))
        self._clear()
        if (self.selective or replaces) and whole and not self.runner.halt.is_set():
            self._say_when_short()

    @property
    def folder(self) -> Path:
        """Where the table's partitions lie."""
        return self.to / "tables" / self.table.name

    def finished(self) -> list[Part]:
        """The table's partitions, in order."""
        return [read_part(path) for path in sorted(self.folder.glob("part-*.parquet")) if path.name not in self.found]

    def _settled(self, parts: list[Part]) -> Ids:
        """Ids of the rows that hold their places."""
        found = [row_ids(self.to, self.table.name, part) for part in parts]
        if not self.table.table.replace_failed:
            found += [dropped_ids(self.to, self.table.name, part.index, "failed") for part in parts]
        return np.concatenate(found)

    def _clear(self) -> None:
        """Remove partitions that are not of this plan; their replies stay in the journal."""
        while self.found:
            self.found.popitem()[1].unlink()

    def _pass(self, ranges: Sequence[Numbered]) -> None:
        """Make what is missing of some ranges."""
        self.done = self._existing(ranges)
        for part in self.done.values():
            self.counts.add(part.counts)
            if self.runner.options.look is not None:
                self._look(load_part(self.to, self.table.name, part))
        self.runner.progress.found(self.asked)
        models = [name for name in self.table.order if isinstance(self.table.table.columns[name], ModelColumn)]
        if models:
            self.runner.loop.run(self._walk(models, ranges))
        elif self.runner.options.shard.whole or not (self.ordered or self.selective):
            self._blocks(ranges)

    def _existing(self, ranges: Sequence[Numbered]) -> dict[int, Part]:
        """Partitions that exist and belong to this plan; the others are removed."""
        done: dict[int, Part] = {}
        settled = 0
        intact = True
        for index, found in ranges:
            path = self.found.pop(f"part-{index:05d}.parquet", None)
            if path is None:
                if not self.found:
                    break
                continue
            part = self._whole(path, index)
            if part is None:
                continue
            settled += part.counts.settled(replace_failed=self.table.table.replace_failed)
            cut = part.stop < found.stop
            fits = part.fingerprint == self.table.fingerprint and part.start == found.start and part.stop <= found.stop
            fits = fits and part.ids == found.ids
            fits = fits and intact and (not cut or (self.selective and settled == self.asked)) and settled <= self.asked
            if fits and not (self.runner.options.retry_failed and part.counts.failed):
                done[index] = part
            else:
                intact = intact and not (self.selective and cut)
                path.unlink()
        if self.origin.replaces != "kind":
            self._clear()
        return done

    def _whole(self, path: Path, index: int) -> Part | None:
        """A partition whose bytes are those that were written; a damaged one is told and removed."""
        try:
            return check_part(self.to, self.table.name, index)
        except RunError as exc:
            self.runner.damaged(Path(exc.where))
            with disk_errors(path):
                path.unlink()
            return None

    def _say_when_short(self) -> None:
        if self.counts.settled(replace_failed=self.table.table.replace_failed) >= self.asked:
            return
        parts = self.finished()
        why = f"{self.counts.attempted:,} candidates were tried, the cap of {self.table.table.cap:g} a row"
        reasons = Counter(reason for part in parts for reason in dropped_reasons(self.to, self.table.name, part.index))
        if reasons:
            reason, times = reasons.most_common(1)[0]
            why += f"; most often ({times:,} times): {reason}"
        if short := self.origin.short(self._settled(parts)):
            why += f"; short: {'; '.join(short[:5])}" + (f" and {len(short) - 5:,} more" if len(short) > 5 else "")
        self.runner.events.emit("capped", table=self.table.name, kept=self.counts.kept, asked=self.asked, reason=why)

    def _blocks(self, ranges: Sequence[Numbered]) -> None:
        threads = self.runner.options.threads or os.cpu_count() or 1
        if self.ordered:
            for _, part in sorted(self.done.items()):
                self._refeed(part)
        mine = (entry for entry in ranges if self.runner.options.shard.mine(entry[0]))
        BlockTable(
            rows=self.rows,
            asked=self.asked if self.selective else None,
            limit=self.limit,
            done=self.done,
            fingerprint=self.table.fingerprint,
            write=self._write,
            threads=threads,
            ordered=self.ordered,
            stopping=self.runner.halt.is_set,
        ).make(mine)

    def _refeed(self, part: Part) -> None:
        """Steps with memory see the rows of a partition that exists."""
        batch = load_part(self.to, self.table.name, part)
        for number, step in enumerate(self.rows.steps):
            if step.scope == "table" and step.needs() <= set(batch.columns):
                step.apply(batch, self.rows.context(f"step {number}"))

    def _write(self, part: Part, batches: list[Batch], dropped: list[Dropped], entries: list[Entry] | None = None) -> None:
        rows = self.rows.output(batches)
        write_part(self.to, self.table.name, part, rows, dropped, entries or ())
        with self.lock:  # several threads make blocks
            self.counts.add(part.counts)
            self.runner.events.emit("part", table=self.table.name, part=part.index, counts=part.counts.dump())
            self._look(rows)

    def _look(self, rows: Batch | pa.Table) -> None:
        look = self.runner.options.look
        why = "" if look is None else look(self.table.name, rows.arrow() if isinstance(rows, Batch) else rows)
        if why:
            raise GateFailed(
                what=f"the run stopped early: {why}",
                where=f"table {self.table.name!r}",
                fix="what was made is kept: change the recipe, or loosen or remove the gate, and run the same command again",
            )

    async def _walk(self, models: list[str], ranges: Sequence[Numbered]) -> None:
        runner = self.runner
        lanes = await runner.lanes()
        specs: Mapping[str, ModelColumn] = {name: self.table.table.columns[name] for name in models}  # type: ignore[misc]
        gate = Gate(lanes, runner.halt)
        makers = {
            name: CellMaker(
                name,
                spec,
                self.rows.context(name),
                self.table.fingerprints[name],
                gate,
                watch=partial(runner.options.watch, self.table.name),
                retry=runner.options.retry_failed,
                ahead=name not in self.table.stages.levels[0],
            )
            for name, spec in specs.items()
        }
        names = {lane for spec in specs.values() for lane in spec.models()}
        table = StreamTable(
            rows=self.rows,
            makers=makers,
            stages=self.table.stages.levels,
            needed=self._needed(),
            quota=self._quota(),
            done=self.done,
            fingerprint=self.table.fingerprint,
            open_journal=self._open_journal,
            save=self._save,
            window=max(1, math.ceil(WINDOW * sum(lanes.concurrency(name) for name in names))),
            ordered=self.ordered,
            selective=self.selective,
            replace_failed=self.table.table.replace_failed,
            skip=lambda index: not runner.options.shard.mine(index),
            refeed=self._refeed,
            progress=runner.progress,
        )
        syncing = asyncio.create_task(runner.sync())
        syncing.add_done_callback(table.heed)
        try:
            await table.make(iter(ranges))
        finally:
            syncing.cancel()

    def _quota(self) -> Quota:
        """With a count to reach, verdicts decide what is opened; else every candidate is wanted."""
        if self.selective and self.runner.options.shard.whole:
            return Quota(self.asked, self.limit)
        exact = self.origin.replaces == "kind"
        return Quota(None, max(self.limit, math.ceil(self.asked * self.table.table.cap)) if exact else self.limit)

    def _needed(self) -> list[str]:
        """Columns that cells read."""
        level = {name for names in self.table.stages.levels for name in names}
        return sorted({other for name in level for other in self.table.needs[name]} - level)

    def _open_journal(self, index: int) -> PartJournal:
        journal = PartJournal.open(self.to / "journal" / self.table.name / f"part-{index:05d}", self.runner.damaged)
        self.runner.journals.add(journal)
        return journal

    async def _save(self, part: Part, made: OpenPart) -> None:
        await self.runner.loop.on_disk(self._put, part, made)
        self.runner.progress.judged.take(part.counts)

    def _put(self, part: Part, made: OpenPart) -> None:
        made.journal.close()
        self.runner.journals.discard(made.journal)
        if not self.runner.options.shard.whole and (self.selective or self.ordered):
            return  # the cells are in the journal; the finishing run judges them
        current = {self.table.fingerprints[name] for names in self.table.stages.levels for name in names}
        entries = [entry for (column, _, _), entry in made.journal.entries.items() if column in current]
        self._write(part, made.batches, made.dropped, entries)


class Gate:
    """The lanes, until the user stops the run."""

    def __init__(self, lanes: Lanes, halt: threading.Event) -> None:
        self._lanes, self._halt = lanes, halt

    def ask(self, request: Request, *, ahead: bool = False) -> Awaitable[Reply]:
        """Ask, unless the run is stopping."""
        if self._halt.is_set():
            raise stopped()
        return self._lanes.ask(request, ahead=ahead)
