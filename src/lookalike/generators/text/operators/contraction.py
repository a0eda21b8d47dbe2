"""contract, expand: `do not` <-> `don't`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from pydantic import Field

from lookalike.generators.text.edits import Edit, Span
from lookalike.generators.text.operators.base import TextOperator

_NOT = "is are was were do does did has have had could would should must need".split()
_SHORT = {f"{verb} not": f"{verb}n't" for verb in _NOT} | {"cannot": "can't", "can not": "can't", "will not": "won't"}
for _pronoun in ("I", "you", "we", "they"):
    _SHORT |= {f"{_pronoun} have not": f"{_pronoun} haven't", f"{_pronoun} will": f"{_pronoun}'ll"}
for _pronoun, _verb in (("I", "am"), ("you", "are"), ("we", "are"), ("they", "are")):
    _SHORT[f"{_pronoun} {_verb}"] = f"{_pronoun}'{'m' if _verb == 'am' else 're'}"
for _pronoun in ("he", "she", "it", "that", "there"):
    _SHORT |= {f"{_pronoun} is": f"{_pronoun}'s", f"{_pronoun} will": f"{_pronoun}'ll"}
_LONG = {short.lower(): long for long, short in _SHORT.items() if long not in ("cannot", "can not")} | {"can't": "cannot"}
# 's is "is" only before an article, an adverb of degree or -ing; before a participle it may be "has"
_ASKED = re.compile(r" (?:i|you|he|she|it|we|they|the|this|that)\b", re.IGNORECASE)
_IS = re.compile(r" (?:an?|the|not|very|so|too|my|your|his|her|our|their)\b| \w+ing\b")


def _pattern(forms: dict[str, str]) -> re.Pattern[str]:
    listed = "|".join(sorted(map(re.escape, forms), key=len, reverse=True)).replace("'", "['’]")  # typographic apostrophes too
    return re.compile(rf"(?<![\w'’])(?:{listed})(?![\w'’])", re.IGNORECASE)


_CONTRACT = _pattern(_SHORT)
_EXPAND = _pattern(_LONG)


def _cased(new: str, old: str) -> str:
    return new[0].upper() + new[1:] if old[0].isupper() else new


class Contract(TextOperator):
    """Write `do not` as `don't`, `it is` as `it's`. Not at the end of a clause, where English does not contract.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "contract"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a place."""
        found = []
        for match in _CONTRACT.finditer(text):
            old = match.group()
            follows = text[match.end() : match.end() + 2]
            open_end = len(follows) == 2 and follows[0] == " " and follows[1].isalpha()
            upper = old.isupper() and old != "I"
            new = _SHORT.get(old) or _SHORT.get(old.lower()) or _SHORT.get("I" + old[1:])
            if new and open_end and not upper and draw.random() < self.rate:
                found.append(Edit(*match.span(), _cased(new, old), self.kind))
        return found


class Expand(TextOperator):
    """Write `don't` as `do not`, `it's` as `it is` where it can be nothing else.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "expand"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a place."""
        found = []
        for match in _EXPAND.finditer(text):
            old = match.group()
            low = old.lower().replace("’", "'")  # typographic apostrophe
            if low.endswith("'s") and not _IS.match(text, match.end()):
                continue
            asked = "not" in _LONG[low] and _ASKED.match(text, match.end())
            if not asked and not (old.isupper() and len(old) > 3) and draw.random() < self.rate:  # "don't you" turns around
                found.append(Edit(*match.span(), _cased(_LONG[low], old), self.kind))
        return found
