"""`batch`: the files and batches of the OpenAI API: half the price, answers within a day.

Requests gather until there are `batch_size` (or 100 MB) or none came for `linger_s`; then they are one file, submitted, polled
and collected. What was submitted is written down by the batch's id, under the cache folder, so a run that was killed collects
the answers of its batch instead of paying for a second one. A batch that is over without an answer to some requests (expired,
cancelled, one line failed) has those asked again in another; a server that cannot be reached meanwhile is only waited for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import orjson
from pydantic import Field

from lookalike import packaged
from lookalike.models.base import Backend, Fault, Limited, Operation, Refused, Reply, Request, Transient
from lookalike.models.openai import OpenAIBackend
from lookalike.models.served import Served
from lookalike.models.structured import in_prompt
from lookalike.models.wire import reading

ENDPOINTS: dict[Operation, str] = {"chat": "/v1/chat/completions", "complete": "/v1/completions", "embed": "/v1/embeddings"}
BYTES_MAX = 100_000_000  # of one file; OpenAI takes 200 MB
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})


class BatchServer(Served):
    """A server with the OpenAI API, asked through files and batches.

    ```yaml
    cheap: {kind: batch, base_url: "https://api.openai.com/v1", model: my-model, api_key: "${OPENAI_API_KEY}"}
    ```

    Attributes:
        structured: `auto` and `native`: JSON by response_format; `prompt`: in words.
        batch_size: requests in one batch, at most; also how many cells wait at once.
        linger_s: seconds without a new request after which a smaller batch goes.
        poll_s: seconds between two looks at a batch.
        queue_full_s: seconds until the next batch goes where the provider's queue has no room for it.
        window: how long the provider may take, in its own words.
    """

    kind: ClassVar[str] = "batch"
    canary: ClassVar[bool] = False

    concurrency: int = 2000
    batch_size: int = Field(default=2000, ge=1, le=50_000)
    linger_s: float = Field(default=5.0, ge=0)
    poll_s: float = Field(default=30.0, gt=0)
    queue_full_s: float = Field(default=60.0, ge=0)
    window: str = "24h"
    timeout_s: float = 2 * 86400.0

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return BatchBackend(self, self.connect())


class _Gone(Transient):
    """The server knows nothing of a batch or its file, or no longer: its requests go with another."""


class BatchBackend:
    """Requests that wait for their batch, each known by the hash of its body: its mark."""

    def __init__(self, model: BatchServer, transport: Any) -> None:
        self.model, self.transport = model, transport
        self.wire = OpenAIBackend(model, transport)
        self._gathered: dict[str, dict[str, bytes]] = {}  # endpoint -> mark -> line
        self._bytes = 0
        self._awaited: dict[str, list[asyncio.Future[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        place = blake2b(f"{transport.base_url}\n{model.model}".encode(), digest_size=8).hexdigest()
        self._folder = packaged.home() / "batches" / place
        self._known: dict[str, str] | None = None  # mark -> batch, of runs before this one
        self._collecting: set[str] = set()
        self._early: dict[str, Any] = {}  # answers of an earlier run's batch that nobody asked for yet

    async def ask(self, request: Request) -> Reply:
        """The reply out of the request's batch."""
        began = time.perf_counter()
        structured = request.operation == "chat" and (request.schema is not None or bool(request.choices))
        native = structured and self.model.structured != "prompt"
        sent = self.wire.body(request if native or not structured else in_prompt(request), native=native)
        url, body = ENDPOINTS[request.operation], orjson.dumps(sent)
        mark = blake2b(url.encode() + body, digest_size=16).hexdigest()
        if mark in self._early:
            return self.wire.read(self._early[mark], request, began, native=native)
        answer = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(mark, [])
        waiting.append(answer)
        if len(waiting) == 1 and mark not in self._collecting:
            self._enqueue(
                mark, url, orjson.dumps({"custom_id": mark, "method": "POST", "url": url})[:-1] + b',"body":' + body + b"}"
            )
        try:
            found = await answer
        except Refused as refused:
            self.wire.learn(refused, sent)
            raise
        return self.wire.read(found, request, began, native=native)

    def _enqueue(self, mark: str, url: str, line: bytes) -> None:
        known = self._earlier()
        if mark in known:  # a killed run has paid for it: collect its batch, for all that asked there
            marks = [each for each, batch in known.items() if batch == known[mark]]
            self._collecting.update(marks)
            self._start(self._collect(known[mark], marks), marks)
            return
        gathered = self._gathered.setdefault(url, {})
        gathered[mark] = line
        if self._timer is not None:
            self._timer.cancel()
        self._bytes += len(line)
        if len(gathered) >= self.model.batch_size or self._bytes >= BYTES_MAX:
            self._go()
        else:
            self._timer = asyncio.get_running_loop().call_later(self.model.linger_s, self._go)

    def _go(self) -> None:
        gathered, self._gathered, self._bytes = self._gathered, {}, 0
        for url, lines in gathered.items():  # a batch has one endpoint
            self._start(self._submit(url, lines), list(lines))

    def _start(self, work: Coroutine[Any, Any, None], marks: list[str]) -> None:
        task = asyncio.create_task(self._guarded(work, marks))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], marks: list[str]) -> None:
        """Whatever ends the work, nobody waits for ever."""
        try:
            await work
        except Exception as error:  # noqa: BLE001  # handed to all who wait: a fault, a full disk
            self._settle(marks, error)

    def _earlier(self) -> dict[str, str]:
        if self._known is None:
            self._known = {}
            for path in sorted(self._folder.glob("*.json")):
                self._known |= dict.fromkeys(orjson.loads(path.read_bytes()), path.stem)
        return self._known

    async def _submit(self, url: str, gathered: dict[str, bytes]) -> None:
        marks = list(gathered)
        name = await self._upload(url, gathered)
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".{name}"
        aside.write_bytes(orjson.dumps(marks))
        aside.replace(self._note(name))
        await self._collect(name, marks)

    async def _upload(self, url: str, gathered: dict[str, bytes]) -> str:
        form, content_type = _form(b"\n".join(gathered.values()))
        file = self.transport.parse(*await self.transport.send("POST", "/files", form, content_type))
        with reading(file, "file"):
            body = {"input_file_id": file["id"], "endpoint": url, "completion_window": self.model.window}
        batch = await self.transport.post("/batches", orjson.dumps(body))
        with reading(batch, "batch"):
            return str(batch["id"])

    async def _collect(self, name: str, marks: list[str]) -> None:
        try:
            while (batch := await self._waited(f"/batches/{name}", _batch))["status"] not in _OVER:  # noqa: ASYNC110  # the server has no event to wait for
                await asyncio.sleep(self.model.poll_s)
            files = [batch[file] for file in ("output_file_id", "error_file_id") if batch.get(file)]
            answers = [await self._waited(f"/files/{file}/content", bytes) for file in files]
            fault = self._unanswered(name, batch)
        except _Gone as gone:
            answers, fault = [], gone
        # nothing is awaited from here on: a run that ends with its last answer has taken its note away
        self._note(name).unlink(missing_ok=True)
        for line in b"\n".join(answers).splitlines():
            if line.strip():
                self._deliver(line)
        self._settle(marks, fault)

    async def _waited(self, path: str, read: Callable[[bytes], Any]) -> Any:
        """What an address answers. Whatever may pass is waited out: the batch is paid for."""
        while True:
            try:
                status, headers, raw = await self.transport.send("GET", path)
                if status == 404:
                    raise _Gone(f"{path[1:]} is gone: {self.transport.fault(status, headers, raw).reason}")
                if status != 200:
                    raise self.transport.fault(status, headers, raw)
                return read(raw)
            except Fault as fault:
                if isinstance(fault, _Gone) or not fault.retry:
                    raise
                await asyncio.sleep(max(self.model.poll_s, fault.retry_after_s or 0.0))

    def _deliver(self, raw: bytes) -> None:
        try:
            line = orjson.loads(raw)
            mark, response = line["custom_id"], line.get("response") or {}
            status, body = response.get("status_code", 500), response.get("body") or line.get("error")
        except (AttributeError, LookupError, TypeError, ValueError):
            return  # a torn line answers nothing: its request is asked again with those that have none
        if status == 200 and mark in self._collecting and mark not in self._awaited:
            self._early[mark] = body
        for answer in self._awaited.pop(mark, ()):
            if answer.done():
                continue
            if status == 200:
                answer.set_result(body)
            else:
                answer.set_exception(self.transport.fault(status, {}, orjson.dumps(body)))

    def _settle(self, marks: list[str], error: Exception) -> None:
        """Give the error to all who still wait; asked again, they go with a new batch."""
        self._collecting.difference_update(marks)
        for mark in marks:
            self._earlier().pop(mark, None)
            for answer in self._awaited.pop(mark, ()):
                if answer.done():
                    continue
                if isinstance(error, Fault):  # each needs a traceback of its own
                    answer.set_exception(type(error)(error.reason, retry_after_s=error.retry_after_s))
                else:
                    answer.set_exception(error)

    def _unanswered(self, name: str, batch: dict[str, Any]) -> Fault:
        """Why a batch that is over has no answer to a request: asked again, unless the provider refused it as a whole."""
        errors = (batch.get("errors") or {}).get("data") or []
        said = "; ".join(str(error.get("message") or error.get("code")) for error in errors[:3])
        reason = f"batch {name} {batch['status']} without an answer to this request" + (f": {said}" if said else "")
        if batch["status"] != "failed":
            return Transient(reason)
        full = any(error.get("code") == "token_limit_exceeded" for error in errors)
        return Limited(reason, retry_after_s=self.model.queue_full_s) if full else Refused(reason)

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


def _form(lines: bytes) -> tuple[bytes, str]:
    """A file of requests as `multipart/form-data` (RFC 7578), and that type with its boundary, which is in no request."""
    boundary = blake2b(lines, digest_size=16).hexdigest()
    part = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = f'{part}"purpose"\r\n\r\nbatch\r\n{part}"file"; filename="batch.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
    return head.encode() + lines + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _batch(raw: bytes) -> dict[str, Any]:
    with reading(raw, "batch"):
        batch = orjson.loads(raw)
        return {**batch, "status": str(batch["status"])}
