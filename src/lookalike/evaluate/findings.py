"""What to fix first, in words: gates that fail, gates that could not be decided, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lookalike.evaluate.base import DIMENSIONS, Result
from lookalike.evaluate.evidence import Finding
from lookalike.evaluate.gates import Outcome


def findings(results: Sequence[Result], outcomes: Sequence[Outcome]) -> tuple[Finding, ...]:
    """What to fix first: failed gates, then what could not be decided, then warnings; each with its evidence.

    Gates that could not be decided for one and the same reason, a missing holdout say, are one finding.
    """
    order = {"fail": 0, "inconclusive": 1}
    bad = [o for o in outcomes if o.status in order]
    bad.sort(key=lambda o: (o.severity != "block", order[o.status], DIMENSIONS.index(o.dimension)))
    out: list[Finding] = []
    together: dict[tuple[str, str, str, str], list[Outcome]] = {}
    for outcome in bad:
        result = next((r for r in results if r.name == outcome.metric and r.table == outcome.table), None)
        if outcome.status == "inconclusive" and outcome.got is None:
            why = result.skipped if result and result.skipped else "it is not among what was asked for"
            same = together.setdefault((outcome.dimension, outcome.table, outcome.severity, why), [])
            same.append(outcome)
            if len(same) == 1:
                out.append(_undecided(same, why))
            else:
                place = next(i for i, f in enumerate(out) if f.metric == same[0].metric and f.table == same[0].table)
                out[place] = _undecided(same, why)
        else:
            out.append(_finding(outcome, result))
    return tuple(out)


def _undecided(same: Sequence[Outcome], why: str) -> Finding:
    """Gates that wait for one and the same thing."""
    first = same[0]
    names = ", ".join(o.metric for o in same)
    title = f"{first.metric if len(same) == 1 else f'{len(same)} gates on {first.dimension}'} could not be decided".replace(
        "_", " "
    )
    where = f"{first.table}: " if first.table else ""
    return Finding(title, f"{where}{why[0].upper()}{why[1:].rstrip('.')}. Not measured: {names}.", first.dimension, "unknown",
                   first.metric, "", first.table)  # fmt: skip


def _finding(outcome: Outcome, result: Result | None) -> Finding:
    """One gate that fails, or whose bound is not proven."""
    failed = outcome.status == "fail"
    severity: Literal["block", "warn", "unknown"] = (
        "unknown" if not failed else "block" if outcome.severity == "block" else "warn"
    )
    title = f"{outcome.metric.replace('_', ' ')} {'does not hold' if failed else 'could not be decided'}"
    if outcome.got is None:
        return Finding(
            "A waiver has ended", outcome.text, outcome.dimension, severity, outcome.metric, outcome.fix, outcome.table
        )
    reading = str(result.detail.get("reading", "")) if result else ""
    if reading and not reading.endswith((".", "!", "?")):
        reading += "."
    if "=" not in reading.partition(":")[0]:  # a group's name begins as the column does
        reading = f"{reading[:1].upper()}{reading[1:]}"
    advice = str(result.detail.get("fix", "")) if result else ""
    fix = outcome.fix or advice
    why = f"{outcome.why[:1].upper()}{outcome.why[1:]}: " if failed and outcome.why else ""
    return Finding(
        title, f"{why}{outcome.text} {reading}".strip(), outcome.dimension, severity, outcome.metric, fix, outcome.table
    )
