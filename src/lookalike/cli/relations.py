"""`lookalike relations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def relations(
    data: Annotated[str, typer.Argument(help="A folder of files, a SQLite file, or a database's URL.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the schema as YAML, to be corrected.")] = None,
    tables: Annotated[str, typer.Option("--tables", help="Tables to take, with commas; all when not given.")] = "",
) -> None:
    """Show how tables refer to each other: keys, relations with their evidence, code lists. Nothing is learned."""
    from lookalike import api
    from lookalike.cli.output import console

    found = api.relations_of(data, only=[name for name in tables.split(",") if name])
    console.print(str(found), soft_wrap=True, markup=False, highlight=False)
    if output is not None:
        api.write_schema(found, output)
        console.print(f"{output}", soft_wrap=True)
