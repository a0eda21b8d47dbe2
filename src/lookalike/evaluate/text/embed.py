"""Texts as vectors. The default counts hashed character n-grams and words, weighs them by rarity, and needs no model.

It knows spelling and topic words, not meaning: paraphrases with other words look different to it. Any function
`embed(texts) -> float32 [n, d]` can take its place; a report names the one that was used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from lookalike.steps.hashed import ngram_counts

Vectors = npt.NDArray[np.float32]  # [n, d], rows of length 1 (or 0 for empty texts)
Embedder = Callable[[Sequence[str]], Vectors]


class HashedNgrams:
    """The default embedder: hashed character 3- to 5-grams and words, logarithmic counts, weighed by inverse document frequency.

    Args:
        corpus: texts that set the weights, usually the real ones; None weighs all alike.
        width: of the vectors.

    Source:
        Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning" (signed hashing).
    """

    name = "hashed n-grams"

    def __init__(self, corpus: Sequence[str] | None = None, *, width: int = 1024) -> None:
        self.width = width
        self.weights = np.ones(width, dtype=np.float32)
        if corpus:
            seen = (ngram_counts(corpus, self.width) != 0).mean(axis=0)
            self.weights = np.log((1.0 + len(corpus)) / (1.0 + len(corpus) * seen)).astype(np.float32) + np.float32(0.05)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, width], rows of length 1; an empty text is a row of zeros."""
        counts = ngram_counts(texts, self.width)
        vectors = np.sign(counts) * np.log1p(np.abs(counts)) * self.weights
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(length > 0, length, 1.0), dtype=np.float32)
