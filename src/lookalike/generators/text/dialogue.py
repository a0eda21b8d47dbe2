"""dialogue: people or agents who talk, turn by turn, in roles fixed outside the model."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, ClassVar, Self

import orjson
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.errors import RecipeError
from lookalike.generators.asking import UseTool, ask
from lookalike.generators.base import Conversation
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, Told, similarity
from lookalike.generators.text.rewriting import numbers
from lookalike.models.base import CallFailed, Message, Request, Tool, ToolCall
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_ME = re.compile(r"\b(?:i|me|my|mine|we|us|our)\b", re.IGNORECASE)
_TELLS = (  # what must not be said where the line has not the second
    (re.compile(r"(?<!thank )\byou(?:rs?)?\b", re.IGNORECASE), re.compile(r"\byou(?:rs?)?\b", re.IGNORECASE)),
    (re.compile(r"\byours?\b", re.IGNORECASE), re.compile(r"\byours?\b", re.IGNORECASE)),
    (re.compile(r"\b(?:me|my|mine)\b", re.IGNORECASE), _ME),
    (re.compile(r"\bthank you for\b", re.IGNORECASE), re.compile(r"\bthank", re.IGNORECASE)),
)
_SAME_LINE = 0.2  # ROUGE-L; free paraphrases have 0.3 and more
TURN = pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string()), ("arguments", pa.string())])


class Role(BaseModel):
    """Someone who talks.

    Attributes:
        name: how turns are labelled: `user`, `assistant`, `doctor` ...
        is_: a template: who this is, in the second person ("a customer whose parcel is late").
        goal: a template: what this one wants from the talk.
        model: a model's name; empty: the column's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1)
    is_: TemplateText = Field(default="", alias="is")
    goal: TemplateText = ""
    model: str = ""


class Simulated(BaseModel):
    """A tool that a role may call; its result is a template over the row and the call's `arguments`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z_]\w*$")
    description: str
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    result: TemplateText
    by: str = "assistant"  # the role that may call it


class Worded(BaseModel):
    """A worked example of a line said in somebody's manner."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    is_: str = Field(alias="is", min_length=1)  # who says it, as in a role
    line: str = Field(min_length=1)
    output: str = Field(min_length=1)


