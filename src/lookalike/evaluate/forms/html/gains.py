"""What synthetic rows add to a model, and what they change between groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lookalike.evaluate.base import Result
from lookalike.evaluate.forms.html import charts
from lookalike.evaluate.forms.html.words import meaning, name_of

LISTED = 40  # rows of a list of columns, pairs or groups


def lift(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Gain over real data alone, with its interval, against cheap controls: one row a training set."""
    rows = [r for r in results if r.value is not None and r.interval and r.metric == "augmentation_lift"]
    if not rows:
        return []
    ceiling = next((r.ceiling for r in rows if r.name == "augmentation_lift" and r.ceiling is not None), None)
    spread = max(0.005, abs(ceiling or 0.0), *(max(abs(v) for v in r.interval or (0.0,)) for r in rows)) * 1.1
    more = {
        "title": "Real rows and as many further real ones", "meaning": "The ceiling: nothing made can be expected to add more.",
        "svg": charts.forest(ceiling, None, low=-spread, high=spread, label="further real rows"), "value": charts.number(ceiling), "reading": "", "interval": "",
    }  # fmt: skip
    return ([more] if ceiling is not None else []) + [
        {
            "title": _training_set(r),
            "meaning": meaning(r.metric) if r.name == r.metric else "",
            "reading": str(r.detail.get("reading", "")),
            "svg": charts.forest(r.value, r.interval, low=-spread, high=spread, label=name_of(r.name)),
            "value": charts.number(r.value),
            "interval": f"{charts.number(r.interval[0])} to {charts.number(r.interval[1])}" if r.interval else "",
        }
        for r in rows[:12]
    ]


_SETS = {
    "augmentation_lift": "Real and synthetic rows",
    "augmentation_lift.over_controls": "The same, beyond the best control",
    "augmentation_lift.balanced": "Real and synthetic rows, in balanced accuracy",
    "augmentation_lift.balanced_over_controls": "The same, beyond the best control",
}


def _training_set(r: Result) -> str:
    return _SETS.get(r.name) or f"Control: {r.subject.replace('smote', 'SMOTE')}"


def groups(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Groups whose real and synthetic number are both known, on one scale a metric."""
    out = []
    for metric in dict.fromkeys(r.metric for r in results):
        parts = [
            (r, float(r.detail["real"]), float(r.detail["synthetic"]))
            for r in results
            if r.metric == metric
            and r.subject
            and isinstance(r.detail.get("real"), float)
            and isinstance(r.detail.get("synthetic"), float)
        ]
        if not parts:
            continue
        ends = [v for _, a, b in parts for v in (a, b)]
        pad = max(0.02, (max(ends) - min(ends)) * 0.1)
        rows = [
            {
                "group": r.subject,
                "svg": charts.arrows(a, b, low=min(ends) - pad, high=max(ends) + pad, label=r.subject),
                "real": charts.number(a),
                "made": charts.number(b),
            }
            for r, a, b in parts[:LISTED]
        ]
        out.append({"title": name_of(metric), "meaning": meaning(metric), "rows": rows})
    return out
