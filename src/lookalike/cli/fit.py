"""`lookalike fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def fit(
    data: Annotated[str, typer.Argument(help="csv, parquet, json, xlsx, or a sqlite or postgres URL#table.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model folder.")],
    synthesizer: Annotated[str, typer.Option("--synthesizer", help="A synthesizer kind; auto: a short bake-off.")] = "forest",
    schema: Annotated[Path | None, typer.Option("--schema", help="A corrected file of `lookalike look -o`.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same data and seed give the same model.")] = 0,
    budget_s: Annotated[float | None, typer.Option("--budget-s", help="Seconds that the fit may take.")] = None,
) -> None:
    """Learn a table and save the model."""
    from lookalike import api
    from lookalike.api import check_writable, watched
    from lookalike.cli.output import console, say
    from lookalike.cli.waiting import waiting

    check_writable(output)
    with waiting("learning") as move, watched(move):
        model = api.fit(data, synthesizer=synthesizer, schema=schema, seed=seed, budget_s=budget_s)
    path = model.save(output)
    if reason := getattr(model, "reason_", ""):
        say(reason, "dim")
    size = sum(file.stat().st_size for file in path.iterdir())
    console.print(f"{path}  [dim]{size:,} bytes, {len(model.schema_.columns)} columns[/]", soft_wrap=True)
