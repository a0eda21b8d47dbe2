"""Is anything copied: from prompts, from benchmarks, from the source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from lookalike.errors import MetricError
from lookalike.evaluate.base import Dimension, Direction, Result
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.text import leftovers, overlap
from lookalike.evaluate.text.columns import TextMetric, hashed, texts
from lookalike.evaluate.views import Views, Which


class PromptLeak(TextMetric):
    """Share of texts that repeat eight words in a row of a prompt; prompts are given as `prompts=`."""

    kind: ClassVar[str] = "prompt_leak"
    extras: ClassVar[tuple[str, ...]] = ("prompts",)
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    cost: ClassVar[float] = 0.3

    def obstacle(self, views: Views) -> str:
        """Needs prompts."""
        return "" if views.extras.get("prompts") else "needs the prompts: prompts=[...]"

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval."""
        found = texts(views, name, "synthetic")
        if not found:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        prompts = views.extras["prompts"]
        listed = [prompts] if isinstance(prompts, str) else list(prompts.values() if hasattr(prompts, "values") else prompts)
        rate = clopper_pearson(len(leftovers.prompt_leaks(found, listed)), len(found))
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=0.0)


class Contamination(TextMetric):
    """Share of texts with 13 words in a row of a benchmark item; benchmarks are given as `benchmarks=`, texts or files of lines.

    Attributes:
        n: words in a row.
    """

    kind: ClassVar[str] = "contamination"
    extras: ClassVar[tuple[str, ...]] = ("benchmarks",)
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    cost: ClassVar[float] = 0.5

    n: int = 13

    def obstacle(self, views: Views) -> str:
        """Needs benchmarks."""
        return "" if views.extras.get("benchmarks") else "needs benchmark items: benchmarks=[texts or files]"

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval and the real texts' own share."""
        items = views.once("benchmarks", lambda: benchmark_items(views.extras["benchmarks"]))
        found = texts(views, name, "synthetic")
        if not found:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        rate = clopper_pearson(len(overlap.contaminated(found, items, n=self.n)), len(found))
        real = texts(views, name, "real")
        own = len(overlap.contaminated(real, items, n=self.n)) / max(1, len(real))
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=own, detail={"items": len(items), "n": self.n})


def benchmark_items(given: str | Path | Sequence[str | Path]) -> list[str]:
    """Benchmark texts: strings as they are, paths as one item a line.

    Raises:
        MetricError: a file cannot be read.
    """
    out: list[str] = []
    for item in [given] if isinstance(given, (str, Path)) else given:
        if isinstance(item, Path) or (len(item) < 400 and "\n" not in item and item.endswith((".txt", ".jsonl", ".csv"))):
            try:
                out += [line for line in Path(item).read_text(encoding="utf-8").splitlines() if line.strip()]
            except (OSError, UnicodeDecodeError) as exc:
                raise MetricError(
                    what=f"the benchmark file cannot be read: {exc}", where=str(item), fix="give a UTF-8 text file"
                ) from exc
        else:
            out.append(str(item))
    return out


class VerbatimOverlap(TextMetric):
    """Share of texts that copy a run of 20 words, or at least half of their words, from the source.

    The ceiling is the same for holdout texts: common phrases belong to nobody. A matter of privacy, so it counts there.

    Attributes:
        run: words in a row that are a copy.
    """

    kind: ClassVar[str] = "verbatim_overlap"
    dimension: ClassVar[Dimension] = "privacy"
    better: ClassVar[Direction] = "lower"
    main: ClassVar[bool] = True
    cost: ClassVar[float] = 0.5

    run: int = 20

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval and the longest run found."""
        source = hashed(views, name, "real")

        def copied(which: Which) -> tuple[int, int, int]:
            found = overlap.overlap(texts(views, name, which), source, n=8)
            half = (found.longest >= 8) & (found.longest * 2 >= found.words)
            hits = int(((found.longest >= self.run) | half).sum())
            return hits, found.longest.size, int(found.longest.max(initial=0))

        hits, total, longest = copied("synthetic")
        if not total:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        rate = clopper_pearson(hits, total)
        ceiling = None
        if "holdout" in views:
            real_hits, real_total, _ = copied("holdout")
            ceiling = real_hits / real_total if real_total else None
        detail = {
            "longest": longest,
            "reading": f"{hits:,} of {total:,} texts copy the source; the longest run has {longest} words.",
            "fix": "do not show real texts to the model, or drop texts that overlap their source",
        }
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=ceiling, detail=detail)
