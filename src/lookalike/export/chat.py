"""Conversations: chat messages, ShareGPT, Alpaca, prompt and completion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import Field, PrivateAttr, model_validator

from lookalike.export.tokens import chat_tokens
from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at

ROLES = {
    "human": "user", "customer": "user", "patient": "user", "student": "user", "gpt": "assistant", "agent": "assistant",
    "bot": "assistant", "doctor": "assistant", "tutor": "assistant",
}  # fmt: skip


def messages(turns: Any, roles: Mapping[str, str], *, system: str = "", objects: bool = False) -> list[dict[str, Any]]:
    """Chat messages of turns `{role, content}`, checked: they begin with the user, alternate, and end with the assistant.

    Turns with role `call` and `tool` (as `dialogue` writes them) become tool calls and their results. User turns after the
    assistant's last are left off, because nothing is learned from them.

    Raises:
        UnfitError: a role or an order that chat templates refuse.
    """
    out: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for turn in turns or ():
        role = roles.get(turn["role"], turn["role"])
        content = turn.get("content") or ""
        if role == "call":
            call = {
                "id": f"call_{len(out)}",
                "type": "function",
                "function": {"name": turn["name"], "arguments": _arguments(turn["arguments"], objects=objects)},
            }
            out.append({"role": "assistant", "content": content, "tool_calls": [call]})
        elif role == "tool":
            if not out or "tool_calls" not in out[-1]:
                raise UnfitError("a tool's result without a call")
            out.append({"role": "tool", "content": content, "tool_call_id": out[-1]["tool_calls"][0]["id"]})
        elif role not in ("system", "user", "assistant"):
            raise UnfitError(f"role {role!r} is no chat role; map it with `roles`")
        elif not content.strip():
            raise UnfitError("an empty turn")
        else:
            out.append({"role": role, "content": content})
    while out and out[-1]["role"] == "user":
        out.pop()
    spoken = [m["role"] for m in out if m["role"] in ("user", "assistant") and "tool_calls" not in m]
    if not spoken or spoken[0] != "user" or any(a == b for a, b in pairwise(spoken)):
        raise UnfitError("turns do not alternate between user and assistant, user first")
    if any(m["role"] == "system" for m in out[1:]):
        raise UnfitError("a system turn that is not the first")
    return out


def _arguments(text: str | None, *, objects: bool) -> Any:
    """A call's arguments, checked: JSON text, or the object that it says."""
    try:
        found = orjson.loads(text or "{}")
    except orjson.JSONDecodeError as exc:
        raise UnfitError("a tool call whose arguments are no JSON") from exc
    return found if objects else text or "{}"


def _turns_column(row: Row) -> str:
    """The first column whose cell is a list of turns."""
    for name, cell in row.items():
        if isinstance(cell, list) and cell and isinstance(cell[0], Mapping) and {"role", "content"} <= set(cell[0]):
            return name
    return ""


