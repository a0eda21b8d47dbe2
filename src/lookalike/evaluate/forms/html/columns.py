"""Columns, one by one and together: overlaid shapes, associations, the worst pairs."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from lookalike.evaluate.base import Result
from lookalike.evaluate.forms.html import charts
from lookalike.evaluate.forms.html.words import breakable

DRAWN = 20  # columns drawn in each table; the others are in the list


def marginals(results: list[Result]) -> dict[str, Any] | None:
    """The columns furthest below what real rows reach, real and synthetic laid over each other."""
    parts = [r for r in results if r.metric == "marginals" and r.subject and r.value is not None and r.detail.get("series")]
    parts.sort(key=Result.shortfall, reverse=True)
    figures = [
        {
            "name": breakable(r.subject),
            "svg": charts.marginal(r.subject, r.detail),
            "value": charts.number(r.value),
            "ceiling": charts.number(r.ceiling) if r.ceiling is not None else "",
            "poor": r.ceiling is not None and r.value is not None and r.ceiling - r.value > 0.1,
        }
        for r in parts[:DRAWN]
    ]
    return {"figures": figures, "count": len(parts)} if figures else None


def heatmap(results: list[Result]) -> Markup | None:
    """How strongly all pairs go together, and by how much that changed."""
    found = next((r.detail["matrix"] for r in results if r.name == "dependence" and r.detail.get("matrix")), None)
    if not found or len(found["columns"]) < 3:
        return None
    return charts.heatmap(found["columns"], found["real"], found["synthetic"])


def changed(results: list[Result]) -> list[dict[str, str]]:
    """The pairs whose association changed most."""
    parts = [r for r in results if r.metric == "dependence" and r.subject and "real" in r.detail and r.value is not None]
    parts.sort(key=lambda r: r.value or 0.0)
    return [
        {"pair": breakable(r.subject), "real": f"{r.detail['real']:.2f}", "made": f"{r.detail['synthetic']:.2f}"}
        for r in parts[:10]
    ]


def pairs(results: list[Result]) -> list[dict[str, Any]]:
    """The pairs furthest below what real rows reach, both tables side by side, in that order."""
    out = []
    below = [r for r in results if r.metric == "pairs" and r.detail.get("drawn") and r.shortfall() > 0]
    for r in sorted(below, key=Result.shortfall, reverse=True):
        drawn = r.detail["drawn"]
        highest = max((v or 0.0 for side in ("real", "synthetic") for row in drawn[side] for v in row), default=1.0)
        sides = [
            charts.mosaic(
                drawn["rows"], drawn["columns"], drawn[side], css=css, highest=highest, label=f"{r.subject}, {side} rows"
            )
            for side, css in (("real", "real-cell"), ("synthetic", "made-cell"))
        ]
        ceiling = charts.number(r.ceiling) if r.ceiling is not None else ""
        out.append(
            {
                "name": breakable(r.subject),
                "value": charts.number(r.value),
                "ceiling": ceiling,
                "real": sides[0],
                "synthetic": sides[1],
            }
        )
    return out
