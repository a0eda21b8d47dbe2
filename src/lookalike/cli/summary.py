"""What a person sees when a run is over."""

from __future__ import annotations

from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from lookalike.cli.output import interactive, say, show_rows

if TYPE_CHECKING:
    from lookalike.api import Report, RunFolder

NARROW = 80  # columns; below it tokens are one number


def show_run(run: RunFolder, report: Report | None = None) -> None:
    """Tables with their outcomes, calls with their cost, and the report."""
    manifest = run.manifest
    tables: dict[str, dict[str, Any]] = manifest["tables"]
    lost = [name for name in ("filtered", "duplicate", "failed") if any(table["outcomes"][name] for table in tables.values())]
    shown = ["attempted", *lost] if lost else []
    rows = [
        [name, f"{table['rows']:,}", *(f"{table['outcomes'][outcome]:,}" for outcome in shown)]
        for name, table in tables.items()
    ]
    show_rows(["table", "rows", *shown], rows)
    if manifest["calls"]:
        _show_calls(manifest["calls"])
    if report is not None:
        from lookalike.cli.output import console

        console.print(report)
    say(f"{manifest['seconds']:.1f} s; everything is in {run.path}/", "dim")


def _show_calls(calls: dict[str, dict[str, Any]]) -> None:
    narrow = interactive() and get_terminal_size().columns < NARROW
    rows = []
    for name, use in calls.items():
        tokens = (use["prompt_tokens"], use["completion_tokens"])
        numbers = [f"{number:,}" for number in (use["calls"], *([sum(tokens)] if narrow else tokens))]
        cost = "unknown" if use["usd"] is None else f"${use['usd']:.4f}"
        rows.append([name, ", ".join(use["served_by"]) or use["model"], *numbers, cost])
    tokens_titles = ["tokens"] if narrow else ["tokens in", "tokens out"]
    show_rows(["model column", "model", "calls", *tokens_titles, "cost"], rows, texts=2)


def show_texts(run: RunFolder, table: str, column: str, facts: tuple[str, ...], n: int = 6) -> None:
    """Some written cells beside the facts that they were written from."""
    from rich.table import Table

    from lookalike.cli.output import console

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
