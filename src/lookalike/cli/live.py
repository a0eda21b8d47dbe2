"""The live view of a run: a panel on a terminal, plain lines elsewhere, JSON events for machines."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lookalike.cli.output import console, interactive
from lookalike.run.engine import Progress
from lookalike.run.events import Event, Listener

PLAIN_S = 5.0  # without a terminal: a line every so many seconds


@contextmanager
def watching(progress: Progress, *, json: bool = False, quiet: bool = False) -> Iterator[tuple[Listener, ...]]:
    """Show a run while it goes on; gives the listeners to hand to it."""
    if json:
        yield (_print_json,)
    elif quiet:
        yield ()
    elif interactive():
        with Live(get_renderable=lambda: panel(progress), console=console, refresh_per_second=8, transient=True):
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
            console.print(f"[yellow]{event['table']}: {event['kept']} of {event['asked']} rows; {event['reason']}[/]")
        case "stopping":
            console.print(f"[yellow]stopping: {event['reason']}[/]")


def _lines(progress: Progress, stop: threading.Event) -> None:
    said: list[str] = []
    while not stop.wait(PLAIN_S):
        lines = summary(progress)
        if lines != said:
            console.print("; ".join(lines), soft_wrap=True, markup=False)
        said = lines


def summary(progress: Progress) -> list[str]:
    """One plain line a table in work, one a lane."""
    lines = []
    counts = progress.counts.get(progress.table)
    if counts is not None:
        asked = progress.asked.get(progress.table)
        of = f" of {asked:,}" if asked else ""
        rejected = counts.attempted - counts.kept
        lines.append(
            f"{progress.table}: {max(counts.kept, progress.walked):,}{of} rows"
            + (f", {rejected:,} not kept" if rejected else "")
        )
    for name, state in _lanes(progress).items():
        lines.append(f"{name}: {_lane_line(state)}")
    return lines


def _lanes(progress: Progress) -> dict[str, Any]:
    return {} if progress.lanes is None else dict(progress.lanes.snapshot())


def _lane_line(state: Any) -> str:
    parts = [f"{state.replies:,} replies", f"{state.in_flight} in flight of {state.limit:.0f}", f"{state.tokens:,} tokens"]
    if state.usd is None:
        parts.append("price unknown")
    elif state.usd:
        parts.append(f"${state.usd:.4f}")
    return ", ".join(parts)


def panel(progress: Progress) -> RenderableType:
    """Rows by table and calls by lane."""
    rows = Table.grid(padding=(0, 2))
    for _ in range(4):
        rows.add_column()
    for table, counts in progress.counts.items():
        asked = progress.asked.get(table)
        working = table == progress.table
        done = max(counts.kept + counts.failed, progress.walked if working else 0)
        bar = ProgressBar(total=asked or max(done, 1), completed=done, width=32, pulse=working and not done)
        of = f"{done:,} of {asked:,}" if asked else f"{done:,}"
        rest = [
            f"{n:,} {what}"
            for what, n in (("filtered", counts.filtered), ("duplicate", counts.duplicate), ("failed", counts.failed))
            if n
        ]
        rows.add_row(Text(table, style="bold" if working else "dim"), bar, of, Text(", ".join(rest), style="yellow"))
    lanes = Table.grid(padding=(0, 2))
    elapsed = max(time.monotonic() - progress.started, 1e-6)
    for name, state in _lanes(progress).items():
        lanes.add_row(Text(name, style="cyan"), _lane_line(state), Text(f"{state.replies / elapsed:.1f}/s", style="dim"))
    return Group(rows, lanes, Text(f"{elapsed:.0f} s", style="dim"))
