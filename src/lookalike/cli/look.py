"""`lookalike look`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def look(
    data: Annotated[str, typer.Argument(help="csv, parquet, json, xlsx, or a sqlite or postgres URL#table.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it as YAML, to be corrected and given as --schema.")
    ] = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="A corrected file: shows what it makes of the data.")] = None,
) -> None:
    """Show what each column of a table is taken for, and why. Nothing is learned."""
    from lookalike import api
    from lookalike.cli.output import console

    found = api.look(data, schema=schema, to=output)
    console.print(str(found), soft_wrap=True, markup=False, highlight=False)
    if output is not None:
        console.print(f"{output}", soft_wrap=True)
