"""`lookalike sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def sample(
    model: Annotated[Path, typer.Argument(help="A model folder that `lookalike fit` wrote.")],
    n: Annotated[int, typer.Option("-n", help="Rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="csv, parquet or jsonl, by its ending.")],
    given: Annotated[list[str] | None, typer.Option("--given", help="column=value: a condition that every row holds.")] = None,
    where: Annotated[str | None, typer.Option("--where", help="An SQL condition that every row holds.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same model and seed give the same rows.")] = 0,
) -> None:
    """Draw rows from a saved model."""
    from lookalike import api
    from lookalike.api import watched
    from lookalike.cli.output import console
    from lookalike.cli.waiting import waiting

    conditions = dict(api.settings(given or [], option="--given"))
    if where:
        conditions["where"] = where
    with waiting("drawing") as move, watched(move):
        rows = api.sample(model, n, output, given=conditions, seed=seed)
    console.print(f"{output}  [dim]{rows:,} rows[/]", soft_wrap=True)
