"""The live view on a terminal: rows by table, calls by lane, the time."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lookalike.api import LaneState, Progress
from lookalike.cli.figures import clock, money, rejected, rows_of, troubles
from lookalike.cli.output import console

NARROW = 80  # columns; below it, what can be missed is left out
WIDE = 110  # columns; more are not used


def panel(progress: Progress) -> AbstractContextManager[object]:
    """Draw the panel eight times a second, and take it away at the end."""
    return Live(PanelView(progress), console=console, refresh_per_second=8, transient=True)


class PanelView:
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
        for table, tally in self.progress.tables.items():
            working = table == self.progress.table
            done, asked = tally.done, tally.asked
            finished = asked is not None and done >= asked
            style = "bold" if working else ("" if finished else "dim")
            bar = ProgressBar(
                total=asked or max(done, 1), completed=done, width=28, pulse=working and not done, complete_style="cyan"
            )
            rest = Text(", ".join(rejected(tally.outcomes)))
            name, count = Text(table, style=style), Text(rows_of(self.progress, table), style=style)
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
            last = () if narrow else (Text(", ".join(troubles(state))),)
            grid.add_row(Text(name), f"{state.replies:,}", flight, *tokens, money(state), f"{state.rate:.1f}", *last)
        if not narrow:
            return [grid]
        said = ((name, ", ".join(troubles(state))) for name, state in lanes.items())
        return [grid, *(Text(f"{name}: {words}", style="yellow") for name, words in said if words)]
