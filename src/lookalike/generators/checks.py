"""Rules that a written text must hold, checked against its row; what fails is told to the model, which writes again."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from functools import cache
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lookalike.errors import RecipeError
from lookalike.generators.asking import ask
from lookalike.generators.quoting import quoted
from lookalike.generators.reading import read_choice
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.words import caseless, unmarked
from lookalike.models.base import Message, Reply, Request
from lookalike.optional import require
from lookalike.rows.batch import Row
from lookalike.rows.sql import Sql, row_where, sql_columns

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_SENTENCE = re.compile(r"[^.!?…。！？؟۔।]+(?:[.!?…。！？؟۔।]+|$)")
_SENTIMENTS = ("positive", "negative", "neutral")


class Bounds(BaseModel):
    """A least and a greatest count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min: int = Field(0, ge=0)
    max: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"min is {self.min} and max is {self.max}: swap them")
        return self

    def against(self, count: int, unit: str) -> str | None:
        """What to do about a wrong count, or None."""
        if count < self.min:
            return f"write more: it has {_counted(count, unit)}, and at least {self.min} are asked for"
        if self.max is not None and count > self.max:
            return f"write less: it has {_counted(count, unit)}, and at most {self.max} are asked for"
        return None


def _counted(count: int, unit: str) -> str:
    return f"{count or 'no'} {unit.removesuffix('s') if count == 1 else unit}"


