"""What a person sees when a run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from lookalike.cli.output import console

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.run.folder import RunFolder


NARROW = 80  # columns; below it tokens are one number


def show_run(run: RunFolder, report: Report | None = None) -> None:
    """Tables with their outcomes, calls with their cost, and the report."""
    manifest = run.manifest
    outcomes = Table(box=None, padding=(0, 2), header_style="dim")
    all_counts = [table["outcomes"] for table in manifest["tables"].values()]
    shown = [key for key in ("filtered", "duplicate", "failed") if any(counts[key] for counts in all_counts)]
    titles = ["rows", *(["attempted", *shown] if shown else [])]
    outcomes.add_column("table", no_wrap=True)
    for title in titles:
        outcomes.add_column(title, justify="right", no_wrap=True)
    for name, table in manifest["tables"].items():
        cells = [f"{table['outcomes'][key]:,}" for key in titles[1:]]
        outcomes.add_row(f"[bold]{name}[/]", f"{table['rows']:,}", *cells)
    console.print(outcomes)
    if manifest["calls"]:
        console.print(_calls(manifest["calls"]))
    if report is not None:
        console.print(report)
    console.print(f"[dim]{manifest['seconds']:.1f} s; everything is in[/] {run.path}/", soft_wrap=True)


def _calls(calls: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    narrow = console.width < NARROW
    titles = ("calls", "tokens", "cost") if narrow else ("calls", "tokens in", "tokens out", "cost")
    table.add_column("model column", no_wrap=True)
    table.add_column("model", overflow="ellipsis", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for name, use in calls.items():
        cost = "unknown" if use["usd"] is None else f"${use['usd']:.4f}"
        tokens = (use["prompt_tokens"], use["completion_tokens"])
        served = ", ".join(use["served_by"]) or use["model"]
        numbers = [f"{n:,}" for n in ([sum(tokens)] if narrow else tokens)]
        table.add_row(name, served, f"{use['calls']:,}", *numbers, cost)
    return table


def show_texts(run: RunFolder, table: str, column: str, facts: tuple[str, ...], n: int = 6) -> None:
    """Some written cells beside the facts that they were written from."""
    rows = run.table(table).slice(0, n).to_pylist()
    grid = Table(
        box=None,
        padding=(0, 2),
        header_style="dim",
        title=f"{table}: facts drawn, sentence written",
        title_justify="left",
        title_style="bold",
    )
    grid.add_column("facts", style="cyan")
    grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(", ".join(str(row[name]) for name in facts), row[column])
    console.print(grid)
