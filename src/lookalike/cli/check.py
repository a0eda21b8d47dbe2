"""`lookalike check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def check(
    recipe: Annotated[Path, typer.Argument(help="A recipe file.")],
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a parameter, or a dotted path of the recipe.")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Accept `kind: function`.")] = False,
    schema: Annotated[Path | None, typer.Option("--schema", help="Also write the JSON Schema for editors here.")] = None,
) -> None:
    """Find every problem of a recipe at once, each with its place and its fix. Nothing is asked of any model."""
    from lookalike import api
    from lookalike.cli.output import console

    plan = api.plan(recipe, set=api.settings(sets or []), allow_code=allow_code)
    if schema is not None:
        api.write_json_schema(schema)
    counts = {"table": len(plan.tables), "column": sum(len(table.columns) for table in plan.tables)}
    said = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())
    console.print(f"[green]ok[/] {recipe}: {said}")
