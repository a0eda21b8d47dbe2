"""How varied are texts? In words, in bytes, in vectors, and against the topics of the real ones."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lookalike.evaluate.text.embed import Vectors
from lookalike.evaluate.text.words import WordHashes


def distinct_n(found: WordHashes, n: int, *, budget: int = 50_000) -> float:
    """Distinct n-grams as a share of all, within the first `budget` n-grams; 0..1.

    The share falls with length, so only equal budgets compare: give two corpora the smaller one's.

    Source:
        Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models".
    """
    grams, _ = found.ngrams(n)
    grams = grams[:budget]
    return float(np.unique(grams).size / grams.size) if grams.size else 0.0


def compression_ratio(texts: Sequence[str], *, budget: int = 1_000_000) -> float:
    """Compressed over raw size of the first `budget` bytes; 0..1, lower is more repetitive.

    Source:
        Shaib et al. 2024, "Standardizing the Measurement of Text Diversity" (they report the inverse).
    """
    raw = "\n".join(texts).encode()[:budget]
    return len(zlib.compress(raw, 6)) / len(raw) if raw else 0.0


def vendi_score(vectors: Vectors) -> float:
    """The effective number of different texts: exp of the entropy of the similarity matrix's eigenvalues; 1..n.

    The d x d Gram matrix has the same non-zero eigenvalues as the n x n one, so n can be large.

    Source:
        Friedman and Dieng 2023, "The Vendi Score".
    """
    used = vectors[np.linalg.norm(vectors, axis=1) > 0].astype(np.float64)
    if not len(used):
        return 0.0
    gram = (used.T @ used if used.shape[0] > used.shape[1] else used @ used.T) / len(used)
    values = np.linalg.eigvalsh(gram)
    values = values[values > 1e-12]
    values /= values.sum()
    return float(np.exp(-(values * np.log(values)).sum()))


def semantic_duplicates(vectors: Vectors, *, threshold: float, tile: int = 1000) -> float:
    """Share of texts with an earlier text at a cosine of at least `threshold`; computed in tiles.

    Source:
        Abbas et al. 2023, "SemDeDup".
    """
    repeats = 0
    for start in range(0, len(vectors), tile):
        block = vectors[start : start + tile]
        close = block @ vectors[: start + len(block)].T >= threshold
        close &= np.arange(start + len(block))[None, :] < np.arange(start, start + len(block))[:, None]
        repeats += int(close.any(axis=1).sum())
    return repeats / max(1, len(vectors))


def unrelated_cosine(vectors: Vectors, rng: np.random.Generator, *, quantile: float = 0.9999, pairs: int = 20_000) -> float:
    """The cosine that unrelated texts hardly ever reach: a quantile over random pairs, which calibrates a threshold."""
    left, right = rng.integers(len(vectors), size=(2, pairs))
    apart = left != right
    if not apart.any():
        return 1.0
    return float(np.quantile((vectors[left[apart]] * vectors[right[apart]]).sum(axis=1), quantile))


@dataclass(frozen=True, slots=True)
class TopicCoverage:
    """Topics of the real texts, and how the synthetic ones fill them.

    Attributes:
        hit: share of real clusters that hold at least one synthetic text.
        overlap: 1 - total variation between the two cluster distributions.
        clusters: how many.
    """

    hit: float
    overlap: float
    clusters: int


def cluster_coverage(real: Vectors, synthetic: Vectors, *, clusters: int = 20, seed: int = 0) -> TopicCoverage:
    """k-means on the real vectors; where do the synthetic ones fall?"""
    from sklearn.cluster import KMeans

    k = max(1, min(clusters, len(real) // 5))
    model = KMeans(k, n_init=2, max_iter=50, random_state=seed).fit(real)
    here, there = (np.bincount(labels, minlength=k) for labels in (model.labels_, model.predict(synthetic)))
    overlap = 1.0 - 0.5 * float(np.abs(here / here.sum() - there / there.sum()).sum())
    return TopicCoverage(float(((there > 0) & (here > 0)).sum() / max(1, (here > 0).sum())), overlap, k)
