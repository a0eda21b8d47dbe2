"""`gemini`: Google's own Gemini API."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import orjson

from lookalike.models.base import Backend, Finish, MediaPart, Message, Refused, Reply, Request, ToolCall, Usage
from lookalike.models.secret import Secret
from lookalike.models.served import Served, ServedBackend, merged
from lookalike.models.structured import in_prompt
from lookalike.models.wire import arguments, as_base64, as_text, reading, said, served_by, verbatim

_REFUSALS = ("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY")
_OWN_ID = "call_"  # of calls that came without one


class Gemini(Served):
    """Google's Gemini API: chat with text, images, sound, video and files, tools, JSON by its own schemas, and embeddings.

    With tools the schema goes into the prompt, since most of its models take one or the other.

    ```yaml
    writer: {kind: gemini, model: gemini-model, api_key: "${GEMINI_API_KEY}"}
    ```

    Attributes:
        model: as the API names it, without `models/`.
        api_key: `${NAME}`.
        base_url: another address, such as a gateway's.
        structured: `native`: JSON always by the API's schemas; `prompt`: always in words; `auto`: found out by the first call.
        headers: more HTTP headers.
        extra: fields that go into every request's body, such as `generationConfig: {thinkingConfig: {thinkingBudget: 0}}`.
        body_max: bytes; a longer reply is cut off.
    """

    kind: ClassVar[str] = "gemini"
    key_header: ClassVar[tuple[str, str]] = ("x-goog-api-key", "")

    api_key: Secret = "${GEMINI_API_KEY}"
    base_url: str = "https://generativelanguage.googleapis.com/v1beta"

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return GeminiBackend(self, self.connect())


class GeminiBackend(ServedBackend):
    """The wire format of generateContent and embedContent."""

    async def once(self, request: Request, *, native: bool = False) -> Reply:
        """One exchange; this API completes no bare prompts."""
        began = time.perf_counter()
        path = f"/models/{self.model.model}"
        if request.operation == "embed":
            asked = {"content": {"parts": [{"text": request.text}]}, **self.model.extra, **request.extra}
            body = await self.transport.post(f"{path}:embedContent", orjson.dumps(asked))
            with reading(body, "embedding"):
                vector = tuple(map(float, body["embedding"]["values"]))
            tokens = self.usage(request, "", None)
            return Reply("", "stop", tokens, self.model.model, _ms(began), vector=vector)
        if request.operation == "complete":
            raise Refused("Gemini's API completes no bare prompts")
        if native and request.tools:
            request, native = in_prompt(request), False
        body = await self.transport.post(f"{path}:generateContent", orjson.dumps(self._body(request, native=native)))
        with reading(body, "candidate"):
            return self._reply(body, request, began)

    def _body(self, request: Request, *, native: bool) -> dict[str, Any]:
        model = self.model
        settings: dict[str, Any] = {
            "temperature": model.temperature if request.temperature is None else request.temperature,
            "topP": model.top_p if request.top_p is None else request.top_p,
            "maxOutputTokens": request.max_tokens or model.max_tokens,
            "stopSequences": list(request.stop) or None,
            "seed": None if request.seed is None else request.seed & 0x7FFFFFFF,
        }
        if native and request.choices:
            settings |= {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": list(request.choices)}}
        elif native:
            settings |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
        body: dict[str, Any] = {
            "contents": _turns(request.messages),
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
        return merged(merged(body, model.extra), request.extra)

    def _reply(self, body: Any, request: Request, began: float) -> Reply:
        served = served_by(body.get("modelVersion"), self.model.model)
        blocked = (body.get("promptFeedback") or {}).get("blockReason")
        if blocked:
            tokens = self._usage(body, request, "")
            return Reply(f"blocked: {blocked}", "refusal", tokens, served, _ms(began), seed=request.seed)
        candidate = body["candidates"][0]
        parts = (candidate.get("content") or {}).get("parts", ())
        text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
        thoughts = "".join(part["text"] for part in parts if part.get("thought") and "text" in part)
        ended = candidate.get("finishReason", "STOP")
        finish: Finish = "length" if ended == "MAX_TOKENS" else "refusal" if ended in _REFUSALS else "stop"
        calls = tuple(
            ToolCall(call.get("id") or f"{_OWN_ID}{number}", call["name"], orjson.dumps(call.get("args") or {}).decode())
            for number, call in enumerate(part["functionCall"] for part in parts if "functionCall" in part)
        )
        return Reply(
            text,
            "tool" if calls else finish,
            self._usage(body, request, text + thoughts),
            served,
            _ms(began),
            seed=request.seed,
            tool_calls=calls,
            reasoning=thoughts,
            verbatim=verbatim("gemini", parts) if calls else "",
        )

    def _usage(self, body: Any, request: Request, text: str) -> Usage:
        told = body.get("usageMetadata")
        if not told:
            return self.usage(request, text, None)
        prompt, answer, thoughts = (int(told.get(f"{of}TokenCount") or 0) for of in ("prompt", "candidates", "thoughts"))
        return self.usage(request, text, (prompt, answer + thoughts), cached=int(told.get("cachedContentTokenCount") or 0))


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1e3


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Messages as turns; the results of calls that were made together are one turn, in the order of the calls."""
    turns: list[dict[str, Any]] = []
    joined: list[dict[str, Any]] | None = None
    names: dict[str, str] = {}
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "tool":
            if joined is None:
                joined = []
                turns.append({"role": "user", "parts": joined})
            answer = {"name": names.get(message.tool_call_id, message.tool_call_id), "response": {"result": message.content}}
            given = {} if message.tool_call_id.startswith(_OWN_ID) else {"id": message.tool_call_id}
            joined.append({"functionResponse": {**given, **answer}})
        else:
            joined, names = None, {call.id: call.name for call in message.tool_calls}
            role = "model" if message.role == "assistant" else "user"
            turns.append({"role": role, "parts": said(message, "gemini") or _parts(message)})
    return turns


def _parts(message: Message) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"text": message.content}] if message.content else []
    parts += [_part(part) for part in message.parts]
    parts += [{"functionCall": {"name": call.name, "args": arguments(call)}} for call in message.tool_calls]
    return parts


def _part(part: MediaPart) -> dict[str, Any]:
    text = as_text(part)
    if text is not None:
        return {"text": text}
    return {"inlineData": {"mimeType": part.media_type, "data": as_base64(part)}}
