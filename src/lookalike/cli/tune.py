"""`lookalike tune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def tune(
    recipe: Annotated[Path, typer.Argument(help="A recipe; the prompt in it is the first variant.")],
    column: Annotated[str, typer.Option("--column", help="table.column: the prompt column to tune.")],
    prompt: Annotated[list[str] | None, typer.Option("--prompt", help="A variant of the prompt; once for each.")] = None,
    rows: Annotated[int, typer.Option("--rows", help="Rows made with each variant.")] = 20,
    judge: Annotated[str, typer.Option("--judge", help="The model that scores; default: the column's own.")] = "",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the recipe with the winner here.")] = None,
) -> None:
    """Compare prompt variants on a small sample under a judge and text metrics, and keep the winner."""
    from lookalike import api
    from lookalike.cli.output import console

    result = api.tune(recipe, column=column, prompts=prompt or [], rows=rows, judge=judge)
    console.print(str(result), markup=False, soft_wrap=True)
    if output is not None:
        result.save(output)
        console.print(f"{output}", soft_wrap=True)
