"""Variety, register and copying of text columns, as kinds of metric; one number a column, and the worst column as the headline."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from lookalike.errors import MetricError
from lookalike.evaluate.base import Dimension, Direction, Metric, Result
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.text import diversity, leftovers, overlap, shape
from lookalike.evaluate.text.embed import Embedder, HashedNgrams, Vectors
from lookalike.evaluate.text.words import Words, words
from lookalike.evaluate.views import Views, Which
from lookalike.steps.minhash import near_duplicates

_TEXTS = 20_000  # texts of a column that are read
_EMBEDDED = 4_000  # texts of a column that are embedded


class TextMetric(Metric):
    """A number for each column of free text."""

    dimension: ClassVar[Dimension] = "diversity"
    cost: ClassVar[float] = 0.5
    better: ClassVar[Direction] = "higher"
    main: ClassVar[bool] = False

    @abstractmethod
    def column(self, views: Views, name: str) -> Result:
        """The number of one column."""

    def compute(self, views: Views) -> list[Result]:
        """The worst column first, then each column when there are several."""
        names = [column.name for column in views.of_form("text")]
        if not names:
            return self.skip("there is no column of free text", headline=False, direction=self.better)
        if why := self.obstacle(views):
            return self.skip(why, headline=False, direction=self.better)
        each = [self.column(views, name) for name in names]
        measured = [r for r in each if r.value is not None]
        if not measured:
            return self.skip(each[0].skipped, headline=False, direction=self.better)
        worst = max(measured, key=Result.badness)
        head = self.result(
            worst.value, direction=self.better, interval=worst.interval, range=worst.range, ceiling=worst.ceiling,
            floor=worst.floor, headline=self.main, detail={**worst.detail, "column": worst.subject},
        )  # fmt: skip
        return [head, *each]

    def obstacle(self, views: Views) -> str:
        """Why this cannot be measured on any column; "" when it can."""
        del views
        return ""

    def of_column(self, name: str, value: float | None, **fields: Any) -> Result:
        """The result of a column."""
        fields.setdefault("direction", self.better)
        return self.result(value, "column", subject=name, headline=False, **fields)


def texts(views: Views, name: str, which: Which) -> list[str]:
    """The non-null texts of a column, at most 20,000, drawn by the seed."""

    def make() -> list[str]:
        found = [text for text in views.texts(name, which) if text]
        if len(found) <= _TEXTS:
            return found
        rows = np.sort(views.random("texts", name, which).permutation(len(found))[:_TEXTS])
        return [found[i] for i in rows]

    return views.once(("texts", name, which), make)


def hashed(views: Views, name: str, which: Which) -> Words:
    """Words of those texts as hashes."""
    return views.once(("words", name, which), lambda: words(texts(views, name, which)))


def embedder(views: Views, name: str) -> Embedder:
    """The embedder given as `extras["embedder"]`, or hashed n-grams weighed by the real texts."""
    given = views.extras.get("embedder")
    if given is not None:
        return given
    return views.once(("embedder", name), lambda: HashedNgrams(texts(views, name, "real")[:_EMBEDDED]))


def vectors(views: Views, name: str, which: Which) -> Vectors:
    """Embeddings of at most 4,000 texts of a column, float32 [n, d], rows of length 1."""

    def make() -> Vectors:
        found = np.asarray(embedder(views, name)(texts(views, name, which)[:_EMBEDDED]), dtype=np.float32)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(length > 0, length, 1.0), dtype=np.float32)

    return views.once(("vectors", name, which), make)


def _embedder_name(views: Views) -> str:
    given = views.extras.get("embedder")
    return HashedNgrams.name if given is None else str(getattr(given, "name", getattr(given, "__name__", type(given).__name__)))


def reference(measure: Callable[[Literal["ceiling"]], float]) -> float | None:
    """The same number of real texts beside the synthetic one; None when the ceiling has no text."""
    try:
        return measure("ceiling")
    except MetricError:
        return None


def _some(found: Sequence[str], which: str) -> Sequence[str]:
    if not found:
        raise MetricError(what=f"the {which} column has no text", fix="give rows with text")
    return found


class ExactDuplicates(TextMetric):
    """Share of texts that equal an earlier one after lower-casing and dropping punctuation."""

    kind: ClassVar[str] = "exact_duplicates"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    cost: ClassVar[float] = 0.3

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval and the real texts' own share."""

        def share(which: Which) -> float:
            return float(_groups(views, name, which).exact.mean())

        found = texts(views, name, "synthetic")
        if not found:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        hits = share("synthetic") * len(found)
        rate = clopper_pearson(round(hits), len(found))
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=reference(share))


