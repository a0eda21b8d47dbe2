"""Do it: make what is missing of a run folder, table by table, and write down what was made."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lookalike.errors import RunError
from lookalike.models.base import Usage
from lookalike.models.lanes import Lanes
from lookalike.plan import Plan, TablePlan
from lookalike.recipe.load import dump
from lookalike.run import manifest
from lookalike.run.events import Events, Listener
from lookalike.run.fill import fill_of
from lookalike.run.folder import RunFolder, read_plan
from lookalike.run.journal import Journals
from lookalike.run.lock import locked
from lookalike.run.loop import Loop, Stopped, few_collections, interruptible, stopped
from lookalike.run.options import Options, Pace
from lookalike.run.origin import Sources, opened
from lookalike.run.parts import FinishedPart, Partition
from lookalike.run.progress import Progress
from lookalike.run.rows import RowMaker
from lookalike.run.table_folder import TableFolder
from lookalike.run.tables import TableRun
from lookalike.run.tally import Tally
from lookalike.store import clear_leftovers, put_bytes, put_json, refuse_links

__all__ = ["Options", "Pace", "Progress", "Runner", "Stopped", "run"]


def run(
    plan: Plan,
    to: Path,
    options: Options | None = None,
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
    options, progress = options or Options(), progress or Progress()
    progress.name = plan.recipe.name
    progress.tables = {table.name: Tally(table.n_rows) for table in plan.tables}
    name = "run" if options.shard.whole else f"shard-{options.shard.index}-of-{options.shard.count}"
    refuse_links(to)
    check_owner(plan, to)
    with locked(to, name, shared=not options.shard.whole), Events(to / "events.jsonl", listeners) as events:
        if options.shard.whole:
            clear_leftovers(to)
        put_bytes(to / "recipe.yaml", dump(plan.recipe).encode())
        put_json(to / "plan.json", plan.json(to))
        events.emit("start", name=plan.recipe.name, rows={t.name: t.n_rows for t in plan.tables}, pid=os.getpid())
        runner = Runner(plan, to, options, events, progress)
        try:
            with interruptible(runner.halt, runner.stopping, lambda: progress.lanes is not None), few_collections():
                runner.make()
        except BaseException as exc:
            events.emit("stopped", reason=f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__)
            raise
        finally:
            runner.close()
        if options.shard.whole:
            manifest.write(plan, to, progress, time.monotonic() - progress.started, events.damaged)
        events.emit("done", counts={name: tally.outcomes.dump() for name, tally in progress.tables.items()})
    return RunFolder(to)


def check_owner(plan: Plan, to: Path) -> None:
    """A folder holds the runs of one recipe name.

    Raises:
        RunError: it holds another recipe's run, or files that are no run.
    """
    if (to / "plan.json").is_file():
        found = read_plan(to)["name"]
        if found != plan.recipe.name:
            raise RunError(
                what=f"the folder holds a run of recipe {found!r}, this is {plan.recipe.name!r}",
                where=str(to),
                fix="choose another folder with -o",
            )
    elif to.is_dir() and not (to / "events.jsonl").is_file() and any(not entry.name.startswith(".") for entry in to.iterdir()):
        raise RunError(what="the folder is not empty and holds no run", where=str(to), fix="choose another folder with -o")


class Runner:
    """One pass over a plan: its tables in order, and what they share."""

    def __init__(self, plan: Plan, to: Path, options: Options, events: Events, progress: Progress) -> None:
        self.plan, self.to, self.options, self.events, self.progress = plan, to, options, events, progress
        self.sources = Sources(plan.recipe.sources, plan.root)
        self.halt = threading.Event()
        self.loop = Loop()
        self.journals = Journals(events.damaged)
        self.parts: dict[str, list[FinishedPart]] = {}

    def close(self) -> None:
        """Let go of backends, threads and journals."""
        try:
            if self.progress.lanes is not None:
                self.loop.run(self.progress.lanes.__aexit__(None, None, None))
        finally:
            self.loop.close()
            self.journals.close()

    def make(self) -> None:
        """All tables, parents before children."""
        for table in self.plan.tables:
            if not self.parts.keys() >= set(table.parents):
                continue  # other shards are still at its parents: who comes later, or the run that finishes, makes it
            tally = self.progress.begin(table.name)
            made = self._opened(table, tally)
            for partitions, done in made.passes():
                self.progress.found()
                self._pass(made, partitions, done)
                if self.halt.is_set():
                    raise stopped()
            if why := made.short():
                self.events.emit("capped", table=table.name, kept=tally.outcomes.kept, asked=tally.asked, reason=why)
            if made.complete:
                self.parts[table.name] = made.folder.parts()

    def _opened(self, table: TablePlan, tally: Tally) -> TableRun:
        """A table with its candidates; what they stand on is learned now."""
        rows = opened(self.plan, table, self.sources, self.to, self.events, self.parts)
        tally.asked = rows.asked
        options = self.options
        maker = RowMaker(
            table, table.stages, rows.rows, self.plan.recipe.seed, self.sources, self.plan.root, options.allow_code
        )
        fill = fill_of(rows, table.table, table.partition_rows, whole=options.shard.whole)
        return TableRun(table, maker, fill, TableFolder(self.to, table, self.events, tally, options.look), options)

    def _pass(self, table: TableRun, partitions: Sequence[Partition], done: Mapping[int, FinishedPart]) -> None:
        """Make what is missing."""
        if table.asks:
            self.loop.run(self._stream(table, partitions, done))
        elif not table.draft:
            table.blocks(self.options.threads or os.cpu_count() or 1, self.halt).make(partitions, done)

    async def _stream(self, table: TableRun, partitions: Sequence[Partition], done: Mapping[int, FinishedPart]) -> None:
        lanes = await self._lanes()
        stream = table.stream(lanes, self.journals, self.loop, self.halt)
        syncing = asyncio.create_task(self._sync())
        syncing.add_done_callback(stream.verdicts.heed)
        try:
            await stream.make(partitions, done, table.window(lanes))
        finally:
            syncing.cancel()

    async def _lanes(self) -> Lanes:
        """The lanes to all models of the run, opened for the first table that asks one of them."""
        if self.progress.lanes is None:
            # only a budget asks what earlier attempts have cost: it takes reading every journal
            known = self.plan.recipe.budget is None
            spent, requests = (Usage(), 0) if known else manifest.spent(self.to, self.events.damaged)
            models = self.plan.models_used()
            if unpriced := [name for name, model in models.items() if model.usd(1, 1) is None]:
                self.events.emit("unpriced", models=unpriced)
            lanes = Lanes(
                models,
                self.plan.recipe.budget,
                spent=spent,
                requests=requests,
                seconds=time.monotonic() - self.progress.started,
                share=(self.options.shard.index, self.options.shard.count),
                cache=self.options.cache,
            )
            self.progress.lanes = await lanes.__aenter__()
        return self.progress.lanes

    async def _sync(self) -> None:
        """Replies of the last second, made safe together; now and then, word of where the run stands."""
        pace, told = self.options.pace, time.monotonic()
        while True:
            await asyncio.sleep(pace.sync_s)
            await self.loop.on_disk(self.journals.sync)
            now = time.monotonic()
            if now - told >= min(pace.tell_most_s, max(pace.tell_s, 0.01 * (now - self.progress.started))):
                told = now
                self.events.emit("progress", **self.progress.event())

    def stopping(self) -> None:
        """Say that the user's stop was heard."""
        self.events.emit("stopping", reason="interrupted; waiting for replies that are paid for")
