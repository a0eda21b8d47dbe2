"""What commands print: errors, tables, and where to look next.

Colour and boxes are for terminals: rich is loaded where there is one, or where a command asks for `console`. A log gets plain
lines, as long as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from lookalike.errors import LookalikeError

    console: Console
    errors: Console


def __getattr__(name: str) -> Console:
    """`console` and `errors`, made when they are first asked for."""
    if name not in ("console", "errors"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rich.console import Console

    made = Console(highlight=False) if name == "console" else Console(stderr=True, highlight=False, soft_wrap=True)
    globals()[name] = made
    return made


def show_error(error: LookalikeError) -> None:
    """One error: what, where, fix. Several problems of a recipe each on their own."""
    from rich.text import Text

    from lookalike.cli.output import errors
    from lookalike.errors import RecipeProblems

    problems = error.problems if isinstance(error, RecipeProblems) else (error,)
    if len(problems) > 1:
        errors.print(Text.assemble(("error", "bold red"), f": {len(problems)} problems"))
    for problem in problems:
        head = ("  ", "") if len(problems) > 1 else ("error", "bold red")
        errors.print(Text.assemble(head, "" if len(problems) > 1 else ": ", problem.what))
        if problem.where:
            errors.print(Text.assemble(("    at ", "dim"), (problem.where, "cyan")))
        if problem.fix:
            errors.print(Text.assemble(("   fix ", "dim"), problem.fix))


def interactive() -> bool:
    """Whether a person watches: a terminal that can be redrawn."""
    if not sys.stdout.isatty():
        return False
    from lookalike.cli.output import console

    return console.is_terminal and not console.is_dumb_terminal


def say(words: str, style: str = "") -> None:
    """A line as it stands, in a style (`yellow`, `dim`) on a terminal."""
    if not interactive():
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
        return
    from rich.text import Text

    from lookalike.cli.output import console

    console.print(Text(words, style=style), soft_wrap=True)


def show_rows(titles: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> None:
    """Rows under their titles; the first `texts` columns stand to the left, the others, numbers, to the right."""
    if not interactive():
        widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
        for row in (titles, *rows):
            cells = [
                cell.ljust(width) if place < texts else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            sys.stdout.write("  " + "    ".join(cells).rstrip() + "\n")
        return
    from rich.table import Table
    from rich.text import Text

    from lookalike.cli.output import console

    grid = Table(box=None, padding=(0, 2), header_style="dim")
    for place, title in enumerate(titles):
        grid.add_column(title, justify="left" if place < texts else "right", overflow="ellipsis", no_wrap=True)
    for name, *cells in rows:
        grid.add_row(Text(name, style="bold"), *map(Text, cells))
    console.print(grid)
