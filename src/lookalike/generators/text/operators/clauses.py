"""front_clause, voice, negate, question: one sentence said in another form.

Every rule is small and sure rather than wide: the sentence must match a whole pattern, and the result, read again by the
reverse rule, must give the sentence back. What does not is left as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import ClassVar

from pydantic import Field

from lookalike.generators.text import inflection
from lookalike.generators.text.edits import Edit, Span, apply, rearranged
from lookalike.generators.text.operators.base import LabelEffect, TextOperator
from lookalike.generators.text.words import DETERMINERS, OPENERS, WORD, sentences

Rule = Callable[[str, int, int], Edit | None]

_SUBORDINATORS = "because|although|though|unless|while|after|before|if|when|once|until|since"
_TIMES = (
    "yesterday|today|tomorrow|last (?:week|month|year|night|summer|winter)|next (?:week|month|year)|this (?:morning|week|month|year)|"
    "every (?:day|week|month|year|morning|evening)|in the (?:morning|afternoon|evening|end)|at (?:night|noon|first)|"
    "on (?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)|in (?:19|20)\\d\\d"
)
_BACK = re.compile(rf"(?P<main>[^,;:()\"“”!?\n]+?) (?P<clause>(?:{_SUBORDINATORS}) [^,;:()\"“”!?\n]+)\.")
_FRONT = re.compile(rf"(?P<clause>(?:{_SUBORDINATORS}) [^,;:()\"“”!?\n]+), (?P<main>[^,;:()\"“”!?\n]+)\.", re.IGNORECASE)
_TIME_BACK = re.compile(rf"(?P<main>[^,;:()\"“”!?\n]+?) (?P<clause>{_TIMES})\.")
_TIME_FRONT = re.compile(rf"(?P<clause>{_TIMES}), (?P<main>[^,;:()\"“”!?\n]+)\.", re.IGNORECASE)
_CONJUNCTION = re.compile(rf"\b(?:{_SUBORDINATORS}|and|but|or|that|which|who|where|as|than|so)\b")


def lowered(text: str) -> str | None:
    """The text with a small first letter when its first word may be written small; None when it may be a name."""
    match = WORD.match(text)
    if not match:
        return None
    word = match.group()
    if word == "I" or word.startswith(("I'", "I’")):  # typographic apostrophe
        return text
    return text[0].lower() + text[1:] if word.lower() in OPENERS else None


def _small_start(text: str) -> bool:
    return lowered(text) is not None


class FrontClause(TextOperator):
    """Move a clause or a time to the front of its sentence, or from there to its end.

    `We left because it rained.` <-> `Because it rained, we left.` One such clause a sentence; no other commas, quotes or
    subordinate clauses, so the scope stays clear.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "front_clause"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a sentence, carrying both clauses."""
        found = []
        for start, end in sentences(text):
            if draw.random() < self.rate:
                edit = fronted(text, start, end) or backed(text, start, end)
                if edit is not None and _reads_back(text, edit, backed, fronted):
                    found.append(edit)
        return found


def _reads_back(text: str, edit: Edit, *rules: Rule) -> bool:
    """Whether the first of the reverse rules that fits the new sentence gives the old one back."""
    new = edit.text
    back = next((found for rule in rules if (found := rule(new, 0, len(new))) is not None), None)
    return back is not None and apply(new, [back]) == text[edit.start : edit.end]


def _clear(main: str, clause: str) -> bool:
    """Whether there is exactly one clause on each side, each with some words."""
    rest = clause.split(" ", 1)[-1]
    return len(main.split()) > 1 and not _CONJUNCTION.search(main) and not _CONJUNCTION.search(rest)


def fronted(text: str, start: int, end: int) -> Edit | None:
    """Main clause, clause -> Clause, main clause."""
    for pattern in (_BACK, _TIME_BACK):
        match = pattern.fullmatch(text, start, end)
        if match and _clear(match["main"], match["clause"]) and _small_start(match["main"]):
            main, clause = match.span("main"), match.span("clause")
            first = lowered(match["main"])
            assert first is not None  # as `_small_start` found
            capital = text[clause[0]].upper()
            pieces = (capital, (clause[0] + 1, clause[1]), ", ", first[0], (main[0] + 1, main[1]), ".")
            return rearranged(text, start, end, pieces, "front_clause")
    return None


def backed(text: str, start: int, end: int) -> Edit | None:
    """Clause, main clause -> Main clause clause."""
    for pattern in (_FRONT, _TIME_FRONT):
        match = pattern.fullmatch(text, start, end)
        if match and _clear(match["main"], match["clause"]) and match["clause"][0].isupper():
            main, clause = match.span("main"), match.span("clause")
            capital, small = text[main[0]].upper(), text[clause[0]].lower()
            pieces = (capital, (main[0] + 1, main[1]), " ", small, (clause[0] + 1, clause[1]), ".")
            return rearranged(text, start, end, pieces, "front_clause")
    return None


_TRANSITIVE = (
    "accept admire answer approve attack break bring build buy carry catch chase choose clean close collect complete cook create cut "
    "damage deliver describe design destroy discover draw drive eat examine expect feed find finish fix follow forget grab help hide "
    "hire hit hold inspect invent kick kill kiss know lead lift like lock lose love make measure mend mention notice offer open "
    "order organise organize pack paint pick plan prepare present print protect publish pull push raise read receive recommend record "
    "reject remove repair replace review save see sell send serve ship sign solve steal study take teach test throw train treat use "
    "visit warn wash watch win wrap write"
).split()
_PAST = {inflection.past(verb): verb for verb in _TRANSITIVE}
_PARTICIPLE = {inflection.participle(verb): verb for verb in _TRANSITIVE}
_OBJECT = {"i": "me", "he": "him", "she": "her", "we": "us", "they": "them", "you": "you", "it": "it"}
_SUBJECT = {objective: subject for subject, objective in _OBJECT.items()}
_ARTICLE = "the|a|an|my|your|his|her|its|our|their|this|that|these|those"
_NP = rf"(?:(?:{_ARTICLE}) (?:[a-z]+ ){{0,2}}?[a-z]+)"
_ACTIVE = re.compile(rf"(?P<agent>{_NP}|I|you|he|she|it|we|they) (?P<verb>[a-z]+) (?P<patient>{_NP})\.", re.IGNORECASE)
_PASSIVE = re.compile(
    rf"(?P<patient>{_NP}) (?P<be>was|were) (?P<verb>[a-z]+) by (?P<agent>{_NP}|me|you|him|her|it|us|them)\.", re.IGNORECASE
)


class Voice(TextOperator):
    """Turn active sentences passive and passive ones active: `The dog chased the cat` <-> `The cat was chased by the dog`.

    Simple past, whole sentences, verbs from a list of transitive ones, noun phrases with an article or possessive.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "voice"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a sentence, carrying the nouns."""
        found = []
        for start, end in sentences(text):
            if draw.random() >= self.rate:
                continue
            for there, back in ((passive, active), (active, passive)):
                edit = there(text, start, end)
                if edit is not None:
                    if _reads_back(text, edit, back):
                        found.append(edit)
                    break
        return found


def _plural(phrase: str) -> bool:
    first, last = phrase.split(maxsplit=1)[0].lower(), phrase.rsplit(maxsplit=1)[-1].lower()
    irregular = {forms[0] for forms in inflection.NOUNS.values()}
    return first in ("these", "those") or last in irregular or (last.endswith("s") and not last.endswith(("ss", "us", "is")))


def _content(phrase: str) -> bool:
    """Whether a phrase has no verb or closed-class word hidden between article and noun."""
    inner = phrase.lower().split()[1:]
    return all(word not in _PAST and word not in DETERMINERS and not _CONJUNCTION.fullmatch(word) for word in inner)


def passive(text: str, start: int, end: int) -> Edit | None:
    """Agent verb patient -> Patient was verbed by agent."""
    match = _ACTIVE.fullmatch(text, start, end)
    if not match or match["verb"] not in _PAST or not _content(match["patient"]) or not _content(match["agent"]):
        return None
    agent, patient = match["agent"], match.span("patient")
    be = "were" if _plural(match["patient"]) else "was"
    verb = inflection.participle(_PAST[match["verb"]])
    pieces: list[Span | str] = [text[patient[0]].upper(), (patient[0] + 1, patient[1]), f" {be} {verb} by "]
    if agent.lower() in _OBJECT:
        pieces.append(_OBJECT[agent.lower()])
    else:
        pieces += [agent[0].lower(), (match.start("agent") + 1, match.end("agent"))]
    return rearranged(text, start, end, [*pieces, "."], "voice")


def active(text: str, start: int, end: int) -> Edit | None:
    """Patient was verbed by agent -> Agent verbed patient."""
    match = _PASSIVE.fullmatch(text, start, end)
    if not match or match["verb"] not in _PARTICIPLE or not _content(match["patient"]):
        return None
    agent, patient = match["agent"], match.span("patient")
    if (match["be"] == "were") != _plural(match["patient"]) or (" " in agent and not _content(agent)):
        return None
    verb = inflection.past(_PARTICIPLE[match["verb"]])
    pieces: list[Span | str]
    if agent.lower() in _SUBJECT:
        subject = _SUBJECT[agent.lower()]
        pieces = [subject[0].upper() + subject[1:]]
    else:
        pieces = [agent[0].upper(), (match.start("agent") + 1, match.end("agent"))]
    pieces += [f" {verb} ", text[patient[0]].lower(), (patient[0] + 1, patient[1]), "."]
    return rearranged(text, start, end, pieces, "voice")


_AUXILIARY = "is|are|was|were|can|could|will|would|should|must|am"
_PLAIN = re.compile(
    rf"(?P<subject>(?:I|you|he|she|it|we|they|this|that|there|(?:{_ARTICLE}) (?:[a-z]+ )?[a-z]+)) (?P<aux>{_AUXILIARY})"
    rf"(?P<not> not)? (?P<rest>[^,;:()\"“”!?\n]+)\.",
    re.IGNORECASE,
)
_QUESTION = rf"(?P<aux>{_AUXILIARY}) (?P<subject>{{subject}}) (?P<rest>[^,;:()\"“”!?\n]+)\?"
_POLAR = re.compile(
    r"\b(?:never|no|not|none|nothing|nobody|hardly|any|ever|yet|already|some|something|too|either|neither|only)\b|n't"
)


class Negate(TextOperator):
    """Deny a statement, or take its `not` away: `The box was heavy` <-> `The box was not heavy`.

    The label flips, so only texts of a single, simple sentence change; give `flip` in `augment` to say what labels become.
    """

    kind = "negate"
    effect: ClassVar[LabelEffect] = "flip"

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit: the word not."""
        edit = _denied(text)
        if edit is None:
            return []
        new = apply(text, [edit])
        back = _denied(new)
        return [edit] if back is not None and apply(new, [back]) == text else []


