"""`gemini`: Google's own Gemini API."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import Field

from lookalike.models.base import BODY_MAX, Backend, Finish, Message, Model, Refused, Reply, Request, ToolCall
from lookalike.models.pricing import tokens_of, usage
from lookalike.models.secret import Secret, expand
from lookalike.models.wire import reading

if TYPE_CHECKING:
    from lookalike.models.transport import Transport

_REFUSALS = ("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY")


class Gemini(Model):
    """Google's Gemini API: chat with text, images, sound and files, JSON by its own schemas, and embeddings.

    ```yaml
    writer: {kind: gemini, model: gemini-model, api_key: "${GEMINI_API_KEY}"}
    ```

    Attributes:
        model: as the API names it, without `models/`.
        api_key: `${NAME}`.
        base_url: another address, such as a gateway's.
    """

    kind: ClassVar[str] = "gemini"
    canary: ClassVar[bool] = True

    model: str
    api_key: Secret = "${GEMINI_API_KEY}"
    base_url: str = "https://generativelanguage.googleapis.com/v1beta"
    body_max: int = Field(default=BODY_MAX, ge=1024)

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        from lookalike.models.transport import Transport  # aiohttp: only once something is asked

        key = expand(self.api_key, field="api_key")
        headers = {"Content-Type": "application/json", "x-goog-api-key": key}
        url = expand(self.base_url, field="base_url").rstrip("/")
        return GeminiBackend(self, Transport(url, headers, (key,), self.body_max))

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model


class GeminiBackend:
    """The wire format of generateContent and embedContent."""

    def __init__(self, model: Gemini, transport: Transport) -> None:
        self.model, self.transport = model, transport

    async def ask(self, request: Request) -> Reply:
        """One attempt; a bare prompt goes as one user turn."""
        began = time.perf_counter()
        path = f"/models/{self.model.model}"
        if request.operation == "embed":
            content = {"content": {"parts": [{"text": request.text}]}, **request.extra}
            body = await self.transport.post(f"{path}:embedContent", orjson.dumps(content))
            with reading(body, "embedding"):
                return self._embedding(body, request, began)
        if request.operation == "complete":
            raise Refused("Gemini's API completes no bare prompts")
        body = await self.transport.post(f"{path}:generateContent", orjson.dumps(self._body(request)))
        with reading(body, "candidate"):
            return self._reply(body, request, began)

    def _body(self, request: Request) -> dict[str, Any]:
        model = self.model
        settings: dict[str, Any] = {
            "temperature": model.temperature if request.temperature is None else request.temperature,
            "topP": model.top_p if request.top_p is None else request.top_p,
            "maxOutputTokens": request.max_tokens or model.max_tokens,
            "stopSequences": list(request.stop) or None,
            "seed": request.seed,
        }
        if request.choices:
            settings |= {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": list(request.choices)}}
        elif request.schema is not None:
            settings |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
        body: dict[str, Any] = {
            "contents": [_wire(message, request) for message in request.messages if message.role != "system"],
            "generationConfig": {name: value for name, value in settings.items() if value is not None},
        }
        system = [{"text": message.content} for message in request.messages if message.role == "system"]
        if system:
            body["systemInstruction"] = {"parts": system}
        if request.tools:
            declared = [
                {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
                for tool in request.tools
            ]
            body["tools"] = [{"functionDeclarations": declared}]
        return body | dict(request.extra)

    def _reply(self, body: Any, request: Request, began: float) -> Reply:
        counted = body.get("usageMetadata") or {}
        prompt, said, thought = (int(counted.get(f"{of}TokenCount") or 0) for of in ("prompt", "candidates", "thoughts"))
        tokens = prompt, said + thought
        ms = (time.perf_counter() - began) * 1e3
        served_by = body.get("modelVersion") or self.model.model
        blocked = (body.get("promptFeedback") or {}).get("blockReason")
        if blocked:
            return Reply(f"blocked: {blocked}", "refusal", usage(self.model, *tokens), served_by, ms, seed=request.seed)
        candidate = body["candidates"][0]
        parts = (candidate.get("content") or {}).get("parts", ())
        text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
        ended = candidate.get("finishReason", "STOP")
        finish: Finish = "length" if ended == "MAX_TOKENS" else "refusal" if ended in _REFUSALS else "stop"
        calls = tuple(
            ToolCall(
                f"call_{number}", part["functionCall"]["name"], orjson.dumps(part["functionCall"].get("args", {})).decode()
            )
            for number, part in enumerate(part for part in parts if "functionCall" in part)
        )
        return Reply(
            text,
            "tool" if calls else finish,
            usage(self.model, *tokens),
            served_by,
            ms,
            seed=request.seed,
            tool_calls=calls,
            reasoning="".join(part["text"] for part in parts if part.get("thought") and "text" in part),
        )

    def _embedding(self, body: Any, request: Request, began: float) -> Reply:
        vector = tuple(map(float, body["embedding"]["values"]))
        tokens = tokens_of(request.text)
        return Reply(
            "", "stop", usage(self.model, tokens, 0), self.model.model, (time.perf_counter() - began) * 1e3, vector=vector
        )

    def take_pause_s(self) -> float:
        """What the server's rate-limit headers ask for."""
        return self.transport.take_pause_s()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()


def _wire(message: Message, request: Request) -> dict[str, Any]:
    if message.role == "tool":
        called = {call.id: call.name for turn in request.messages for call in turn.tool_calls}
        answer = {"name": called.get(message.tool_call_id, message.tool_call_id), "response": {"result": message.content}}
        return {"role": "user", "parts": [{"functionResponse": answer}]}
    parts: list[dict[str, Any]] = [{"text": message.content}] if message.content else []
    for part in message.parts:
        if part.media_type.startswith("text/"):
            parts.append({"text": f"{part.name}\n{part.data.decode('utf-8', 'replace')}".strip()})
        else:
            parts.append({"inlineData": {"mimeType": part.media_type, "data": base64.b64encode(part.data).decode()}})
    parts += [{"functionCall": {"name": call.name, "args": orjson.loads(call.arguments)}} for call in message.tool_calls]
    return {"role": "model" if message.role == "assistant" else "user", "parts": parts}
