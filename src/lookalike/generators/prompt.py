"""`prompt`: a cell that a language model writes."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Self

import orjson
import pyarrow as pa
from pydantic import BaseModel, Field, field_validator, model_validator

from lookalike.generators.asking import CheckedAnswer, ask
from lookalike.generators.attachments import Attachment
from lookalike.generators.base import Conversation, ModelColumn
from lookalike.generators.checks import Check
from lookalike.generators.code_blocks import language, read_code
from lookalike.generators.examples import Drawn, Example, example_problem
from lookalike.generators.importing import CodePath
from lookalike.generators.reading import Read, read_choice, read_json, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.tools import tool_set
from lookalike.models.base import Message, Reply, Request
from lookalike.models.wire import wire
from lookalike.rows.batch import Row
from lookalike.rows.context import Context
from lookalike.rows.json_schema import validator
from lookalike.rows.json_types import arrow_of, cells


class Prompt(ModelColumn):
    """A cell that a language model writes: prose, one of some choices, JSON that fits a schema, or code.

    The prompt is a template over the row. What comes back is checked: an empty, refused or cut-off answer, broken JSON, a wrong
    choice, code that does not parse or a failed check is asked again with the reason, up to `tries` replies.

    ```yaml
    note:   {kind: prompt, prompt: "Visit note in two sentences: {{ sex }}, {{ age }} years, {{ diagnosis }}.", max_tokens: 120}
    urgent: {kind: prompt, prompt: "Is this urgent? {{ note }}", choices: ["yes", "no"]}
    coded:
      kind: prompt
      model: writer
      prompt: "Code this note: {{ note }}"
      schema: {type: object, properties: {icd10: {type: string}}, required: [icd10]}
    review:
      kind: prompt
      prompt: "Write a {{ sentiment }} review of a {{ product }} in two sentences."
      examples: {source: reviews, column: text, n: 2, match: [sentiment]}
      checks:
        - {sentences: {min: 1, max: 4}}
        - {must_mention: "{{ product }}"}
        - agree: {question: "Is the writer content?", choices: [positive, negative], expect: "{{ sentiment }}"}
    ```

    Attributes:
        prompt: a template; what is asked.
        model: a name under `models:`.
        system: a template; the system message.
        schema: a JSON Schema, or in Python a pydantic class; the cell is then a struct, a list or a plain value.
        choices: the answer is exactly one of these.
        code: a language; the code is taken out of the answer, and parsed for python, sql (DuckDB's), json, jsonl, yaml, toml, xml and regex.
        examples: a list of `{input, output}` or of texts, or `{source, column, n, match}`: drawn anew for each row.
        checks: rules that the written text must hold; what fails is told to the model.
        attach: images, sounds or texts that go with the prompt: `{column}` or `{file}`.
        tools: functions `module:name` that the model may call (with --allow-code).
        max_turns: replies with tool calls that are served.
        temperature: of sampling; none: the model's own.
        top_p: of sampling.
        max_tokens: of a reply. Prose that reaches it ends at its last whole sentence; anything else is asked again once with twice as many.
        stop: texts that end the reply.
        extra: options passed to the provider as they are.
        tries: replies looked at before the cell fails.
        reasoning: keep the model's reasoning; the cell is then a struct {value, reasoning}.
        trace: keep the conversation, tool calls included, as JSON text; the cell is then a struct with `trace`.
    """

    kind: ClassVar[str] = "prompt"

    prompt: TemplateText
    model: str = "default"
    system: TemplateText = ""
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    choices: tuple[str, ...] = ()
    code: str = ""
    examples: Drawn | tuple[Example, ...] = ()
    checks: tuple[Check, ...] = ()
    attach: tuple[Attachment, ...] = ()
    tools: tuple[CodePath, ...] = ()
    max_turns: int = Field(5, ge=1, le=50)
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    stop: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)
    tries: int = Field(3, ge=1, le=20)
    reasoning: bool = False
    trace: bool = False

    @field_validator("schema_", mode="before")
    @classmethod
    def _schema_of_class(cls, schema: Any) -> Any:
        return schema.model_json_schema() if isinstance(schema, type) and issubclass(schema, BaseModel) else schema

    @field_validator("schema_")
    @classmethod
    def _schema_is_one(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            try:
                validator(schema)
            except ValueError as exc:
                raise ValueError(f"schema is no JSON Schema: {exc}") from exc
        return schema

    @field_validator("code")
    @classmethod
    def _code_is_a_language(cls, code: str) -> str:
        if code:
            language(code)
        return code

    @field_validator("examples", mode="before")
    @classmethod
    def _texts(cls, examples: Any) -> Any:
        if isinstance(examples, Sequence) and not isinstance(examples, str):
            return tuple({"output": each} if isinstance(each, str) else each for each in examples)
        return examples

    @field_validator("checks", "attach", "tools", "stop", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        return (value,) if isinstance(value, (str, Mapping)) else value

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [name for name, given in (("schema", self.schema_), ("choices", self.choices), ("code", self.code)) if given]
        if len(forms) > 1:
            raise ValueError(f"{' and '.join(forms)} do not go together; take one")
        problem = example_problem(self.examples)
        if problem is not None:
            raise ValueError(str(problem))
        return self

    def needs(self) -> frozenset[str]:
        """The columns of the prompt, the system message, examples, checks and attachments."""
        found = compiled(self.prompt).needs | compiled(self.system).needs
        found |= self.examples.needs() if isinstance(self.examples, Drawn) else frozenset()
        found = found.union(*(check.needs() for check in self.checks))
        return found.union(*(attachment.needs() for attachment in self.attach))

    def sources(self) -> frozenset[str]:
        """The source of examples."""
        return frozenset({self.examples.source} if isinstance(self.examples, Drawn) else ())

    def models(self) -> frozenset[str]:
        """The writer, and the models that checks ask."""
        return frozenset({self.model}).union(*(check.models() for check in self.checks))

    def arrow_type(self) -> pa.DataType:
        """Text, or the schema's type; a struct with `value` when reasoning or trace is kept."""
        return self._type

    @cached_property
    def _type(self) -> pa.DataType:
        value = arrow_of(self.schema_) if self.schema_ is not None else pa.string()
        kept = [(name, pa.string()) for name in ("reasoning", "trace") if getattr(self, name)]
        return pa.struct([("value", value), *kept]) if kept else value

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Ask, check, ask again."""
        tools, served = tool_set(self.tools, ctx) if self.tools else ((), {})
        request = Request(
            self.model, self._messages(row, ctx), schema=self.schema_, choices=self.choices, tools=tools, stop=self.stop,
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, extra=self.extra,
        )  # fmt: skip
        answer = yield from ask(
            request, read=self._reader, verify=(lambda value: self._verify(value, row)) if self.checks else None,
            tries=self.tries, whole=self._prose and self.max_tokens is not None, tools=served, max_turns=self.max_turns,
        )  # fmt: skip
        return self._cell(answer)

    @property
    def _prose(self) -> bool:
        return self.schema_ is None and not self.choices and not self.code

    @cached_property
    def _reader(self) -> Read:
        if self.schema_ is not None:
            return read_json(self.schema_, self._value)
        if self.choices:
            return read_choice(self.choices)
        return read_code(self.code) if self.code else read_text

    def _messages(self, row: Row, ctx: Context) -> tuple[Message, ...]:
        """System, examples as earlier turns (or as answers to imitate), and the question."""
        question = compiled(self.prompt).render(row)
        examples = self.examples.draw(row, ctx) if isinstance(self.examples, Drawn) else self.examples
        turns = [Message("system", compiled(self.system).render(row))] if self.system else []
        if examples and examples[0].input:
            for each in examples:
                turns += [Message("user", each.input), Message("assistant", each.output)]
        elif examples:
            listed = "\n".join(f"{number}. {each.output}" for number, each in enumerate(examples, 1))
            question = f"Examples of the style wanted (do not copy them):\n{listed}\n\n{question}"
        if self.choices:
            question += f"\n\nAnswer with exactly one of: {', '.join(self.choices)}."
        elif self.code:
            question += f"\n\nAnswer with one ```{self.code} code block."
        parts = tuple(part for part in (each.part(row, ctx) for each in self.attach) if part is not None)
        return (*turns, Message("user", question, parts))

    def _verify(self, value: Any, row: Row) -> Generator[Request, Reply, Sequence[str]]:
        """Every rule that the text breaks; rules that cost a call only when the free ones hold."""
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        problems: list[str] = []
        for check in sorted(self.checks, key=lambda each: each.agree is not None):
            if problems and check.agree is not None:
                break
            problem = yield from check.problem(text, row, self.model)
            if problem is not None:
                problems.append(problem)
        return problems

    @cached_property
    def _value(self) -> Callable[[Any], Any]:
        return cells(self._type.field("value").type if self.reasoning or self.trace else self._type)

    def _cell(self, answer: CheckedAnswer) -> Any:
        value = self._value(answer.value)
        if not (self.reasoning or self.trace):
            return value
        cell = {"value": value}
        if self.reasoning:
            cell["reasoning"] = answer.reasoning or None
        if self.trace:
            turns = [wire(replace(message, parts=(), verbatim="")) for message in answer.messages]  # calls too, bytes not
            body = {"messages": turns, "rejected": answer.rejected, "unknown_tools": answer.unknown_tools}
            cell["trace"] = orjson.dumps(body).decode()
        return cell

    def calls(self) -> float:
        """One, and one for each check that asks a model."""
        return 1.0 + sum(check.agree is not None for check in self.checks)

    def expected_tokens(self) -> tuple[int, int]:
        """About 4 characters a token; the reply's bound where one is given."""
        shown = len(self.prompt) + len(self.system) + (len(orjson.dumps(self.schema_)) if self.schema_ else 0)
        shown += sum(len(each.input) + len(each.output) for each in self.examples) if isinstance(self.examples, tuple) else 400
        short = 4 if self.choices else 150
        return 20 + shown // 4, min(self.max_tokens or short, 150 if not self.choices else 4)
