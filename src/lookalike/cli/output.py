"""What commands print: errors, tables, and where to look next."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from lookalike.errors import LookalikeError, RecipeProblems

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: LookalikeError) -> None:
    """One error: what, where, fix. Several problems of a recipe each on their own."""
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
    return console.is_terminal and not console.is_dumb_terminal and sys.stdout.isatty()
