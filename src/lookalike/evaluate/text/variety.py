"""Are the texts varied: duplicates of three kinds, word pairs, compression, effective number, topics."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lookalike.evaluate.base import Direction, Result
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.text import diversity
from lookalike.evaluate.text.columns import EMBEDDED, TextMetric, embedder_name, hashed, reference, some, texts, vectors
from lookalike.evaluate.views import Views, Which
from lookalike.steps.minhash import TextGroups, near_duplicates


class ExactDuplicates(TextMetric):
    """Share of texts that equal an earlier one after lower-casing and dropping punctuation, among equally many on both sides."""

    kind: ClassVar[str] = "exact_duplicates"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    cost: ClassVar[float] = 0.3

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval and the real texts' own share."""
        if not texts(views, name, "synthetic"):
            return self.of_column(name, None, skipped="the synthetic column has no text")
        own = _groups(views, name, "synthetic").exact
        rate = clopper_pearson(int(own.sum()), own.size)
        ceiling = reference(lambda which: float(_groups(views, name, which).exact.mean()))
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=ceiling)


def _groups(views: Views, name: str, which: Which) -> TextGroups:
    """Texts that repeat each other, among as many as the smaller side has: the share grows with the number of texts."""

    def make() -> TextGroups:
        found = some(texts(views, name, which), which)
        size = min((len(texts(views, name, w)) for w in ("synthetic", "ceiling") if views.beside(name)), default=len(found))
        if 0 < size < len(found):
            found = [found[i] for i in np.sort(views.random("repeats", name, which).permutation(len(found))[:size])]
        return near_duplicates(list(found), threshold=0.7)

    return views.once(("near", name, which), make)


class NearDuplicates(TextMetric):
    """Share of texts that repeat an earlier one nearly: Jaccard similarity of five-byte shingles of at least 0.7.

    Counted among equally many texts on both sides, as the share grows with their number.
    """

    kind: ClassVar[str] = "near_duplicates"
    alone: ClassVar[bool] = True
    better: ClassVar[Direction] = "lower"
    main: ClassVar[bool] = True
    cost: ClassVar[float] = 0.3

    def column(self, views: Views, name: str) -> Result:
        """With its exact interval, the real texts' own share, and the size of the largest group."""
        if not texts(views, name, "synthetic"):
            return self.of_column(name, None, skipped="the synthetic column has no text")
        own = _groups(views, name, "synthetic")
        rate = clopper_pearson(int(own.repeats.sum()), own.repeats.size)
        ceiling = reference(lambda which: float(_groups(views, name, which).repeats.mean()))
        sizes = np.bincount(own.first)
        detail = {
            "groups": int((sizes > 1).sum()),
            "largest": int(sizes.max()),
            "reading": f"{rate.value:.1%} of {own.repeats.size:,} texts of {name} repeat an earlier one.",
            "fix": f"add {{kind: dedup, on: {name}}} to the table's steps, or vary the prompt with sampled columns",
        }
        return self.of_column(name, rate.value, interval=rate.interval, ceiling=ceiling, detail=detail)


class SemanticDuplicates(TextMetric):
    """Share of texts that say what an earlier one says: a cosine that unrelated real texts hardly ever reach, and at least 0.9."""

    kind: ClassVar[str] = "semantic_duplicates"
    extras: ClassVar[tuple[str, ...]] = ("embedder",)
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

        detail = {"threshold": bound, "embedder": embedder_name(views)}
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
    extras: ClassVar[tuple[str, ...]] = ("embedder",)
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
            "texts": min(size, EMBEDDED),
            "embedder": embedder_name(views),
            "reading": f"as varied as {made:.0f} unlike texts, real ones as {real:.0f}.",
        }
        return self.of_column(name, made / max(real, 1e-9), range=(0.0, float("inf")), ceiling=1.0, detail=detail)


class ClusterCoverage(TextMetric):
    """How the synthetic texts fill the topics of the real ones: 1 - total variation over k-means clusters of the real texts.

    Attributes:
        clusters: how many topics.
    """

    kind: ClassVar[str] = "cluster_coverage"
    extras: ClassVar[tuple[str, ...]] = ("embedder",)
    cost: ClassVar[float] = 3.0

    clusters: int = 20

    def column(self, views: Views, name: str) -> Result:
        """With the share of topics that were hit at all."""
        if min(len(texts(views, name, w)) for w in ("base", "synthetic")) < 10:
            return self.of_column(name, None, skipped="needs ten texts in both tables")
        base = vectors(views, name, "base")

        def cover(which: Which) -> diversity.TopicCoverage:
            return diversity.cluster_coverage(base, vectors(views, name, which), clusters=self.clusters, seed=views.seed)

        found = cover("synthetic")
        detail = {"hit": found.hit, "clusters": found.clusters, "embedder": embedder_name(views)}
        ceiling = reference(lambda which: cover(which).overlap)
        return self.of_column(name, found.overlap, ceiling=ceiling, detail=detail)
