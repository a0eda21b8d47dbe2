"""`lookalike verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    key: Annotated[Path | None, typer.Option("--key", help="The Ed25519 public key that the signature must fit.")] = None,
) -> None:
    """Check a run's files against its manifest, and its signature if there is one."""
    from lookalike import api
    from lookalike.cli.output import console, errors

    problems = api.verify(run, key=key)
    for problem in problems:
        errors.print(f"[bold red]error[/]: {problem}")
    if problems:
        raise typer.Exit(1)
    console.print(f"[green]ok[/] {run}: every file is as the manifest says")
