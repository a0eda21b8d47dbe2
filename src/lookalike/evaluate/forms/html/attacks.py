"""What attacks achieve, and whether a leak would have been seen."""

from __future__ import annotations

from typing import Any

from lookalike.evaluate.base import Result
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.html import charts
from lookalike.evaluate.forms.html.words import meaning, name_of
from lookalike.evaluate.gates import Outcome

RISKS = ("identical_excess", "rare_combination_replay", "singling_out", "linkability", "attribute_inference")


def forest(report: Evidence, results: list[Result]) -> list[dict[str, Any]]:
    """The attacks on one scale, each with its interval, its gate and what it achieves on members and strangers."""
    bounds = {o.metric: o for o in report.outcomes if o.dimension == "privacy"}
    shown = [
        r
        for r in results
        if r.metric in RISKS and r.value is not None and (r.name == r.metric or r.name.startswith("singling_out."))
    ]
    if not shown:
        return []
    high = max(0.12, *(min(1.0, (r.interval or (0.0, r.value or 0.0))[1]) * 1.1 for r in shown))
    low = min(0.0, *((r.interval or (0.0, 0.0))[0] for r in shown), -0.02 * high)
    low = max(low, -0.25 * high)
    rows = []
    for r in shown:
        gate = _bound_of(bounds.get(r.name))
        attack, control = r.detail.get("attack"), r.detail.get("control")
        rows.append(
            {
                "title": name_of(r.name),
                "meaning": meaning(r.metric) if r.name == r.metric else "",
                "reading": str(r.detail.get("reading", "")) if r.name == r.metric else "",
                "svg": charts.forest(r.value, r.interval, low=low, high=high, gate=gate, label=name_of(r.name)),
                "value": charts.number(r.value),
                "interval": f"{charts.number(r.interval[0])} to {charts.number(r.interval[1])}" if r.interval else "",
                "gate": charts.number(gate) if gate is not None else "–",
                "judged": _judged(bounds.get(r.name)),
                "attack": f"{attack:.1%}" if attack is not None else "–",
                "control": f"{control:.1%}" if control is not None else "–",
            }
        )
    return rows


def _judged(outcome: Outcome | None) -> str:
    """Which end of the interval a gate looks at, in words."""
    need = outcome.need if outcome else ""
    return next((f"on the {end} end" for end in ("low", "high") if f"at the {end} end" in need), "")


def _bound_of(outcome: Outcome | None) -> float | None:
    """The number in "at most 0.1, at the high end of its interval"."""
    if outcome is None or not outcome.need.startswith("at most "):
        return None
    try:
        return float(outcome.need.split()[2].rstrip(","))
    except ValueError:
        return None


def roc(results: list[Result]) -> dict[str, Any] | None:
    """The curves of the membership attacks, and a row for each."""
    found = next((r for r in results if r.name == "membership_auc" and r.detail.get("roc")), None)
    if found is None:
        return None
    curves = found.detail["roc"]
    at = next((r for r in results if r.name == "membership_tpr_at_fpr" and r.value is not None), None)
    named = at.detail.get("attacks", {}) if at else {}
    best = str((at or found).detail.get("attack", ""))
    rows = [
        {
            "attack": name,
            "auc": charts.number(curve.get("auc")),
            "tpr": f"{named[name]:.1%}" if name in named else "–",
            "best": name == best,
        }
        for name, curve in sorted(curves.items(), key=lambda item: (item[0] != best, -named.get(item[0], 0.0)))
    ]
    members, strangers = found.detail.get("members"), found.detail.get("strangers")
    return {
        "svg": charts.roc(curves, best=best),
        "rows": rows,
        "members": f"{members:,}" if members else "",
        "strangers": f"{strangers:,}" if strangers else "",
    }


def alarm(r: Result) -> dict[str, Any]:
    """One line of the alarm's own test."""
    safe = r.detail.get("smallest_safe")
    return {
        "which": "membership attacks" if r.name.endswith("membership") else "replay test",
        "works": bool(r.detail.get("works")),
        "smallest": f"{r.value:.2%}" if r.value else "this release is called one",
        "safe": f"{safe:.2%}" if safe else "none" if safe is None else "any",
        "planted": f"{r.detail.get('planted', 0.01):.1%}",
        "rang": bool(r.detail.get("rang")),
        "quiet": bool(r.detail.get("quiet")),
    }
