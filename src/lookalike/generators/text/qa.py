"""qa: questions about a document, with answers that are where they are said to be."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import leaks, quoted
from lookalike.generators.reading import Unfit, read_choice, read_json, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.generators.text.edits import Span
from lookalike.generators.text.finding import answer_candidates, find_quote
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())])
_TEXT = {"type": "string", "minLength": 1}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


class Questioned(BaseModel):
    """A worked example: a document, a piece of it, and the question that it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    question: str = Field(min_length=1)


class Qa(TextAsking):
    """A question about a document and its answer, with offsets that hold.

    `form`:
    `extractive`: the answer is a piece of the document; code finds its span, and a quotation that is not there is asked again.
    `abstractive`: the answer is in other words; `evidence` holds the spans that it rests on.
    `multi_hop`: the question needs two pieces of evidence, both found in the document.
    `unanswerable`: the document looks as if it answered, but does not; a second look must agree. The answer is null.

    `answer_by: code` draws the answer from the document first (amounts, names, noun phrases) and only asks for its question,
    which small models do much better; `answer` gives the answer from another column. The cell is `{question, answer, start,
    end, answerable, evidence}`; offsets count code points.

    ```yaml
    qa: {kind: qa, document: "{{ text }}", answer_by: code}
    ```

    Attributes:
        document: a template; the document.
        form: which sort of question.
        answer_by: who finds the answer: the model, or code.
        answer: the answer, when it is known.
        examples: worked ones, `{document, answer, question}`, shown as earlier turns where the answer is given.
        round_trip: ask the question back and keep it only when the same answer comes.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Rajpurkar et al. 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD" (1806.03822); Alberti et al. 2019,
        "Synthetic QA Corpora Generation with Roundtrip Consistency" (1906.05416).
    """

    kind: ClassVar[str] = "qa"

    document: TemplateText
    form: Literal["extractive", "abstractive", "multi_hop", "unanswerable"] = "extractive"
    answer_by: Literal["model", "code"] = "model"
    answer: TemplateText = ""
    round_trip: bool = False
    examples: tuple[Questioned, ...] = ()

    def templates(self) -> tuple[str, ...]:
        """Document and answer."""
        return (self.document, self.answer)

    def arrow_type(self) -> pa.DataType:
        """The question and all that holds of it."""
        return pa.struct(
            [("question", pa.string()), ("answer", pa.string()), ("start", pa.int64()), ("end", pa.int64()),
             ("answerable", pa.bool_()), ("evidence", pa.list_(_SPAN))]
        )  # fmt: skip

    def calls(self) -> float:
        """One, and one for a second look."""
        return 1.0 + (self.form == "unanswerable" or self.round_trip)

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """The form's own conversation."""
        document = compiled(self.document).render(row)
        if not document.strip():
            raise CallFailed(what="the document is empty", where=f"row {row['_id']}", fix="filter such rows with `when`")
        if self.form == "unanswerable":
            return (yield from self._unanswerable(row, document))
        if self.form == "extractive":
            span = self._given(row, document, ctx)
            cell = yield from (self._ask_for(row, document, span) if span else self._extract(row, document))
            return (yield from self._again(row, document, cell)) if self.round_trip else cell
        return (yield from self._explain(row, document))

    def _given(self, row: Row, document: str, ctx: Context) -> Span | None:
        """The answer's span when code or a column gives it."""
        if self.answer:
            answer = compiled(self.answer).render(row)
            span = find_quote(answer, document)
            if span is None:
                raise CallFailed(
                    what=f"the answer {answer[:60]!r} is not in the document", fix="give an answer that it contains"
                )
            return span
        if self.answer_by == "model":
            return None
        candidates = answer_candidates(document)
        if not candidates:
            raise CallFailed(what="the document has no piece that could be an answer", fix="use answer_by: model")
        return candidates[int(ctx.generator(int(row["_id"])).integers(len(candidates)))]

    def _ask_for(self, row: Row, document: str, span: Span) -> Conversation:
        """The question to a given answer."""
        answer = document[slice(*span)]

        def read(reply: str) -> str:
            question = self._question(read_text(reply), answer, document)
            if any(similarity(question, each.question) > 0.8 > similarity(document, each.document) for each in self.examples):
                raise Unfit("it is the question of an example; ask about the document between the marks")
            return question

        shown = [(_sought(each.document, each.answer), each.question) for each in self.examples]
        asked = yield from ask(self.request(row, _sought(document, answer), shown=shown), read=read, tries=self.tries)
        return _cell(asked.value, answer, span)

    def _extract(self, row: Row, document: str) -> Conversation:
        """Question and quotation from the model; the span from code."""
        order = (
            "Write a question that the document answers, and the answer: a short piece (at most 12 words) copied from the "
            "document letter by letter."
        )
        schema = _object(question=_TEXT, answer=_TEXT)
        parse = read_json(schema)

        def read(reply: str) -> dict[str, Any]:
            value: dict[str, str] = parse(reply)
            span = find_quote(value["answer"], document)
            if span is None:
                raise Unfit(f"the answer {value['answer'][:60]!r} is not a piece of the document; copy it letter by letter")
            if span[1] - span[0] > 200:
                raise Unfit("the answer is too long; copy at most 12 words")
            answer = document[slice(*span)]
            return _cell(self._question(value["question"], answer, document), answer, span)

        asked = yield from ask(self.request(row, f"{quoted(document)}\n\n{order}", schema=schema), read=read, tries=self.tries)
        return asked.value

    def _explain(self, row: Row, document: str) -> Conversation:
        """Question, answer in own words, and the quotations that it rests on."""
        pieces = 2 if self.form == "multi_hop" else 1
        order = (
            f"Write a question that can only be answered by {'combining two different places of' if pieces == 2 else 'reading'} the "
            f"document, its answer in your own words, and as evidence {pieces} sentence{'s' * (pieces > 1)} copied from the document "
            "letter by letter."
        )
        schema = _object(question=_TEXT, answer=_TEXT, evidence={"type": "array", "items": _TEXT, "minItems": pieces})
        parse = read_json(schema)

        def read(reply: str) -> dict[str, Any]:
            value: dict[str, Any] = parse(reply)
            spans = [find_quote(piece, document) for piece in value["evidence"]]
            lost = [piece for piece, span in zip(value["evidence"], spans, strict=True) if span is None]
            if lost:
                raise Unfit(f"this evidence is not in the document: {lost[0][:80]!r}; copy it letter by letter")
            found = sorted({span for span in spans if span})
            if len(found) < pieces or any(a[1] > b[0] for a, b in pairwise(found)):
                raise Unfit(f"the evidence must be {pieces} different places of the document")
            question = self._question(value["question"], value["answer"], document)
            evidence = [{"start": a, "end": b, "text": document[a:b]} for a, b in found]
            return {**_cell(question, value["answer"], None), "answerable": True, "evidence": evidence}

        asked = yield from ask(self.request(row, f"{quoted(document)}\n\n{order}", schema=schema), read=read, tries=self.tries)
        return asked.value

    def _unanswerable(self, row: Row, document: str) -> Conversation:
        """A question, and a second look that finds no answer."""
        order = (
            "Write one question on the same subject that sounds as if the document answered it, although it does not. "
            "Give only the question."
        )

        def read(reply: str) -> str:
            return self._question(read_text(reply), "", document)

        def verify(question: str) -> Any:
            check = f"{quoted(document)}\n\nQuestion: {question}\nDoes the document give the answer? Answer yes or no."
            request = self.request(row, check, choices=("yes", "no"), temperature=0.0)
            answer = yield from ask(request, read=read_choice(("yes", "no")), tries=self.tries)
            return (
                ["the document answers this question; ask for something that it does not say"] if answer.value == "yes" else ()
            )

        request = self.request(row, f"{quoted(document)}\n\n{order}")
        asked = yield from ask(request, read=read, verify=verify, tries=self.tries)
        return _cell(asked.value, None, None)

    def _again(self, row: Row, document: str, cell: dict[str, Any]) -> Conversation:
        """The cell, when the question leads back to its answer."""
        order = f"Question: {cell['question']}\nAnswer with the shortest piece of the document that answers it, copied letter by letter."
        asked = yield from ask(
            self.request(row, f"{quoted(document)}\n\n{order}", temperature=0.0), read=read_text, tries=self.tries
        )
        span = find_quote(asked.value, document)
        overlap = span is not None and span[0] < cell["end"] and cell["start"] < span[1]
        if not overlap and similarity(asked.value, cell["answer"]) < 0.5:
            raise CallFailed(what=f"asked back, the question gives {asked.value[:60]!r} instead of {cell['answer'][:60]!r}")
        return cell

    def _question(self, question: str, answer: str, document: str) -> str:
        """The question, when it is one and gives nothing away."""
        question = question.strip()
        if leaks(question, document):
            raise Unfit("it repeats the marks round the document; give only the question")
        if not question.rstrip("\"'”’)* ").endswith(("?", "？", "؟")):
            raise Unfit("it is not a question; end it with a question mark")
        if len(answer) > 3 and answer.casefold() in question.casefold():
            raise Unfit("the question contains its answer; ask without saying it")
        return question


