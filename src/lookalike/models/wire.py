"""What the providers' formats have in common, and messages as the OpenAI API wants them; llama.cpp takes the same."""

from __future__ import annotations

import base64
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from lookalike.models.base import Finish, MediaPart, Message, Model, Request, Tool, ToolCall, Transient

_FINISH: dict[str, Finish] = {"length": "length", "tool_calls": "tool", "function_call": "tool", "content_filter": "refusal"}
_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "x-flac": "flac", "x-m4a": "m4a", "mp4": "m4a"}
_TEXT = frozenset({"json", "xml", "yaml", "x-yaml", "toml", "sql", "javascript", "x-sh", "x-ndjson", "jsonl"})
# what a provider's message may hold beside its text that it wants to see again in a conversation with tools
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")


@contextmanager
def reading(body: Any, what: str) -> Iterator[None]:
    """Around code that takes a reply apart: JSON of another shape than the API promises is a fault that may pass.

    Raises:
        Transient: `body` is no `what`.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError):
        raise Transient(f"the reply is no {what}: {reprlib.repr(body)}") from None


def verbatim(format_: str, turn: Any) -> str:
    """A turn of the model as its provider wrote it, for `Reply.verbatim`: its thoughts are signed, and must come back unchanged."""
    return orjson.dumps({format_: turn}).decode()


def said(message: Message, format_: str) -> Any | None:
    """What `verbatim` kept, for the provider that wrote it; None for another one, or where nothing was kept."""
    return orjson.loads(message.verbatim).get(format_) if message.verbatim else None


def arguments(call: ToolCall) -> dict[str, Any]:
    """A call's arguments; what is no JSON object is shown as it was written, since servers stop at broken JSON."""
    try:
        found = orjson.loads(call.arguments or "{}")
    except orjson.JSONDecodeError:
        found = None
    return found if isinstance(found, dict) else {"not_json": call.arguments}


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def as_text(part: MediaPart) -> str | None:
    """A file of text with its name before it; None for everything else."""
    kind, _, sort = part.media_type.partition(";")[0].partition("/")
    if kind != "text" and sort not in _TEXT and not sort.endswith(("+json", "+xml")):
        return None
    return f"{part.name}\n{part.data.decode('utf-8', 'replace')}".strip()


def as_base64(part: MediaPart) -> str:
    """Its bytes as text."""
    return base64.b64encode(part.data).decode()


def declared(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Tools as the API wants them."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
        }
        for tool in tools
    ]


def defaults(model: Model) -> dict[str, Any]:
    """What a model's recipe sets for requests that say nothing."""
    found = {name: getattr(model, name) for name in ("temperature", "top_p", "max_tokens")}
    return {name: value for name, value in found.items() if value is not None}


def settings(body: dict[str, Any], request: Request) -> None:
    """Put what the request sets over the model's defaults."""
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.extra:
        body.update(request.extra)


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What a choice of a chat says; the fields are those of `Reply`."""

    text: str
    finish: Finish
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    verbatim: str = ""


def finish_of(choice: Mapping[str, Any]) -> Finish:
    """Why a choice ended."""
    return _FINISH.get(choice.get("finish_reason") or "", "stop")


def answer(choice: Mapping[str, Any]) -> WireAnswer:
    """A choice of a chat completion, taken apart.

    Raises:
        LookupError, TypeError, AttributeError: it is none; see `reading`.
    """
    message, finish = choice["message"], finish_of(choice)
    text = message.get("content") or ""
    if type(text) is list:
        text = "".join(part.get("text", "") for part in text)
    if type(text) is not str:
        raise TypeError
    if message.get("refusal"):
        text, finish = text or str(message["refusal"]), "refusal"
    thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    reasoning = thoughts if type(thoughts) is str else ""
    if not message.get("tool_calls"):
        return WireAnswer(text, finish, (), reasoning)
    calls = tuple(
        ToolCall(
            str(call.get("id") or f"call_{number}"), str(call["function"]["name"]), _written(call["function"].get("arguments"))
        )
        for number, call in enumerate(message["tool_calls"])
    )
    kept = {name: message[name] for name in ("tool_calls", *_THOUGHTS) if message.get(name)}
    return WireAnswer(text, "tool" if finish != "refusal" else finish, calls, reasoning, verbatim("openai", kept))


def _written(arguments: Any) -> str:
    """A call's arguments as JSON text; Ollama and others write an object, or nothing."""
    return arguments if isinstance(arguments, str) and arguments else orjson.dumps(arguments or {}).decode()


def served_by(name: Any, model: str) -> str:
    """The model that a server says it used; whatever is no name is none."""
    return name[:200] if isinstance(name, str) and name else model


def wire(message: Message) -> dict[str, Any]:
    """A message as the API wants it."""
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.parts:
        body["content"] = [{"type": "text", "text": message.content}, *(_part(part) for part in message.parts)]
    if message.tool_calls:
        body |= said(message, "openai") or {}
        was = {call.get("id"): call for call in body.get("tool_calls", ())}
        body["tool_calls"] = [was.get(call.id, {}) | _call(call) for call in message.tool_calls]
    return body


def _call(call: ToolCall) -> dict[str, Any]:
    given = arguments(call)
    text = orjson.dumps(given).decode() if "not_json" in given else call.arguments or "{}"
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text}}


def _part(part: MediaPart) -> dict[str, Any]:
    text = as_text(part)
    if text is not None:
        return {"type": "text", "text": text}
    kind, _, sort = part.media_type.partition("/")
    url = f"data:{part.media_type};base64,{as_base64(part)}"
    if kind == "audio":
        return {"type": "input_audio", "input_audio": {"data": as_base64(part), "format": _AUDIO.get(sort, sort)}}
    if kind in ("image", "video"):
        return {"type": f"{kind}_url", f"{kind}_url": {"url": url}}
    return {"type": "file", "file": {"filename": part.name or "file", "file_data": url}}