def _denied(text: str) -> Edit | None:
    """A text of one plain sentence with `not` put in, or taken out."""
    parts = sentences(text)
    match = _PLAIN.fullmatch(text, *parts[0]) if len(parts) == 1 else None
    if not match or _POLAR.search(match["rest"]) or _CONJUNCTION.search(match["rest"]):
        return None
    if match["not"]:
        return Edit(*match.span("not"), "", "negate")
    return Edit(match.end("aux"), match.end("aux"), " not", "negate")


class Question(TextOperator):
    """Ask what a statement says, or state what a question asks: `The box is heavy.` <-> `Is the box heavy?`.

    Statements are made of questions whose subject is a pronoun (`Is it heavy?`): elsewhere nothing shows where it ends. The topic
    stays; whether a label of truth or mood does is unknown, so `augment` leaves such labels null.

    Attributes:
        rate: share of the places where it is done.
    """

    kind = "question"
    effect: ClassVar[LabelEffect] = "unknown"

    rate: float = Field(default=0.7, ge=0, le=1)

    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """One edit a sentence."""
        found = []
        for start, end in sentences(text):
            if draw.random() >= self.rate:
                continue
            edit = asked(text, start, end)
            if edit is not None and _reads_back(text, edit, _stated_at(edit)):
                found.append(edit)
            elif edit is None:
                edit = stated(text, start, end)
                if edit is not None and _reads_back(text, edit, asked):
                    found.append(edit)
        return found


