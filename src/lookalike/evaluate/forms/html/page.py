"""What the page says, in which order: the answer, what to fix first, then the evidence, dimension by dimension."""

from __future__ import annotations

from typing import Any

from lookalike.evaluate.base import DIMENSIONS, Dimension, Result
from lookalike.evaluate.evidence import Evidence, Finding
from lookalike.evaluate.forms.html import attacks, charts, columns, gains
from lookalike.evaluate.forms.html.gains import LISTED
from lookalike.evaluate.forms.html.making import making
from lookalike.evaluate.forms.html.words import breakable, count_of, meaning, name_of
from lookalike.evaluate.forms.scale import beside, status, urgency
from lookalike.evaluate.gates import Outcome

FIRST = 5  # findings shown before the fold
# shown in the tiles before others
TOLD = ("pairs", "c2st", "tstr", "membership_tpr_at_fpr", "identical_excess", "near_duplicates", "vendi_score")

ABOUT = ("real", "holdout", "synthesizer", "models", "made", "measured")

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
    "none": "Not judged",
}


def page(report: Evidence, *, title: str = "") -> dict[str, Any]:
    """Everything the templates place, as plain data and finished drawings."""
    names = [name for name in report.tables if name]
    heading = title or report.about.get("synthetic") or (", ".join(names) if names else "Synthetic data, examined")
    findings = _findings(report)
    return {
        "title": heading,
        "about": [(word, said) for word in ABOUT if (said := report.about.get(word))],
        "making": making(report),
        "banner": _banner(report),
        "tables": [_table(name, info) for name, info in report.tables.items()],
        "tiles": [_tile(report, dimension) for dimension in DIMENSIONS if dimension in report.verdicts],
        "notes": report.notes,
        "findings": findings[:FIRST],
        "asks": report.asks,
        "more_findings": findings[FIRST:],
        "words": WORDS,
        "gates": [_gate(outcome) for outcome in report.outcomes if outcome.status != "skipped"],
        "not_asked": ", ".join(
            dict.fromkeys(name_of(outcome.metric) for outcome in report.outcomes if outcome.status == "skipped")
        ),
        "sections": [_section(report, dimension) for dimension in DIMENSIONS if report.of(dimension=dimension)],
        "skipped": [
            {"title": name_of(r.name), "table": r.table, "subject": r.subject, "why": r.skipped}
            for r in report
            if r.value is None
        ][:80],
        "report": report,
    }


def _banner(report: Evidence) -> dict[str, Any]:
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
        text = f"{count_of(failed, 'gate')} of profile “{profile}” {'does' if failed == 1 else 'do'} not hold"
        text += f", {open_} could not be decided." if open_ else f"; {held} hold."
        return {"status": "fail", "head": head, "text": text}
    if open_:
        text = f"{count_of(open_, 'gate')} of profile “{profile}” could not be decided; {held} hold. What is missing is listed below."
        return {"status": "inconclusive", "head": "Not shown to be safe", "text": text}
    text = f"{'The one gate' if held == 1 else f'All {held} gates'} of profile “{profile}” {'holds' if held == 1 else 'hold'}"
    if not any("real" in info.rows for info in report.tables.values()):
        text += "; fidelity and privacy could not be judged."
        return {"status": "inconclusive", "head": "The gates hold, not all is known", "text": text}
    return {
        "status": "pass",
        "head": "Fit for release",
        "text": f"{text}, on the bounds {'that it asks' if held == 1 else 'that they ask'} for.",
    }


def _findings(report: Evidence) -> list[dict[str, str]]:
    """Findings under the names that the page uses; all that a missing holdout left open is one finding."""
    waiting = [f for f in report.findings if f.severity == "unknown" and "there is no holdout" in f.text]
    out = []
    for finding in report.findings:
        if len(waiting) > 1 and finding in waiting:
            if finding is waiting[0]:
                names = ", ".join(dict.fromkeys(name_of(f.metric) for f in waiting))
                text = f"There is no holdout, so {count_of(len(waiting), 'gate')} could not be decided: {names}."
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
    text = finding.text.replace(f": {finding.metric} is", ". It is", 1).replace(f"{finding.metric} is", "It is", 1)
    sentences = [part[:1].upper() + part[1:] for part in text.split(". ")]
    return title, ". ".join(sentences)


