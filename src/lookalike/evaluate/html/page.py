"""What the page says, in which order: the answer, what to fix first, then the evidence, dimension by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from lookalike.errors import UnknownKind
from lookalike.evaluate.base import DIMENSIONS, Dimension, Result
from lookalike.evaluate.gates import Outcome
from lookalike.evaluate.html import charts
from lookalike.evaluate.report import Finding, Report
from lookalike.registry import resolve

DRAWN = 20  # columns drawn in each table; the others are in the list
LISTED = 40  # rows of a list of columns, pairs or groups
FIRST = 5  # findings shown before the fold
TOLD = (
    "pairs",
    "c2st",
    "tstr",
    "membership_tpr_at_fpr",
    "identical_excess",
    "near_duplicates",
    "vendi_score",
)  # in the tiles, first

QUESTIONS: dict[Dimension, str] = {
    "validity": "Could these rows exist?",
    "fidelity": "Does it look like the real data?",
    "utility": "Does it help a model?",
    "privacy": "Does it give anybody away?",
    "diversity": "Is it varied enough?",
    "fairness": "Is it fair to every group?",
}
WORDS = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "waived": "Waived",
    "skipped": "Not asked",
    "none": "Not judged",
}
TITLES = {
    "c2st": "C2ST", "dcr": "DCR share", "nndr": "NNDR", "tstr": "TSTR", "pmse": "pMSE", "pii_count": "Personal data in text",
    "membership_auc": "Membership, AUC", "membership_tpr_at_fpr": "Membership at 1% false positives",
    "membership_tpr_at_fpr.at_0_1pct": "Membership at 0.1% false positives",
    "membership_tpr_at_fpr.isolated": "Membership of the most isolated 1%", "membership_auc.isolated": "Membership AUC, most isolated 1%",
    "alarm": "Smallest leak that would be seen", "identical_share": "Identical rows", "identical_excess": "Identical rows beyond chance",
    "rare_combination_replay": "Rare combinations replayed", "identifier_replay": "Identifiers replayed",
    "epsilon_lower_bound": "Epsilon, lower bound",
}  # fmt: skip
RISKS = ("identical_excess", "rare_combination_replay", "singling_out", "linkability", "attribute_inference")


def page(report: Report, *, title: str = "") -> dict[str, Any]:
    """Everything the templates place, as plain data and finished drawings."""
    names = [name for name in report.tables if name]
    heading = title or (", ".join(names) if names else "Synthetic data, examined")
    findings = _findings(report)
    return {
        "title": heading,
        "banner": _banner(report),
        "tables": [_table(name, info) for name, info in report.tables.items()],
        "tiles": [_tile(report, dimension) for dimension in DIMENSIONS if dimension in report.verdicts],
        "notes": report.notes,
        "findings": findings[:FIRST],
        "asks": report.asks,
        "more_findings": findings[FIRST:],
        "words": WORDS,
        "gates": [_gate(outcome) for outcome in report.outcomes],
        "sections": [_section(report, dimension) for dimension in DIMENSIONS if report.of(dimension=dimension)],
        "skipped": [
            {"title": name_of(r.name), "table": r.table, "subject": r.subject, "why": r.skipped}
            for r in report
            if r.value is None
        ][:80],
        "report": report,
    }


def name_of(name: str) -> str:
    """A result's name as a person would write it."""
    if name in TITLES:
        return TITLES[name]
    head, _, tail = name.partition(".")
    first = TITLES.get(head, head.replace("_", " ").capitalize())
    return f"{first}, {tail.replace('_', ' ')}" if tail else first


@cache
def meaning(kind: str) -> str:
    """The first sentence of a metric's documentation."""
    try:
        text = (resolve("metric", kind).__doc__ or "").strip()
    except UnknownKind:
        return ""
    return " ".join(text.split("\n\n")[0].split())


def _banner(report: Report) -> dict[str, Any]:
    blocking = [o for o in report.outcomes if o.severity == "block"]
    failed = sum(o.status == "fail" for o in blocking)
    open_ = sum(o.status == "inconclusive" for o in blocking)
    held = sum(o.status in ("pass", "waived") for o in blocking)
    profile = report.profile
    if not report.outcomes:
        return {
            "status": "none",
            "head": "Measured, not judged",
            "text": "No gates were asked to decide. The numbers below speak for themselves.",
        }
    if failed:
        head = "Do not release"
        text = f"{_count(failed, 'gate')} of profile “{profile}” {'does' if failed == 1 else 'do'} not hold"
        text += f", {open_} could not be decided." if open_ else f"; {held} hold."
        return {"status": "fail", "head": head, "text": text}
    if open_:
        text = f"{_count(open_, 'gate')} of profile “{profile}” could not be decided; {held} hold. What is missing is listed below."
        return {"status": "inconclusive", "head": "Not shown to be safe", "text": text}
    return {
        "status": "pass",
        "head": "Fit for release",
        "text": f"All {_count(held, 'gate')} of profile “{profile}” hold, on the bounds that they ask for.",
    }


