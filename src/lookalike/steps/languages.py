"""Which language a text is in, and whether parts of it are in another: for the step that drops texts and the metric that counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lookalike.errors import RecipeError, did_you_mean
from lookalike.generators.text.words import sentences
from lookalike.optional import require

_SURE = 0.5  # of 1,923 sentences of English reviews none is taken for another language with more than this
_TELLS = 0.2  # below it a text says nothing of its language: two words, numbers, names
_LETTERS = 20  # a shorter sentence is no evidence
_SENTENCES = 1000  # of a long document so many are looked at, from its beginning to its end
_LONG = 20_000  # characters that say enough of the language of a whole
_REST = 0.2  # of a text's letters may be in another language: a title, a quotation


def foreign(text: str, allowed: tuple[str, ...]) -> str | None:
    """Why a text is not in one of these languages, or None: also when nobody could tell.

    Args:
        text: any text.
        allowed: ISO 639 codes.

    Raises:
        RecipeError: a code that the identifier does not know.
        MissingExtra: the package `py3langid` is not installed.

    Source:
        Lui and Baldwin 2012, "langid.py: An Off-the-shelf Language Identification Tool"; its successor py3langid.
    """
    code, share = told(text, allowed)
    if code not in allowed and share >= _TELLS:
        return f"in language {code}, not {' or '.join(allowed)}"
    others: dict[str, int] = {}
    letters = 0
    spans = sentences(text)
    for start, end in spans[:: 1 + len(spans) // _SENTENCES]:
        count = sum(map(str.isalpha, text[start:end]))
        letters += count
        if count >= _LETTERS:
            code, share = told(text[start:end], allowed)
            if code not in allowed and share >= _SURE:
                others[code] = others.get(code, 0) + count
    if sum(others.values()) <= _REST * letters:
        return None
    return f"{sum(others.values()) / letters:.0%} of it in language {', '.join(sorted(others))}, not {' or '.join(allowed)}"


def told(text: str, allowed: tuple[str, ...] = ()) -> tuple[str, float]:
    """The likeliest language and its probability; "und" with 0 for what is no language."""
    identifier = _identifier()
    unknown = [code for code in allowed if code not in identifier.labels]
    if unknown:
        fix = did_you_mean(unknown[0], list(identifier.labels), label="languages")
        raise RecipeError(what=f"no language {unknown[0]!r} is known", where="language", fix=fix)
    code, share = identifier.classify(text[:_LONG])
    return ("und", 0.0) if code in ("zxx", "und") else (str(code), float(share))


def language_shares(texts: Sequence[str]) -> dict[str, float]:
    """Share of texts in each language, largest first, by ISO 639 codes; those that say nothing of theirs are "und".

    Raises:
        MissingExtra: the package `py3langid` is not installed.
    """
    found = (told(text) for text in texts)
    counted = Counter(code if share >= _TELLS else "und" for code, share in found)
    return {code: n / max(1, len(texts)) for code, n in counted.most_common()}


@lru_cache(maxsize=1)
def _identifier() -> Any:
    langid = require("py3langid.langid", extra="text")
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