class Conversations(TrainingExporter):
    """What conversation formats share: a column of turns, or a prompt and a response.

    Attributes:
        turns: a column of turns {role, content}; empty: `prompt` and `response`, or else the first column of turns.
        prompt: the question's column.
        response: the answer's column.
        system: a system message for all rows.
        roles: role in the data -> user, assistant, system.
        tokenizer: a folder with tokenizer.json and a chat template: every chat is rendered and counted.
        max_tokens: longer chats are left out and counted; needs `tokenizer`.
    """

    turns: str = ""
    prompt: str = "instruction"
    response: str = "response"
    system: str = ""
    roles: dict[str, str] = Field(default_factory=dict)
    tokenizer: str = ""
    max_tokens: int | None = Field(default=None, ge=1)

    _counted: Counter[str] = PrivateAttr(default_factory=Counter)

    @model_validator(mode="after")
    def _limit(self) -> Self:
        if self.max_tokens is not None and not self.tokenizer:
            raise ValueError("max_tokens counts with a tokenizer: give its folder as `tokenizer`")
        return self

    def measured(self) -> dict[str, Any]:
        """Tokens of all chats, of the part that is learned from, and of the longest."""
        return {"tokens": dict(self._counted)} if self.tokenizer else {}

    def objects(self) -> bool:
        """Whether tool calls have their arguments as objects, not as JSON text."""
        return False

    def messages(self, row: Row) -> list[dict[str, Any]]:
        """The row's chat."""
        path = self.turns or (_turns_column(row) if self.prompt not in row else "")
        turns = at(row, path) if path else [
            {"role": "user", "content": text_at(row, self.prompt)}, {"role": "assistant", "content": text_at(row, self.response)}
        ]  # fmt: skip
        chat = messages(turns, {**ROLES, **self.roles}, system=self.system, objects=self.objects())
        if self.tokenizer:
            self._count(chat)
        return chat

    def _count(self, chat: list[dict[str, Any]]) -> None:
        try:
            found = chat_tokens(self.tokenizer).count(chat)
        except ValueError as exc:
            raise UnfitError(str(exc)) from exc
        if self.max_tokens is not None and found.total > self.max_tokens:
            raise UnfitError(f"longer than {self.max_tokens} tokens")
        self._counted.update(total=found.total, learned=found.learned)
        self._counted["longest"] = max(self._counted["longest"], found.total)


class Chat(Conversations):
    """`{"messages": [{"role", "content"}, ...]}`: what chat fine-tuning takes (OpenAI, TRL, axolotl).

    Calls of tools carry their arguments as JSON text, as OpenAI's interface does; chat templates of open models want `object`.

    Attributes:
        arguments: of tool calls: text or object.
        tools: definitions of the tools, written into every line.
    """

    kind: ClassVar[str] = "chat"

    arguments: Literal["text", "object"] = "text"
    tools: tuple[dict[str, Any], ...] = ()

    def objects(self) -> bool:
        """As the user says."""
        return self.arguments == "object"

    def lines(self, row: Row) -> list[Any]:
        """One chat a row."""
        return [{"messages": self.messages(row), **({"tools": list(self.tools)} if self.tools else {})}]


class ShareGpt(Conversations):
    """`{"conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}]}`."""

    kind: ClassVar[str] = "sharegpt"

    def lines(self, row: Row) -> list[Any]:
        """One conversation a row; tool turns have no place in the format."""
        names = {"system": "system", "user": "human", "assistant": "gpt"}
        chat = self.messages(row)
        if any(m["role"] == "tool" or "tool_calls" in m for m in chat):
            raise UnfitError("tool turns, which ShareGPT does not have")
        return [{"conversations": [{"from": names[m["role"]], "value": m["content"]} for m in chat]}]


class Alpaca(TrainingExporter):
    """`{"instruction", "input", "output"}`.

    Attributes:
        instruction: the instruction's column.
        input: a column with more input; empty: none.
        output: the answer's column.
    """

    kind: ClassVar[str] = "alpaca"

    instruction: str = "instruction"
    input: str = ""
    output: str = "response"

    def lines(self, row: Row) -> list[Any]:
        """One record a row."""
        return [{
            "instruction": text_at(row, self.instruction), "input": (at(row, self.input) or "") if self.input else "",
            "output": text_at(row, self.output),
        }]  # fmt: skip


class Completion(TrainingExporter):
    """`{"prompt", "completion"}`: plain language-model fine-tuning.

    Attributes:
        prompt: the prompt's column.
        completion: the completion's column.
        form: text, or messages (TRL's conversational form).
    """

    kind: ClassVar[str] = "completion"

    prompt: str = "instruction"
    completion: str = "response"
    form: Literal["text", "messages"] = "text"

    def lines(self, row: Row) -> list[Any]:
        """One pair a row."""
        prompt, completion = text_at(row, self.prompt), text_at(row, self.completion)
        if self.form == "text":
            return [{"prompt": prompt, "completion": completion}]
        return [{"prompt": [{"role": "user", "content": prompt}], "completion": [{"role": "assistant", "content": completion}]}]
