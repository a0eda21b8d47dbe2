"""`lookalike mimic`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from lookalike.errors import UsageError

if TYPE_CHECKING:
    from lookalike.api import Report

app = typer.Typer(add_completion=False)

Data = Annotated[
    str,
    typer.Argument(
        help="A table: csv, parquet, json, xlsx, or URL#table. Or several: a folder, a SQLite file, a database's URL."
    ),
]
Output = Annotated[
    str,
    typer.Option("--output", "-o", help="csv, parquet or jsonl, by its ending; of several tables a folder, .db file or URL."),
]
Count = Annotated[int | None, typer.Option("-n", help="Rows; as many as the data has when not given.")]
Target = Annotated[str | None, typer.Option("--target", help="The column that models will predict: measures usefulness.")]
Method = Annotated[str, typer.Option("--synthesizer", help="A synthesizer kind; auto: a short bake-off.")]
Conditions = Annotated[list[str] | None, typer.Option("--given", help="column=value: a condition that every row holds.")]
Constraints = Annotated[
    list[str] | None,
    typer.Option("--constraint", help="What every row keeps: 'net <= gross', an SQL condition, or {kind: ..., ...}."),
]
Seed = Annotated[int, typer.Option("--seed", help="The same data and seed give the same rows.")]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help="Who it is for: internal, partner, public, health. Makes dates, postal codes, rare levels and numbers as coarse as it "
        "takes before they are learned, says so, and judges by the profile's gates.",
    ),
]
Gates = Annotated[str | None, typer.Option("--gates", help="A profile or a file of gates; those of --profile when not given.")]
KeepHoldout = Annotated[
    Path | None, typer.Option("--keep-holdout", help="Write the real rows that were held out to measure privacy.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report as a page.")]
Run = Annotated[
    Path | None,
    typer.Option("--run", help="Keep the run in this folder: model, rows, report, card; it goes on where it stopped."),
]
Evaluate = Annotated[bool, typer.Option("--evaluate/--no-evaluate", help="Measure what was made.")]
Scale = Annotated[float, typer.Option("--scale", help="Of several tables: rows as a multiple of the real ones.")]
Only = Annotated[str, typer.Option("--tables", help="Of several tables: those to take, with commas.")]
Schema = Annotated[
    Path | None,
    typer.Option(
        "--schema", help="A corrected file of `lookalike look -o`; of several tables one of `lookalike relations -o`."
    ),
]
Replace = Annotated[bool, typer.Option("--replace", help="Of several tables: overwrite what is at the target.")]


@app.command()
def mimic(
    data: Data,
    output: Output,
    n: Count = None,
    target: Target = None,
    synthesizer: Method = "forest",
    given: Conditions = None,
    constraint: Constraints = None,
    seed: Seed = 0,
    profile: Profile = None,
    gates: Gates = None,
    keep_holdout: KeepHoldout = None,
    json: Json = None,
    html: Html = None,
    run: Run = None,
    evaluate: Evaluate = True,
    scale: Scale = 1.0,
    tables: Only = "",
    schema: Schema = None,
    replace: Replace = False,
) -> None:
    """Learn a table or several related ones, sample, and say what the sample is worth. A fifth is held out to measure privacy."""
    from lookalike import api
    from lookalike.api import check_writable

    pages = [path for path in (html, json) if path is not None]
    for path in pages:
        check_writable(path)
    both = {"schema": schema, "seed": seed, "measure": evaluate}
    one = {"n": n, "target": target, "profile": profile, "gates": gates, "keep_holdout": keep_holdout, "run": run}
    if api.is_dataset(data):
        _one_table_only({**one, "given": given or None, "constraint": constraint or None})
        only = [name for name in tables.split(",") if name]
        report = _watched(api.mimic_dataset, data, output, only=only, scale=scale, replace=replace, **both)
    else:
        wanted, rules = api.settings(given or [], option="--given"), [_constraint(text) for text in constraint or []]
        report = _watched(api.mimic_file, data, output, synthesizer=synthesizer, given=wanted, constraints=rules, **one, **both)
    _show(report, output, pages)


def _watched(make: Callable[..., Report | None], data: str, output: str, **options: Any) -> Report | None:
    """The work, with a bar and a line for each stage."""
    from lookalike.api import watched
    from lookalike.cli.output import say
    from lookalike.cli.waiting import waiting

    with waiting("working") as move, watched(move):

        def stage(text: str) -> None:
            move("", 0.0)
            say(text, "dim")

        return make(data, output, say=stage, **options)


def _show(report: Report | None, output: str, pages: list[Path]) -> None:
    """The report, the files, and the exit code of the gates."""
    from lookalike.cli.output import console

    if report is not None:
        console.print(report)
        for path in pages:
            report.save(path)
            console.print(f"{path}", soft_wrap=True)
    console.print(f"{output}", soft_wrap=True)
    if report is not None and report.exit_code:
        raise typer.Exit(report.exit_code)


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
            option = "-n" if name == "n" else f"--{name.replace('_', '-')}"
            fix = "say --scale, or name one table as URL#table"
            raise UsageError(what="several tables are learned together", where=option, fix=fix)
