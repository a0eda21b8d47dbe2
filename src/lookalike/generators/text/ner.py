"""ner: texts whose entities are known before they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking
from lookalike.generators.text.finding import occurrences
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("text", pa.string())])


class Written(BaseModel):
    """A worked example, shown to the model before the row's own entities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str
    entities: tuple[str, ...] = Field(min_length=1)
    output: str = Field(min_length=1)


def _order(sort: str, entities: Iterable[str]) -> str:
    listed = "\n".join(f"- {text}" for text in entities)
    return f"Write {sort} that contains each of these, spelled exactly like this:\n{listed}\nGive only the text."


class Ner(TextAsking):
    """A text that contains given entities, with their spans: entities are sampled first, the text is written round them.

    A text that leaves one out, changes its spelling, or only lists them is asked again. Every place where an entity stands is labelled; where
    two overlap, the longer wins. The cell is `{text, spans}`.

    ```yaml
    tagged: {kind: ner, prompt: "a short news item", entities: {PERSON: "{{ who.name }}", CITY: "{{ city }}"}}
    ```

    Attributes:
        prompt: what sort of text.
        entities: label -> the entity's text; an empty one is left out.
        examples: worked ones, `{prompt, entities, output}` with a list of entities, shown as earlier turns.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "ner"

    prompt: TemplateText = "one or two sentences"
    entities: dict[str, TemplateText] = Field(min_length=1)
    examples: tuple[Written, ...] = ()

    def templates(self) -> tuple[str, ...]:
        """Prompt and entities."""
        return (self.prompt, *self.entities.values())

    def arrow_type(self) -> pa.DataType:
        """Text and spans."""
        return pa.struct([("text", pa.string()), ("spans", pa.list_(SPAN))])

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call; the spans are found, not asked for."""
        given = {label: compiled(text).render(row).strip() for label, text in self.entities.items()}
        given = {label: text for label, text in given.items() if text}
        question = _order(compiled(self.prompt).render(row), given.values())
        shown = [(_order(each.prompt, each.entities), each.output) for each in self.examples]

        def read(reply: str) -> dict[str, Any]:
            text = read_text(reply)
            lost = [piece for piece in given.values() if not occurrences(piece, text)]
            if lost:
                raise Unfit(f"it must contain, spelled exactly like this: {', '.join(lost)}")
            if len(text.split()) < sum(len(piece.split()) for piece in given.values()) + 3:
                raise Unfit("it only lists them; write a whole sentence")
            return {"text": text, "spans": tagged(text, given)}

        answer = yield from ask(self.request(row, question, shown=shown), read=read, tries=self.tries)
        return answer.value


def tagged(text: str, entities: dict[str, str]) -> list[dict[str, Any]]:
    """The spans of entities (label -> text) in a text: ascending, without overlaps, longer ones first."""
    found = [(a, b, label) for label, piece in entities.items() if piece for a, b in occurrences(piece, text)]
    taken: list[tuple[int, int, str]] = []
    for a, b, label in sorted(found, key=lambda s: (s[0] - s[1], s[0])):
        if all(b <= c or d <= a for c, d, _ in taken):
            taken.append((a, b, label))
    return [{"start": a, "end": b, "label": label, "text": text[a:b]} for a, b, label in sorted(taken)]
