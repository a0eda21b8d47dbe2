"""The report in a terminal: verdicts, what to fix first, and each headline between its floor and its ceiling."""

from __future__ import annotations

from io import StringIO

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lookalike.evaluate.base import DIMENSIONS, Result
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.numbers import number, reference, with_interval
from lookalike.evaluate.forms.scale import beside, scale, state, status, urgency

STYLE = {
    "pass": "green",
    "fail": "bold red",
    "warning": "yellow",
    "inconclusive": "yellow",
    "waived": "yellow",
    "skipped": "dim",
}
MARK = {"pass": "✓", "fail": "✗", "warning": "!", "inconclusive": "?", "waived": "w", "skipped": "-"}
_BAR = 16
WIDE = 110  # columns from which readings fit beside the numbers


def render(report: Evidence) -> RenderableType:
    """All parts, one under the other, laid out for the terminal's width."""
    return _Page(report)


class _Page:
    """A report that asks how wide the terminal is."""

    def __init__(self, report: Evidence) -> None:
        self.report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Readings beside the numbers when there is room, below them when there is not."""
        del console
        report = self.report
        parts: list[RenderableType] = [_header(report), _verdicts(report)]
        parts += [Text(f"! {note}", style="yellow") for note in report.notes]
        if report.findings:
            parts.append(_findings(report))
        wide = options.max_width >= WIDE
        measured = {r.dimension for r in report.results}
        parts += [_dimension(report, d, wide=wide) for d in DIMENSIONS if d in report.verdicts or d in measured]
        parts.append(_footer(report))
        for part in parts:
            yield Padding(part, (0, 0, 1, 0))


def text(report: Evidence, width: int = 110) -> str:
    """The same without colour."""
    out = StringIO()
    Console(file=out, width=width, no_color=True, highlight=False, legacy_windows=False).print(render(report))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _header(report: Evidence) -> Text:
    out = Text()
    if report.about:
        out.append(", ".join(f"{word} {said}" for word, said in report.about.items()) + "\n", style="dim")
    for i, (name, info) in enumerate(report.tables.items()):
        if i == 8:
            out.append(f"\nand {len(report.tables) - 8} more tables", style="dim")
            break
        sizes = "  ".join(f"{which} {info.rows[which]:,}" for which in ("real", "synthetic", "holdout") if which in info.rows)
        out.append(f"{chr(10) if i else ''}{f'{name}: ' if name else ''}", style="bold")
        out.append(f"{sizes} rows, {len(info.columns)} columns")
        if info.reference == "half" and "real" in info.rows:
            out.append("  (no holdout: ceilings compare halves of the real rows)", style="dim")
    return out


def _verdicts(report: Evidence) -> Table:
    grid = Table.grid(padding=(0, 3))
    grid.add_row(*[Text(dimension, style="dim") for dimension in report.verdicts])
    grid.add_row(*[Text(f"{MARK[verdict]} {verdict}", style=STYLE[verdict]) for verdict in report.verdicts.values()])
    return grid


def _findings(report: Evidence) -> Group:
    out: list[RenderableType] = [Text(report.asks, style="bold")]
    for i, finding in enumerate(report.findings[:5], 1):
        style = {"block": "red", "warn": "yellow", "unknown": "yellow"}[finding.severity]
        line = Text.assemble((f"{i}. {finding.title}. ", style), finding.text)
        if finding.fix:
            line.append(f" {finding.fix[0].upper()}{finding.fix[1:].rstrip('.')}.", style="italic")
        out.append(Padding(line, (0, 0, 0, 2)))
    if len(report.findings) > 5:
        out.append(Text(f"   and {len(report.findings) - 5} more", style="dim"))
    return Group(*out)


def _dimension(report: Evidence, dimension: str, *, wide: bool) -> RenderableType:
    results = [r for r in report.results if r.dimension == dimension]
    shown = _shown(report, results)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=dimension, title_justify="left", title_style="bold", expand=wide)
    table.add_column("", width=1)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("floor ··· ceiling", no_wrap=True)
    table.add_column(
        "real holdout" if any(i.reference == "holdout" for i in report.tables.values()) else "real half",
        justify="right",
        no_wrap=True,
    )
    if wide:
        table.add_column("what it says", ratio=1)
    for result in shown:
        found = status(report, result)
        reading = [Text(_reading(result), style="dim")] if wide else []
        value = with_interval(result) if wide else number(result.value)
        mark = Text(MARK.get(found, " "), style=STYLE.get(found, ""))
        table.add_row(mark, _name(result), value, bar(result, found), reference(result.ceiling), *reading)
    said = [] if wide else [Text(f"{_name(r)}: {_reading(r)}", style="dim") for r in shown if _reading(r)]
    parts: list[RenderableType] = [table, *said] if shown else [Text(dimension, style="bold")]
    return Group(*parts, *_unmeasured([r for r in results if r.headline or (not r.subject and not shown)]))


def _shown(report: Evidence, results: list[Result]) -> list[Result]:
    """Headlines, and whatever a gate does not pass, which comes first."""
    measured = [r for r in results if r.value is not None]
    bad = [r for r in measured if urgency(status(report, r)) < urgency("")]
    heads = [r for r in measured if r.headline] or [r for r in measured if not r.subject]
    return sorted([*(r for r in bad if r not in heads), *heads], key=lambda r: urgency(status(report, r)))


def _name(result: Result) -> str:
    return f"{result.table}.{result.name}" if result.table else result.name


def _reading(result: Result) -> str:
    """What a number says, and that real rows do no better where that is so."""
    said = str(result.detail.get("reading", ""))
    return f"{beside(result)}; {said}".rstrip("; ") if beside(result) else said


def _unmeasured(results: list[Result]) -> list[Text]:
    """What has no number, by reason."""
    reasons: dict[str, list[str]] = {}
    for r in results:
        if r.value is None:
            reasons.setdefault(r.skipped, []).append(r.name)
    return [Text(f"not measured: {', '.join(dict.fromkeys(names))} ({why})", style="dim") for why, names in reasons.items()]


def bar(result: Result, found: str) -> Text:
    """Where a value lies between floor (left) and ceiling (right), in the colour of its tick."""
    place = scale(result)
    if place is None:
        return Text("")
    filled = round(place.place * _BAR)
    return Text.assemble(("━" * filled, STYLE.get(found, "cyan")), ("─" * (_BAR - filled), "dim"), (f" {place.words}", "dim"))


def _footer(report: Evidence) -> Text:
    states = [state(outcome) for outcome in report.outcomes]
    counts = {state: states.count(state) for state in ("pass", "fail", "warning", "inconclusive", "waived")}
    said = ", ".join(f"{n} {s}" for s, n in counts.items() if n) or "none could be decided"
    seconds = f", {number(report.seconds)} CPU s" if report.seconds else ""
    if not report.outcomes:
        why = (
            "no gates were asked for; the verdicts are those of profile internal"
            if report.profile == "none"
            else "no gate is on this"
        )
        return Text(f"{why}; seed {report.seed}{seconds}", style="dim")
    return Text(f"gates {report.profile}: {said}, exit code {report.exit_code}; seed {report.seed}{seconds}", style="dim")