def asked(text: str, start: int, end: int) -> Edit | None:
    """The box is heavy. -> Is the box heavy?"""
    match = _PLAIN.fullmatch(text, start, end)
    if not match or match["not"] or _CONJUNCTION.search(match["rest"]) or _POLAR.search(match["rest"]):
        return None
    first = lowered(match["subject"])
    if first is None:
        return None
    subject, aux = match.span("subject"), match["aux"]
    pieces = [aux[0].upper() + aux[1:] + " ", first[0], (subject[0] + 1, subject[1]), " ", match.span("rest"), "?"]
    return rearranged(text, start, end, pieces, "question")


def stated(text: str, start: int, end: int, *, subject: str = "I|you|he|she|it|we|they") -> Edit | None:
    """Is it heavy? -> It is heavy."""
    match = re.compile(_QUESTION.format(subject=subject), re.IGNORECASE).fullmatch(text, start, end)
    if not match or _CONJUNCTION.search(match["rest"]) or _POLAR.search(match["rest"]):
        return None
    who = match.span("subject")
    pieces = (text[who[0]].upper(), (who[0] + 1, who[1]), f" {match['aux'].lower()} ", match.span("rest"), ".")
    return rearranged(text, start, end, pieces, "question")


def _stated_at(edit: Edit) -> Rule:
    """`stated` for a question whose subject is known, because it was just asked."""
    subject = edit.text[edit.carries[0].at - 1 : edit.carries[0].at + edit.carries[0].length]
    return partial(stated, subject=re.escape(subject))