def _groups(views: Views, name: str, which: Which) -> Any:
    return views.once(
        ("near", name, which), lambda: near_duplicates(list(_some(texts(views, name, which), which)), threshold=0.7)
    )


class NearDuplicates(TextMetric):
    """Share of texts that repeat an earlier one nearly: Jaccard similarity of five-byte shingles of at least 0.7."""

    kind: ClassVar[str] = "near_duplicates"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    main: ClassVar[bool] = True
    cost: ClassVar[float] = 0.3

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval, the real texts' own share, and the size of the largest group."""

        def share(which: Which) -> float:
            return float(_groups(views, name, which).repeats.mean())

        found = texts(views, name, "synthetic")
        if not found:
            return self.of_column(name, None, skipped="the synthetic column has no text")
        rate = clopper_pearson(round(share("synthetic") * len(found)), len(found))
        sizes = np.bincount(_groups(views, name, "synthetic").first)
        detail = {
            "groups": int((sizes > 1).sum()),
            "largest": int(sizes.max()),
            "reading": f"{rate.value:.1%} of the texts repeat an earlier one.",
            "fix": "add a dedup step on this column, or vary the prompt with sampled attributes",
        }
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=reference(share), detail=detail)


class SemanticDuplicates(TextMetric):
    """Share of texts that say what an earlier one says: a cosine that unrelated real texts hardly ever reach, and at least 0.9."""

    kind: ClassVar[str] = "semantic_duplicates"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    cost: ClassVar[float] = 2.0

    def column(self, views: Views, name: str) -> Result:
        """The threshold is calibrated on random pairs of real texts."""
        if len(texts(views, name, "synthetic")) < 2 or len(texts(views, name, "real")) < 2:
            return self.of_column(name, None, skipped="needs two texts in both tables")
        usual = diversity.unrelated_cosine(vectors(views, name, "real"), views.random(self.kind, name))
        bound = min(0.999, max(0.9, usual))

        def share(which: Which) -> float:
            return diversity.semantic_duplicates(vectors(views, name, which), threshold=bound)

        detail = {"threshold": bound, "embedder": _embedder_name(views)}
        return self.of_column(name, share("synthetic"), ceiling=reference(share), detail=detail)


class DistinctN(TextMetric):
    """Distinct word pairs as a share of all, within an equal budget of words; beside the real texts' own.

    Attributes:
        n: words a gram.
    """

    kind: ClassVar[str] = "distinct_n"
    alone: ClassVar[bool] = True
    cost: ClassVar[float] = 0.2

    n: int = 2

    def column(self, views: Views, name: str) -> Result:
        """Cut to the smaller of the two corpora, because the share falls with length."""
        budget = min(50_000, *(hashed(views, name, w).hashes.size for w in ("synthetic", "ceiling")))
        if budget < 10 * self.n:
            return self.of_column(name, None, skipped=f"needs {10 * self.n} words in both tables")

        def share(which: Which) -> float:
            return diversity.distinct_n(hashed(views, name, which), self.n, budget=budget)

        return self.of_column(name, share("synthetic"), ceiling=reference(share), detail={"n": self.n, "words": budget})


