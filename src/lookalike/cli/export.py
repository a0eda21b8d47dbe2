"""`lookalike export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    output: Annotated[str, typer.Option("--output", "-o", help="A file, a folder, or the URL of a database.")],
    to: Annotated[str, typer.Option("--to", help="The format; `lookalike kinds` lists them.")] = "parquet",
    sets: Annotated[list[str] | None, typer.Option("--set", help="key=value: a field of the exporter.")] = None,
) -> None:
    """Hand a run over in another format."""
    from lookalike import api
    from lookalike.cli.output import console

    for path in api.export(run, to=to, path=output, **api.fields(sets or [])):
        console.print(f"{path}  [dim]{path.stat().st_size:,} bytes[/]", soft_wrap=True)
    if "://" in output:
        console.print("the tables are in the database")
