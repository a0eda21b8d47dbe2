"""How far a fit or a sample is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lookalike.cli.output import interactive, say

PLAIN_S = 15.0  # without a terminal: a line every so many seconds


@contextmanager
def waiting(words: str, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Callable[[str, float], None]]:
    """Show that something goes on; gives the function (what, share done) that moves the bar. Says when Ctrl-C stopped it."""
    try:
        with _shown(words, clock) as move:
            yield move
    except KeyboardInterrupt:
        say("stopped", "yellow")
        raise


@contextmanager
def _shown(words: str, clock: Callable[[], float]) -> Iterator[Callable[[str, float], None]]:
    if not interactive():
        said = clock()

        def line(what: str, share: float) -> None:
            nonlocal said
            if clock() - said >= PLAIN_S:
                said = clock()
                say(f"{words}: {what}, {share:.0%}")

        yield line
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from lookalike.cli.output import console

    columns = (
        SpinnerColumn(style="cyan"), TextColumn("{task.description}"), BarColumn(28, complete_style="cyan", finished_style="cyan"),
        TextColumn("[dim]{task.fields[what]}"), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("[dim]{task.fields[left]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(words, total=None, what="", left="")

        def move(what: str, share: float) -> None:
            nonlocal task
            if not share:  # something begins whose end is not known yet
                bar.remove_task(task)
                task = bar.add_task(words, total=None, what=what, left="")
            else:
                bar.update(task, total=1.0, completed=share, what=what, left="left")

        yield move
