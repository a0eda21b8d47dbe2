"""`lookalike models list | pull | test`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, pull and test embedded models.")


@app.command("list")
def list_models() -> None:
    """Embedded models: size, licence, and whether their weights are on this machine."""
    from rich.table import Table

    from lookalike.api import catalogue
    from lookalike.cli.output import console

    table = Table(box=None, padding=(0, 2), header_style="dim")
    for title in ("name", "size", "licence", "here", "good for"):
        table.add_column(title)
    for model in catalogue.list_models():
        here = "[green]yes[/]" if model.here else "no"
        table.add_row(model.name, f"{model.size / 1e6:,.0f} MB", model.licence, here, model.good_for)
    console.print(table)


@app.command()
def pull(name: Annotated[str, typer.Argument(help="A name from `lookalike models list`.")]) -> None:
    """Fetch a model's weights once; their hash is checked."""
    from lookalike.api import catalogue
    from lookalike.cli.output import console

    with console.status(f"fetching {name}") as status:
        path = catalogue.pull(name, progress=lambda text: status.update(f"fetching {name}: {text}"))
    console.print(f"{name} [dim]{path}[/]", soft_wrap=True)


@app.command()
def test(name: Annotated[str, typer.Argument(help="A catalogue name, or a path to a GGUF file.")]) -> None:
    """Load a model and ask it for one sentence and one JSON object."""
    from lookalike.api import trial
    from lookalike.cli.output import console

    result = trial.test(name)
    console.print(f"[green]ok[/] {name}: {result.tokens_per_s:.0f} tokens/s, loaded in {result.load_s:.1f} s")
    console.print(result.text.strip(), style="dim", markup=False)
