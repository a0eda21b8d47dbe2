"""`batch`: the files and batches of the OpenAI API: half the price, answers within a day.

Requests gather until there are `batch_size` or none came for `linger_s`; then they are one file, submitted, polled and collected.
What was submitted is written down under the cache folder by the hash of its body, so a run that was killed collects the
answers of its batch instead of paying for a second one.
"""

from __future__ import annotations

import asyncio
import time
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
from pydantic import Field

from lookalike import packaged
from lookalike.models.base import Backend, Closed, Fault, Refused, Reply, Request, Transient
from lookalike.models.openai import OpenAI, OpenAIBackend, connect

if TYPE_CHECKING:
    from lookalike.models.transport import Transport

CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})


class Batch(OpenAI):
    """A server with the OpenAI API, asked through files and batches.

    ```yaml
    cheap: {kind: batch, base_url: "https://api.openai.com/v1", model: my-model, api_key: "${OPENAI_API_KEY}"}
    ```

    Attributes:
        batch_size: requests in one batch, at most; also how many cells wait at once.
        linger_s: seconds without a new request after which a smaller batch goes.
        poll_s: seconds between two looks at a batch.
        window: how long the provider may take, in its own words.
    """

    kind: ClassVar[str] = "batch"
    canary: ClassVar[bool] = False

    concurrency: int = 2000
    batch_size: int = Field(default=2000, ge=1, le=50_000)
    linger_s: float = Field(default=5.0, ge=0)
    poll_s: float = Field(default=30.0, gt=0)
    window: str = "24h"
    timeout_s: float = 2 * 86400.0

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return BatchBackend(self, connect(self))


