"""rewrite, translate, summarise, backtranslate: a text said again, checked against the text it comes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from lookalike.generators.asking import Verify, ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import leaks, quoted
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.generators.text.words import sentences
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w'’-]+")
_META = re.compile(
    r"\A\W*(?:(?:the|this) (?:text|passage|article|report|document|summary|story) (?:\w+ )?(?:discusses|describes|is about|states|says|"
    r"mentions|reports|highlights|summari[sz]es)|in summary\b|summary:|(?:sure|certainly|of course)\b)",
    re.IGNORECASE,
)
_ENGLISH = re.compile(r"\b(?:the|and|with|please|you|your|this|that|which|would|have|they)\b", re.IGNORECASE)


def numbers(text: str) -> set[str]:
    """The numbers in a text, written one way."""
    return {match.replace(",", "").rstrip(".:") for match in _NUMBER.findall(text)}


class Restated(BaseModel):
    """A worked example, shown to the model before the row's own text.

    Attributes:
        text: a text.
        output: how it should be said again.
        style: rewrite: the style that this example has; empty: the row's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1)
    output: str = Field(min_length=1)
    style: str = ""


class Restating(TextAsking):
    """What kinds share that say a text again."""

    text: TemplateText  # the text, usually "{{ column }}"
    examples: tuple[Restated, ...] = ()  # worked ones, shown as earlier turns

    def templates(self) -> tuple[str, ...]:
        """The text."""
        return (self.text,)

    def arrow_type(self) -> pa.DataType:
        """Text."""
        return pa.string()

    def said(
        self,
        row: Row,
        source: str,
        order: str,
        styled: Callable[[str], str] | None = None,
        *,
        wrong: Callable[[str], str | None] = lambda _: None,
    ) -> Conversation:
        """One checked call about the quoted source; `styled` makes the order of an example from its style, `wrong` checks more."""
        if not source.strip():
            raise CallFailed(what="the text is empty", where=f"row {row.get('_id')}", fix="filter such rows with `when`")
        orders = [styled(each.style) if styled else order for each in self.examples]
        shown = [(_about(each.text, o), each.output) for each, o in zip(self.examples, orders, strict=True)]

        def read(reply: str) -> str:
            new = read_text(reply)
            if leaks(new, source):
                raise Unfit("it repeats the marks round the text; give only the new text")
            if any(similarity(new, each.output) > 0.8 > similarity(source, each.text) for each in self.examples):
                raise Unfit("it is the answer of an example; say the text between the marks")
            problem = self.problem(source, new) or wrong(new)
            if problem:
                raise Unfit(problem)
            return new

        request = self.request(row, _about(source, order), shown=shown)
        answer = yield from ask(request, read=read, verify=self.second_look(row, source), tries=self.tries)
        return answer.value

    def second_look(self, row: Row, source: str) -> Verify | None:  # noqa: ARG002  # the contract's arguments
        """A sub-conversation that may find reasons against a new text; none as a rule."""
        return None

    def problem(self, source: str, new: str) -> str | None:  # noqa: ARG002  # the contract's arguments
        """Why the new text cannot stand for its source."""
        return None


def _sentences(count: int) -> str:
    return f"{count} sentence{'s' * (count > 1)}"


def _pairs(terms: dict[str, str]) -> str:
    return f"Use these words: {', '.join(f'{term} = {wanted}' for term, wanted in terms.items())}."


def _about(source: str, order: str) -> str:
    return f"{quoted(source, label='text')}\n\n{order}"


