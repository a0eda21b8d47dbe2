"""The report as JUnit XML, for any CI."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.numbers import number


def junit(report: Evidence) -> str:
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
