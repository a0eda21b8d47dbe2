"""The live view of a run: a panel on a terminal, plain lines elsewhere, JSON events for machines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lookalike.cli.output import console, interactive
from lookalike.models.lane import LaneState
from lookalike.run.events import Counts, Event, Listener
from lookalike.run.progress import Progress

PLAIN_S = 5.0  # without a terminal: a line every so many seconds
NARROW = 80  # columns; below it, what can be missed is left out
WIDE = 110  # columns; more are not used
REJECTED = ("filtered", "duplicate", "failed")


@contextmanager
def watching(progress: Progress, *, json: bool = False, quiet: bool = False) -> Iterator[tuple[Listener, ...]]:
    """Show a run while it goes on; gives the listeners to hand to it."""
    if json:
        yield (_print_json,)
    elif quiet:
        yield ()
    elif interactive():
        with Live(View(progress), console=console, refresh_per_second=8, transient=True):
            yield (_notable,)
    else:
        stop = threading.Event()
        thread = threading.Thread(target=_lines, args=(progress, stop), daemon=True)
        thread.start()
        try:
            yield (_notable,)
        finally:
            stop.set()
            thread.join()


def _print_json(event: Event) -> None:
    sys.stdout.buffer.write(orjson.dumps(event, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")
    sys.stdout.buffer.flush()


def _notable(event: Event) -> None:
    """What a person wants to read even in a log."""
    match event["event"]:
        case "fit":
            console.print(f"[dim]learning[/] {event['table']} [dim]from {event['rows']:,} rows[/]")
        case "capped":
            words = f"{event['table']}: {event['kept']:,} of {event['asked']:,} rows; {event['reason']}"
            console.print(Text(words, style="yellow"))
        case "stopping":
            console.print(Text(f"stopping: {event['reason']}", style="yellow"))


def _lines(progress: Progress, stop: threading.Event) -> None:
    said: list[str] = []
    while not stop.wait(PLAIN_S):
        lines = summary(progress)
        if lines != said:
            console.print("; ".join(lines), soft_wrap=True, markup=False)
        said = lines


def summary(progress: Progress) -> list[str]:
    """One plain line for the table in work, one for each lane."""
    lines = []
    if progress.table:
        left = progress.left_s()
        parts = [f"{progress.table}: {_of(progress, progress.table)} rows", *_rejected(progress.outcomes(progress.table))]
        lines.append(", ".join([*parts, *([] if left is None else [f"about {clock(left)} left"])]))
    for name, state in progress.snapshot().items():
        parts = [f"{state.replies:,} replies", f"{state.in_flight} of {state.limit:.0f} in flight", f"{state.tokens:,} tokens"]
        lines.append(f"{name}: {', '.join([*parts, _money(state), f'{state.rate:.1f}/s', *_troubles(state)])}")
    return lines


def clock(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3:07, 2:15:00."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _of(progress: Progress, table: str) -> str:
    asked = progress.asked.get(table)
    return f"{progress.done(table):,}" + ("" if asked is None else f" of {asked:,}")


def _rejected(counts: Counts) -> list[str]:
    return [f"{number:,} {what}" for what in REJECTED if (number := getattr(counts, what))]


def _money(state: LaneState) -> str:
    if state.usd is None:
        return "price unknown"
    return f"${state.usd:.4f}" if state.usd else "free"


def _troubles(state: LaneState) -> list[str]:
    """What holds a lane up, most pressing first."""
    if state.stopped:
        return [f"stopped: {state.stopped}"]
    paused = [f"paused {clock(state.paused_s)}"] if state.paused_s >= 1 else []
    others = state.retries - state.limited
    counted = (("limited", state.limited), ("retries", others), ("failed", state.failed), ("stored", state.stored))
    return paused + [f"{number:,} {what}" for what, number in counted if number]


class View:
    """The panel: rows by table, calls by lane, the time; drawn anew for each width."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDE)
        lanes = self.progress.snapshot()
        parts: list[RenderableType] = [self._tables(narrow=width < NARROW)]
        if lanes:
            parts += [Text(), *self._lanes(lanes, narrow=width < NARROW)]
        left = self.progress.left_s()
        passed = clock(time.monotonic() - self.progress.started)
        yield Panel(
            Group(*parts),
            box=box.ROUNDED,
            border_style="dim",
            title=Text(self.progress.name or "run", style="bold"),
            title_align="left",
            subtitle=passed if left is None else f"{passed}, about {clock(left)} left",
            subtitle_align="right",
            padding=(1, 2),
            width=width,
        )

    def _tables(self, *, narrow: bool) -> Table:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        if not narrow:
            grid.add_column(width=28)
        grid.add_column(justify="right", no_wrap=True)
        grid.add_column(ratio=1, style="yellow")
        for table in self.progress.counts:
            working = table == self.progress.table
            done, asked = self.progress.done(table), self.progress.asked.get(table)
            finished = asked is not None and done >= asked
            style = "bold" if working else ("" if finished else "dim")
            bar = ProgressBar(
                total=asked or max(done, 1), completed=done, width=28, pulse=working and not done, complete_style="cyan"
            )
            rest = Text(", ".join(_rejected(self.progress.outcomes(table))))
            name, count = Text(table, style=style), Text(_of(self.progress, table), style=style)
            grid.add_row(*((name, count, rest) if narrow else (name, bar, count, rest)))
        return grid

    def _lanes(self, lanes: dict[str, LaneState], *, narrow: bool) -> list[RenderableType]:
        grid = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=not narrow, pad_edge=False)
        grid.add_column("model", no_wrap=True, style="cyan")
        for title in ("replies", "in flight", *(() if narrow else ("tokens",)), "cost", "per s"):
            grid.add_column(title, justify="right", no_wrap=True)
        if not narrow:
            grid.add_column("", ratio=1, style="yellow")
        for name, state in lanes.items():
            flight = f"{state.in_flight} of {state.limit:.0f}"
            tokens = () if narrow else (f"{state.tokens:,}",)
            troubles = ", ".join(_troubles(state))
            last = () if narrow else (Text(troubles),)
            grid.add_row(Text(name), f"{state.replies:,}", flight, *tokens, _money(state), f"{state.rate:.1f}", *last)
        if not narrow:
            return [grid]
        said = ((name, ", ".join(_troubles(state))) for name, state in lanes.items())
        return [grid, *(Text(f"{name}: {words}", style="yellow") for name, words in said if words)]
