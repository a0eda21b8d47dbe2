"""The shape of texts: lengths, sentences, readability."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Series = dict[str, npt.NDArray[np.float64]]

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE = re.compile(r"[.!?…。！？]+(?:\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")


def shapes(texts: Sequence[str]) -> Series:
    """Per text: characters, words, sentences, letters a word, and Flesch reading ease; float64 [n] each.

    Reading ease is a formula for English and is only a shape here: the same formula on real and synthetic texts.

    Source:
        Flesch 1948, "A new readability yardstick"; syllables are counted as runs of vowels.
    """
    rows = np.zeros((len(texts), 5))
    for i, text in enumerate(texts):
        found = _WORD.findall(text)
        count = max(1, len(found))
        sentences = max(1, len(_SENTENCE.findall(text)))
        letters = sum(map(len, found))
        syllables = sum(max(1, len(_VOWELS.findall(word))) for word in map(str.lower, found))
        ease = 206.835 - 1.015 * count / sentences - 84.6 * syllables / count
        rows[i] = len(text), len(found), sentences, letters / count, ease
    return dict(zip(("characters", "words", "sentences", "letters a word", "reading ease"), rows.T, strict=True))


def ks_complement(real: npt.NDArray[np.float64], synthetic: npt.NDArray[np.float64]) -> float:
    """1 minus the largest gap between two empirical distribution functions; 0..1."""
    grid = np.concatenate([real, synthetic])
    a = np.searchsorted(np.sort(real), grid, side="right") / real.size
    b = np.searchsorted(np.sort(synthetic), grid, side="right") / synthetic.size
    return 1.0 - float(np.abs(a - b).max())