class Rewrite(Restating):
    """Say a text again in another style; numbers, and what `keep` patterns match, must all be there.

    ```yaml
    plain: {kind: rewrite, text: "{{ note }}", style: "plain words for a patient"}
    ```

    Attributes:
        style: a template; how it should sound.
        keep: regular expressions.
        keep_numbers: numbers must neither vanish nor appear.
        text: a template; the text.
        examples: worked ones, `{text, output}`, shown as earlier turns (rewrite: with their own `style` too).
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Maini et al. 2024, "Rephrasing the Web" (2401.16380); Gandhi et al. 2024, "DataTune" (2404.14361).
    """

    kind: ClassVar[str] = "rewrite"

    style: TemplateText = "other words, the same meaning and about the same length"
    keep: tuple[str, ...] = ()
    keep_numbers: bool = True

    def templates(self) -> tuple[str, ...]:
        """Text and style."""
        return (self.text, self.style)

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call."""
        own = compiled(self.style).render(row)

        def order(style: str) -> str:
            return f"Rewrite the text in {style or own}. Add no facts, leave none out. Give only the new text."

        return (yield from self.said(row, compiled(self.text).render(row), order(own), order))

    def problem(self, source: str, new: str) -> str | None:
        """Lost numbers or kept patterns, added numbers, or no change."""
        if similarity(source, new) > 0.98:
            return "it is the same text; use other words"
        if _META.match(new):
            return "it talks about the text; give only the new text"
        if len(new) > 2 * len(source) + 60:
            return "write less: it is far longer than the text; add no facts"
        lost = _lost(source, new, self.keep)
        lost += sorted(numbers(source) - numbers(new)) if self.keep_numbers else []
        added = sorted(numbers(new) - numbers(source)) if self.keep_numbers else []
        if lost:
            return f"keep these from the text: {', '.join(lost[:5])}"
        return f"leave out these numbers, which the text does not have: {', '.join(added[:5])}" if added else None


def _lost(source: str, new: str, patterns: Sequence[str]) -> list[str]:
    found = [match.group() for pattern in patterns for match in re.finditer(pattern, source)]
    return [piece for piece in dict.fromkeys(found) if piece not in new]


class Translate(Restating):
    """Translate a text; its numbers must all arrive, and no English words may be left.

    With `round_trip` the translation is translated back, and what does not come back as it was is asked again: small models
    make up words, and a speaker of neither language would not see it.

    ```yaml
    german: {kind: translate, text: "{{ review }}", to: German, round_trip: 0.5, glossary: {kettle: Wasserkocher}}
    ```

    Attributes:
        to: a language.
        glossary: terms and their translations, templates both: those in the text are told, and must be in the translation.
        keep_numbers: numbers must neither vanish nor appear.
        round_trip: least ROUGE-L of the text and its translation translated back; 0: not asked.
        back: the language of the text, for the way back.
        text: a template; the text.
        examples: worked ones, `{text, output}`, shown as earlier turns (rewrite: with their own `style` too).
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "translate"

    to: TemplateText
    keep_numbers: bool = True
    round_trip: float = Field(default=0.0, ge=0, le=1)
    back: str = "English"
    glossary: dict[TemplateText, TemplateText] = Field(default_factory=dict)

    def templates(self) -> tuple[str, ...]:
        """Text, language and glossary."""
        return (self.text, self.to, *self.glossary, *self.glossary.values())

    def calls(self) -> float:
        """One, or two."""
        return 1.0 + (self.round_trip > 0)

    def second_look(self, row: Row, source: str) -> Verify | None:
        """The way back."""
        if not self.round_trip:
            return None

        def verify(new: str) -> Any:
            order = f"Translate the text into {self.back}. Give only the translation."
            shown = [(_about(each.output, order), each.text) for each in self.examples]
            request = self.request(row, _about(new, order), shown=shown, temperature=0.0)
            back = yield from ask(request, read=read_text, tries=self.tries)
            alike = similarity(source, back.value)
            return [f"say the whole text: translated back it says {back.value[:120]!r}"] if alike < self.round_trip else ()

        return verify

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call."""
        source = compiled(self.text).render(row)
        order = f"Translate the text into {compiled(self.to).render(row)}. Give only the translation."
        terms = self._terms(row, source)
        told = f"{order} {_pairs(terms)}" if terms else order

        def wrong(new: str) -> str | None:
            lost = {term: wanted for term, wanted in terms.items() if wanted.casefold() not in new.casefold()}
            return _pairs(lost) if lost else None

        return (yield from self.said(row, source, told, lambda _: order, wrong=wrong))

    def _terms(self, row: Row, source: str) -> dict[str, str]:
        """The glossary's terms that are in the text."""
        pairs = {
            compiled(term).render(row).strip(): compiled(wanted).render(row).strip() for term, wanted in self.glossary.items()
        }
        return {a: b for a, b in pairs.items() if a and b and re.search(rf"(?<!\w){re.escape(a)}(?!\w)", source, re.IGNORECASE)}

    def problem(self, source: str, new: str) -> str | None:
        """The source itself, or lost numbers."""
        if similarity(source, new) > 0.9 and len(source.split()) > 3:
            return "translate it: these are the words of the text"
        left = {word.lower() for word in _ENGLISH.findall(new)} & {word.lower() for word in _ENGLISH.findall(source)}
        if left and not self.to.lower().startswith("english"):
            return f"translate these words too: {', '.join(sorted(left))}"
        lost = sorted(numbers(source) - numbers(new)) if self.keep_numbers else []
        added = sorted(numbers(new) - numbers(source)) if self.keep_numbers else []
        if lost:
            return f"write these numbers too: {', '.join(lost[:5])}"
        return f"leave out these numbers, which the text does not have: {', '.join(added[:5])}" if added else None


