"""`anthropic`: Anthropic's own messages API."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import Field

from lookalike.models.base import BODY_MAX, Backend, Finish, Message, Model, Part, Refused, Reply, Request, ToolCall
from lookalike.models.pricing import usage
from lookalike.models.secret import Secret, expand
from lookalike.models.structured import choice_schema, chosen
from lookalike.models.wire import reading

if TYPE_CHECKING:
    from lookalike.models.transport import Transport

VERSION = "2023-06-01"
MAX_TOKENS = 4096  # the API wants a number
ANSWER = "answer"
_FINISH: dict[str, Finish] = {"max_tokens": "length", "tool_use": "tool", "refusal": "refusal"}


class Anthropic(Model):
    """Anthropic's messages API. JSON is asked for as the input of a tool that must be called.

    ```yaml
    writer: {kind: anthropic, model: claude-model, api_key: "${ANTHROPIC_API_KEY}", price: {input: 3, output: 15}}
    ```

    Attributes:
        model: as the API names it.
        api_key: `${NAME}`.
        base_url: another address, such as a gateway's.
    """

    kind: ClassVar[str] = "anthropic"
    canary: ClassVar[bool] = True

    model: str
    api_key: Secret = "${ANTHROPIC_API_KEY}"
    base_url: str = "https://api.anthropic.com/v1"
    body_max: int = Field(default=BODY_MAX, ge=1024)

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        from lookalike.models.transport import Transport  # aiohttp: only once something is asked

        key = expand(self.api_key, field="api_key")
        headers = {"Content-Type": "application/json", "x-api-key": key, "anthropic-version": VERSION}
        url = expand(self.base_url, field="base_url").rstrip("/")
        return AnthropicBackend(self, Transport(url, headers, (key,), self.body_max))

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model


class AnthropicBackend:
    """The wire format of messages."""

    def __init__(self, model: Anthropic, transport: Transport) -> None:
        self.model, self.transport = model, transport

    async def ask(self, request: Request) -> Reply:
        """One attempt; this API has chat only."""
        if request.operation == "embed":
            raise Refused("Anthropic's API has no embeddings")
        if request.operation == "complete":
            raise Refused("Anthropic's API completes no bare prompts")
        began = time.perf_counter()
        body = await self.transport.post("/messages", orjson.dumps(self._body(request)))
        with reading(body, "message"):
            return self._reply(body, request, began)

    def _body(self, request: Request) -> dict[str, Any]:
        model = self.model
        body: dict[str, Any] = {
            "model": model.model,
            "max_tokens": request.max_tokens or model.max_tokens or MAX_TOKENS,
            "messages": [_wire(message) for message in request.messages if message.role != "system"],
        }
        system = "\n\n".join(message.content for message in request.messages if message.role == "system")
        settings = {
            "system": system or None,
            "temperature": model.temperature if request.temperature is None else request.temperature,
            "top_p": model.top_p if request.top_p is None else request.top_p,
            "stop_sequences": list(request.stop) or None,
        }
        body |= {name: value for name, value in settings.items() if value is not None}
        tools = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
        ]
        schema = choice_schema(request.choices) if request.choices else request.schema
        if schema is not None:  # the answer is a tool too: forced, or one to end with
            body["tool_choice"] = {"type": "any"} if tools else {"type": "tool", "name": ANSWER}
            tools.append({"name": ANSWER, "description": "Give your answer.", "input_schema": schema})
        if tools:
            body["tools"] = tools
        return body | dict(request.extra)

    def _reply(self, body: Any, request: Request, began: float) -> Reply:
        blocks, counted = body["content"], body["usage"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        called = [block for block in blocks if block["type"] == "tool_use"]
        tokens = int(counted["input_tokens"]), int(counted["output_tokens"])
        finish: Finish = _FINISH.get(body.get("stop_reason") or "", "stop")
        calls = tuple(ToolCall(call["id"], call["name"], orjson.dumps(call["input"]).decode()) for call in called)
        answers = [call for call in calls if call.name == ANSWER]
        if (request.schema is not None or request.choices) and answers:
            text, calls = answers[0].arguments, ()
            finish = "stop" if finish == "tool" else finish
            text = chosen(text) if request.choices else text
        reasoning = "".join(block.get("thinking", "") for block in blocks if block["type"] == "thinking")
        return Reply(
            text,
            finish,
            usage(self.model, *tokens),
            body.get("model") or self.model.model,
            (time.perf_counter() - began) * 1e3,
            tool_calls=calls,
            reasoning=reasoning,
        )

    def take_pause_s(self) -> float:
        """What the server's rate-limit headers ask for."""
        return self.transport.take_pause_s()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()


def _wire(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}
        return {"role": "user", "content": [result]}
    if not message.parts and not message.tool_calls:
        return {"role": message.role, "content": message.content}
    blocks: list[dict[str, Any]] = [_part(part) for part in message.parts]
    if message.content:
        blocks.append({"type": "text", "text": message.content})
    blocks += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": orjson.loads(call.arguments)}
        for call in message.tool_calls
    ]
    return {"role": message.role, "content": blocks}


def _part(part: Part) -> dict[str, Any]:
    if part.media_type.startswith("text/"):
        return {"type": "text", "text": f"{part.name}\n{part.data.decode('utf-8', 'replace')}".strip()}
    source = {"type": "base64", "media_type": part.media_type, "data": base64.b64encode(part.data).decode()}
    if part.media_type.startswith("image/"):
        return {"type": "image", "source": source}
    if part.media_type == "application/pdf":
        return {"type": "document", "source": source}
    raise Refused(f"Anthropic's API takes no {part.media_type}")
