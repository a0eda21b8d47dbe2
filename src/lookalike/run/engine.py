"""Do it: make what is missing of a run folder, table by table, and write down what was made."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from lookalike.errors import RunError
from lookalike.generators.base import Batch, ModelColumn
from lookalike.models.base import Reply, Request
from lookalike.models.lanes import Lanes
from lookalike.plan import Plan, TablePlan
from lookalike.recipe.load import dump
from lookalike.run import manifest
from lookalike.run.blocks import BlockTable
from lookalike.run.cells import CellMaker
from lookalike.run.events import ColumnUse, Counts, Events, Listener
from lookalike.run.executors import Shard
from lookalike.run.folder import RunFolder
from lookalike.run.journal import Entry, PartJournal
from lookalike.run.lock import locked
from lookalike.run.origin import Origin, Sources
from lookalike.run.parts import Dropped, Part, load_part, read_part, write_part
from lookalike.run.quota import Quota
from lookalike.run.rows import RowMaker
from lookalike.run.stream import OpenPart, StreamTable
from lookalike.store import clear_leftovers, put_bytes

SYNC_S = 1.0  # replies on disk are synced this often: what a power cut may cost


class Stopped(RunError):
    """The user stopped the run; everything answered is kept."""

    exit_code = 130


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what.

    Attributes:
        threads: threads for tables without model calls; 0: one a core.
        retry_failed: ask again for cells that failed earlier.
        cache: a folder of replies that runs share; None: none is kept.
        watch: called with the table's name, each new journal entry and the request it answers; for previews.
    """

    threads: int = 0
    shard: Shard = field(default_factory=Shard)
    retry_failed: bool = False
    allow_code: bool = False
    cache: Path | None = None
    watch: Callable[[str, Entry, Request], None] = field(default=lambda table, entry, request: None)


@dataclass
class Progress:
    """Where a run stands: read by the live view while it goes on."""

    started: float = field(default_factory=time.monotonic)
    table: str = ""
    counts: dict[str, Counts] = field(default_factory=dict)
    asked: dict[str, int | None] = field(default_factory=dict)
    use: dict[str, ColumnUse] = field(default_factory=dict)  # "table.column" -> calls
    lanes: Lanes | None = None
    walked: int = 0  # rows of the present table whose cells are made, judged or not
    reused: int = 0  # replies that the journal already held


def run(
    plan: Plan,
    to: Path,
    options: Options = Options(),
    listeners: tuple[Listener, ...] = (),
    progress: Progress | None = None,
) -> RunFolder:
    """Make a plan's tables in a run folder; what is there already is kept.

    Raises:
        RunError: the folder belongs to another recipe, another run works on it, or the disk is full.
        BudgetSpent: the budget is used up; raise it and run again.
        ModelError: a model's lane is closed (a wrong key, a wrong name).
        Stopped: the user pressed Ctrl-C.
    """
    progress = progress or Progress()
    name = "run" if options.shard.whole else f"shard-{options.shard.index}-of-{options.shard.count}"
    check_owner(plan, to)
    with locked(to, name, shared=not options.shard.whole), Events(to / "events.jsonl", listeners) as events:
        if options.shard.whole:
            clear_leftovers(to)
        put_bytes(to / "recipe.yaml", dump(plan.recipe).encode())
        put_bytes(to / "plan.json", orjson.dumps(plan.json(), option=orjson.OPT_INDENT_2))
        events.emit("start", name=plan.recipe.name, rows={t.name: t.n_rows for t in plan.tables}, pid=os.getpid())
        runner = Runner(plan, to, options, events, progress)
        try:
            with runner.interruptible():
                runner.make()
        except BaseException as exc:
            events.emit("stopped", reason=f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__)
            raise
        finally:
            runner.close()
        if options.shard.whole:
            manifest.write(plan, to, progress, time.monotonic() - progress.started)
        events.emit("done", counts={table: c.dump() for table, c in progress.counts.items()})
    return RunFolder(to)


def check_owner(plan: Plan, to: Path) -> None:
    """A folder holds the runs of one recipe name.

    Raises:
        RunError: it holds another recipe's run, or files that are no run.
    """
    path = to / "plan.json"
    if path.is_file():
        found = orjson.loads(path.read_bytes()).get("name")
        if found != plan.recipe.name:
            raise RunError(
                what=f"the folder holds a run of recipe {found!r}, this is {plan.recipe.name!r}",
                where=str(to),
                fix="choose another folder with -o",
            )
    elif to.is_dir() and any(not entry.name.startswith(".") for entry in to.iterdir()):
        raise RunError(what="the folder is not empty and holds no run", where=str(to), fix="choose another folder with -o")


def stopped() -> Stopped:
    """The user's stop, as an error."""
    return Stopped(what="stopped; every reply that came in is kept", fix="the same command goes on from here")