class Dialogue(TextAsking):
    """A talk of two or more roles, one model call a turn: exactly `turns` turns, roles in their order.

    The model writes one turn at a time and never chooses who speaks. Models below some billion parameters forget all the same who
    they are; give them `lines`: what each turn says is then fixed outside the model, which only says it in the role's manner. The
    cell is a list of `{role, content, name, arguments}`: tool calls have role `call`, their results `tool`.

    ```yaml
    talk:
      kind: dialogue
      topic: "a parcel that is {{ days }} days late"
      turns: 6
      roles:
        - {name: user, is: "a customer, {{ mood }}", goal: "find out where the parcel is"}
        - {name: assistant, is: "a patient support agent", goal: "solve it politely"}
    ```

    Attributes:
        topic: what the talk is about.
        roles: who talks, in turn: `{name, is, goal, model}`.
        turns: how many turns there are; as many as `lines`, where those are given.
        lines: templates: what is said, turn by turn; the model words it, and may change neither numbers nor who speaks. A line that
            it does not get right in `tries` replies is said as it stands.
        examples: worked ones for `lines`, `{is, line, output}`, shown as earlier turns.
        opening: the first turn, when it is not to be written.
        sentences: most sentences a turn.
        tools: tools that a role may call: `{name, description, parameters, result, by}`.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "dialogue"

    topic: TemplateText
    roles: tuple[Role, ...] = Field(min_length=2)
    turns: int = Field(default=6, ge=1, le=100)
    opening: TemplateText = ""
    sentences: int = Field(default=2, ge=1)
    tools: tuple[Simulated, ...] = ()
    lines: tuple[TemplateText, ...] = ()
    examples: tuple[Worded, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.lines and (self.opening or self.tools or {"turns"} & self.model_fields_set):
            raise ValueError("`lines` say every turn: `opening`, `tools` and `turns` do not go with them")
        if self.examples and not self.lines:
            raise ValueError("`examples` show how `lines` are said: give both")
        return self

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [role.name for role in self.roles]
        if len(set(names)) != len(names) or {"call", "tool"} & set(names):
            raise ValueError("roles need different names, and none may be `call` or `tool`")
        for tool in self.tools:
            if tool.by not in names:
                raise ValueError(f"tool {tool.name!r}: there is no role {tool.by!r}; roles: {', '.join(names)}")
        return self

    def templates(self) -> tuple[str, ...]:
        """Topic, opening and what roles are and want."""
        return (self.topic, self.opening, *self.lines, *(text for role in self.roles for text in (role.is_, role.goal)))

    def needs(self) -> frozenset[str]:
        """The templates' columns; `arguments` in a tool's result is the call's own."""
        return super().needs() | frozenset().union(*(compiled(t.result).needs - {"arguments"} for t in self.tools))

    def models(self) -> frozenset[str]:
        """One a role at most."""
        return frozenset(role.model or self.model for role in self.roles)

    def arrow_type(self) -> pa.DataType:
        """A list of turns."""
        return pa.list_(TURN)

    def calls(self) -> float:
        """One a turn."""
        return float(len(self.lines) or self.turns - bool(self.opening))

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """Turn by turn, each role with its own view of the talk."""
        if self.lines:
            return (yield from self._worded(row))
        said: list[dict[str, str | None]] = []
        views = [RoleView(self._system(role, row), role.name) for role in self.roles]
        told = Told()

        def say(role: Role, text: str) -> None:
            said.append(_turn(role.name, text))
            for view in views:
                view.hear(role.name, text)

        def read(reply: str) -> str:
            text = self._read(reply)
            if text.count(" ") > 4 and told.again(text, 0.85):  # thanks may come twice
                raise Unfit("it was said before; say something new")
            return text

        if self.opening:
            say(self.roles[0], opening := compiled(self.opening).render(row))
            told.again(opening, 0.85)
        for place in range(len(said), self.turns):
            index = place % len(self.roles)
            role = self.roles[index]
            tools, served = self._tools(role, row)
            request = Request(
                role.model or self.model, views[index].messages(), tools=tools,
                temperature=self.temperature, max_tokens=self.max_tokens,
            )  # fmt: skip
            answer = yield from ask(request, read=read, tries=self.tries, whole=True, tools=served)
            for message in answer.messages[len(request.messages) : -1]:
                said.extend(_tool_turns(message))
            say(role, answer.value)
        return said

    def _worded(self, row: Row) -> Any:
        """Line by line, each said in its role's manner."""
        said: list[dict[str, str | None]] = []
        shown = [(_manner(each.is_, each.line), each.output) for each in self.examples]
        for place, template in enumerate(self.lines):
            role, line = self.roles[place % len(self.roles)], compiled(template).render(row)

            def read(reply: str, line: str = line) -> str:
                text = self._read(reply)
                problem = changed(line, text)
                if problem:
                    raise Unfit(problem)
                return text

            who = compiled(role.is_).render(row) or f"the {role.name}"
            request = self.request(row, _manner(who, line), shown=shown, model=role.model or self.model)
            try:
                said.append(_turn(role.name, (yield from ask(request, read=read, tries=self.tries, whole=True)).value))
            except CallFailed:
                said.append(_turn(role.name, line))  # as it was given: it says the right thing
        return said

    def _system(self, role: Role, row: Row) -> str:
        others = ", ".join(f"the {other.name}" for other in self.roles if other.name != role.name)
        parts = [
            compiled(self.system).render(row),
            f"You are the {role.name} in a talk with {others}. You are {compiled(role.is_).render(row)}." if role.is_ else
            f"You are the {role.name} in a talk with {others}.",
            f"The talk is about {compiled(self.topic).render(row)}.",
            f"What you want: {compiled(role.goal).render(row)}." if role.goal else "",
            f"Say only your own next turn, in at most {self.sentences} sentences, without a name before it.",
        ]  # fmt: skip
        return " ".join(part for part in parts if part)

    def _read(self, text: str) -> str:
        """One turn: the role's own name before it is taken off, another's turn after it is refused."""
        text = read_text(text)
        if ":" not in text:
            return text
        name = self._name
        text = text[found.end() :] if (found := name.match(text)) else text
        if name.search(text):
            raise Unfit("it speaks for the others too; say only your own next turn")
        return read_text(text)

    @cached_property
    def _name(self) -> re.Pattern[str]:
        """A role's name at the beginning of a line."""
        names = "|".join(re.escape(role.name) for role in self.roles)
        return re.compile(rf"^\W*(?:{names})\W*:\s*", re.IGNORECASE | re.MULTILINE)

    def _tools(self, role: Role, row: Row) -> tuple[tuple[Tool, ...], dict[str, UseTool] | None]:
        own = [tool for tool in self.tools if tool.by == role.name]
        if not own:
            return (), None

        def serve(tool: Simulated) -> UseTool:
            def result(call: ToolCall) -> str:
                try:
                    arguments = orjson.loads(call.arguments or "{}")
                except orjson.JSONDecodeError:
                    return "error: the arguments are not JSON"
                try:
                    return compiled(tool.result).render({**row, "arguments": arguments})
                except RecipeError as exc:
                    return f"error: {exc.what}"

            return result

        return tuple(Tool(t.name, t.description, t.parameters) for t in own), {t.name: serve(t) for t in own}


def changed(line: str, said: str) -> str | None:
    """Why a turn does not say its line: other numbers, somebody else speaking, or too little of it."""
    if numbers(line) != numbers(said):
        return f"it must say the same numbers: {', '.join(sorted(numbers(line))) or 'none'}"
    if line.endswith("?") != said.endswith("?"):
        return "it must ask what the line asks; do not answer it" if line.endswith("?") else "the line asks nothing"
    others = any(tell.search(said) and not source.search(line) for tell, source in _TELLS)
    if others or (_ME.search(line) and not _ME.search(said)):
        return "somebody else says it; who speaks and who is spoken to must stay"
    return "it says something else; say the line" if similarity(line, said) < _SAME_LINE else None


def _manner(who: str, line: str) -> str:
    return f"The line: {line}\nSay the line in other words, as {who} would say it. Give only the line."


def _turn(role: str, content: str, name: str | None = None, arguments: str | None = None) -> dict[str, str | None]:
    return {"role": role, "content": content, "name": name, "arguments": arguments}


def _tool_turns(message: Message) -> list[dict[str, str | None]]:
    if message.role == "tool":
        return [_turn("tool", message.content)]
    return [_turn("call", message.content, call.name, call.arguments) for call in message.tool_calls]


class RoleView:
    """A talk as one role sees it: its own turns are the assistant's, all others' the user's; tools and calls are nobody's."""

    def __init__(self, system: str, name: str) -> None:
        self._name = name
        self._turns: tuple[Message, ...] = (Message("system", system),)
        self._heard: list[str] = []

    def hear(self, name: str, text: str) -> None:
        """A turn is said, by this role or by another."""
        if name == self._name:
            self._turns = (*self.messages(), Message("assistant", text))
            self._heard = []
        else:
            self._heard.append(text)

    def messages(self) -> tuple[Message, ...]:
        """What the role's model is asked to go on from."""
        if self._heard or len(self._turns) == 1:
            return (*self._turns, Message("user", "\n".join(self._heard) or "Begin."))
        return self._turns