class BatchBackend:
    """Requests that wait for their batch."""

    def __init__(self, model: Batch, transport: Transport) -> None:
        self.model, self.transport = model, transport
        self.wire = OpenAIBackend(model, transport)
        self._gathered: dict[str, bytes] = {}
        self._url: dict[str, str] = {}
        self._awaited: dict[str, list[asyncio.Future[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        place = blake2b(f"{transport.base_url}\n{model.model}".encode(), digest_size=8).hexdigest()
        self._folder = packaged.home() / "batches" / place
        self._known: dict[str, str] | None = None  # custom id -> batch, of runs before this one
        self._collecting: set[str] = set()
        self._early: dict[str, Any] = {}  # answers of an earlier run's batch that nobody asked for yet

    async def ask(self, request: Request) -> Reply:
        """The reply out of the request's batch."""
        began = time.perf_counter()
        native = self.model.structured != "prompt" and (request.schema is not None or bool(request.choices))
        body = self.wire.body(request, native=native)
        url = {"embed": EMBEDDINGS, "complete": COMPLETIONS}.get(request.operation, CHAT)
        mark = blake2b(url.encode() + body, digest_size=16).hexdigest()
        answer = asyncio.get_running_loop().create_future()
        if mark in self._early:
            return self._read(self._early[mark], request, began, native=native)
        waiting = self._awaited.setdefault(mark, [])
        waiting.append(answer)
        if len(waiting) == 1:
            self._url[mark] = url
            self._enqueue(mark, orjson.dumps({"custom_id": mark, "method": "POST", "url": url}), body)
        return self._read(await answer, request, began, native=native)

    def _read(self, found: Any, request: Request, began: float, *, native: bool) -> Reply:
        if request.operation == "embed":
            return self.wire.embedding(found, request, began)
        if request.operation == "complete":
            return self.wire.completion(found, request, began)
        return self.wire.answer(found, request, began, native=native)

    def _enqueue(self, mark: str, head: bytes, body: bytes) -> None:
        known = self._earlier()
        if mark in self._collecting:
            return
        if mark in known:  # a killed run has paid for it: collect its batch, for all that asked there
            marks = [each for each, batch in known.items() if batch == known[mark]]
            self._collecting.update(marks)
            self._start(self._collect(known[mark], marks))
            return
        self._gathered[mark] = head[:-1] + b',"body":' + body + b"}"
        if self._timer is not None:
            self._timer.cancel()
        full = len(self._gathered) >= self.model.batch_size
        self._timer = asyncio.get_running_loop().call_later(0 if full else self.model.linger_s, self._go)

    def _go(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for url in (CHAT, COMPLETIONS, EMBEDDINGS):  # a batch has one endpoint
            part = {mark: line for mark, line in gathered.items() if self._url[mark] == url}
            if part:
                self._start(self._submit(url, part))

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _earlier(self) -> dict[str, str]:
        if self._known is None:
            self._known = {}
            for path in sorted(self._folder.glob("*.json")):
                self._known |= dict.fromkeys(orjson.loads(path.read_bytes()), path.stem)
        return self._known

    async def _submit(self, url: str, gathered: dict[str, bytes]) -> None:
        marks = list(gathered)
        try:
            name = await self._upload(url, gathered)
        except Fault as fault:
            self._fail(marks, fault)
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".{name}"
        aside.write_bytes(orjson.dumps(marks))
        aside.replace(self._note(name))
        await self._collect(name, marks)

    async def _upload(self, url: str, gathered: dict[str, bytes]) -> str:
        from aiohttp import FormData

        form = FormData()
        form.add_field("purpose", "batch")
        form.add_field("file", b"\n".join(gathered.values()), filename="batch.jsonl", content_type="application/jsonl")
        status, headers, raw = await self.transport.send("POST", "/files", form)
        file = self.transport.parse(status, headers, raw)["id"]
        body = {"input_file_id": file, "endpoint": url, "completion_window": self.model.window}
        return str((await self.transport.post("/batches", orjson.dumps(body)))["id"])

    async def _collect(self, name: str, marks: list[str]) -> None:
        try:
            while (batch := await self._look(name))["status"] not in _OVER:  # noqa: ASYNC110  # the server has no event to wait for
                await asyncio.sleep(self.model.poll_s)
            lines = b""
            for file in ("output_file_id", "error_file_id"):
                if batch.get(file):
                    _, _, raw = await self.transport.send("GET", f"/files/{batch[file]}/content")
                    lines += raw + b"\n"
        except Fault as fault:
            if not fault.retry:
                self._note(name).unlink(missing_ok=True)
            self._fail(marks, fault)
            return
        for line in lines.splitlines():
            if line.strip():
                self._deliver(orjson.loads(line))
        self._note(name).unlink(missing_ok=True)
        self._fail(marks, Transient(f"batch {name} {batch['status']} without an answer to this request"))

    async def _look(self, name: str) -> Any:
        for pause in (1.0, 5.0, 30.0, 60.0):
            try:
                status, headers, raw = await self.transport.send("GET", f"/batches/{name}")
                return self.transport.parse(status, headers, raw)
            except (Refused, Closed):
                raise
            except Fault:
                await asyncio.sleep(min(pause, self.model.poll_s))
        status, headers, raw = await self.transport.send("GET", f"/batches/{name}")
        return self.transport.parse(status, headers, raw)

    def _deliver(self, line: Any) -> None:
        response = line.get("response") or {}
        status, body = response.get("status_code", 500), response.get("body") or line.get("error")
        mark = line["custom_id"]
        if status == 200 and mark in self._collecting and mark not in self._awaited:
            self._early[mark] = body
        for answer in self._awaited.pop(mark, ()):
            if answer.done():
                continue
            if status == 200:
                answer.set_result(body)
            else:
                answer.set_exception(self.transport.fault(status, {}, orjson.dumps(body)))

    def _fail(self, marks: list[str], fault: Fault) -> None:
        self._collecting.difference_update(marks)
        for mark in marks:
            self._earlier().pop(mark, None)  # asked again, it goes with a new batch
        for mark in marks:
            for answer in self._awaited.pop(mark, ()):
                if not answer.done():
                    answer.set_exception(type(fault)(fault.reason, retry_after_s=fault.retry_after_s))

    def _note(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    async def close(self) -> None:
        """Stop polling and close the connections; a submitted batch stays known for the next run."""
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.close()
