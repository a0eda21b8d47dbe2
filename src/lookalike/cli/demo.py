"""`lookalike demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lookalike.api import Report, RunFolder

SHOWN = 3  # rows of each table
FEW = 20  # rows below which a table is shown and not judged
FACTS = ("carat", "cut", "color", "price")  # what a stone is known by, and what its sentence is checked against

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")] = Path("runs/demo"),
    sets: Annotated[list[str] | None, typer.Option("--set", help="listings=N, stones=N, writer=MODEL.")] = None,
) -> None:
    """See it work: a real table is learned and sampled, an embedded language model writes about some rows, all is measured.

    No key; no network once the table and the model's weights are on this machine. The run folder holds report.html.
    """
    from lookalike import api
    from lookalike.api import Progress, catalogue
    from lookalike.cli.live import watching
    from lookalike.cli.output import console

    console.print(
        "[bold]lookalike demo[/] [dim]53,940 real diamonds, learned and sampled; a small language model in this process[/]"
    )
    settings = api.settings(sets or [])
    recipe = api.demo_recipe()
    writer = settings.get("writer", "qwen2.5-coder-0.5b")
    if not Path(writer).is_file():
        with console.status(f"weights of {writer}") as status:
            catalogue.pull(writer, progress=lambda text: status.update(f"weights of {writer}: {text}"))
    with console.status("reading the table"):
        plan = api.plan(recipe, set=settings)
    progress = Progress()
    with watching(progress) as listeners:
        made = api.make(plan, output, listeners=listeners, progress=progress)
    with console.status("measuring"):
        report = api.measure(plan, made)
    for line in screen(made, report):
        console.print(line, soft_wrap=False, markup=False)


def screen(run: RunFolder, report: Report | None) -> list[str]:
    """What a run of the demo comes to, on one screen: asked, made, judged, and where the rest is."""
    made = run.manifest["tables"]
    asked = [f"{table['asked']:,} {name}" for name, table in made.items()]
    lines = [f"asked    {', '.join(asked)}: like 53,940 real diamonds, a sentence for each listing", ""]
    for name, table in made.items():
        written = table["schema"].get("listing") is not None
        lines.append(f"{name:<8} {', '.join(FACTS)}{', and a sentence that was checked to name them' if written else ''}")
        for row in run.table(name).slice(0, SHOWN).to_pylist():
            lines.append("         " + ", ".join(str(row[fact]) for fact in FACTS))
            lines += [f"           {' '.join(row['listing'].split())}"] if written else []
        failed = table["outcomes"]["failed"]
        lines.append(
            f"         {failed} more disagreed with their facts to the end: failures.parquet says how" if failed else ""
        )
    lines += [
        f"verdict  {verdict(run, report)}",
        f"page     {run.path / 'report.html'}",
        f"recipe   {run.path / 'recipe.yaml'}",
    ]
    return lines


def verdict(run: RunFolder, report: Report | None) -> str:
    """One word and its reason, from the gates of the tables that are large enough."""
    sizes = {name: table["rows"] for name, table in run.manifest["tables"].items()}
    few = [f"{name} ({rows} rows)" for name, rows in sizes.items() if rows < FEW]
    beside = f"; too few rows to be judged: {', '.join(few)}" if few else ""
    judged = [
        each for each in (report.outcomes if report else ()) if sizes.get(each.table, FEW) >= FEW and each.severity == "block"
    ]
    for status in ("fail", "inconclusive"):
        bad = [each for each in judged if each.status == status]
        if bad:
            return f"{status}: {bad[0].text}{beside}"
    return f"pass: all {len(judged)} gates hold{beside}" if judged else f"not judged{beside}"
