"""`embedded`: llama.cpp inside this process (the `local` extra): no key, no network, and the same text for the same seed.

Measured on two idle cores with the 0.5B model, 8 replies of 32 tokens: one engine with one thread 8.2 s, one engine with two
threads 5.7 s, two slots in one engine 8.2 s, two engines of one thread 4.2 s. Only one sequence at a time and a prompt that is
read afresh give the same text in whatever order requests come: with slots or a reused prompt prefix, batches of other shapes
round differently and most texts changed. So the default is one engine a core, one thread each, nothing reused.
"""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field

from lookalike.errors import MissingModel
from lookalike.models.base import Backend, Model, Refused, Reply, Request, Transient, Usage
from lookalike.models.catalogue import locate
from lookalike.models.wire import WireAnswer, answer, as_text, declared, defaults, finish_of, settings, wire
from lookalike.optional import require

ENGINES_MAX = 8
MEMORY_SHARE = 0.5
OVERHEAD = 1.4  # a loaded engine's memory over its file's size, measured 1.3 with a context of 4,096


class Embedded(Model):
    """A GGUF model run by llama.cpp in this process. Costs nothing but time; pull its weights once.

    ```yaml
    small: {kind: embedded, model: smollm2-135m}
    ```

    Equal requests with equal seeds get equal texts, in any order, with the defaults here. It embeds too: a GGUF file of an
    embedding model as that was trained to, a language model by the mean of its last layer, which tells topics apart but is far
    weaker than an embedding model.

    Attributes:
        model: a name of `lookalike models list`, or the path of a GGUF file.
        engines: copies that work side by side, each with its own memory; None: one a core, as far as half of the memory goes.
        threads: of each engine.
        context: tokens of prompt and reply together.
        reuse_prefix: keep the common beginning of prompts: up to a third faster, but texts then depend on the order of requests.
    """

    kind: ClassVar[str] = "embedded"

    model: str = "qwen2.5-coder-0.5b"
    engines: int | None = Field(default=None, ge=1)
    threads: int = Field(default=1, ge=1)
    context: int = Field(default=4096, ge=64)
    reuse_prefix: bool = False
    timeout_s: float = 1800.0  # a long text on a slow core

    def open(self) -> Backend:
        """The loaded engines.

        Raises:
            MissingModel: the weights are not here, or are no GGUF file.
            MissingExtra: llama.cpp is not installed.
        """
        return EmbeddedBackend(self, locate(self.model))

    def width(self) -> int:
        """The number of engines."""
        return self.engines or engines_that_fit(self.model)

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Nothing, unless a price is given."""
        return super().usd(prompt_tokens, completion_tokens) if self.price is not None else 0.0

    @property
    def label(self) -> str:
        """The model's name, or its file's."""
        return Path(self.model).name if self.model.endswith(".gguf") else self.model


def engines_that_fit(model: str) -> int:
    """One engine a core that this process may use, bounded by memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        size = locate(model).stat().st_size
    except MissingModel:
        return 1  # `open` will say it
    return max(1, min(cores, ENGINES_MAX, int(memory * MEMORY_SHARE / (size * OVERHEAD))))