def _findings(report: Report) -> list[dict[str, str]]:
    """Findings under the names that the page uses; all that a missing holdout left open is one finding."""
    waiting = [f for f in report.findings if f.severity == "unknown" and "there is no holdout" in f.text]
    out = []
    for finding in report.findings:
        if len(waiting) > 1 and finding in waiting:
            if finding is waiting[0]:
                names = ", ".join(dict.fromkeys(name_of(f.metric) for f in waiting))
                text = f"There is no holdout, so {_count(len(waiting), 'gate')} could not be decided: {names}."
                fix = "Keep real rows apart before fitting, 20% is plenty, and give them as the holdout."
                out.append({"title": "Privacy was not shown", "text": text, "fix": fix, "severity": "unknown", "table": ""})
            continue
        title, text = _in_words(finding)
        entry = {"title": title, "text": text, "fix": finding.fix, "severity": finding.severity, "table": finding.table}
        out.append(entry)
    return out


def _in_words(finding: Finding) -> tuple[str, str]:
    """A finding's title and text with the names that the page uses, in whole sentences."""
    name = name_of(finding.metric)
    title = finding.title.replace(finding.metric.replace("_", " "), name, 1)
    title = f"{name}: not within bounds" if title == f"{name} does not hold" else title
    text = finding.text.replace(f"{finding.metric} is", "It is", 1)
    sentences = [part[:1].upper() + part[1:] for part in text.split(". ")]
    return title, ". ".join(sentences)


def breakable(name: str) -> Markup:
    """A column's name that may be broken after an underscore."""
    return Markup("_<wbr>").join(name.split("_"))


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _table(name: str, info: Any) -> dict[str, Any]:
    forms: dict[str, int] = {}
    for form in info.columns.values():
        forms[form] = forms.get(form, 0) + 1
    return {
        "name": name,
        "rows": [(which, f"{info.rows[which]:,}") for which in ("real", "synthetic", "holdout") if which in info.rows],
        "forms": ", ".join(
            _count(n, form)
            if form not in ("category", "empty")
            else f"{n} {'categories' if form == 'category' and n > 1 else form}"
            for form, n in forms.items()
        ),
        "columns": info.columns,
        "excluded": info.excluded,
        "reference": "a real holdout" if info.reference == "holdout" else "one half of the real rows against the other",
        "target": info.target,
        "protected": ", ".join(info.protected),
    }


def _tile(report: Report, dimension: Dimension) -> dict[str, Any]:
    heads = [r for r in report.of(dimension=dimension) if r.headline and r.value is not None]
    heads.sort(key=lambda r: TOLD.index(r.name) if r.name in TOLD else len(TOLD))
    shown = [
        {"title": (f"{r.table}: {name_of(r.name)}" if r.table else name_of(r.name)), "value": charts.number(r.value)}
        for r in heads[:2]
    ]
    return {"dimension": dimension, "verdict": report.verdicts[dimension], "question": QUESTIONS[dimension], "shown": shown}


def _gate(outcome: Outcome) -> dict[str, Any]:
    return {
        "title": name_of(outcome.metric),
        "table": outcome.table,
        "status": outcome.status,
        "severity": outcome.severity,
        "got": charts.number(outcome.got),
        "need": outcome.need,
        "why": outcome.why,
    }


def _section(report: Report, dimension: Dimension) -> dict[str, Any]:
    tables = []
    for name in report.tables:
        results = report.of(dimension=dimension, table=name)
        if results:
            tables.append(_evidence(report, name, results, dimension))
    return {
        "id": dimension,
        "title": dimension.capitalize(),
        "question": QUESTIONS[dimension],
        "verdict": report.verdicts.get(dimension, "none"),
        "tables": tables,
    }


def _evidence(report: Report, table: str, results: list[Result], dimension: Dimension) -> dict[str, Any]:
    whole = [r for r in results if not r.subject and r.value is not None]
    main = [r for r in whole if r.headline] or whole
    others = [r for r in whole if r not in main]
    lists = (
        [] if dimension == "fairness" else _lists([r for r in results if r.metric not in ("singling_out", "membership_auc")])
    )
    out: dict[str, Any] = {
        "name": table,
        "others": [_number(r) for r in others],
        "lists": lists,
        "has_ceiling": any(r.ceiling is not None for r in whole),
        "has_floor": any(r.floor is not None for r in whole),
        "unmeasured": sum(r.value is None for r in results),
        "reason": "" if whole else _common_reason(results),
    }
    drawn = {"privacy": RISKS, "utility": ("augmentation_lift",)}.get(dimension, ())
    out["numbers"] = [_number(r) for r in main if r.metric not in drawn]
    out |= dict.fromkeys(("groups", "marginals", "heatmap", "changed", "pairs", "lift", "forest", "roc", "alarm"))
    if dimension == "fairness":
        out["groups"] = _groups(results)
    if dimension == "fidelity":
        out["marginals"] = _marginals(results)
        out["heatmap"] = _heatmap(results)
        out["changed"] = _changed(results)
        out["pairs"] = _pairs(results)
    if dimension == "utility":
        out["lift"] = _lift(results)
    if dimension == "privacy":
        out["forest"] = _forest(report, results)
        out["roc"] = _roc(results)
        out["alarm"] = [_alarm(r) for r in results if r.metric == "alarm" and r.value is not None]
    return out