def _table(name: str, info: Any) -> dict[str, Any]:
    forms: dict[str, int] = {}
    for form in info.columns.values():
        forms[form] = forms.get(form, 0) + 1
    return {
        "name": name,
        "rows": [(which, f"{info.rows[which]:,}") for which in ("real", "synthetic", "holdout") if which in info.rows],
        "forms": ", ".join(
            count_of(n, form)
            if form not in ("category", "empty")
            else f"{n} {'categories' if form == 'category' and n > 1 else form}"
            for form, n in forms.items()
        ),
        "columns": [(name, form, _looked(info, name)) for name, form in info.columns.items()],
        "excluded": info.excluded,
        "unseen": ", ".join(info.unseen),
        "reference": "a real holdout" if info.reference == "holdout" else "one half of the real rows against the other",
        "target": info.target,
        "protected": ", ".join(info.protected),
    }


def _looked(info: Any, name: str) -> str:
    """The metrics that looked at a column, by the names that the page uses."""
    metrics = info.looked.get(name, ())
    shown = ", ".join(name_of(metric) for metric in metrics[:6])
    return f"{shown} and {len(metrics) - 6} more" if len(metrics) > 6 else shown


def _tile(report: Evidence, dimension: Dimension) -> dict[str, Any]:
    measured = [r for r in report.of(dimension=dimension) if r.value is not None]
    heads = [r for r in measured if r.headline or urgency(status(report, r)) < urgency("")]
    heads.sort(key=lambda r: (urgency(status(report, r)), TOLD.index(r.name) if r.name in TOLD else len(TOLD)))
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


def _section(report: Evidence, dimension: Dimension) -> dict[str, Any]:
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


def _evidence(report: Evidence, table: str, results: list[Result], dimension: Dimension) -> dict[str, Any]:
    whole = [r for r in results if not r.subject and r.value is not None]
    main = [r for r in whole if r.headline or urgency(status(report, r)) < urgency("")] or whole
    main.sort(key=lambda r: urgency(status(report, r)))
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
    drawn = {"privacy": attacks.RISKS, "utility": ("augmentation_lift",)}.get(dimension, ())
    out["numbers"] = [_number(r) for r in main if r.metric not in drawn]
    out |= dict.fromkeys(("groups", "marginals", "heatmap", "changed", "pairs", "lift", "forest", "roc", "alarm"))
    if dimension == "fairness":
        out["groups"] = gains.groups(results)
    if dimension == "fidelity":
        out["marginals"] = columns.marginals(results)
        out["heatmap"] = columns.heatmap(results)
        out["changed"] = columns.changed(results)
        out["pairs"] = columns.pairs(results)
    if dimension == "utility":
        out["lift"] = gains.lift(results)
    if dimension == "privacy":
        out["forest"] = attacks.forest(report, results)
        out["roc"] = attacks.roc(results)
        out["alarm"] = [attacks.alarm(r) for r in results if r.metric == "alarm" and r.value is not None]
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
        "gauge": charts.gauge(
            r.value, floor=r.floor, ceiling=r.ceiling, interval=r.interval, label=name_of(r.name), lower=r.direction == "lower"
        ),
        "ceiling": charts.number(r.ceiling) if r.ceiling is not None else "–",
        "floor": charts.number(r.floor) if r.floor is not None else "–",
        "better": {
            "higher": "higher is better",
            "lower": "lower is better",
            "target": f"best at {r.target:g}" if r.target is not None else "",
        }[r.direction],
        "meaning": meaning(r.metric) if r.name == r.metric else "",
        "reading": breakable("; ".join(part for part in (beside(r), str(r.detail.get("reading", ""))) if part)),
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
                    "gauge": charts.gauge(
                        r.value,
                        floor=r.floor,
                        ceiling=r.ceiling,
                        interval=r.interval,
                        label=r.subject,
                        lower=r.direction == "lower",
                    ),
                    "ceiling": charts.number(r.ceiling) if r.ceiling is not None else "–",
                }
                for r in parts[:LISTED]
            ]
            out.append({"title": name_of(metric), "meaning": meaning(metric), "rows": rows, "count": len(parts)})
    return out
