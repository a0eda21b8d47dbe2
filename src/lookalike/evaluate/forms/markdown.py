"""The report as Markdown, for pull requests."""

from __future__ import annotations

from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.numbers import number, reference, with_interval

_MARK = {"pass": "pass", "fail": "**FAIL**", "inconclusive": "inconclusive", "waived": "waived", "skipped": "not measured"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def markdown(report: Evidence) -> str:
    """Verdicts, what to fix first, gates that do not hold, headline numbers; details stay in JSON and HTML."""
    lines = ["# Synthetic data report", ""]
    for name, info in report.tables.items():
        sizes = ", ".join(f"{info.rows[which]:,} {which}" for which in ("real", "synthetic", "holdout") if which in info.rows)
        lines.append(f"{f'**{_cell(name)}**: ' if name else ''}{sizes} rows, {len(info.columns)} columns.")
    lines += ["", "| dimension | verdict |", "|---|---|"]
    lines += [f"| {dimension} | {_MARK[verdict]} |" for dimension, verdict in report.verdicts.items()]
    if report.notes:
        lines += ["", *[f"> {_cell(note)}" for note in report.notes]]
    if report.findings:
        lines += ["", f"## {report.asks}", ""]
        lines += [
            f"{i}. **{_cell(f.title)}** {_cell(f.text)}{f' {_cell(f.fix)}.' if f.fix else ''}"
            for i, f in enumerate(report.findings[:7], 1)
        ]
    lines += ["", "## Numbers", "", "| metric | value | real holdout | independent columns |", "|---|---|---|---|"]
    for result in report.headlines:
        name = f"{result.table}.{result.name}" if result.table else result.name
        shown = with_interval(result) if result.value is not None else f"not measured: {_cell(result.skipped)}"
        lines.append(f"| {_cell(name)} | {shown} | {reference(result.ceiling)} | {reference(result.floor)} |")
    if report.outcomes:
        lines += [
            "",
            f"## Gates ({report.profile}, exit code {report.exit_code})",
            "",
            "| gate | result | got | needs |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {_cell(f'{o.table}.{o.metric}' if o.table else o.metric)} | {_MARK[o.status]} | {number(o.got)} | {_cell(o.need)} |"
            for o in report.outcomes
        ]
    return "\n".join(lines) + "\n"