def _common_reason(results: list[Result]) -> str:
    """Why most of what was not measured was not."""
    reasons = [r.skipped for r in results if r.value is None]
    said = max(reasons, key=reasons.count) if reasons else ""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}." if said else ""


def _number(r: Result) -> dict[str, Any]:
    return {
        "title": name_of(r.name),
        "headline": r.headline,
        "value": charts.number(r.value),
        "interval": f"{charts.number(r.interval[0])} to {charts.number(r.interval[1])}" if r.interval else "",
        "gauge": charts.gauge(r.value, floor=r.floor, ceiling=r.ceiling, interval=r.interval, label=name_of(r.name)),
        "ceiling": charts.number(r.ceiling) if r.ceiling is not None else "–",
        "floor": charts.number(r.floor) if r.floor is not None else "–",
        "better": {
            "higher": "higher is better",
            "lower": "lower is better",
            "target": f"best at {r.target:g}" if r.target is not None else "",
        }[r.direction],
        "meaning": meaning(r.metric) if r.name == r.metric else "",
        "reading": breakable(str(r.detail.get("reading", ""))),
    }


def _lists(results: list[Result]) -> list[dict[str, Any]]:
    """Results of single columns, pairs and groups, worst first, one folded list a metric."""
    out = []
    for metric in dict.fromkeys(r.metric for r in results if r.subject):
        parts = sorted(
            (r for r in results if r.metric == metric and r.subject and r.value is not None), key=Result.badness, reverse=True
        )
        if len(parts) > 1:
            named = len({r.name.partition(".")[0] + r.subject for r in parts}) < len(parts)
            rows = [
                {
                    "subject": f"{r.subject} ({name_of(r.name).partition(', ')[2]})" if named else r.subject,
                    "value": charts.number(r.value),
                    "gauge": charts.gauge(r.value, floor=r.floor, ceiling=r.ceiling, interval=r.interval, label=r.subject),
                    "ceiling": charts.number(r.ceiling) if r.ceiling is not None else "–",
                }
                for r in parts[:LISTED]
            ]
            out.append({"title": name_of(metric), "meaning": meaning(metric), "rows": rows, "count": len(parts)})
    return out


def _marginals(results: list[Result]) -> dict[str, Any] | None:
    parts = [r for r in results if r.metric == "marginals" and r.subject and r.value is not None and r.detail.get("series")]
    parts.sort(key=lambda r: (r.value or 0.0) - (r.ceiling or 1.0))
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


def _heatmap(results: list[Result]) -> Markup | None:
    found = next((r.detail["matrix"] for r in results if r.name == "dependence" and r.detail.get("matrix")), None)
    if not found or len(found["columns"]) < 3:
        return None
    return charts.heatmap(found["columns"], found["real"], found["synthetic"])


def _changed(results: list[Result]) -> list[dict[str, str]]:
    """The pairs whose association changed most."""
    parts = [r for r in results if r.metric == "dependence" and r.subject and "real" in r.detail and r.value is not None]
    parts.sort(key=lambda r: r.value or 0.0)
    return [
        {"pair": breakable(r.subject), "real": f"{r.detail['real']:.2f}", "made": f"{r.detail['synthetic']:.2f}"}
        for r in parts[:10]
    ]


def _pairs(results: list[Result]) -> list[dict[str, Any]]:
    out = []
    for r in results:
        drawn = r.detail.get("drawn") if r.metric == "pairs" else None
        if not drawn:
            continue
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


def _forest(report: Report, results: list[Result]) -> list[dict[str, Any]]:
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
    return "on the low end" if need.endswith("lower bound") else "on the high end" if need.endswith("upper bound") else ""


def _bound_of(outcome: Outcome | None) -> float | None:
    """The number in "at most 0.1, upper bound"."""
    if outcome is None or not outcome.need.startswith("at most "):
        return None
    try:
        return float(outcome.need.split()[2].rstrip(","))
    except ValueError:
        return None


def _roc(results: list[Result]) -> dict[str, Any] | None:
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
        for name, curve in curves.items()
    ]
    members, strangers = found.detail.get("members"), found.detail.get("strangers")
    return {
        "svg": charts.roc(curves, best=best),
        "rows": rows,
        "members": f"{members:,}" if members else "",
        "strangers": f"{strangers:,}" if strangers else "",
    }


def _alarm(r: Result) -> dict[str, Any]:
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


def _lift(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Gain over real data alone, with its interval, against cheap controls: one row a training set."""
    rows = [r for r in results if r.value is not None and r.interval and ("lift" in r.name or r.range[0] < 0)]
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


def _training_set(r: Result) -> str:
    if r.name == "augmentation_lift":
        return "Real and synthetic rows"
    if r.name == "augmentation_lift.over_controls":
        return "The same, beyond the best control"
    return f"Control: {r.subject.replace('smote', 'SMOTE')}" if ".control." in r.name else name_of(r.name)


def _groups(results: Sequence[Result]) -> list[dict[str, Any]]:
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
