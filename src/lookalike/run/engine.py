"""Do it: make what is missing of a run folder, table by table, and write down what was made."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from lookalike.errors import RunError
from lookalike.models.base import Request, Usage
from lookalike.models.lanes import Lanes
from lookalike.plan import Plan
from lookalike.recipe.load import dump
from lookalike.run import manifest
from lookalike.run.events import Counts, Events, Listener
from lookalike.run.executors import Shard
from lookalike.run.folder import RunFolder, read_plan
from lookalike.run.journal import Entry, PartJournal
from lookalike.run.lock import locked
from lookalike.run.loop import Loop, Stopped, few_collections, interruptible, stopped
from lookalike.run.origin import Sources
from lookalike.run.parts import Part
from lookalike.run.progress import Progress
from lookalike.run.tables import TableRun
from lookalike.store import clear_leftovers, put_bytes, put_json, refuse_links

__all__ = ["Options", "Progress", "Runner", "Stopped", "run"]
SYNC_S = 1.0  # replies on disk are synced this often: what a power cut may cost
TELL_S, TELL_MOST_S = 5.0, 60.0  # between two events of progress: rarer in a long run, whose log must stay small


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what.

    Attributes:
        threads: threads for tables without model calls; 0: one a core.
        retry_failed: ask again for cells that failed earlier, whether no reply came or none passed its checks.
        cache: a folder of replies that runs share; None: none is kept.
        watch: called with the table's name, each new journal entry and the request it answers; for previews.
        look: called with the table's name and the rows of each partition that is finished; gives a reason to stop, or "".
    """

    threads: int = 0
    shard: Shard = field(default_factory=Shard)
    retry_failed: bool = False
    allow_code: bool = False
    cache: Path | None = None
    watch: Callable[[str, Entry, Request], None] = field(default=lambda table, entry, request: None)
    look: Callable[[str, pa.Table], str] | None = None


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
    progress.name = plan.recipe.name
    for table in plan.tables:
        progress.counts[table.name], progress.asked[table.name] = Counts(), table.n_rows
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
            with interruptible(runner.halt, runner.stopping), few_collections():
                runner.make()
        except BaseException as exc:
            events.emit("stopped", reason=f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__)
            raise
        finally:
            runner.close()
        if options.shard.whole:
            manifest.write(plan, to, progress, time.monotonic() - progress.started, runner.damaged)
        events.emit("done", counts={table: c.dump() for table, c in progress.counts.items()})
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
    """One pass over a plan."""

    def __init__(self, plan: Plan, to: Path, options: Options, events: Events, progress: Progress) -> None:
        self.plan, self.to, self.options, self.events, self.progress = plan, to, options, events, progress
        self.sources = Sources(plan.recipe.sources, plan.root)
        self.halt = threading.Event()
        self.loop = Loop()
        self.parts: dict[str, list[Part]] = {}
        self.journals: set[PartJournal] = set()
        self._told: set[tuple[Path, int]] = set()

    def close(self) -> None:
        """Let go of backends, threads and journals."""
        try:
            if self.progress.lanes is not None:
                self.loop.run(self.progress.lanes.__aexit__(None, None, None))
        finally:
            self.loop.close()
            for journal in self.journals:
                journal.close()

    def make(self) -> None:
        """All tables, parents before children."""
        self.parts = {table.name: [] for table in self.plan.tables}
        for table in self.plan.tables:
            self.progress.begin(table.name)
            if table.parents and not self.options.shard.whole:
                continue  # children need their parent complete: the finishing run makes them
            maker = TableRun(self, table)
            maker.make()
            if self.halt.is_set():
                raise stopped()
            self.parts[table.name] = maker.finished()

    async def lanes(self) -> Lanes:
        """The lanes to all models of the run, opened for the first table that asks one of them."""
        if self.progress.lanes is None:
            # only a budget asks what earlier attempts have cost: it takes reading every journal
            spent, requests = (Usage(), 0) if self.plan.recipe.budget is None else manifest.spent(self.to, self.damaged)
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

    async def sync(self) -> None:
        """Replies of the last second, made safe together; now and then, word of where the run stands."""
        told = time.monotonic()
        while True:
            await asyncio.sleep(SYNC_S)
            await self.loop.on_disk(self._sync)
            now = time.monotonic()
            if now - told >= min(TELL_MOST_S, max(TELL_S, 0.01 * (now - self.progress.started))):
                told = now
                self.events.emit("progress", **self.progress.event())

    def _sync(self) -> None:
        for journal in list(self.journals):
            journal.sync()

    def damaged(self, path: Path, line: int = 0) -> None:
        """Say once that a file, or a line of it, is not what was written, and is made good."""
        if (path, line) not in self._told:
            self._told.add((path, line))
            self.events.emit("damaged", path=path.relative_to(self.to).as_posix(), line=line)

    def stopping(self) -> None:
        """Say that the user's stop was heard."""
        self.events.emit("stopping", reason="interrupted; waiting for replies that are paid for")
