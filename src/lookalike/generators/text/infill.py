"""infill: what is missing in a text, filled from both sides."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, ModelWrapValidatorHandler, model_validator

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation, Generator, ModelColumn
from lookalike.generators.quoting import quoted
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.text.columns import head, texts
from lookalike.generators.text.ngrams import WordModel, joined, tokens
from lookalike.models.base import Message, Request
from lookalike.rows.batch import Batch, Row
from lookalike.rows.context import Context, TableKey

Gap = Literal["mask", "null", "truncated"]
_NEAR = 400  # characters round a gap that are looked at


class Infill(Generator):
    """Fill what is missing in a text from both sides: masked places, null cells, truncated ends.

    Without `model`, by a word model of the user's own `corpus`, read forwards and backwards; with `model`, a language model
    writes each missing piece. Everything that was there stays as it is, to the character.

    ```yaml
    whole: {kind: infill, text: note, corpus: notes.note}                 # [MASK] and null
    ended: {kind: infill, text: note, corpus: notes.note, fill: [truncated]}
    asked: {kind: infill, text: note, model: default}
    ```

    Attributes:
        text: a text column with gaps.
        corpus: `source.column`: the texts that the word model learns from.
        model: a model's name: it fills instead of the word model.
        mask: what stands for a missing piece.
        fill: which gaps: mask, null, truncated.
        longest: most words in a masked place.
        words: most words of a null cell or a truncated end.
    """

    kind: ClassVar[str] = "infill"

    text: str
    corpus: str = ""
    model: str | None = None
    mask: str = Field(default="[MASK]", min_length=1)
    fill: tuple[Gap, ...] = ("mask", "null")
    longest: int = Field(default=6, ge=1, le=50)
    words: int = Field(default=60, ge=1)

    @model_validator(mode="wrap")
    @classmethod
    def _by_model(cls, data: Any, handler: ModelWrapValidatorHandler[Infill]) -> Any:
        """With `model:`, the same fields as a conversation."""
        if cls is Infill and isinstance(data, dict) and data.get("model"):
            return AskedInfill.model_validate(data)
        spec = handler(data)
        if not spec.model and spec.corpus.count(".") < 1:
            raise ValueError("infill needs `corpus: source.column` to learn from, or a `model`")
        return spec

    def needs(self) -> frozenset[str]:
        """The text."""
        return frozenset({head(self.text)})

    def sources(self) -> frozenset[str]:
        """The corpus."""
        return frozenset({self.corpus.partition(".")[0]} - {""})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Texts without gaps [n]."""
        source, _, column = self.corpus.partition(".")
        learned = learn(TableKey(ctx.tables.source(source)), column)
        cells = texts(batch, self.text)
        return pa.array(
            [self._filled(text, learned, ctx, row) for text, row in zip(cells, batch.ids.tolist(), strict=True)], pa.string()
        )

    def _filled(self, text: str | None, learned: WordModel, ctx: Context, row: int) -> str | None:
        if text is None:
            return joined(learned.write(ctx.generator(row), most=self.words)) if "null" in self.fill else None
        if "mask" in self.fill and self.mask in text:
            draws = ctx.generator(row)
            before, *rest = text.split(self.mask)
            whole = [before]
            for after in rest:
                # a word model looks at two tokens on each side; long documents are not read again for every gap
                left, right = tokens(before[-_NEAR:]), tokens(after[:_NEAR])
                whole += [joined(learned.fill(left, right, draws, longest=self.longest)), after]
                before = before[-_NEAR:] + whole[-2] + after
            text = "".join(whole)
        if "truncated" in self.fill and _cut_off(text):
            more = joined(learned.write(ctx.generator(row), after=tokens(text[-_NEAR:]), most=self.words, to_end=False))
            text = text.rstrip() + ("" if more[:1] in ".,;:!?" else " ") + more if more else text
        return text


def _cut_off(text: str) -> bool:
    """Whether a text ends inside a sentence."""
    last = text.rstrip()[-1:]
    return last.isalnum() or last in tuple("_,;:–-")


@lru_cache(maxsize=4)
def learn(corpus: TableKey, column: str) -> WordModel:
    """The word model of a source's column, learned once a process."""
    if column not in corpus.table.column_names:
        raise SourceError(
            what=f"the corpus has no column {column!r}", fix=did_you_mean(column, corpus.table.column_names, label="columns")
        )
    return WordModel.fit(corpus.table[column].to_pylist())


class AskedInfill(ModelColumn, Infill):
    """Infill by a language model, gap by gap, each asked with the text on both sides."""

    kind: ClassVar[str] = "infill"

    def models(self) -> frozenset[str]:
        """The one that fills."""
        return frozenset({self.model or ""})

    def arrow_type(self) -> pa.DataType:
        """Text."""
        return pa.string()

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call a gap; the model gives the missing words only, and code puts them in."""
        text = row[self.text] if self.text in row else _path(row, self.text)
        if text is None:
            if "null" not in self.fill:
                return None
            answer = yield from ask(self._request("", "", f"Write a text of at most {self.words} words."), read=read_text)
            return answer.value
        if "mask" in self.fill and self.mask in text:
            before, *rest = text.split(self.mask)
            for after in rest:
                question = f"Give the words (at most {self.longest}) that belong in the gap."
                answer = yield from ask(self._request(before, after, question), read=self._piece)
                before = before + answer.value + after
            text = before
        if "truncated" in self.fill and _cut_off(text):
            answer = yield from ask(self._request(text, "", "Give the words that end the last sentence."), read=read_text)
            rest = answer.value
            text = text.rstrip() + " " + (rest[len(text) :].strip() if rest.startswith(text) else rest)
        return text

    def _piece(self, reply: str) -> str:
        piece = str(read_text(reply)).strip()
        if len(piece.split()) > 2 * self.longest:
            raise Unfit(f"give only the missing words, at most {self.longest}; not the whole text")
        return piece.rstrip(".") if piece.count(".") == 1 else piece

    def _request(self, before: str, after: str, question: str) -> Request:
        sides = (("Text before the gap", before[-2000:]), ("Text after the gap", after[:2000]))
        shown = "".join(f"{name}:\n{quoted(text, label='text')}\n\n" for name, text in sides if text)
        prompt = f"{shown}{question} Answer with nothing else."
        return Request(self.model or "", (Message("user", prompt),), max_tokens=max(32, 3 * self.words))


def _path(row: Row, path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = None if value is None else value[name]
    return value
