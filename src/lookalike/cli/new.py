"""`lookalike new`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The recipe's name; <name>.yaml is written.")],
    data: Annotated[str | None, typer.Option("--from", help="Data to learn: its schema is written out with reasons.")] = None,
    pack: Annotated[str | None, typer.Option("--pack", help="A domain pack to start from.")] = None,
    task: Annotated[str | None, typer.Option("--task", help="With --pack text: the task.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write; default <name>.yaml.")] = None,
) -> None:
    """Write a starter recipe to edit."""
    from lookalike import api
    from lookalike.cli.output import console

    path = api.new(name, data=data, pack=pack, task=task, to=output)
    console.print(f"{path} is written. Edit it, then:", soft_wrap=True)
    for command in ("check", "run"):
        console.print(f"  lookalike {command} {shlex.quote(str(path))}", soft_wrap=True, highlight=False)
