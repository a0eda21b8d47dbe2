"""`lookalike kinds`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def kinds(
    kind: Annotated[str | None, typer.Argument(help="A kind to explain, or a group to list; without it all are named.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the kind's JSON Schema, or all names, as JSON.")] = False,
) -> None:
    """List the kinds of columns, steps, models ..., or explain one: its meaning, its fields, an example."""
    import orjson
    from rich.markdown import Markdown
    from rich.markup import escape
    from rich.table import Table

    from lookalike import api
    from lookalike.cli.output import console

    if kind is None:
        groups = api.kinds()
        if json:
            typer.echo(orjson.dumps(groups, option=orjson.OPT_INDENT_2).decode())
            return
        table = Table(box=None, padding=(0, 2), show_header=False)
        for group, names in groups.items():
            table.add_row(f"[bold]{group}[/]", ", ".join(names))
        console.print(table)
        return
    if kind in api.kinds() or kind.removesuffix("s") in api.kinds():
        _show_group(kind if kind in api.kinds() else kind.removesuffix("s"), json=json)
        return
    for page in api.explain(kind):
        if json:
            typer.echo(orjson.dumps(page.schema, option=orjson.OPT_INDENT_2).decode())
            continue
        console.print(f"[bold]{page.kind}[/] [dim]{page.group}[/]")
        console.print(Markdown(page.text))
        fields = Table(box=None, padding=(0, 2), header_style="dim")
        for title in ("field", "type", "default"):
            fields.add_column(title)
        for name, (type_name, default) in page.fields.items():
            fields.add_row(name, escape(type_name), escape(default))
        console.print(fields)


def _show_group(group: str, *, json: bool) -> None:
    """Every kind of a group with the first sentence of its page."""
    import orjson
    from rich.markup import escape
    from rich.table import Table

    from lookalike import api
    from lookalike.cli.output import console

    said = {
        page.kind: " ".join(page.text.partition("\n\n")[0].split())
        for name in api.kinds()[group]
        for page in api.explain(name)
        if page.group == group
    }
    if json:
        typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name, text in said.items():
        table.add_row(f"[bold]{name}[/]", escape(text))
    console.print(table)
