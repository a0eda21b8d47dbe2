"""The live view of a run: a panel on a terminal, plain lines elsewhere, JSON events for machines."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from lookalike.api import Event, Listener, Progress
from lookalike.cli.figures import summary
from lookalike.cli.output import interactive, say

PLAIN_S = 5.0  # without a terminal: a line every so many seconds


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
