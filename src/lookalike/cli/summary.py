"""What a person sees when a run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from lookalike.cli.output import console

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.run.folder import RunFolder


def show_run(run: RunFolder, report: Report | None = None) -> None:
    """Tables with their outcomes, calls with their cost, and the report."""
    manifest = run.manifest
    outcomes = Table(box=None, padding=(0, 2), header_style="dim")
    for title, side in (
        ("table", "left"),
        ("rows", "right"),
        ("attempted", "right"),
        ("filtered", "right"),
        ("duplicate", "right"),
        ("failed", "right"),
    ):
        outcomes.add_column(title, justify=side)  # type: ignore[arg-type]  # two literals
    for name, table in manifest["tables"].items():
        counts = table["outcomes"]
        cells = [f"{counts[key]:,}" for key in ("attempted", "filtered", "duplicate", "failed")]
        outcomes.add_row(f"[bold]{name}[/]", f"{table['rows']:,}", *cells)
    console.print(outcomes)
    if manifest["calls"]:
        console.print(_calls(manifest["calls"]))
    if report is not None:
        console.print(report)
    console.print(f"[dim]{manifest['seconds']:.1f} s; everything is in[/] {run.path}/", soft_wrap=True)


def _calls(calls: dict[str, dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for title, side in (
        ("model column", "left"),
        ("model", "left"),
        ("calls", "right"),
        ("tokens in", "right"),
        ("tokens out", "right"),
        ("cost", "right"),
    ):
        table.add_column(title, justify=side)  # type: ignore[arg-type]  # two literals
    for name, use in calls.items():
        cost = "unknown" if use["usd"] is None else f"${use['usd']:.4f}"
        served = ", ".join(use["served_by"]) or use["model"]
        table.add_row(name, served, f"{use['calls']:,}", f"{use['prompt_tokens']:,}", f"{use['completion_tokens']:,}", cost)
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
