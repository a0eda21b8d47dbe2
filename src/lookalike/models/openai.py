"""`openai`: any server that speaks the OpenAI API: vLLM, llama.cpp, Ollama, and hosted ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson

from lookalike.models.base import AskOtherwise, Backend, Refused, Reply, Request, Usage
from lookalike.models.served import Served, ServedBackend
from lookalike.models.structured import content, form, is_strict
from lookalike.models.wire import WireAnswer, answer, declared, defaults, finish_of, reading, served_by, settings, wire

_PATHS = {"chat": "/chat/completions", "complete": "/completions", "embed": "/embeddings"}
_CALLED = {"chat": "chat completion", "complete": "completion", "embed": "embedding"}


class OpenAI(Served):
    """A server with the OpenAI API: chat, completions and embeddings.

    ```yaml
    writer: {kind: openai, base_url: "${LLM_URL}", model: my-model, api_key: "${LLM_KEY}", concurrency: 64}
    ```

    What a server does not take is found out by the request that it refuses, and remembered: `response_format` (then the schema
    goes into the prompt), `max_tokens` (then it is called max_completion_tokens), sampling settings (with a warning).
    """

    kind: ClassVar[str] = "openai"

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return OpenAIBackend(self, self.connect())


class OpenAIBackend(ServedBackend):
    """The wire format of chat, completions and embeddings."""

    bound = "max_tokens"  # what the server calls the most tokens of a reply

    def __init__(self, model: Served, transport: Any) -> None:
        super().__init__(model, transport)
        self._fixed = {"model": model.model, **defaults(model), **model.extra}
        self._formats: dict[int, tuple[Any, dict[str, Any]]] = {}

    async def once(self, request: Request, *, native: bool = False) -> Reply:
        """One exchange."""
        began = time.perf_counter()
        body = self.body(request, native=native)
        try:
            found = await self.transport.post(_PATHS[request.operation], orjson.dumps(body))
        except Refused as refused:
            self.learn(refused, body)
            raise
        return self.read(found, request, began, native=native)

    def body(self, request: Request, *, native: bool = False) -> dict[str, Any]:
        """The request's JSON; without `native`, what is to be said in words is in the prompt already."""
        if request.operation == "embed":
            return {**self.model.extra, "model": self.model.model, "input": request.text, **request.extra}
        body = dict(self._fixed)
        if request.operation == "complete":
            body["prompt"] = request.text
        else:
            body["messages"] = [wire(message) for message in request.messages]
            if native:
                body["response_format"] = self._format(request)
            if request.tools:
                body["tools"] = declared(request.tools)
        settings(body, request)
        if self.untaken:
            body = {name: value for name, value in body.items() if name not in self.untaken}
        if self.bound != "max_tokens" and "max_tokens" in body:
            body[self.bound] = body.pop("max_tokens")
        return body

    def learn(self, refused: Refused, sent: Mapping[str, Any]) -> None:
        """Call the bound of tokens as the server wants it, and leave out what it does not take.

        Raises:
            Otherwise: something was learnt; the request may go again.
        """
        if "max_tokens" in sent and "max_completion_tokens" in refused.reason:
            self.bound = "max_completion_tokens"
            raise AskOtherwise(refused.reason) from refused
        super().learn(refused, sent)

    def _format(self, request: Request) -> dict[str, Any]:
        wanted = request.choices or request.schema
        known = self._formats.get(id(wanted))
        if known is not None and known[0] is wanted:
            return known[1]
        schema = form(request)
        made = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": is_strict(schema)}}
        if len(self._formats) < 64:
            self._formats[id(wanted)] = (wanted, made)  # kept alive, so that its id stays its own
        return made

    def read(self, body: Any, request: Request, began: float, *, native: bool = False) -> Reply:
        """The reply in a body.

        Raises:
            Transient: the JSON is not what the API promises.
        """
        with reading(body, _CALLED[request.operation]):
            vector: tuple[float, ...] = ()
            if request.operation == "chat":
                said = answer(body["choices"][0])
            elif request.operation == "complete":
                said = WireAnswer(body["choices"][0]["text"] or "", finish_of(body["choices"][0]))
            else:
                said, vector = WireAnswer("", "stop"), tuple(map(float, body["data"][0]["embedding"]))
            return Reply(
                content(request, said.text) if native or request.choices else said.text,
                said.finish,
                self._usage(body, request, said.text + said.reasoning),
                served_by(body.get("model"), self.model.model),
                (time.perf_counter() - began) * 1e3,
                seed=request.seed,
                tool_calls=said.tool_calls,
                reasoning=said.reasoning,
                vector=vector,
                verbatim=said.verbatim,
            )

    def _usage(self, body: Any, request: Request, said: str) -> Usage:
        told = body.get("usage")
        if not told:
            return self.usage(request, said, None)
        cached = int((told.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        counts = int(told.get("prompt_tokens") or 0), int(told.get("completion_tokens") or 0)
        return self.usage(request, said, counts, cached=cached)
