"""`lookalike mimic`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from lookalike.errors import UsageError

app = typer.Typer(add_completion=False)


@app.command()
def mimic(
    data: Annotated[
        str,
        typer.Argument(
            help="A table: csv, parquet, json, xlsx, or URL#table. Or several: a folder, a SQLite file, a database's URL."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", help="csv, parquet or jsonl, by its ending; of several tables a folder, .db file or URL."
        ),
    ],
    n: Annotated[int | None, typer.Option("-n", help="Rows; as many as the data has when not given.")] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The column that models will predict: measures usefulness.")
    ] = None,
    synthesizer: Annotated[str, typer.Option("--synthesizer", help="A synthesizer kind; auto: a short bake-off.")] = "forest",
    given: Annotated[list[str] | None, typer.Option("--given", help="column=value: a condition that every row holds.")] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option("--constraint", help="What every row keeps: 'net <= gross', an SQL condition, or {kind: ..., ...}."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same data and seed give the same rows.")] = 0,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            help="Who it is for: internal, partner, public, health. Makes dates, postal codes, rare levels and numbers as coarse as it "
            "takes before they are learned, says so, and judges by the profile's gates.",
        ),
    ] = None,
    gates: Annotated[
        str | None, typer.Option("--gates", help="A profile or a file of gates; those of --profile when not given.")
    ] = None,
    keep_holdout: Annotated[
        Path | None, typer.Option("--keep-holdout", help="Write the real rows that were held out to measure privacy.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Keep the run in this folder: model, rows, report, card; it goes on where it stopped."),
    ] = None,
    evaluate: Annotated[bool, typer.Option("--evaluate/--no-evaluate", help="Measure what was made.")] = True,
    scale: Annotated[float, typer.Option("--scale", help="Of several tables: rows as a multiple of the real ones.")] = 1.0,
    tables: Annotated[str, typer.Option("--tables", help="Of several tables: those to take, with commas.")] = "",
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema", help="A corrected file of `lookalike look -o`; of several tables one of `lookalike relations -o`."
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Of several tables: overwrite what is at the target.")] = False,
) -> None:
    """Learn a table or several related ones, sample, and say what the sample is worth. A fifth is held out to measure privacy."""
    from lookalike import api
    from lookalike.api import check_writable, watched
    from lookalike.cli.output import console, say
    from lookalike.cli.waiting import waiting

    pages = [path for path in (html, json) if path is not None]
    for path in pages:
        check_writable(path)

    with waiting("working") as move, watched(move):

        def stage(text: str) -> None:
            move("", 0.0)
            say(text, "dim")

        if api.is_dataset(data):
            alone = {
                "--profile": profile,
                "--gates": gates,
                "--keep-holdout": keep_holdout,
                "--run": run,
                "--constraint": constraint or None,
            }
            _one_table_only({"-n": n, "--target": target, "--given": given or None, **alone})
            only = [name for name in tables.split(",") if name]
            made = api.mimic_dataset(
                data, output, only=only, schema=schema, scale=scale, seed=seed, replace=replace, measure=evaluate, say=stage
            )
        else:
            made = api.mimic_file(
                data,
                output,
                n=n,
                target=target,
                synthesizer=synthesizer,
                given=api.settings(given or [], option="--given"),
                constraints=[_constraint(text) for text in constraint or []],
                schema=schema,
                seed=seed,
                profile=profile,
                gates=gates,
                keep_holdout=keep_holdout,
                measure=evaluate,
                run=run,
                say=stage,
            )
    if made is not None:
        console.print(made)
        for path in pages:
            made.save(path)
            console.print(f"{path}", soft_wrap=True)
    console.print(f"{output}", soft_wrap=True)
    if made is not None and made.exit_code:
        raise typer.Exit(made.exit_code)


def _constraint(text: str) -> Any:
    """A mapping is read as a recipe has it; any other text is a constraint itself."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        fix = "write {kind: range, column: age, low: 0}"
        raise UsageError(what=f"{text!r} is no mapping", where="--constraint", fix=fix) from exc


def _one_table_only(options: dict[str, object]) -> None:
    """Options of one table beside several are a mistake, not left out in silence."""
    for name, value in options.items():
        if value is not None:
            raise UsageError(
                what="several tables are learned together", where=name, fix="say --scale, or name one table as URL#table"
            )
