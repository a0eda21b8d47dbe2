"""`lookalike report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def report(
    target: Annotated[str, typer.Argument(help="A run folder, or `compare`.")],
    others: Annotated[list[Path] | None, typer.Argument(help="With compare: two report.json files or run folders.")] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure anew, against the sources; else only what was not measured yet.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Also write the page here.")] = None,
) -> None:
    """Show what a run made and what it is worth; `report compare A B` says what got better or worse beyond noise.

    A run that was measured is shown without its sources, also on another machine.
    """
    from lookalike import api
    from lookalike.api import RunFolder
    from lookalike.cli.output import console
    from lookalike.cli.summary import show_run
    from lookalike.errors import UsageError

    if target == "compare":
        if not others or len(others) != 2:
            raise UsageError(what="two reports are needed", where="report compare", fix="lookalike report compare A B")
        console.print(api.compare_reports(others[0], others[1]))
        return
    folder = RunFolder(Path(target))
    if not folder.manifest:
        raise UsageError(what="the run is not finished", where=target, fix=f"lookalike run {target} goes on with it")
    measured = None if measure else api.report(folder)
    if measured is None:
        measured = api.measure(api.plan(folder.path), folder)
    show_run(folder, measured)
    if html is not None and measured is not None:
        measured.save(html)
