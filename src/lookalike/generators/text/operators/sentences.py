"""sentence_order, split_sentences, merge_sentences, connectives: the same statements, cut and joined otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from pydantic import Field

from lookalike.generators.text.edits import Edit, Span, disjoint, rearranged
from lookalike.generators.text.operators.base import TextOperator, pick
from lookalike.generators.text.words import OPENERS, REFERRING, SUBJECTS, WORD, like_case, sentences

_FINITE = frozenset("am is are was were have has had do does did can could will would shall should may might must".split())
_CONNECTIVES = (
    ("However", "Nevertheless", "Even so", "Still"),
    ("Therefore", "As a result", "Consequently", "For this reason"),
    ("Moreover", "Furthermore", "In addition", "Besides"),
    ("For example", "For instance"),
    ("In conclusion", "To sum up", "In short", "Overall"),
    ("Fortunately", "Luckily"),
    ("Unfortunately", "Sadly", "Regrettably"),
    ("At first", "Initially", "In the beginning"),
    ("In the end", "Eventually", "Finally", "At last"),
    ("Meanwhile", "In the meantime"),
    ("In fact", "Indeed", "As a matter of fact"),
    ("Of course", "Naturally"),
    ("In general", "As a rule", "Generally"),
)  # fmt: skip
_SAME = {word.lower(): tuple(o for o in group if o != word) for group in _CONNECTIVES for word in group}
_CONNECTIVE = re.compile(
    rf"(?<![^\s(\"“])(?:{'|'.join(sorted(map(re.escape, _SAME), key=len, reverse=True))})(?=,)", re.IGNORECASE
)
_JOINT = re.compile(r"(?:, (and|but|so) |; )(?=(\w+) (\w+))")


def first_word(text: str, start: int) -> str:
    """The first word at or after an offset, lower case; "" when there is none."""
    match = WORD.search(text, start)
    return match.group().lower() if match else ""


def _refers(text: str, start: int, end: int) -> bool:
    """Whether a sentence leans on the one before it."""
    return first_word(text[start:end], 0) in REFERRING or _CONNECTIVE.match(text, start, end) is not None


def _reads_as(text: str, span: Span, edit: Edit, count: int) -> bool:
    """Whether a span of the text, once edited, is read as so many sentences."""
    start, end = span
    return len(sentences(text[start : edit.start] + edit.text + text[edit.end : end])) == count


class SentenceOrder(TextOperator):
    """Put sentences in another order.

    A sentence that begins with a word that refers back (he, this, however ...) stays behind the one before it, and the pair
    moves together. `keep_first` keeps the opening where it is.

    Attributes:
        keep_first: the first sentence stays first.
    """

    kind = "sentence_order"

    keep_first: bool = False

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit that carries every group of sentences."""
        groups: list[Span] = []
        for start, end in sentences(text):
            if groups and _refers(text, start, end):
                groups[-1] = (groups[-1][0], end)
            else:
                groups.append((start, end))
        head = int(self.keep_first or (bool(groups) and _refers(text, *groups[0])))
        tail = groups[head:]
        if len(tail) < 2 or any("\n" in text[a[1] : b[0]] for a, b in pairwise(groups)):
            return []
        order = sorted(range(len(tail)), key=[draw.random() for _ in tail].__getitem__)
        if order == list(range(len(tail))):
            order = [*order[1:], order[0]]
        if any(text[end - 1].isalnum() for _, end in tail):  # a title or a cut-off end would run into its neighbour
            return []
        pieces: list[Span | str] = []
        for place, index in enumerate(order):
            pieces.append(tail[index])
            if place + 1 < len(tail):
                pieces.append(text[tail[place][1] : tail[place + 1][0]] or " ")
        return [rearranged(text, tail[0][0], tail[-1][1], pieces, self.kind)]


class SplitSentences(TextOperator):
    """Cut a compound sentence in two where both halves have a subject: `..., and she left.` becomes two sentences.

    Attributes:
        rate: share of the places where it fits.
    """

    kind = "split_sentences"

    rate: float = Field(default=0.5, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a cut, over the joint and the letter after it."""
        found = []
        for start, end in sentences(text):
            for match in _JOINT.finditer(text, start, end):
                subject = match[2].lower()
                own = subject in SUBJECTS and (match[2] == "I" or match[2].islower())
                before = {word.lower() for word in re.findall(r"\w+", text[start : match.start()])}
                clauses = own and len(before) > 2 and before.isdisjoint({"if", "when", "because", "that", "whether", "unless"})
                if clauses and draw.random() < self.rate:
                    opener = {"but": "However, ", "so": "Therefore, "}.get(match[1] or "", "")
                    letter = text[match.end()]
                    new = f". {opener}{letter if opener and letter != 'I' else letter.upper()}"
                    edit = Edit(match.start(), match.end() + 1, new, self.kind)
                    if _reads_as(text, (start, end), edit, 2):
                        found.append(edit)
        return disjoint(found)


class MergeSentences(TextOperator):
    """Join two short sentences by `and`, where the second begins with a word that may be written small.

    Attributes:
        rate: share of the places where it fits.
        most_words: of each half.
    """

    kind = "merge_sentences"

    rate: float = Field(default=0.5, ge=0, le=1)
    most_words: int = Field(default=14, ge=2)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a joint; no sentence is joined twice."""
        found: list[Edit] = []
        parts = sentences(text)
        last = -1
        for index, ((a, b), (c, d)) in enumerate(pairwise(parts)):
            opener = WORD.match(text, c)
            word = opener.group() if opener else ""
            plain = text[b - 1] == "." and text[d - 1] == "." and text[b:c] == " " and text[b - 2 : b - 1].isalpha()
            small = plain and word.lower() in OPENERS and not text[a:b].count(",") and not text[c:d].count(",")
            short = max(len(WORD.findall(text, a, b)), len(WORD.findall(text, c, d))) <= self.most_words
            if small and short and index > last and draw.random() < self.rate:
                lower = word if word == "I" or word.startswith("I'") else word[0].lower() + word[1:]
                edit = Edit(b - 1, c + len(word), f", and {lower}", self.kind)
                if _reads_as(text, (a, d), edit, 1):
                    found.append(edit)
                    last = index + 1
        return found


class Connectives(TextOperator):
    """Say `Nevertheless` for `However`, `For instance` for `For example`: connectives of the same meaning before a comma.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "connectives"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a connective."""
        found = []
        for match in _CONNECTIVE.finditer(text):
            if draw.random() < self.rate:
                new = pick(_SAME[match.group().lower()], draw)
                new = new[0].lower() + new[1:] if match.group()[0].islower() else like_case(new, match.group()[:1])
                found.append(Edit(*match.span(), new, self.kind))
        return found
