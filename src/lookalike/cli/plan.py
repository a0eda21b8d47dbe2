"""`lookalike plan`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def plan(
    recipe: Annotated[Path, typer.Argument(help="A recipe file or a run folder.")],
    rows: Annotated[int | None, typer.Option("--rows", help="Rows of every table that says a number.")] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a parameter, or a dotted path of the recipe.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The run folder: what it holds already is not asked again.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, mermaid or json.")] = "text",
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Accept `kind: function`.")] = False,
) -> None:
    """Show order, partitions, model calls and an estimate of tokens, time and money before anything is spent.

    Of a run that was begun, also what is left to ask and to pay, beside the budget.
    """
    import orjson

    from lookalike import api
    from lookalike.cli.output import console
    from lookalike.errors import UsageError

    made = api.plan(recipe, rows=rows, set=api.settings(sets or []), allow_code=allow_code)
    if form == "json":
        sys.stdout.buffer.write(orjson.dumps(made.json(), option=orjson.OPT_INDENT_2) + b"\n")
    elif form == "mermaid":
        typer.echo(made.mermaid())
    elif form == "text":
        console.print(made.explain(api.so_far(made, output or api.default_folder(recipe, made))), markup=False, soft_wrap=True)
    else:
        raise UsageError(what=f"unknown format {form!r}", where="--format", fix="text, mermaid or json")
