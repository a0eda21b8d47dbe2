"""How the rows were made, as the run says it: outcomes, scores, cost, and what the texts read like."""

from __future__ import annotations

from typing import Any

from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.html import charts


def making(report: Evidence) -> dict[str, Any] | None:
    """What the page places; None for rows that no run made and that hold no written text."""
    samples = [
        {"table": table, "column": column, "texts": list(texts)}
        for table, info in report.tables.items()
        for column, texts in info.samples.items()
        if texts
    ]
    if not report.making and not samples:
        return None
    return {
        "outcomes": [
            _outcome(table, counts, report.making.get("reasons", {}).get(table, {}))
            for table, counts in report.making.get("outcomes", {}).items()
        ],
        "calls": [_call(name, use) for name, use in report.making.get("calls", {}).items()],
        "scores": [_score(r) for r in report.of(metric="scores") if r.subject and r.value is not None],
        "samples": samples,
    }


def _outcome(table: str, counts: dict[str, int], reasons: dict[str, int]) -> dict[str, Any]:
    words = ("attempted", "kept", "filtered", "duplicate", "failed")
    often = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:3]
    return {
        "table": table,
        "counts": [(word, f"{counts[word]:,}") for word in words if word in counts],
        "reasons": [(why, f"{n:,}") for why, n in often],
    }


def _call(name: str, use: dict[str, Any]) -> dict[str, str]:
    usd = use.get("usd")
    return {
        "column": name,
        "model": ", ".join(use.get("served_by") or ()) or str(use.get("model", "")),
        "calls": f"{use.get('calls', 0):,}",
        "tokens": f"{use.get('prompt_tokens', 0) + use.get('completion_tokens', 0):,}",
        "cost": "unknown" if usd is None else f"${usd:.4f}",
    }


def _score(r: Any) -> dict[str, Any]:
    levels = r.detail.get("levels") or {}
    return {
        "column": f"{r.table}.{r.subject}" if r.table else r.subject,
        "mean": charts.number(r.value),
        "interval": f"{charts.number(r.interval[0])} to {charts.number(r.interval[1])}" if r.interval else "",
        "levels": ", ".join(f"{level}: {share:.0%}" for level, share in levels.items()),
    }