def _sought(document: str, answer: str) -> str:
    """The order for the question to a given answer."""
    return (
        f"{quoted(document)}\n\nWrite one question whose answer is exactly: {answer}\nThe document answers the question. Begin with "
        f"a question word, such as {opening(answer, document.partition(answer)[0])}, end with a question mark, and do not say the answer. Give only the question."
    )


def opening(answer: str, before: str = "") -> str:
    """How a question to an answer begins, given what stands before it; small models need to be told."""
    if re.fullmatch(r"(?:1[5-9]|20)\d\d", answer):
        return "In which year"
    if answer[:1] in "$€£" or "million" in answer or "billion" in answer:
        return "How much"
    if re.search(r"\d.*(?:year|month|week|day|hour|minute)", answer):
        return "How long"
    if answer[:1].isdigit():
        return "How many"
    if answer[:1].isupper() and re.search(r"\b(?:in|at|near|from|of)\s+\Z", before):
        return "Where"
    return "Who" if re.fullmatch(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+)+", answer) else "What"


def _cell(question: str, answer: str | None, span: Span | None) -> dict[str, Any]:
    evidence = [{"start": span[0], "end": span[1], "text": answer}] if span else []
    start, end = span or (None, None)
    return {
        "question": question,
        "answer": answer,
        "start": start,
        "end": end,
        "answerable": answer is not None,
        "evidence": evidence,
    }
