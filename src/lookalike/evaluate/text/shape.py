"""The shape of texts: lengths, sentences, readability, language."""

from __future__ import annotations

import re
from collections import Counter
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


_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)

_STOPWORDS: dict[str, frozenset[str]] = {
    language: frozenset(text.split())
    for language, text in {
        "en": "the of and to in is was for that with on are as it by be at this from have has not had were they you she his her",
        "de": "der die das und ist nicht ein eine mit von zu den dem auf für im sich auch des wird war bei sind werden einen hat",
        "fr": "le la les et est une des du dans que pour pas qui sur par plus avec ce il au sont elle été aux cette mais nous",
        "es": "el los las una de que y en es por con para del se su al lo como más pero fue está ha muy sin sobre este también",
        "it": "il che di la e un una per non sono con del della si è gli alla nel dei le ha ma come più questo anche stato",
        "pt": "o os as um uma de que e em não para com do da no na por mais dos se foi como ao ele são está também já seu",
        "nl": "de het een en van is dat niet op te met zijn voor er aan ook als bij door maar wordt naar heeft uit werd deze",
        "sv": "och att det som en är på för med den till inte av ett har de om var han vi kan från så men ska eller",
        "da": "og det er at en den til på de som med for af ikke har der et var han vi kan fra men blev eller",
        "pl": "i w na z jest nie że się do to o jak po ale za od przez dla są być oraz był tym czy jego",
        "tr": "ve bir bu da için ile de çok ne gibi daha olarak olan en kadar sonra ama var ancak değil",
        "id": "yang dan di dengan untuk dari ini itu tidak dalam pada adalah ke akan oleh sebagai juga ada atau dapat",
    }.items()
}


def language(text: str) -> str:
    """The likeliest language of a text as an ISO 639-1 code, "und" when it cannot be told.

    By script where the script decides, else by the share of words that are among a language's most frequent; good enough to
    see a wrong language in a column, not to label short messages.
    """
    letters = [c for c in text[:2000] if c.isalpha()]
    if not letters:
        return "und"
    for code, script in _SCRIPTS:
        if len(script.findall(text[:2000])) > 0.3 * len(letters):
            return code
    found = _WORD.findall(text[:2000].lower())
    score = {code: sum(word in known for word in found) for code, known in _STOPWORDS.items()}
    best, runner_up = sorted(score.values(), reverse=True)[:2]
    if best in (0, runner_up) or best < 0.08 * len(found):
        return "und"
    return max(score, key=lambda code: score[code])


def language_shares(texts: Sequence[str]) -> dict[str, float]:
    """Share of texts in each language, largest first; undetermined texts are "und"."""
    counted = Counter(language(text) for text in texts)
    return {code: n / max(1, len(texts)) for code, n in counted.most_common()}