class CompressionRatio(TextMetric):
    """Compressed over raw size of the texts: the lower, the more they repeat themselves; beside the real texts' own."""

    kind: ClassVar[str] = "compression_ratio"
    alone: ClassVar[bool] = True
    cost: ClassVar[float] = 0.2

    def column(self, views: Views, name: str) -> Result:
        """Over the same number of bytes on both sides."""
        budget = min(1_000_000, *(sum(map(len, texts(views, name, w))) for w in ("synthetic", "ceiling")))
        if budget < 200:
            return self.of_column(name, None, skipped="needs 200 characters in both tables")

        def ratio(which: Which) -> float:
            return diversity.compression_ratio(texts(views, name, which), budget=budget)

        return self.of_column(name, ratio("synthetic"), ceiling=reference(ratio), detail={"bytes": budget})


class VendiScore(TextMetric):
    """The effective number of different texts, as a share of the real texts' own; 1 is as varied as real."""

    kind: ClassVar[str] = "vendi_score"
    main: ClassVar[bool] = True
    cost: ClassVar[float] = 2.0

    def column(self, views: Views, name: str) -> Result:
        """Equal numbers of texts on both sides."""
        size = min(len(texts(views, name, w)) for w in ("synthetic", "ceiling"))
        if size < 2:
            return self.of_column(name, None, skipped="needs two texts in both tables")
        made, real = (diversity.vendi_score(vectors(views, name, w)[:size]) for w in ("synthetic", "ceiling"))
        detail = {
            "synthetic": made,
            "real": real,
            "texts": min(size, _EMBEDDED),
            "embedder": _embedder_name(views),
            "reading": f"as varied as {made:.0f} unlike texts, real ones as {real:.0f}.",
        }
        return self.of_column(name, made / max(real, 1e-9), range=(0.0, float("inf")), ceiling=1.0, detail=detail)


class ClusterCoverage(TextMetric):
    """How the synthetic texts fill the topics of the real ones: 1 - total variation over k-means clusters of the real texts.

    Attributes:
        clusters: how many topics.
    """

    kind: ClassVar[str] = "cluster_coverage"
    cost: ClassVar[float] = 3.0

    clusters: int = 20

    def column(self, views: Views, name: str) -> Result:
        """With the share of topics that were hit at all."""
        if min(len(texts(views, name, w)) for w in ("base", "synthetic")) < 10:
            return self.of_column(name, None, skipped="needs ten texts in both tables")
        base = vectors(views, name, "base")

        def cover(which: Which) -> diversity.Coverage:
            return diversity.cluster_coverage(base, vectors(views, name, which), clusters=self.clusters, seed=views.seed)

        found = cover("synthetic")
        detail = {"hit": found.hit, "clusters": found.clusters, "embedder": _embedder_name(views)}
        ceiling = reference(lambda which: cover(which).overlap)
        return self.of_column(name, found.overlap, ceiling=ceiling, detail=detail)


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
        return views.once(("shapes", name, which), lambda: shape.shapes(_some(texts(views, name, which), which)[:_EMBEDDED]))


class LanguageShare(TextMetric):
    """Share of texts in a language that the real column has (at least 1% of its texts); undetermined texts are left out."""

    kind: ClassVar[str] = "language_share"
    cost: ClassVar[float] = 1.0

    def column(self, views: Views, name: str) -> Result:
        """With the shares of both sides."""
        made, real = (shape.language_shares(texts(views, name, w)[:_EMBEDDED]) for w in ("synthetic", "real"))
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
        detail = {
            "kinds": kinds,
            "patterns": leftovers.VERSION,
            "reading": ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "none found",
            "fix": "tell the model to answer with the record only, and drop such rows with a filter step",
        }
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=real_hit / max(1, real_total), detail=detail)


class PromptLeak(TextMetric):
    """Share of texts that repeat eight words in a row of a prompt; prompts are given as `prompts=`."""

    kind: ClassVar[str] = "prompt_leak"
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
