"""The report as Markdown, for pull requests, and as JUnit XML, for any CI."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from lookalike.evaluate.base import Result

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report

_MARK = {"pass": "pass", "fail": "**FAIL**", "inconclusive": "inconclusive", "waived": "waived", "skipped": "not measured"}


def number(value: float | None) -> str:
    """Three significant digits behind the point at most; "not measured" for none."""
    if value is None:
        return "not measured"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000 or value == int(value)
        else f"{value:.3f}"
        if abs(value) >= 0.01
        else f"{value:.2g}"
    )


def with_interval(result: Result) -> str:
    """The value, with its bounds when it has them."""
    if result.value is None or result.interval is None:
        return number(result.value)
    return f"{number(result.value)} ({number(result.interval[0])} to {number(result.interval[1])})"


def reference(value: float | None) -> str:
    """A ceiling or floor; empty when there is none."""
    return "" if value is None else number(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def markdown(report: Report) -> str:
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


def junit(report: Report) -> str:
    """One test case a gate; a failed warning and what could not be decided are shown as skipped with their reason."""
    failed = [o for o in report.outcomes if o.status == "fail" and o.severity == "block"]
    quiet = [o for o in report.outcomes if o not in failed and o.status != "pass"]
    suite = ET.Element(
        "testsuite", name=f"lookalike gates: {report.profile}", tests=str(len(report.outcomes)), failures=str(len(failed)),
        errors="0", skipped=str(len(quiet)),
    )  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    for result in report.headlines:
        name = f"{result.table}.{result.name}" if result.table else result.name
        ET.SubElement(properties, "property", name=_clean(name), value=number(result.value))
    for outcome in report.outcomes:
        name = f"{outcome.table}.{outcome.metric}" if outcome.table else outcome.metric
        case = ET.SubElement(
            suite, "testcase", classname=f"lookalike.{outcome.dimension}", name=_clean(f"{name} {outcome.need}")
        )
        if outcome in failed:
            ET.SubElement(case, "failure", message=_clean(outcome.text)).text = _clean(f"{outcome.why}. {outcome.fix}")
        elif outcome.status != "pass":
            ET.SubElement(case, "skipped", message=_clean(f"{outcome.status}: {outcome.text}"))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    """Without characters that XML 1.0 forbids."""
    return "".join(c for c in text if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c not in "\ufffe\uffff"))
