"""Words in a row that texts share with others: the source they may have memorised, the benchmarks they may not contain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.text.words import WordHashes, words

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What each text shares with a corpus.

    Attributes:
        share: part of its n-grams that the corpus has, float64 [n]; 0 for texts shorter than n words.
        longest: its longest run of words that the corpus has n-gram by n-gram, int64 [n]; 0 when none.
        words: its number of words, int64 [n].
    """

    share: Vector
    longest: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64]


def overlap(texts: Sequence[str], corpus: Sequence[str] | WordHashes, *, n: int = 8) -> Overlap:
    """Share of n-grams and longest run of words that texts have in common with a corpus.

    Args:
        texts: the synthetic ones.
        corpus: source or benchmark texts, hashed already or not.
        n: words a gram: 8 finds copying, 13 is the usual contamination rule.

    Source:
        Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C (13-grams); Carlini et al. 2021, "Extracting
        Training Data from Large Language Models" (verbatim runs).
    """
    own = words(texts)
    known, _ = (corpus if isinstance(corpus, WordHashes) else words(corpus)).ngrams(n)
    grams, owner = own.ngrams(n)
    known = np.unique(known)
    if known.size:
        hit = known[np.minimum(np.searchsorted(known, grams), known.size - 1)] == grams
    else:
        hit = np.zeros(grams.size, dtype=bool)
    total = np.bincount(owner, minlength=len(texts)).astype(np.float64)
    share = np.bincount(owner, weights=hit, minlength=len(texts)) / np.maximum(total, 1)
    longest = np.zeros(len(texts), dtype=np.int64)
    if hit.any():
        ends = np.r_[hit[1:] & hit[:-1] & (owner[1:] == owner[:-1]), False]  # whether the run goes on
        stops = np.flatnonzero(hit & ~ends)
        starts = np.flatnonzero(hit & ~np.r_[False, ends[:-1]])
        np.maximum.at(longest, owner[stops], stops - starts + n)
    return Overlap(share, longest, own.lengths)


def contaminated(texts: Sequence[str], benchmark: Sequence[str], *, n: int = 13) -> list[int]:
    """Rows of the texts that share n words in a row with a benchmark item; items shorter than n count when contained whole.

    Args:
        texts: the synthetic ones.
        benchmark: items of test sets that must not be in training data.
        n: words in a row.
    """
    found = set(np.flatnonzero(overlap(texts, benchmark, n=n).longest).tolist())
    lengths = words(benchmark).lengths
    for size in range(5, n):  # a question of seven words has no 13-gram
        short = [item for item, length in zip(benchmark, lengths, strict=True) if length == size]
        if short:
            found.update(np.flatnonzero(overlap(texts, short, n=size).longest).tolist())
    return sorted(int(i) for i in found)
