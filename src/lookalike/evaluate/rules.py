"""Are the rules kept that the real rows keep? Inequalities, sums, dependencies, gaps that go together, conditional rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.views import Views, Which
from lookalike.schema.rules import FoundRule, RuleCells, Rules, find

Flags = npt.NDArray[np.bool_]
NAMED = 20
RULE_OF_THREE = 3.0  # exceptions that may have been missed among the real rows, at 95%


class BrokenRules(Metric):
    """Share of synthetic rows that break a rule which (nearly) every real row keeps.

    Rules are what `lookalike.schema.rules` finds, the same that the forest keeps and that a starter recipe proposes. The low end of the
    interval counts only rules that are broken more often than the real rows leave possible: a rule of 40 rows may have exceptions that
    no real row shows.

    Source:
        Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?" (3 / n).
    """

    kind: ClassVar[str] = "broken_rules"
    dimension = "validity"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The share of rows, then the share of each rule that is broken, the worst first."""
        rules = found(views).all
        if not rules:
            return self.skip("the real rows show no rule between columns")
        broken = broken_rows(views, rules, "synthetic")
        ceilings = broken_rows(views, rules, "ceiling")
        parts = [self._part(views, rule, flags, ceilings.get(rule.text)) for rule, flags in _measured(rules, broken)]
        parts.sort(key=lambda part: (-(part.value or 0.0), part.subject))
        sure = {part.subject for part in parts if part.interval and part.interval[0] > 0}
        low = _any([flags for text, flags in broken.items() if text in sure], views.rows("synthetic"))
        share = _any([*broken.values()], views.rows("synthetic"))
        ceiling = _any([*ceilings.values()], views.rows("ceiling"))
        named = [f"{part.subject} ({part.value:.1%})" for part in parts[:3] if part.value]
        detail = {"rules": len(rules), "reading": "most broken: " + "; ".join(named) if named else ""}
        head = self.result(
            float(share.mean()), direction="lower", interval=(float(low.mean()), float(share.mean())),
            ceiling=float(ceiling.mean()), detail=detail,
        )  # fmt: skip
        return [head, *parts[:NAMED]]

    def _part(self, views: Views, rule: FoundRule, flags: Flags, ceiling: Flags | None) -> Result:
        """The share of rows that break one rule; its low end is what the real rows do not leave possible."""
        n = views.rows("synthetic")
        possible = (rule.exceptions + RULE_OF_THREE) / max(rule.rows, 1) * rule.rows / views.rows("real") * n
        least = max(float(flags.sum()) - possible - 2 * np.sqrt(possible), 0.0) / n
        return self.result(
            float(flags.mean()), rule.text, subject=rule.text, direction="lower", interval=(least, float(flags.mean())),
            ceiling=None if ceiling is None else float(ceiling.mean()), detail={"reading": rule.evidence},
        )  # fmt: skip


def found(views: Views) -> Rules:
    """The rules of the real rows, looked for once."""
    return views.once("rules", lambda: find(views.table("real"), views.described))


def broken_rows(views: Views, rules: Sequence[FoundRule], which: Which) -> dict[str, Flags]:
    """Rule -> rows that break it; without those that cannot be read there."""
    cells = views.once(("cells", which), lambda: RuleCells(views.table(which), views.described))
    out = {}
    for rule in rules:
        try:
            out[rule.text] = views.once(("broken", which, rule.text), lambda rule=rule: rule.broken(cells))  # type: ignore[misc]  # bound now
        except (pa.ArrowException, SchemaError):
            continue  # cells that are no such thing are counted by `validity.types`
    return out


def _measured(rules: Sequence[FoundRule], broken: dict[str, Flags]) -> list[tuple[FoundRule, Flags]]:
    return [(rule, broken[rule.text]) for rule in rules if rule.text in broken]


def _any(flags: Sequence[Flags], rows: int) -> Flags:
    return np.any(flags, axis=0) if flags else np.zeros(rows, bool)