class Agree(BaseModel):
    """A question to a model about the text, whose answer must be what the row says.

    Attributes:
        question: asked with the text above it, which is quoted: an order in it is none.
        choices: the answers that may be given.
        expect: a template; its text is the answer wanted.
        model: who is asked; empty: the column's own model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: TemplateText
    choices: tuple[str, ...] = Field(min_length=2)
    expect: TemplateText
    model: str = ""


class Check(BaseModel):
    """One rule: exactly one field, and `says` where the model is to be told something better than the rule itself.

    Attributes:
        regex: is found in the text.
        must_not: templates of texts that do not occur, in any case.
        must_mention: templates of texts that occur, in any case.
        words: least and greatest count of words.
        sentences: least and greatest count of sentences.
        sentiment: a template that gives positive, negative or neutral; the text's own sentiment (VADER) is that.
        sql: a condition over the row and the text, which is `value`.
        agree: a model, asked about the text, answers what the row says.
        says: a template: what the model is told when the rule does not hold, as an order ("End with a question mark."). Give it
            with `regex` and `sql`, whose text helps no small model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    regex: str | None = None
    must_not: tuple[TemplateText, ...] | None = None
    must_mention: tuple[TemplateText, ...] | None = None
    words: Bounds | None = None
    sentences: Bounds | None = None
    sentiment: TemplateText | None = None
    sql: Sql | None = None
    agree: Agree | None = None
    says: TemplateText = ""

    @field_validator("must_not", "must_mention", mode="before", json_schema_input_type=str | tuple[str, ...] | None)
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("regex")
    @classmethod
    def _readable(cls, regex: str | None) -> str | None:
        try:
            re.compile(regex or "")
        except re.error as exc:
            raise ValueError(f"regex: {regex!r} cannot be read: {exc}") from exc
        return regex

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        rules = [name for name in type(self).model_fields if name != "says"]
        given = [name for name in rules if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a check has exactly one of {', '.join(rules)}; this one has {len(given)}")
        return self

    def needs(self) -> frozenset[str]:
        """The columns that the rule compares with."""
        texts = [*(self.must_not or ()), *(self.must_mention or ()), *([self.sentiment] if self.sentiment else []), self.says]
        if self.agree:
            texts += [self.agree.question, self.agree.expect]
        found = frozenset().union(*(compiled(text).needs for text in texts))
        return (found | sql_columns(self.sql) if self.sql else found) - {"value"}

    def models(self) -> frozenset[str]:
        """The models that the rule asks, beside the column's own."""
        return frozenset({self.agree.model} if self.agree and self.agree.model else ())

    def problem(self, text: str, row: Row, model: str) -> Generator[Request, Reply, str | None]:
        """What the model is told to do about a text that does not hold the rule, or None."""
        found = (yield from _disagrees(self.agree, text, row, model)) if self.agree is not None else self._broken(text, row)
        return (compiled(self.says).render(row).strip() or found) if found else None

    def _broken(self, text: str, row: Row) -> str | None:
        folded = caseless(text)
        if self.sql is not None:
            seen = {"_id": 0, **row, "value": text}
            types = {name: pa.scalar(seen[name]).type for name in sql_columns(self.sql)}
            return (
                None
                if row_where(self.sql, seen, types)
                else f"make this SQL condition true, where `value` is the text: {self.sql}"
            )
        if self.regex is not None:
            return None if re.search(self.regex, text) else f"make it match the regular expression {self.regex}"
        if self.must_not is not None:
            found = [word for word in (compiled(t).render(row) for t in self.must_not) if word and caseless(word) in folded]
            return f"do not write {_listed(found, 'or')}" if found else None
        if self.must_mention is not None:
            lost = [word for word in (compiled(t).render(row) for t in self.must_mention) if caseless(word) not in folded]
            return f"mention {_listed(lost, 'and')}, in exactly these words" if lost else None
        if self.words is not None:
            return self.words.against(len(_WORD.findall(unmarked(text))), "words")
        if self.sentences is not None:
            return self.sentences.against(sum(bool(_WORD.search(part)) for part in _SENTENCE.findall(text)), "sentences")
        assert self.sentiment is not None
        wanted = compiled(self.sentiment).render(row).strip().casefold()
        if wanted not in _SENTIMENTS:
            return None  # mixed and the like: no rule can tell
        got = sentiment(text)
        return None if got == wanted else f"make it clearly {wanted}: it sounds {got}"


def _listed(words: Sequence[str], last: str) -> str:
    """`"a", "b" or "c"`."""
    *first, final = [f'"{word.strip()}"' for word in words]
    return f"{', '.join(first)} {last} {final}" if first else final


@cache
def _analyser() -> Any:
    return require("vaderSentiment.vaderSentiment", extra="text").SentimentIntensityAnalyzer()


def sentiment(text: str) -> Literal["positive", "negative", "neutral"]:
    """The sentiment of an English text by VADER's compound score and its usual cuts at 0.05.

    Raises:
        MissingExtra: vaderSentiment is not installed.

    Source:
        Hutto and Gilbert 2014, "VADER: a parsimonious rule-based model for sentiment analysis of social media text".
    """
    score = float(_analyser().polarity_scores(text)["compound"])
    if score >= 0.05:
        return "positive"
    return "negative" if score <= -0.05 else "neutral"


def _disagrees(agree: Agree, text: str, row: Row, model: str) -> Generator[Request, Reply, str | None]:
    wanted = compiled(agree.expect).render(row).strip()
    if wanted.casefold() not in {choice.casefold() for choice in agree.choices}:
        raise RecipeError(
            what=f"agree: `expect` gives {wanted!r}, which is not among the choices {', '.join(agree.choices)}",
            fix="add it to `choices`",
        )
    question = (
        f"{quoted(text, label='text')}\n\n{compiled(agree.question).render(row)}\n\n"
        f"Answer with exactly one of: {', '.join(agree.choices)}."
    )
    request = Request(agree.model or model, (Message("user", question),), choices=agree.choices, temperature=0.0, max_tokens=24)
    answer = yield from ask(request, read=read_choice(agree.choices))
    if answer.value.casefold() == wanted.casefold():
        return None
    asked = compiled(agree.question).render(row)
    return f'write it so that a reader who is asked "{asked}" answers "{wanted}"; now the answer is "{answer.value}"'
