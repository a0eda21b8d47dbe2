"""`lookalike evaluate`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def evaluate(
    real: Annotated[str, typer.Argument(help="The real data: a file or a database URL.")],
    synthetic: Annotated[str, typer.Argument(help="The synthetic data.")],
    holdout: Annotated[
        str | None, typer.Option("--holdout", help="Real rows that the generator never saw: needed for privacy.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The column that models will predict: measures usefulness.")
    ] = None,
    only: Annotated[
        str | None, typer.Option("--only", help="Dimensions, comma separated: fidelity,utility,privacy,...")
    ] = None,
    protected: Annotated[
        str | None, typer.Option("--protected", help="Columns whose groups are compared, comma separated.")
    ] = None,
    schema: Annotated[Path | None, typer.Option("--schema", help="A corrected file of `lookalike look -o`.")] = None,
    gates: Annotated[
        str, typer.Option("--gates", help="A profile (internal, partner, public, health, augmentation), a file, or none.")
    ] = "internal",
    budget_s: Annotated[
        float | None, typer.Option("--budget-s", help="Seconds; what does not fit is said to be skipped.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same input and seed give the same report.")] = 0,
    json: Annotated[Path | None, typer.Option("--json", help="Write report.json here.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page here.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Write Markdown here.")] = None,
) -> None:
    """Compare a synthetic dataset with the real one.

    Exit codes: 0 gates pass; 1 a gate fails; 2 usage; 3 inconclusive; 4 data cannot be read.
    """
    from lookalike import api
    from lookalike.api import check_writable
    from lookalike.api import evaluate as compare
    from lookalike.cli.output import console

    names = tuple(part.strip() for part in only.split(",")) if only else None
    groups = tuple(part.strip() for part in protected.split(",")) if protected else ()
    files = [path for path in (json, html, junit, markdown) if path is not None]
    for path in files:
        check_writable(path)
    report = compare(
        real,
        synthetic,
        holdout=holdout,
        target=target,
        schema=None if schema is None else api.look(real, schema=schema),
        only=names,
        protected=groups,
        gates=None if gates == "none" else gates,
        budget_s=budget_s,
        seed=seed,
        about={"measured": datetime.now(UTC).date().isoformat()},
    )
    console.print(report)
    for path in files:
        report.save(path)
    if gates != "none" and report.exit_code:
        raise typer.Exit(report.exit_code)
