"""Does what one column implies still hold? City gives country, code gives name: rules of the real rows, counted in the synthetic."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.rules import broken_rows, found
from lookalike.evaluate.views import Views, Which

NAMED = 20


class FunctionalDependencies(Metric):
    """1 - mean share of synthetic rows that break a rule "X gives Y" which (nearly) all real rows keep.

    A rule counts when at most 0.1% of real rows break it, X is not a near-key, and many rows would break it by chance. A value of X that
    no real row has breaks nothing here; `validity.categories` counts it.

    Source:
        Kivinen and Mannila 1995, "Approximate inference of functional dependencies from relations" (g3).
    """

    kind: ClassVar[str] = "functional_dependencies"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The mean over rules, and each rule that is broken."""
        rules = found(views).dependencies
        sides: tuple[Which, ...] = ("synthetic", "ceiling", "independent")
        kept = {
            side: {text: 1 - float(flags.mean()) for text, flags in broken_rows(views, rules, side).items()} for side in sides
        }
        parts = []
        for rule in rules:
            if all(rule.text in kept[side] for side in sides):
                value, ceiling, floor = (kept[side][rule.text] for side in sides)
                subject = f"{rule.determinant} → {rule.dependent}"
                parts.append(self.result(value, subject, subject=subject, ceiling=ceiling, floor=floor))
        if not parts:
            return self.skip("in the real rows no column determines another")
        parts.sort(key=Result.badness, reverse=True)
        mean = {k: float(np.mean([getattr(r, k) for r in parts])) for k in ("value", "ceiling", "floor")}
        reading = f"most broken: {parts[0].subject}, kept by {parts[0].value:.1%} of synthetic rows."
        head = self.result(
            mean["value"], ceiling=mean["ceiling"], floor=mean["floor"], detail={"rules": len(parts), "reading": reading}
        )
        return [head, *parts[:NAMED]]
