"""`lookalike demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    from lookalike.cli.live import watching
    from lookalike.cli.output import console
    from lookalike.cli.summary import show_run, show_texts
    from lookalike.models import catalogue
    from lookalike.run.engine import Progress

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
    show_texts(made, "listings", "listing", ("carat", "cut", "color", "price"))
    show_run(made, report)
    console.print(f"[dim]the page:[/] {output / 'report.html'}  [dim]the recipe:[/] {output / 'recipe.yaml'}", soft_wrap=True)