class EmbeddedBackend:
    """Engines, each behind one thread; a request takes the first that is free."""

    def __init__(self, model: Embedded, path: Path) -> None:
        self.model = model
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise MissingModel(what=f"{path.name} is no GGUF file", where=str(path), fix="name a GGUF file")
        self._path, self._lock = path, threading.Lock()
        self._embedder: Any = None
        count = model.width()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="engine")
        self._engines = list(self._pool.map(lambda _: engine(model, path), range(count)))
        self._free = list(self._engines)

    async def ask(self, request: Request) -> Reply:
        """One attempt, in a thread; the engine lets go of the interpreter while it computes."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, request)

    def _ask(self, request: Request) -> Reply:
        began = time.perf_counter()
        if request.operation == "embed":
            return self._embed(request, began)
        server = self._free.pop()  # never empty: there are as many threads as engines
        try:
            if request.operation == "complete":
                found = _call(server.handle_completions, self._body(request) | {"prompt": request.text})
                choice = found["choices"][0]
                said = WireAnswer(choice["text"], finish_of(choice))
            else:
                found = _call(server.handle_chat_completions, self._body(request) | _chat(request))
                said = answer(found["choices"][0])
        finally:
            self._free.append(server)
        counted = found["usage"]
        prompt, completion = counted["prompt_tokens"], counted["completion_tokens"]
        return Reply(
            said.text,
            said.finish,
            Usage(prompt, completion, self.model.usd(prompt, completion)),
            self.model.label,
            (time.perf_counter() - began) * 1e3,
            seed=request.seed,
            tool_calls=said.tool_calls,
            reasoning=said.reasoning,
            verbatim=said.verbatim,
        )

    def _body(self, request: Request) -> dict[str, Any]:
        body = {"cache_prompt": self.model.reuse_prefix, **defaults(self.model)}
        settings(body, request)
        return body

    def _embed(self, request: Request, began: float) -> Reply:
        with self._lock:
            found = self._embedding(request.text)
        tokens = (found.get("usage") or {}).get("prompt_tokens", 0)
        ms = (time.perf_counter() - began) * 1e3
        vector = tuple(found["data"][0]["embedding"])
        return Reply("", "stop", Usage(tokens, 0, self.model.usd(tokens, 0)), self.model.label, ms, vector=vector)

    def _embedding(self, text: str) -> Any:
        if self._embedder is None:
            self._embedder = engine(self.model, self._path, pooling="")
        try:
            return _call(self._embedder.handle_embeddings, {"input": text})
        except Refused as refused:
            if "ooling type" not in refused.reason:
                raise
        self._embedder = engine(self.model, self._path, pooling="MEAN")  # a language model: its file names no pooling
        return _call(self._embedder.handle_embeddings, {"input": text})

    async def close(self) -> None:
        """Wait for what is being computed and free the memory."""
        await asyncio.get_running_loop().run_in_executor(None, functools.partial(self._pool.shutdown, cancel_futures=True))
        self._engines.clear()
        self._free.clear()
        self._embedder = None


def engine(model: Embedded, path: Path, *, pooling: str | None = None, api_key: str = "") -> Any:
    """One loaded llama.cpp engine.

    Args:
        model: its settings.
        path: the weights.
        pooling: for embeddings, how tokens become one vector; empty: as the file says. None: an engine for texts.
        api_key: of its HTTP server on the loopback address; empty: one that nobody knows.

    Raises:
        MissingModel: it cannot read the file.
    """
    llama = require("xllamacpp", extra="local")
    params = llama.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = model.context, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = model.threads
    params.warmup, params.verbosity, params.embedding = False, -1, pooling is not None
    if pooling:
        params.pooling_type = getattr(llama.llama_pooling_type, f"LLAMA_POOLING_TYPE_{pooling}")
    params.cache_prompt, params.cache_ram_mib = model.reuse_prefix, 0
    params.port = 0
    params.api_keys = [api_key or secrets.token_hex(16)]  # it also listens on the loopback address: nobody else may ask
    try:
        return llama.Server(params)
    except (RuntimeError, ValueError, OSError) as exc:
        raise MissingModel(
            what=f"llama.cpp cannot load {path.name} ({exc})", where=str(path), fix="pull it again, or name another"
        ) from exc


def _chat(request: Request) -> dict[str, Any]:
    if any(as_text(part) is None for message in request.messages for part in message.parts):
        raise Refused("this embedded model reads text only: no images, sounds or PDF files")
    body: dict[str, Any] = {"messages": [wire(message) for message in request.messages]}
    if request.choices:  # a bare grammar: two tokens where a JSON object would take twenty
        body["grammar"] = "root ::= " + " | ".join(orjson.dumps(choice).decode() for choice in request.choices)
    elif request.schema is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(request.schema)}}
    if request.tools:
        body["tools"] = declared(request.tools)
    return body


def _call(handle: Any, body: Mapping[str, Any]) -> Any:
    try:
        found = handle(orjson.loads(orjson.dumps(body)))  # plain dicts and lists only
    except ValueError as exc:
        raise Refused(f"llama.cpp does not take the request: {exc}") from exc
    except RuntimeError as exc:
        raise Transient(f"llama.cpp: {exc}") from exc
    error = found.get("error") if isinstance(found, dict) else None
    if error:
        reason = f"llama.cpp: {error.get('message', error)}"
        raise Refused(reason) if int(error.get("code", 500)) < 500 or error.get("code") == 501 else Transient(reason)
    return found
