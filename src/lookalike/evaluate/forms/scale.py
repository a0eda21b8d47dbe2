"""Where a number lies between its floor and its ceiling: one scale for all forms, better always to the right.

A scale is drawn only where it has a meaning: where real rows do better than columns drawn independently. What is better than real
rows is said in words, and no end of the scale ever moves past the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lookalike.evaluate.base import Result
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.gates import Outcome

_APART = 0.01  # of the range of a number: below it floor and ceiling are one point
_ORDER = ("fail", "warning", "inconclusive", "waived", "pass", "skipped")


@dataclass(frozen=True, slots=True)
class Scale:
    """A place between the floor (0) and the ceiling (1).

    Attributes:
        place: 0..1; better than real rows is 1, worse than independent columns is 0.
        words: what it says.
    """

    place: float
    words: str


def scale(result: Result) -> Scale | None:
    """The place of a result; None without a value, a floor and a ceiling that is better than the floor."""
    if result.value is None or result.ceiling is None or result.floor is None:
        return None
    value, ceiling, floor = (-replace(result, value=v).badness() for v in (result.value, result.ceiling, result.floor))
    low, high = result.range
    if ceiling - floor <= _APART * (high - low if high - low < float("inf") else abs(ceiling)):
        return None
    share = (value - floor) / (ceiling - floor)
    return Scale(
        min(1.0, max(0.0, share)),
        "as real" if 0.995 <= share <= 1.005 else "above real" if share > 1 else f"{max(0.0, share):.0%}",
    )


def beside(result: Result) -> str:
    """How a number stands to the ceiling where that is worth a word: real rows do no better."""
    if result.value is None or result.ceiling is None or result.detail.get("alone"):
        return ""
    gap = result.shortfall()
    return "better than real rows" if gap < -0.02 * max(abs(result.ceiling), 0.05) else ""


def status(evidence: Evidence, result: Result) -> str:
    """What the gates on a result say; the worst where there are several."""
    own = [o for o in evidence.outcomes if o.table == result.table and o.metric == result.name]
    return min((state(o) for o in own), key=_ORDER.index, default="")


def state(outcome: Outcome) -> str:
    """A gate that only warns does not fail."""
    return "warning" if outcome.status == "fail" and outcome.severity != "block" else outcome.status


def urgency(found: str) -> int:
    """Failures first, then warnings, then what is open; everything else as it comes."""
    return _ORDER.index(found) if found in _ORDER[:3] else len(_ORDER)
