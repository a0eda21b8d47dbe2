"""`anthropic`: Anthropic's own messages API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from lookalike.models.base import Backend, Finish, MediaPart, Message, Refused, Reply, Request, ToolCall
from lookalike.models.secret import Secret
from lookalike.models.served import Served, ServedBackend, merged
from lookalike.models.structured import ANSWER, content, form, in_prompt
from lookalike.models.wire import arguments, as_base64, as_text, reading, said, served_by, verbatim

VERSION = "2023-06-01"
MAX_TOKENS = 4096  # the API wants a number
_FINISH: dict[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool",
    "refusal": "refusal",
}


class Anthropic(Served):
    """Anthropic's messages API: text, images and PDF files in; tools; thoughts kept apart and sent back signed.

    JSON is asked for as the input of a tool that must be called; while the model thinks (`extra: {thinking: ...}`) the API forces no
    tool, and the schema goes into the prompt.

    ```yaml
    writer: {kind: anthropic, model: claude-model, api_key: "${ANTHROPIC_API_KEY}", price: {input: 3, output: 15}}
    ```

    Attributes:
        model: as the API names it.
        api_key: `${NAME}`.
        base_url: another address, such as a gateway's.
        structured: `native`: JSON always by a tool; `prompt`: always in words; `auto`: found out by the first call.
        headers: more HTTP headers, such as `anthropic-beta`.
        extra: fields that go into every request's body, such as `thinking`.
        body_max: bytes; a longer reply is cut off.
    """

    kind: ClassVar[str] = "anthropic"
    key_header: ClassVar[tuple[str, str]] = ("x-api-key", "")
    fixed_headers: ClassVar[Mapping[str, str]] = {"anthropic-version": VERSION}

    api_key: Secret = "${ANTHROPIC_API_KEY}"
    base_url: str = "https://api.anthropic.com/v1"

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return AnthropicBackend(self, self.connect())


class AnthropicBackend(ServedBackend):
    """The wire format of messages."""

    async def once(self, request: Request, *, native: bool = False) -> Reply:
        """One exchange; this API has chat only."""
        if request.operation != "chat":
            raise Refused(f"Anthropic's API has no operation `{request.operation}`, only chat")
        began = time.perf_counter()
        if native and _thinks({**self.model.extra, **request.extra}):
            request, native = in_prompt(request), False
        sent = self._body(request, native=native)
        try:
            body = await self.transport.post("/messages", orjson.dumps(sent))
        except Refused as refused:
            self.learn(refused, sent)
            raise
        with reading(body, "message"):
            return self._reply(body, request, began)

    def _body(self, request: Request, *, native: bool) -> dict[str, Any]:
        model = self.model
        body: dict[str, Any] = {
            "model": model.model,
            "max_tokens": request.max_tokens or model.max_tokens or MAX_TOKENS,
            "messages": _turns(request.messages),
        }
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        settings = {
            "system": system or None,
            "temperature": model.temperature if request.temperature is None else request.temperature,
            "top_p": model.top_p if request.top_p is None else request.top_p,
            "stop_sequences": list(request.stop) or None,
        }
        body |= {name: value for name, value in settings.items() if value is not None and name not in self.untaken}
        tools = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
        ]
        if native:  # the answer is a tool too: forced, or one to end with
            body["tool_choice"] = {"type": "any"} if tools else {"type": "tool", "name": ANSWER}
            tools.append({"name": ANSWER, "description": "Give your answer.", "input_schema": form(request)})
        if tools:
            body["tools"] = tools
        return merged(body, {**model.extra, **request.extra})

    def _reply(self, body: Any, request: Request, began: float) -> Reply:
        blocks, told = body["content"], body["usage"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        thoughts = "".join(block.get("thinking", "") for block in blocks if block["type"] == "thinking")
        called = [block for block in blocks if block["type"] == "tool_use"]
        cached, written = (int(told.get(f"cache_{what}_input_tokens") or 0) for what in ("read", "creation"))
        prompt = int(told["input_tokens"]) + cached + written
        finish: Finish = _FINISH.get(body.get("stop_reason") or "", "stop")
        calls = tuple(ToolCall(call["id"], call["name"], orjson.dumps(call["input"]).decode()) for call in called)
        answers = [call for call in calls if call.name == ANSWER]
        wanted = request.schema is not None or request.choices
        if wanted and answers:
            text, calls = answers[0].arguments, ()
            finish = "stop" if finish == "tool" else finish
        return Reply(
            content(request, text) if wanted and not calls else text,
            finish,
            self.usage(request, text + thoughts, (prompt, int(told["output_tokens"])), cached=cached, written=written),
            served_by(body.get("model"), self.model.model),
            (time.perf_counter() - began) * 1e3,
            tool_calls=calls,
            reasoning=thoughts,
            verbatim=verbatim("anthropic", blocks) if calls else "",
        )


def _thinks(extra: Mapping[str, Any]) -> bool:
    return (extra.get("thinking") or {}).get("type", "disabled") != "disabled"


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Messages as turns; the results of calls that were made together are one turn."""
    turns: list[dict[str, Any]] = []
    joined: list[dict[str, Any]] | None = None
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "tool":
            if joined is None:
                joined = []
                turns.append({"role": "user", "content": joined})
            joined.append({"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content})
        else:
            joined = None
            turns.append({"role": message.role, "content": said(message, "anthropic") or _content(message)})
    return turns


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.parts and not message.tool_calls:
        return message.content
    blocks = [_part(part) for part in message.parts]
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    blocks += [{"type": "tool_use", "id": call.id, "name": call.name, "input": arguments(call)} for call in message.tool_calls]
    return blocks


def _part(part: MediaPart) -> dict[str, Any]:
    text = as_text(part)
    if text is not None:
        return {"type": "text", "text": text}
    source = {"type": "base64", "media_type": part.media_type, "data": as_base64(part)}
    if part.media_type.startswith("image/"):
        return {"type": "image", "source": source}
    if part.media_type == "application/pdf":
        return {"type": "document", "source": source}
    raise Refused(f"Anthropic's API takes no {part.media_type}; it reads images, PDF files and text")
