"""The live view of a run: a panel on a terminal, plain lines elsewhere, JSON events for machines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from lookalike.cli.output import interactive, say
from lookalike.models.lane import LaneState
from lookalike.run.events import Counts, Event, Listener
from lookalike.run.progress import Progress

PLAIN_S = 5.0  # without a terminal: a line every so many seconds
REJECTED = ("filtered", "duplicate", "failed")


@contextmanager
def watching(progress: Progress, *, json: bool = False, quiet: bool = False) -> Iterator[tuple[Listener, ...]]:
    """Show a run while it goes on; gives the listeners to hand to it."""
    if json:
        yield (_print_json,)
    elif quiet:
        yield ()
    elif interactive():
        from lookalike.cli.panel import panel  # rich: only for who can see it

        with panel(progress):
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
            say(f"learning {event['table']} from {event['rows']:,} rows", "dim")
        case "unpriced":
            names = ", ".join(event["models"])
            say(f"price unknown, cost not counted: {names} (a model's `price` says it)", "dim")
        case "capped":
            words = f"{event['table']}: {event['kept']:,} of {event['asked']:,} rows; {event['reason']}"
            say(words, "yellow")
        case "damaged":
            place = f"{event['path']}:{event['line']}" if event["line"] else event["path"]
            what = "the reply is asked for again where it is needed" if event["line"] else "it is made anew"
            say(f"damaged since it was written: {place}; {what}", "yellow")
        case "stopping":
            say(f"stopping: {event['reason']}", "yellow")


def _lines(progress: Progress, stop: threading.Event) -> None:
    said: list[str] = []
    while not stop.wait(PLAIN_S):
        lines = summary(progress)
        if lines != said:
            say("; ".join(lines))
        said = lines


def summary(progress: Progress) -> list[str]:
    """One plain line for the table in work, one for each lane."""
    lines = []
    if progress.table:
        left = progress.left_s()
        parts = [f"{progress.table}: {rows_of(progress, progress.table)} rows", *rejected(progress.outcomes(progress.table))]
        lines.append(", ".join([*parts, *([] if left is None else [f"about {clock(left)} left"])]))
    for name, state in progress.snapshot().items():
        parts = [f"{state.replies:,} replies", f"{state.in_flight} of {state.limit:.0f} in flight", f"{state.tokens:,} tokens"]
        lines.append(f"{name}: {', '.join([*parts, money(state), f'{state.rate:.1f}/s', *troubles(state)])}")
    return lines


def clock(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3:07, 2:15:00."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def rows_of(progress: Progress, table: str) -> str:
    """Places filled, of how many."""
    asked = progress.asked.get(table)
    return f"{progress.done(table):,}" + ("" if asked is None else f" of {asked:,}")


def rejected(counts: Counts) -> list[str]:
    """Outcomes other than kept, counted."""
    return [f"{number:,} {what}" for what in REJECTED if (number := getattr(counts, what))]


def money(state: LaneState) -> str:
    """What a lane has cost."""
    if state.usd is None:
        return "price unknown"
    return f"${state.usd:.4f}" if state.usd else "free"


def troubles(state: LaneState) -> list[str]:
    """What holds a lane up, most pressing first."""
    if state.stopped:
        return [f"stopped: {state.stopped}"]
    paused = [f"paused {clock(state.paused_s)}"] if state.paused_s >= 1 else []
    others = state.retries - state.limited
    counted = (("limited", state.limited), ("retries", others), ("failed", state.failed), ("stored", state.stored))
    return paused + [f"{number:,} {what}" for what, number in counted if number]
