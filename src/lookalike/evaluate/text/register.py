"""Do the texts sound right: shape, language, and a model's leftovers."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Direction, Result
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.text import leftovers, shape
from lookalike.evaluate.text.columns import EMBEDDED, TextMetric, reference, some, texts
from lookalike.evaluate.views import Views, Which
from lookalike.steps.languages import language_shares

_TOLD = 1_000  # texts a side whose language is told: a quarter of a millisecond each, and a share to within 3%


class TextShape(TextMetric):
    """Lengths, sentences and readability against the real texts: the lowest of five KS complements; 1 is the same shape."""

    kind: ClassVar[str] = "text_shape"
    cost: ClassVar[float] = 1.5

    def column(self, views: Views, name: str) -> Result:
        """The worst of the five, with all five and their medians."""
        if not texts(views, name, "synthetic") or not texts(views, name, "base"):
            return self.of_column(name, None, skipped="needs texts in both tables")
        base = self._shapes(views, name, "base")

        def complements(which: Which) -> dict[str, float]:
            made = self._shapes(views, name, which)
            return {key: shape.ks_complement(base[key], made[key]) for key in base}

        made = self._shapes(views, name, "synthetic")
        scores = complements("synthetic")
        worst = min(scores, key=lambda key: scores[key])
        detail = {
            "shapes": scores,
            "medians": {key: (float(np.median(base[key])), float(np.median(made[key]))) for key in base},
            "worst": worst,
            "reading": f"median {worst}: {np.median(made[worst]):.4g}, in real texts {np.median(base[worst]):.4g}.",
        }
        ceiling = reference(lambda which: min(complements(which).values()))
        return self.of_column(name, scores[worst], ceiling=ceiling, detail=detail)

    @staticmethod
    def _shapes(views: Views, name: str, which: Which) -> shape.Series:
        return views.once(("shapes", name, which), lambda: shape.shapes(some(texts(views, name, which), which)[:EMBEDDED]))


class LanguageShare(TextMetric):
    """Share of texts in a language that the real column has (at least 1% of its texts); undetermined texts are left out.

    Languages are told as the step `text_rules` tells them: 139 of them, by the extra `text`.
    """

    kind: ClassVar[str] = "language_share"
    cost: ClassVar[float] = 1.0

    def column(self, views: Views, name: str) -> Result:
        """With the shares of both sides."""
        made, real = (language_shares(texts(views, name, w)[:_TOLD]) for w in ("synthetic", "real"))
        known = {code for code, share in real.items() if share >= 0.01 and code != "und"}
        told = 1.0 - made.get("und", 0.0)
        if not known or told <= 0:
            return self.of_column(name, None, skipped="the language of these texts cannot be told")
        share = sum(part for code, part in made.items() if code in known) / told
        detail = {"synthetic": dict(list(made.items())[:6]), "real": dict(list(real.items())[:6])}
        return self.of_column(name, min(1.0, share), ceiling=1.0, detail=detail)


class Refusals(TextMetric):
    """Share of texts with a model's leftovers: refusals, talk about itself, boilerplate, chat markers, placeholders."""

    kind: ClassVar[str] = "refusals"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    main: ClassVar[bool] = True
    cost: ClassVar[float] = 1.0

    def column(self, views: Views, name: str) -> Result:
        """With counts by kind; the ceiling is what the same patterns find in real texts."""

        def found(which: Which) -> tuple[dict[str, int], int, int]:
            read = texts(views, name, which)
            hits = leftovers.leftovers(read)
            return {kind: len(rows) for kind, rows in hits.items()}, len(set().union(*hits.values())), len(read)

        kinds, hit, total = found("synthetic")
        if not total:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        rate = clopper_pearson(hit, total)
        _, real_hit, real_total = found("ceiling")
        told = ", ".join(f"{n:,} with a {kind}" for kind, n in kinds.items()) or "none with a model's leftovers"
        detail = {
            "kinds": kinds,
            "patterns": leftovers.VERSION,
            "reading": f"of {total:,} texts of {name}: {told}.",
            "fix": f"tell the model to answer with the record only, and drop such rows: {{kind: text_rules, text: {name}}}",
        }
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=real_hit / max(1, real_total), detail=detail)