class Summarise(Restating):
    """Summarise a text: shorter than it, at most `sentences` sentences, no number and no name that it does not have.

    ```yaml
    short: {kind: summarise, text: "{{ report }}", sentences: 2}
    ```

    Attributes:
        sentences: most sentences.
        focus: what matters to the reader.
        text: a template; the text.
        examples: worked ones, `{text, output}`, shown as earlier turns (rewrite: with their own `style` too).
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "summarise"

    sentences: int = Field(default=2, ge=1)
    focus: TemplateText = ""

    def templates(self) -> tuple[str, ...]:
        """Text and focus."""
        return (self.text, self.focus)

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call."""
        focus = compiled(self.focus).render(row)
        order = (
            f"Summarise the text in at most {_sentences(self.sentences)}"
            f"{f', for a reader who cares about {focus}' if focus else ''}. Use only what it says. Give only the summary."
        )
        return (yield from self.said(row, compiled(self.text).render(row), order))

    def problem(self, source: str, new: str) -> str | None:
        """Too long, or invented numbers."""
        if len(new) >= len(source):
            return f"write less than the text: only what matters most, in at most {_sentences(self.sentences)}"
        if _META.match(new):
            return "it talks about the text; say what the text says"
        count = len(sentences(new))
        if count > self.sentences:
            return f"write less: it has {count} sentences, and at most {self.sentences} are asked for"
        added = sorted(numbers(new) - numbers(source))
        if added:
            return f"leave out these numbers, which the text does not have: {', '.join(added[:5])}"
        names = sorted({name for name in _NAME.findall(new) if name.lower() not in source.lower()})
        return f"leave out these names, which the text does not have: {', '.join(names[:5])}" if names else None


class Backtranslate(Restating):
    """Say a text otherwise by way of another language; or, with `to: instruction`, find the instruction that it answers.

    ```yaml
    varied: {kind: backtranslate, text: "{{ review }}", by: German}
    asked:  {kind: backtranslate, text: "{{ article }}", to: instruction}
    ```

    Attributes:
        by: how they are chosen.
        language: the language of the text.
        to: a template; the language to translate into.
        text: a template; the text.
        examples: worked ones, `{text, output}`, shown as earlier turns (rewrite: with their own `style` too).
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Sennrich et al. 2016, "Improving Neural Machine Translation Models with Monolingual Data" (1511.06709); Li et al. 2023,
        "Self-Alignment with Instruction Backtranslation" (2308.06259).
    """

    kind: ClassVar[str] = "backtranslate"

    by: TemplateText = "German"
    language: str = "English"
    to: str = Field(default="text", pattern="^(text|instruction)$")

    def templates(self) -> tuple[str, ...]:
        """Text and language."""
        return (self.text, self.by)

    def calls(self) -> float:
        """Two, or one."""
        return 2.0 if self.to == "text" else 1.0

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """There and back; or one call for the instruction."""
        source = compiled(self.text).render(row)
        if self.to == "instruction":
            order = (
                "Write the instruction to an AI assistant to which the text is the perfect answer. Give only the instruction."
            )
            return (yield from self.said(row, source, order))
        there = f"Translate the text into {compiled(self.by).render(row)}. Give only the translation."
        middle = yield from self.said(row, source, there)
        return (yield from self.said(row, middle, f"Translate the text into {self.language}. Give only the translation."))

    def problem(self, source: str, new: str) -> str | None:
        """The source itself; an instruction that quotes its answer."""
        if self.to == "instruction":
            return "it gives the text itself; ask for it" if len(new) > 60 and new.strip() in source else None
        return "it is not translated" if similarity(source, new) > 0.97 and len(source.split()) > 3 else None
