"""`lookalike mimic`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def mimic(
    data: Annotated[str, typer.Argument(help="csv, parquet, json, xlsx, or a sqlite or postgres URL#table.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="csv, parquet or jsonl, by its ending.")],
    n: Annotated[int | None, typer.Option("-n", help="Rows; as many as the data has when not given.")] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The column that models will predict: measures usefulness.")
    ] = None,
    synthesizer: Annotated[str, typer.Option("--synthesizer", help="A synthesizer kind; auto: a short bake-off.")] = "forest",
    given: Annotated[list[str] | None, typer.Option("--given", help="column=value: a condition that every row holds.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same data and seed give the same rows.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate/--no-evaluate", help="Measure what was made.")] = True,
) -> None:
    """Learn a table, sample it, and say what the sample is worth. A fifth of the rows is held out to measure privacy."""
    from lookalike import api
    from lookalike.cli.output import console, say
    from lookalike.cli.waiting import waiting
    from lookalike.store import check_writable
    from lookalike.synthesizers.watch import watched

    if html is not None:
        check_writable(html)

    with waiting("working") as move, watched(move):

        def stage(text: str) -> None:
            move("", 0.0)
            say(text, "dim")

        made = api.mimic_file(
            data,
            output,
            n=n,
            target=target,
            synthesizer=synthesizer,
            given=api.settings(given or [], option="--given"),
            seed=seed,
            measure=evaluate,
            say=stage,
        )
    if made is not None:
        console.print(made)
        if html is not None:
            made.save(html)
            console.print(f"{html}", soft_wrap=True)
    console.print(f"{output}", soft_wrap=True)
    if made is not None and made.exit_code:
        raise typer.Exit(made.exit_code)
