"""What text kinds that ask a model share: one model, one voice, templates over the row; and how alike two texts are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import Field

from lookalike.generators.base import ModelColumn
from lookalike.generators.templates import TemplateText, compiled
from lookalike.models.base import Message, Request
from lookalike.rows.batch import Row

_WORD = re.compile(r"\w+")
_PLAIN = {code: chr(code).lower() if chr(code).isalnum() or code == ord("_") else " " for code in range(128)}


class TextAsking(ModelColumn):
    """A text kind that asks one model; subclasses say which templates they read."""

    model: str = "default"  # a name under `models:`
    system: TemplateText = ""  # a template; the system message
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)  # of a reply
    tries: int = Field(default=3, ge=1, le=20)  # replies looked at before the cell fails

    def templates(self) -> tuple[str, ...]:
        """The templates that the kind renders."""
        return ()

    def needs(self) -> frozenset[str]:
        """The columns that its templates read."""
        return frozenset().union(*(compiled(text).needs for text in (self.system, *self.templates())))

    def models(self) -> frozenset[str]:
        """The one model."""
        return frozenset({self.model})

    def request(self, row: Row, question: str, *, shown: Iterable[tuple[str, str]] = (), **options: Any) -> Request:
        """A question, with the system message rendered for the row; `shown` questions and answers stand before it as turns."""
        system = options.pop("system", None) or compiled(self.system).render(row)
        turns = (Message("system", system),) if system else ()
        for asked, answered in shown:
            turns = (*turns, Message("user", asked), Message("assistant", answered))
        defaults = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        chosen = {**defaults, **options}
        return Request(chosen.pop("model", self.model), (*turns, Message("user", question)), **chosen)


@lru_cache(maxsize=2048)
def _words(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The first 400 lower-case words of a text, in order and as a set."""
    words = tuple(_split(text))
    return words, frozenset(words)


def _split(text: str) -> list[str]:
    if len(text) < 20_000 and text.isascii():  # the same words in a quarter of the time
        return text.translate(_PLAIN).split(maxsplit=400)[:400]
    return [match.group() for match in islice(_WORD.finditer(text.lower()), 400)]


def similarity(a: str, b: str) -> float:
    """ROUGE-L F1 of two texts over lower-case words, 0 to 1: one step a word, all places of the other text at once.

    Source:
        Lin 2004, "ROUGE: a package for automatic evaluation of summaries"; Hyyrö 2004, "Bit-parallel LCS-length computation
        revisited".
    """
    (x, _), (y, _) = _words(a), _words(b)
    if not x or not y:
        return float(x == y)
    places: dict[str, int] = {}  # a word's places in x as the bits of a number
    for place, word in enumerate(x):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(x)) - 1
    row = every  # a zero at place i: the longest common subsequence grows there
    for word in y:
        match = row & places.get(word, 0)
        row = (row + match | row - match) & every
    return 2 * (len(x) - row.bit_count()) / (len(x) + len(y))


def alike(a: str, b: str, least: float) -> bool:
    """Whether two texts are more than `least` similar; most pairs share too few words for that, which their sets show."""
    (x, own), (y, other) = _words(a), _words(b)
    both = len(own & other)
    most = min(len(x) - len(own) + both, len(y) - len(other) + both)  # the subsequence has no word that one text lacks
    return not (x and 2 * most <= least * (len(x) + len(y))) and similarity(a, b) > least


class Told:
    """Texts told one after the other, to find the ones that are told again."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._known: set[str] = set()

    def again(self, text: str, least: float) -> bool:
        """Whether a text is more than `least` similar to an earlier one; if not, it is remembered.

        As a rule the number of its new words alone says that it is not.
        """
        words, before = _split(text), len(self._known)
        self._known.update(words)
        # more than least / (2 - least) of the words stand in the other text too: fewer than the rest are new
        new = len(self._known) - before
        if new <= len(words) * (1 - least / (2 - least)) and any(alike(text, earlier, least) for earlier in self._texts):
            return True
        self._texts.append(text)
        return False
