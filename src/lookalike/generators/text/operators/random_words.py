"""swap_words, delete_words, insert_words: the random operations of EDA."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from pydantic import Field

from lookalike.generators.text.edits import Edit, Guard, Span, disjoint, rearranged
from lookalike.generators.text.operators.base import TextOperator
from lookalike.generators.text.words import WORD, words

_KEPT = frozenset("not no never none nothing nobody neither nor without hardly n't".split())
_FILLERS = tuple("really just also actually still even indeed certainly simply".split())


class SwapWords(TextOperator):
    """Swap pairs of neighbouring words; labels on swapped words follow them.

    Attributes:
        rate: share of the neighbouring pairs.

    Source:
        Wei and Zou 2019, "EDA: Easy Data Augmentation Techniques" (1901.11196), random swap.
    """

    kind = "swap_words"

    rate: float = Field(default=0.1, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:
        """One edit a pair, carrying both words."""
        found = []
        guard = Guard(protected)
        tokens = words(text)
        for (a, b, first), (c, d, second) in pairwise(tokens):
            fits = text[b:c].isspace() and first.lower() not in _KEPT and second.lower() not in _KEPT
            if draw.random() < self.rate and fits and not _split(a, d, ((a, b), (c, d)), guard):
                found.append(rearranged(text, a, d, ((c, d), (b, c), (a, b)), self.kind))
        return disjoint(found)


class DeleteWords(TextOperator):
    """Leave words out; negations stay, and so does the last word.

    Attributes:
        rate: share of the words.

    Source:
        Wei and Zou 2019 (1901.11196), random deletion.
    """

    kind = "delete_words"

    rate: float = Field(default=0.1, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:
        """One edit a word, with the space after it."""
        found = []
        guard = Guard(protected)
        tokens = words(text)
        for a, b, word in tokens:
            follows = text[b : b + 1] == " "
            hit = draw.random() < self.rate and follows and not word.lower().endswith(("n't", "n’t"))  # typographic
            if hit and word.lower() not in _KEPT and not guard.touches(a, b + 1):
                found.append(Edit(a, b + 1, "", self.kind))
        return found[: len(tokens) - 1]


class InsertWords(TextOperator):
    """Put filler words (`words`) before words; nothing is taken away.

    Attributes:
        rate: share of the gaps between words.
        words: words to insert.

    Source:
        Wei and Zou 2019 (1901.11196), random insertion; with fillers instead of synonyms, which change less.
    """

    kind = "insert_words"

    rate: float = Field(default=0.05, ge=0, le=1)
    words: tuple[str, ...] = Field(default=_FILLERS, min_length=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:
        """One edit a gap."""
        found = []
        guard = Guard(protected)
        for match in WORD.finditer(text):
            at = match.start()
            if draw.random() < self.rate and at and text[at - 1] == " " and not guard.touches(at, at):
                found.append(Edit(at, at, self.words[int(draw.random() * len(self.words))] + " ", self.kind))
        return found


def _split(start: int, end: int, pieces: Sequence[Span], guard: Guard) -> bool:
    """Whether moving the pieces would tear a protected span."""
    inside = [(a, b) for a, b in guard.near(start, end) if a < end and start < b]
    return not all(any(c <= a and b <= d for c, d in pieces) for a, b in inside)
