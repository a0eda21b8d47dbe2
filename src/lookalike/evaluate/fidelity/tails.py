"""Are the rare things still there? Mass in the real tails of numbers and in the rare levels of categories."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.views import Views, Which

TAIL = 0.01
NAMED = 20


class Tails(Metric):
    """How much of the real tails is left: synthetic share over real share beyond the real 1% and 99% points, or in rare levels.

    Each tail scores the smaller of the ratio and its inverse, so that a tail too heavy counts as one too light; the headline is the
    mean. A real holdout does not reach 1, tails being small: compare with the ceiling. Vanished tails are the first sign of a
    generator trained on generated data.

    Source:
        Shumailov et al. 2024, "AI models collapse when trained on recursively generated data".
    """

    kind: ClassVar[str] = "tails"
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The mean over tails, and the worst of them."""
        own, reference = _masses(views, "real", "synthetic"), _masses(views, "base", "ceiling")
        parts = []
        for subject, (real, synthetic) in own.items():
            if real * views.rows("real") < 5:
                continue
            ceiling = _alike(*reference[subject]) if subject in reference else None
            detail = {"real": real, "synthetic": synthetic}
            parts.append(self.result(_alike(real, synthetic), subject, subject=subject, ceiling=ceiling, detail=detail))
        if not parts:
            return self.skip("no column has a tail or a rare level of five rows")
        parts.sort(key=Result.badness, reverse=True)
        ceilings = [r.ceiling for r in parts if r.ceiling is not None]
        worst = parts[0]
        reading = f"worst: {worst.subject}, {worst.detail['synthetic']:.2%} of synthetic rows against {worst.detail['real']:.2%} of real."
        value = float(np.mean([r.value for r in parts if r.value is not None]))
        head = self.result(
            value, ceiling=float(np.mean(ceilings)) if ceilings else None, detail={"tails": len(parts), "reading": reading}
        )
        return [head, *parts[:NAMED]]


def _alike(a: float, b: float) -> float:
    return min(a, b) / max(a, b) if max(a, b) > 0 else 1.0


def _masses(views: Views, a: Which, b: Which) -> dict[str, tuple[float, float]]:
    """Tail -> its share in both tables; tails are cut in the real table."""
    out: dict[str, tuple[float, float]] = {}
    for column in views.compared:
        name = column.name
        if column.numeric:
            known = views.numbers(name, "real")
            known = known[~np.isnan(known)]
            if known.size < 100:
                continue
            low, high = np.quantile(known if known.size <= 400_000 else known[:: known.size // 200_000], [TAIL, 1 - TAIL])
            if low == high:
                continue
            x, y = views.numbers(name, a), views.numbers(name, b)
            if (known < low).any():
                out[f"{name} < {low:.4g}"] = float((x < low).mean()), float((y < low).mean())
            if (known > high).any():
                out[f"{name} > {high:.4g}"] = float((x > high).mean()), float((y > high).mean())
        else:
            share = np.bincount(views.codes(name, "real"), minlength=len(views.levels(name)) + 1) / views.rows("real")
            rare = (share > 0) & (share < TAIL)
            rare[0] = False
            if rare.any():
                out[f"rare levels of {name}"] = (
                    float(rare[views.codes(name, a)].mean()),
                    float(rare[views.codes(name, b)].mean()),
                )
    return out
