"""`lookalike preview`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from lookalike.api import Previewed, PreviewedCall

app = typer.Typer(add_completion=False)


@app.command()
def preview(
    recipe: Annotated[Path, typer.Argument(help="A recipe file or a run folder.")],
    rows: Annotated[
        int, typer.Option("--rows", "-n", min=1, help="Records of every table; of children those of so many parents.")
    ] = 3,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="key=value: a parameter, or a dotted path of the recipe.")
    ] = None,
    allow_code: Annotated[bool, typer.Option("--allow-code", help="Accept `kind: function`.")] = False,
) -> None:
    """Make a few records and show each with its prompts and replies side by side. Nothing is kept."""
    from lookalike import api
    from lookalike.cli.output import console

    with console.status("making a few records"):
        tables = api.preview(recipe, rows=rows, set=api.settings(sets or []), allow_code=allow_code)
    for table in tables:
        _show(table)


def _show(table: Previewed) -> None:
    """A table's records, each followed by the calls behind it; then the rows that were lost."""
    from rich.rule import Rule
    from rich.text import Text

    from lookalike.cli.output import console

    for number, (row, record) in enumerate(table.rows, 1):
        console.print(Rule(f"[bold]{table.table}[/] [dim]record {number}[/]", align="left", style="dim"))
        console.print(_record(record))
        for call in table.calls:
            if call.row == row:
                console.print(_call(call))
    for row, reason in table.dropped:
        console.print(Rule(f"[bold]{table.table}[/] [yellow]row {row}[/]", align="left", style="dim"))
        console.print(Text(reason, style="yellow"))
        for call in table.calls:
            if call.row == row:
                console.print(_call(call))


def _record(record: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in record.items():
        grid.add_row(Text(name), Text("null", style="dim") if value is None else Text(str(value)))
    return grid


def _call(call: PreviewedCall) -> Any:
    from rich import box
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    title = f"[cyan]{escape(call.column)}[/] [dim]{escape(call.model)}, {call.tokens:,} tokens, {call.ms / 1000:.1f} s[/]"
    pair = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="", header_style="dim", expand=True)
    pair.add_column("prompt", ratio=1, overflow="fold")
    pair.add_column("reply", ratio=1, overflow="fold")
    pair.add_row(Text(call.prompt), Text(call.reply, style="red" if call.failed else ""))
    return pair
