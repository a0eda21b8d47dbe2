# ruff: noqa: ARG001  # behaviours share one signature
"""A real HTTP server on the loopback address that answers like a model, and misbehaves when told to.

```python
with ModelServer() as server:
    server.next("429", "html", "ok")          # what the next requests get, in order; then `ok` for ever
    model = OpenAI(base_url=server.url, model="test")
```

Speaks the OpenAI, Anthropic and Gemini formats, and the files and batches of the OpenAI API. Answers are a function of the
request: the last message in brackets, JSON that fits an asked schema, a choice; a request that says `refuse me` gets 400. `/v1/check` judges rows for `validate_remote`: a
row is valid unless one of its cells is the text `wrong`.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web

from lookalike import rng
from lookalike.models.scripted import fitting

Behaviour = Callable[["ModelServer", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]
TEN_MEGABYTES = 10_000_000


@dataclass
class ModelServer:
    """The server; a context manager. Counters may be read from the test's thread.

    Args:
        latency_s: seconds before each answer.
        model: the only model that it knows; others get 404. Empty: any.
        key: the only key that it takes; others get 401. Empty: any.
        schemas: whether it takes `response_format`; if not it answers 400.
        always: what every request gets once the queue of `next` is empty, as for `next`.
        refuses: a sampling setting that lines of batches may not have.
    """

    latency_s: float = 0.0
    model: str = ""
    key: str = ""
    schemas: bool = True
    always: str | Behaviour = "ok"
    refuses: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    seen_headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self._queue: deque[str | Behaviour] = deque()
        self._polls: deque[str | Behaviour] = deque()
        self._ends: deque[dict[str, Any]] = deque()
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._number = itertools.count(1)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def next(self, *behaviours: str | Behaviour) -> None:
        """What the next requests get, in order: names of `BEHAVIOURS`, an HTTP status, or a behaviour itself."""
        self._queue.extend(behaviours)

    def next_polls(self, *behaviours: str | Behaviour) -> None:
        """What the next looks at a batch get, as for `next`."""
        self._polls.extend(behaviours)

    def next_batch(self, status: str, *, answered: int | None = None, garbage: bytes = b"", errors: Any = None) -> None:
        """How the next batch ends: its status, how many of its lines are answered, what else is in the file, and its errors."""
        self._ends.append({"status": status, "answered": answered, "garbage": garbage, "errors": errors})

    def forget_batches(self) -> None:
        """As a provider does after some weeks."""
        self._batches.clear()

    def batch_lines(self) -> list[list[dict[str, Any]]]:
        """The lines of each batch that was submitted, in order."""
        return [
            [orjson.loads(line) for line in self._files[each["input_file_id"]].splitlines()] for each in self._batches.values()
        ]

    def __enter__(self) -> Self:
        """Start; `url` is set when this returns."""
        self._thread.start()
        if not self._ready.wait(60):
            raise RuntimeError("the test server did not start")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop, whatever hangs."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 28)
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files/{id}/content", self._content)
        app.router.add_post("/v1/batches", self._batch)
        app.router.add_get("/v1/batches/{id}", self._poll)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handle_signals=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server = site._server  # noqa: SLF001  # aiohttp has no other way to the port
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"  # type: ignore[union-attr]  # it listens
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read() or b"{}")
        self.requests.append(body)
        self.seen_headers.append(dict(request.headers))
        self.paths.append(request.path)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            behaviour = self._queue.popleft() if self._queue else self.always
            reply = await self.answer(behaviour, request, body)
        finally:
            self.in_flight -= 1
        self.statuses[reply.status] += 1
        return reply

    async def answer(self, behaviour: str | Behaviour, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        """The answer to a request by a behaviour, as `next` takes them; `ok` is what a good server would say."""
        if not isinstance(behaviour, str):
            return await behaviour(self, request, body)
        if behaviour.isdigit():
            return _error(int(behaviour), f"scripted {behaviour}")
        if behaviour != "ok":
            return await BEHAVIOURS[behaviour](self, request, body)
        given = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("x-api-key", "")
        if self.key and given != self.key:
            return _error(401, f"Incorrect API key provided: {given}")
        if self.model and body.get("model") != self.model:
            return _error(404, f"The model {body.get('model')!r} does not exist")
        if "response_format" in body and not self.schemas:
            return _error(400, "Unknown parameter: response_format")
        if "refuse me" in str(body):
            return _error(400, "this request is refused")
        return web.json_response(_reply(request.path, body), headers=self.headers, dumps=_dumps)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key and given != self.key:
            return _error(401, f"Incorrect API key provided: {given}")
        data = await request.post()
        name = f"file-{next(self._number)}"
        self._files[name] = data["file"].file.read()  # type: ignore[union-attr]  # an uploaded file
        return web.json_response({"id": name, "object": "file"})

    async def _content(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._files[request.match_info["id"]])

    async def _batch(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        name = f"batch-{next(self._number)}"
        self._batches[name] = {"id": name, "status": "in_progress", "made": time.monotonic(), **body}
        return web.json_response(self._shown(name))

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        if self._polls:
            return await self.answer(self._polls.popleft(), request, {})
        if name not in self._batches:
            return _error(404, f"No batch file with id {name}")
        batch = self._batches[name]
        if batch["status"] == "in_progress" and time.monotonic() - batch["made"] >= self.latency_s:
            self._end(batch, self._ends.popleft() if self._ends else {"status": "completed"})
        return web.json_response(self._shown(name))

    def _end(self, batch: dict[str, Any], how: Mapping[str, Any]) -> None:
        batch["status"] = how["status"]
        if how.get("errors"):
            batch["errors"] = {"data": how["errors"]}
            return
        lines = [orjson.loads(line) for line in self._files[batch["input_file_id"]].splitlines()]
        answered, rest = lines[: how.get("answered")], lines[len(lines[: how.get("answered")]) :]
        self.requests.extend(line["body"] for line in answered)
        done = [
            orjson.dumps(_batch_line(line, self.refuses)) for line in reversed(answered)
        ]  # in another order: only ids count
        batch["output_file_id"], batch["error_file_id"] = f"file-{next(self._number)}", f"file-{next(self._number)}"
        self._files[batch["output_file_id"]] = how.get("garbage", b"") + b"\n".join(done)
        error = {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}
        expired = how["status"] == "expired"
        late = [{"custom_id": line["custom_id"], "response": None, "error": error} for line in rest if expired]
        self._files[batch["error_file_id"]] = b"\n".join(map(orjson.dumps, late))

    def _shown(self, name: str) -> dict[str, Any]:
        return {key: value for key, value in self._batches[name].items() if key != "made"}

    @property
    def batches(self) -> int:
        """How many batches were submitted."""
        return len(self._batches)


def _dumps(body: Any) -> str:
    return orjson.dumps(body).decode()


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status, headers=headers, dumps=_dumps)


def _batch_line(line: dict[str, Any], refuses: str) -> dict[str, Any]:
    text = line["body"].get("messages", [{"content": ""}])[-1]["content"]
    why = f"Unsupported parameter: '{refuses}'" if refuses in line["body"] else "no" if "refuse me" in text else ""
    if why:
        return {"custom_id": line["custom_id"], "response": {"status_code": 400, "body": {"error": {"message": why}}}}
    return {
        "custom_id": line["custom_id"],
        "response": {"status_code": 200, "body": _reply(line["url"], line["body"])},
        "error": None,
    }


def _reply(path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path.endswith("/check"):
        wrong = [name for name, value in body.items() if value == "wrong"] if isinstance(body, dict) else []
        return {"valid": not wrong, "reason": f"{wrong[0]} is wrong" if wrong else None}
    if path.endswith("/messages"):
        return _anthropic(body)
    if ":generateContent" in path:
        return _gemini(body)
    if path.endswith(("/embeddings", ":embedContent")):
        text = body.get("input") or body["content"]["parts"][0]["text"]
        values = rng.generator("server", text).normal(size=8).tolist()
        return {
            "data": [{"embedding": values}],
            "embedding": {"values": values},
            "usage": {"prompt_tokens": 3},
            "model": "test",
        }
    if path.endswith("/completions") and not path.endswith("/chat/completions"):
        return {
            "choices": [{"text": f"[{body['prompt']}]", "finish_reason": "stop"}],
            "usage": _counted(),
            "model": body["model"],
        }
    text = _text(body["messages"][-1]["content"])
    draw = int(body.get("seed") or rng.key(text) >> 33)
    asked = body.get("response_format", {}).get("json_schema", {}).get("schema")
    content = f"[{text}]" if asked is None else orjson.dumps(fitting(asked, draw)).decode()
    return _chat({"role": "assistant", "content": content}, body)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else " ".join(part.get("text", f"<{part['type']}>") for part in content)


def _counted() -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": 5}


def _chat(message: dict[str, Any], body: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {
        "model": body.get("model", "test"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _counted(),
    }


def _anthropic(body: dict[str, Any]) -> dict[str, Any]:
    last = body["messages"][-1]["content"]
    content: list[dict[str, Any]] = [{"type": "text", "text": f"[{_text(last)}]"}]
    reason = "end_turn"
    if body.get("tool_choice", {}).get("type") in ("tool", "any"):
        tool = body["tools"][-1]
        content = [{"type": "tool_use", "id": "t1", "name": tool["name"], "input": fitting(tool["input_schema"], 7)}]
        reason = "tool_use"
    return {
        "model": body["model"],
        "content": content,
        "stop_reason": reason,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def _gemini(body: dict[str, Any]) -> dict[str, Any]:
    text = " ".join(part.get("text", "") for part in body["contents"][-1]["parts"])
    settings = body.get("generationConfig", {})
    schema = settings.get("responseJsonSchema") or settings.get("responseSchema")
    said = f"[{text}]"
    if schema is not None:
        made = fitting({**schema, "type": str(schema.get("type", "object")).lower()}, 7)
        said = made if isinstance(made, str) and settings["responseMimeType"] == "text/x.enum" else orjson.dumps(made).decode()
    return {
        "candidates": [{"content": {"role": "model", "parts": [{"text": said}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
        "modelVersion": "test",
    }


async def _hang(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


async def _half(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await reply.prepare(request)
    await reply.write(b'{"choices": [{"message": {"content": "it ends he')
    if request.transport is not None:
        request.transport.close()
    return reply


async def _endless(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    reply = web.StreamResponse(headers={"Content-Type": "application/json"})
    await reply.prepare(request)
    try:
        while True:
            await reply.write(b" " * 65536)
    except ConnectionError:
        return reply


def _said(message: dict[str, Any], finish: str = "stop") -> Behaviour:
    async def answer(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.json_response(_chat({"role": "assistant", **message}, body, finish), headers=server.headers, dumps=_dumps)

    return answer


def answering(status: int, text: str, headers: Mapping[str, str] | None = None) -> Behaviour:
    """A behaviour: always this status and body."""

    async def answer(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers={"Content-Type": "application/json", **(headers or {})})

    return answer


def _call(name: str) -> dict[str, Any]:
    return {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": name, "arguments": "{}"}}]}


BEHAVIOURS: dict[str, Behaviour] = {
    "html": answering(200, "<html><body>Bad gateway</body></html>", {"Content-Type": "text/html"}),
    "hang": _hang,
    "half": _half,
    "endless": _endless,
    "error-in-200": answering(200, '{"error": {"message": "upstream failed"}}'),
    "limited-in-200": answering(200, '{"error": {"message": "slow down", "code": 429}}'),
    "not-a-chat": answering(200, '{"id": "x"}'),
    "truncated-json": answering(200, '{"choices": [{"message": {"content": "it en'),
    "empty": _said({"content": ""}),
    "refusal": _said({"content": None, "refusal": "I cannot help with that"}),
    "length": _said({"content": "it ends he"}, "length"),
    "filtered": _said({"content": ""}, "content_filter"),
    "huge": _said({"content": "x" * TEN_MEGABYTES}),
    "unknown-tool": _said(_call("no_such_tool"), "tool_calls"),
    "reasoning": _said({"content": "Yes.", "reasoning_content": "It boils water."}),
    "prose": _said({"content": "Here you are: nothing."}),
    "moved": answering(307, "", {"Location": "http://127.0.0.1:9/stolen"}),
    "429-retry-after": answering(429, '{"error": {"message": "slow down"}}', {"Retry-After": "1"}),
    "shrug": answering(200, '"perhaps"'),
    "quota": answering(429, '{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'),
}
