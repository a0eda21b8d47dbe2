"""`openai`: any server that speaks the OpenAI API: vLLM, llama.cpp, Ollama, and hosted ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import orjson
from pydantic import Field

from lookalike.models.base import BODY_MAX, Backend, Finish, Model, Refused, Reply, Request, ToolCall
from lookalike.models.pricing import tokens_of, usage
from lookalike.models.secret import Secret, expand
from lookalike.models.structured import choice_schema, chosen, in_prompt, is_json
from lookalike.models.wire import reading, wire

if TYPE_CHECKING:
    from lookalike.models.transport import Transport

_FINISH: dict[str, Finish] = {"length": "length", "tool_calls": "tool", "function_call": "tool", "content_filter": "refusal"}


class OpenAI(Model):
    """A server with the OpenAI API: chat, completions and embeddings.

    ```yaml
    writer: {kind: openai, base_url: "${LLM_URL}", model: my-model, api_key: "${LLM_KEY}", concurrency: 64}
    ```

    JSON is asked for by `response_format` where the server takes it: the first such call finds out, and it is remembered;
    otherwise the schema goes into the prompt.

    Attributes:
        base_url: up to and with `/v1`; `${NAME}` reads the environment.
        api_key: `${NAME}`; empty for servers that need none.
        structured: `native`: always response_format; `prompt`: always in words; `auto`: found out by the first call.
        headers: more HTTP headers; `${NAME}` works here too.
        extra: fields that go into every request's body as they are.
        body_max: bytes; a longer reply is cut off.
    """

    kind: ClassVar[str] = "openai"
    canary: ClassVar[bool] = True

    base_url: str
    model: str
    api_key: Secret = ""
    structured: Literal["auto", "native", "prompt"] = "auto"
    headers: Mapping[str, Secret] = Field(default_factory=dict, repr=False)
    extra: Mapping[str, Any] = Field(default_factory=dict)
    body_max: int = Field(default=BODY_MAX, ge=1024)

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return OpenAIBackend(self, connect(self))

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model


def connect(model: OpenAI) -> Transport:
    """The transport of a model, with its key from the environment."""
    from lookalike.models.transport import Transport  # aiohttp: only once something is asked

    key = expand(model.api_key, field="api_key")
    more = {name: expand(value, field=f"headers.{name}") for name, value in model.headers.items()}
    headers = {"Content-Type": "application/json", **more}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    url = expand(model.base_url, field="base_url").rstrip("/")
    return Transport(url, headers, (key, *more.values()), model.body_max)


class OpenAIBackend:
    """The wire format of chat, completions and embeddings."""

    def __init__(self, model: OpenAI, transport: Transport) -> None:
        self.model, self.transport = model, transport
        self.native = None if model.structured == "auto" else model.structured == "native"
        defaults = {name: getattr(model, name) for name in ("temperature", "top_p", "max_tokens")}
        self._fixed = {
            "model": model.model,
            **{name: value for name, value in defaults.items() if value is not None},
            **model.extra,
        }
        self._formats: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = {}

    async def ask(self, request: Request) -> Reply:
        """One attempt; a first structured call may take two, when the server does not know `response_format`."""
        began = time.perf_counter()
        if request.operation == "embed":
            reply = self.embedding(await self.transport.post("/embeddings", self.body(request)), request, began)
        elif request.operation == "complete":
            reply = self.completion(await self.transport.post("/completions", self.body(request)), request, began)
        elif request.schema is None and not request.choices:
            reply = self.answer(await self.transport.post("/chat/completions", self.body(request)), request, began)
        else:
            reply = await self._structured(request, began)
        return reply

    async def _structured(self, request: Request, began: float) -> Reply:
        native = self.native is not False
        try:
            found = await self.transport.post("/chat/completions", self.body(request, native=native))
        except Refused as refused:
            if self.native is not None:
                raise
            try:
                found = await self.transport.post("/chat/completions", self.body(request, native=False))
            except Refused:
                raise refused from None  # it is the request, not the format
            native = self.native = False
        reply = self.answer(found, request, began, native=native)
        if self.native is None and reply.finish == "stop":
            # a server that silently ignores response_format answers in prose
            self.native = reply.text in request.choices or is_json(reply.text)
        return reply

    def body(self, request: Request, *, native: bool = False) -> bytes:
        """The request's JSON."""
        body = dict(self._fixed)
        if request.operation == "embed":
            return orjson.dumps({**self.model.extra, "model": self.model.model, "input": request.text, **request.extra})
        if request.operation == "complete":
            body["prompt"] = request.text
        else:
            structured = request.schema is not None or request.choices
            if structured and native:
                body["response_format"] = self._format(request)
            body["messages"] = [
                wire(message) for message in (request if native or not structured else in_prompt(request)).messages
            ]
            if request.tools:
                body["tools"] = [
                    {
                        "type": "function",
                        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
                    }
                    for tool in request.tools
                ]
        settings(body, request)
        return orjson.dumps(body)

    def _format(self, request: Request) -> dict[str, Any]:
        wanted: Mapping[str, Any] | tuple[str, ...] = request.choices or request.schema or {}
        known = self._formats.get(id(wanted))
        if known is not None and known[0] is wanted:
            return known[1]
        schema = choice_schema(request.choices) if request.choices else request.schema
        made = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
        if len(self._formats) < 64:
            self._formats[id(wanted)] = (wanted, made)  # type: ignore[assignment]  # kept alive, so that its id stays its own
        return made

    def answer(self, body: Any, request: Request, began: float, *, native: bool = False) -> Reply:
        """A chat reply.

        Raises:
            Transient: the JSON is not a chat completion.
        """
        with reading(body, "chat completion"):
            return self._answer(body, request, began, native=native)

    def _answer(self, body: Any, request: Request, began: float, *, native: bool) -> Reply:
        choice = body["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        if type(text) is list:
            text = "".join(part.get("text", "") for part in text)
        if type(text) is not str:
            raise TypeError
        if request.choices:
            text = chosen(text) if native else text.strip()
        finish: Finish = _FINISH.get(choice.get("finish_reason") or "", "stop")
        calls: tuple[ToolCall, ...] = ()
        if message.get("tool_calls"):
            calls = tuple(
                ToolCall(
                    call.get("id") or f"call_{number}", call["function"]["name"], call["function"].get("arguments") or "{}"
                )
                for number, call in enumerate(message["tool_calls"])
            )
            finish = "tool"
        if message.get("refusal"):
            text, finish = text or message["refusal"], "refusal"
        reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
        return self._reply(
            text, finish, body, request, began, calls=calls, reasoning=reasoning if type(reasoning) is str else ""
        )

    def completion(self, body: Any, request: Request, began: float) -> Reply:
        """A completion of a bare prompt."""
        with reading(body, "completion"):
            choice = body["choices"][0]
            finish = _FINISH.get(choice.get("finish_reason") or "", "stop")
            return self._reply(choice["text"] or "", finish, body, request, began)

    def embedding(self, body: Any, request: Request, began: float) -> Reply:
        """A vector."""
        with reading(body, "embedding"):
            vector = tuple(map(float, body["data"][0]["embedding"]))
            counted = int((body.get("usage") or {}).get("prompt_tokens") or tokens_of(request.text))
        ms = (time.perf_counter() - began) * 1e3
        return Reply("", "stop", usage(self.model, counted, 0), body.get("model") or self.model.model, ms, vector=vector)

    def _reply(
        self,
        text: str,
        finish: Finish,
        body: Any,
        request: Request,
        began: float,
        *,
        calls: tuple[ToolCall, ...] = (),
        reasoning: str = "",
    ) -> Reply:
        counted = body.get("usage")
        if counted:
            prompt, completion = int(counted.get("prompt_tokens") or 0), int(counted.get("completion_tokens") or 0)
        else:  # a server that does not count must not make the budget blind
            prompt, completion = sum(tokens_of(message.content) for message in request.messages), tokens_of(text)
        ms = (time.perf_counter() - began) * 1e3
        served_by = body.get("model") or self.model.model
        return Reply(text, finish, usage(self.model, prompt, completion), served_by, ms, 1, request.seed, calls, reasoning)

    def take_pause_s(self) -> float:
        """What the server's rate-limit headers ask for."""
        return self.transport.take_pause_s()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()


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