class Runner:
    """One pass over a plan."""

    def __init__(self, plan: Plan, to: Path, options: Options, events: Events, progress: Progress) -> None:
        self.plan, self.to, self.options, self.events, self.progress = plan, to, options, events, progress
        self.sources = Sources(plan.recipe.sources, plan.root)
        self.halt = threading.Event()
        self.parts: dict[str, list[Part]] = {}
        self.journals: set[PartJournal] = set()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """First Ctrl-C: nothing new is asked, what is in flight comes in. Second: stop at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handler(signum: int, frame: Any) -> None:  # noqa: ARG001
            if self.halt.is_set():
                raise KeyboardInterrupt
            self.halt.set()
            self.events.emit("stopping", reason="interrupted; waiting for replies that are paid for")

        before = {sig: signal.signal(sig, handler) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, old in before.items():
                signal.signal(sig, old)

    def close(self) -> None:
        """Let go of journals."""
        for journal in list(self.journals):
            journal.close()

    def make(self) -> None:
        """All tables, parents before children."""
        self.parts = {table.name: [] for table in self.plan.tables}
        for table in self.plan.tables:
            self.progress.table, self.progress.walked = table.name, 0
            self.progress.counts[table.name] = Counts()
            self.progress.asked[table.name] = table.n_rows
            if table.parent is not None and not self.options.shard.whole:
                continue  # children need their parent complete: the finishing run makes them
            maker = TableRun(self, table)
            maker.make()
            self.stop_if_halted()
            self.parts[table.name] = maker.finished()

    def stop_if_halted(self) -> None:
        """Raise when the user stopped the run."""
        if self.halt.is_set():
            raise stopped()


class TableRun:
    """One table of a run: what exists, what is missing, and the maker that fits."""

    def __init__(self, runner: Runner, table: TablePlan) -> None:
        self.runner, self.table = runner, table
        self.to = runner.to
        recipe = runner.plan.recipe
        self.origin = Origin.open(runner.plan, table, runner.sources, self.to, runner.events, runner.parts)
        self.rows = RowMaker(
            table, table.stages, self.origin.rows, recipe.seed, runner.sources, runner.plan.root, runner.options.allow_code
        )
        self.ordered = any(step.scope == "table" for step in table.table.steps)
        self.selective = bool(table.table.keep or table.table.steps) and self.origin.refills
        self.asked = self.origin.asked
        self.limit = math.ceil(self.asked * table.table.cap) if self.selective else self.asked
        self.counts = runner.progress.counts[table.name]
        self.done = self._existing()
        for part in self.done.values():
            self.counts.add(part.counts)

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Nominal partitions: the base ones, then as many more as replacements may need."""
        index = -1
        stop = 0
        for index, (start, stop) in enumerate(self.origin.ranges(self.table.partition_rows)):
            yield index, start, stop
        while self.selective and self.runner.options.shard.whole and stop < self.limit:
            index, start = index + 1, stop
            stop = min(start + self.table.partition_rows, self.limit)
            yield index, start, stop

    def _existing(self) -> dict[int, Part]:
        """Partitions that exist and belong to this plan; the others are removed, their replies stay in the journal."""
        done: dict[int, Part] = {}
        settled = 0
        intact = True
        folder = self.to / "tables" / self.table.name
        found = {path.name: path for path in folder.glob("part-*.parquet")}
        for index, start, stop in self.ranges():
            path = found.pop(f"part-{index:05d}.parquet", None)
            if path is None:
                if not found:
                    break
                continue
            part = read_part(path)
            settled += part.counts.kept + part.counts.failed
            cut = part.stop < stop
            fits = part.fingerprint == self.table.fingerprint and part.start == start and part.stop <= stop
            fits = fits and intact and (not cut or (self.selective and settled == self.asked)) and settled <= self.asked
            if fits and not (self.runner.options.retry_failed and part.counts.failed):
                done[index] = part
            else:
                intact = intact and not (self.selective and cut)
                path.unlink()
        for path in found.values():
            path.unlink()
        return done

    def finished(self) -> list[Part]:
        """The table's partitions, in order."""
        folder = self.to / "tables" / self.table.name
        return [read_part(path) for path in sorted(folder.glob("part-*.parquet"))]

    def make(self) -> None:
        """Make what is missing."""
        models = [name for name in self.table.order if isinstance(self.table.table.columns[name], ModelColumn)]
        if models:
            self._stream(models)
        elif self.runner.options.shard.whole or not (self.ordered or self.selective):
            self._blocks()
        if self.selective and self.runner.options.shard.whole and not self.runner.halt.is_set():
            self._say_when_short()

    def _say_when_short(self) -> None:
        if self.counts.kept + self.counts.failed < self.asked:
            self.runner.events.emit(
                "capped",
                table=self.table.name,
                kept=self.counts.kept,
                asked=self.asked,
                reason=f"{self.counts.attempted} candidates were tried, the cap of {self.table.table.cap:g} a row",
            )

    def _blocks(self) -> None:
        threads = self.runner.options.threads or os.cpu_count() or 1
        if self.ordered:
            for _, part in sorted(self.done.items()):
                self._refeed(part)
        mine = (entry for entry in self.ranges() if self.runner.options.shard.mine(entry[0]))
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

    def _write(self, part: Part, batches: list[Batch], dropped: list[Dropped]) -> None:
        write_part(self.to, self.table.name, part, self.rows.output(batches), dropped, ())
        self._count(part)

    def _count(self, part: Part) -> None:
        self.counts.add(part.counts)
        self.runner.events.emit("part", table=self.table.name, part=part.index, counts=part.counts.dump())

    def _stream(self, models: list[str]) -> None:
        asyncio.run(self._walk(models))

    async def _walk(self, models: list[str]) -> None:
        runner, plan = self.runner, self.runner.plan
        spent, requests = manifest.spent(self.to)
        specs: Mapping[str, ModelColumn] = {name: self.table.table.columns[name] for name in models}  # type: ignore[misc]
        names = sorted({lane for spec in specs.values() for lane in spec.models()})
        lanes = Lanes(
            {name: plan.model(name) for name in names},
            plan.recipe.budget,
            spent=spent,
            requests=requests,
            seconds=time.monotonic() - runner.progress.started,
            share=(runner.options.shard.index, runner.options.shard.count),
            cache=runner.options.cache,
        )
        async with lanes:
            runner.progress.lanes = lanes
            makers = {
                name: CellMaker(
                    name,
                    spec,
                    self.rows.context(name),
                    self.table.fingerprints[name],
                    Gate(lanes, runner.halt),
                    self._asked,
                    partial(runner.options.watch, self.table.name),
                )
                for name, spec in specs.items()
            }
            table = StreamTable(
                rows=self.rows,
                makers=makers,
                stages=self.table.stages.levels,
                needed=self._needed(),
                quota=Quota(self.asked if self.selective and runner.options.shard.whole else None, self.limit),
                done=self.done,
                fingerprint=self.table.fingerprint,
                open_journal=self._open_journal,
                save=self._save,
                window=max(1, math.ceil(1.25 * sum(lanes.concurrency(name) for name in names))),
                ordered=self.ordered,
                selective=self.selective,
                skip=lambda index: not runner.options.shard.mine(index),
                refeed=self._refeed,
                finished=self._walked,
            )
            syncing = asyncio.create_task(self._sync())
            try:
                await table.make(self.ranges())
            finally:
                syncing.cancel()

    def _walked(self) -> None:
        self.runner.progress.walked += 1

    async def _sync(self) -> None:
        """Replies of the last second, synced together."""
        while True:
            await asyncio.sleep(SYNC_S)
            for journal in list(self.runner.journals):
                journal.sync()

    def _needed(self) -> list[str]:
        """Columns that cells read."""
        level = {name for names in self.table.stages.levels for name in names}
        return sorted({other for name in level for other in self.table.needs[name]} - level)

    def _open_journal(self, index: int) -> PartJournal:
        folder = self.to / "journal" / self.table.name / f"part-{index:05d}"
        journal = PartJournal.open(folder, forget_failures=self.runner.options.retry_failed)
        self.runner.progress.reused += len(journal.entries)
        self.runner.journals.add(journal)
        return journal

    def _asked(self, entry: Entry) -> None:
        use = self.runner.progress.use.setdefault(f"{self.table.name}.{entry.column}", ColumnUse(entry.model))
        use.calls += 1
        if entry.reply is None:
            use.failed += 1
        else:
            use.usage += entry.reply.usage

    def _save(self, part: Part, made: OpenPart) -> None:
        self.runner.journals.discard(made.journal)
        if not self.runner.options.shard.whole and (self.selective or self.ordered):
            return  # the cells are in the journal; the finishing run judges them
        current = {self.table.fingerprints[name] for names in self.table.stages.levels for name in names}
        entries = [entry for (column, _, _), entry in made.journal.entries.items() if column in current]
        write_part(self.to, self.table.name, part, self.rows.output(made.batches), made.dropped, entries)
        self._count(part)


class Gate:
    """The lanes, until the user stops the run."""

    def __init__(self, lanes: Lanes, halt: threading.Event) -> None:
        self._lanes, self._halt = lanes, halt

    async def ask(self, request: Request) -> Reply:
        """Ask, unless the run is stopping."""
        if self._halt.is_set():
            raise stopped()
        return await self._lanes.ask(request)
