"""The only way to a backend: limits, retries and the budget, around one attempt at a time.

    ask --> stored? --> budget --> window --> buckets --> backend.ask
                          ^                                   |
                          +------- backoff, beside new work <-+ Transient, Limited

Waiting in our own queue never counts as a time-out, retries hold no place while they wait, and only monotonic clocks are read.
The first request of a server's lane goes ahead alone for up to a second: a wrong key or model costs one try, not a window of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from lookalike.errors import ModelError
from lookalike.models.base import (
    AskOtherwise,
    Backend,
    CallFailed,
    Closed,
    Fault,
    Limited,
    Model,
    Refused,
    Reply,
    Request,
    Transient,
    Unreachable,
)
from lookalike.models.budget import Account
from lookalike.models.limits import Bucket, Grant, Lease, Window
from lookalike.models.pricing import tokens_of

LIMITED_TRIES = 8  # a limited request may be tried so many times more often than a failed one: the server is alive
GONE_CALLS = 3
EXPECTED_COMPLETION = 1024
FRAMING_TOKENS = 8  # a chat template's tokens around each message, about


@runtime_checkable
class Advises(Protocol):
    """A backend whose server tells in headers when its limit is used up."""

    def take_pause_s(self) -> float:
        """Seconds that the last replies asked us to wait; 0 for none. Told once."""
        ...


class Store(Protocol):
    """Replies that runs share."""

    def get(self, model: Model, request: Request) -> Reply | None: ...  # noqa: D102
    def put(self, model: Model, request: Request, reply: Reply) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class LaneState:
    """One lane, now: what a live view shows.

    Attributes:
        limit: requests that may be in flight; adapts.
        rate: replies a second over the last ten seconds.
        usd: None where the price is unknown.
        paused_s: seconds until requests start again; 0 when they do.
        stopped: why the lane is closed; empty while it is open.
    """

    in_flight: int
    limit: float
    replies: int
    retries: int
    limited: int
    failed: int
    stored: int
    tokens: int
    usd: float | None
    rate: float
    paused_s: float
    stopped: str


class Lane:
    """Requests to one model."""

    def __init__(self, name: str, model: Model, account: Account, lease: Lease, store: Store | None = None) -> None:
        self.name, self.model, self.account, self.store = name, model, account, store
        self._lease, self._wanted = lease, Grant(model.width(), model.rpm, model.tpm)
        grant = lease.lease(name, self._wanted, in_flight=0, replies=0, limited=0, tokens=0)
        self.concurrency = grant.concurrency
        self.window = Window(grant.concurrency, start=1 if model.canary else None)
        self._grant(grant)
        self._backend: Backend | None = None
        self._advises: Advises | None = None
        self._stopped: ModelError | None = None
        self._fresh = model.canary
        self.replies = self.retries = self.limited = self.failed = self.stored = self.tokens = 0
        self.usd: float | None = 0.0
        self._retrying, self._longest = 0, EXPECTED_COMPLETION
        self._marks = [(time.monotonic(), 0)]

    def _grant(self, grant: Grant) -> None:
        self._rpm = Bucket(grant.rpm) if grant.rpm else None
        self._tpm = Bucket(grant.tpm, burst_s=5.0) if grant.tpm else None

    def renew(self) -> None:
        """Ask the lease again, with what was seen."""
        grant = self._lease.lease(
            self.name,
            self._wanted,
            in_flight=self.window.in_flight,
            replies=self.replies,
            limited=self.limited,
            tokens=self.tokens,
        )
        self.concurrency = grant.concurrency
        self.window.resize(grant.concurrency)
        self._grant(grant)

    async def ask(self, request: Request, *, ahead: bool = False) -> Reply:
        """A reply, however many attempts it takes.

        Args:
            request: what is asked.
            ahead: it goes before those who wait and are not: a record that is begun is finished before another begins.

        Raises:
            CallFailed: this request gets none; the reason is its text.
            BudgetSpent: the budget has no room for it.
            ModelError: no request of this lane can succeed.
            MissingModel: the backend cannot be opened.
        """
        if self._stopped is not None:
            raise self._stopped
        if self.store is not None and (kept := self.store.get(self.model, request)) is not None:
            self.stored += 1
            return kept
        backend = self._backend or self._open()
        tokens, usd = self._estimate(request) if self.account.capped or self._tpm is not None else (0, 0.0)
        reply = await self._attempts(backend, request, tokens, usd, ahead=ahead)
        if self.store is not None:
            self.store.put(self.model, request, reply)
        return reply

    def _estimate(self, request: Request) -> tuple[int, float]:
        """Tokens and money that a call may take."""
        completion = request.max_tokens or self.model.max_tokens or self._longest
        prompt = prompt_tokens(request)
        tokens = prompt if request.operation == "embed" else prompt + completion
        usd, price = self.model.usd(prompt, tokens - prompt) or 0.0, self.model.price
        return tokens, usd if price is None else usd + max(
            0.0, price.beside_input(0, prompt)
        )  # all of it may be put in a cache

    def _open(self) -> Backend:
        self._backend = self.model.open()
        self._advises = self._backend if isinstance(self._backend, Advises) else None
        if self._fresh:
            asyncio.get_running_loop().call_later(self.model.patience.first_s, self._widen)
        return self._backend

    def _widen(self) -> None:
        if self._fresh:
            self._fresh = False
            if self._stopped is None:
                self.window.open()

    async def _attempts(self, backend: Backend, request: Request, tokens: int, usd: float, *, ahead: bool) -> Reply:
        tries = failures = 0
        began, answered = time.monotonic(), self.replies
        try:
            while True:
                tries += 1
                try:
                    reply = await self._once(backend, request, tokens, usd, ahead=ahead or tries > 1)
                except Fault as fault:
                    delay = self.model.patience.backoff(tries) * (0.5 + random.random())
                    since = time.monotonic() - began
                    failures += self._judge(fault, failures, tries, answered, since + delay)
                    if tries == 1:
                        self._retrying += 1
                    self.retries += 1
                    await asyncio.sleep(max(delay, fault.retry_after_s or 0.0))
                else:
                    break
        finally:
            if tries > 1:
                self._retrying -= 1
        if tries > 1:
            return replace(reply, tries=tries, ms=reply.ms or (time.monotonic() - began) * 1e3)
        return reply

    async def _once(self, backend: Backend, request: Request, tokens: int, usd: float, *, ahead: bool) -> Reply:
        if self.account.capped:
            await self.account.reserve(self.name, tokens, usd)
        used_tokens, used_usd = 0, 0.0
        try:
            await self.window.enter(ahead=ahead)
            try:
                if self._rpm is not None or self._tpm is not None:
                    await self._in_time(tokens)
                if self._stopped is not None:
                    raise self._stopped
                try:
                    async with asyncio.timeout(self.model.timeout_s):
                        reply = await backend.ask(request)
                except TimeoutError:
                    raise Transient(f"no answer within {self.model.timeout_s:g} s") from None
                usage = reply.usage
                used_tokens, used_usd = usage.prompt_tokens + usage.completion_tokens, usage.usd or 0.0
                self._count(reply, used_tokens)
                if self._tpm is not None:
                    self._tpm.give_back(tokens - used_tokens)
            finally:
                self.window.leave()
        finally:
            if self.account.capped:
                self.account.settle(tokens, usd, used_tokens=used_tokens, used_usd=used_usd)
        return reply

    async def _in_time(self, tokens: int) -> None:
        now = time.monotonic()
        wait = self._rpm.take(1, now) if self._rpm is not None else 0.0
        if self._tpm is not None:
            wait = max(wait, self._tpm.take(tokens, now))
        if wait > 0:
            await asyncio.sleep(wait)

    def _count(self, reply: Reply, tokens: int) -> None:
        self.replies += 1
        self.tokens += tokens
        price = reply.usage.usd
        self.usd = None if price is None or self.usd is None else self.usd + price
        self._longest = max(self._longest, reply.usage.completion_tokens)
        self.window.good()
        if self._fresh:
            self._widen()
        if self._advises is not None and (pause := self._advises.take_pause_s()) > 0:
            self.window.pause(pause)

    def _judge(self, fault: Fault, failures: int, tries: int, answered: int, again_s: float) -> int:
        """1 when the fault counts against the retries, 0 when the server is only busy; raises when the call is over.

        `again_s` after its first try the request would go again.
        """
        if isinstance(fault, Closed):
            raise self.stop(
                fault.reason, "check the model's name, its key and its address; then run the same command again"
            ) from fault
        if isinstance(fault, Limited):
            self.limited += 1
            self.window.limited(fault.retry_after_s)
            if tries > self.model.retries * LIMITED_TRIES:
                self._fail(f"still limited after {tries} tries: {fault.reason}", fault)
            return 0
        if isinstance(fault, AskOtherwise):  # once for each thing that the server does not take
            return 0
        if isinstance(fault, Refused) or not fault.retry:
            self._widen()  # the server answers: it is this request that it does not take
            self._fail(fault.reason, fault)
        never = not self.replies and isinstance(fault, Unreachable)
        if failures >= self.model.retries or (never and again_s > self.model.patience.start_s):
            if never or (self.replies == answered and self._retrying >= GONE_CALLS):
                raise self.stop(
                    f"nothing answers: {fault.reason}",
                    "start the server and run the same command again; `patience: {start_s: 600}` waits for it",
                ) from fault
            self._fail(f"no reply after {tries} tries: {fault.reason}", fault)
        return 1

    def _fail(self, reason: str, fault: Fault) -> None:
        self.failed += 1
        raise CallFailed(what=reason, where=f"model {self.name!r}") from fault

    def stop(self, reason: str, fix: str) -> ModelError:
        """Close the lane for all: who waits is let go, and every later request gets this error."""
        if self._stopped is None:
            self._stopped = ModelError(what=reason, where=f"model {self.name!r}", fix=fix)
            self.window.stop()
        return self._stopped

    async def close(self) -> None:
        """Close the backend."""
        if self._backend is not None:
            await self._backend.close()
            self._backend = None

    def state(self) -> LaneState:
        """Numbers for a live view."""
        now = time.monotonic()
        if now - self._marks[-1][0] >= 1.0:
            self._marks = [*self._marks[-10:], (now, self.replies)]
        since, before = self._marks[0]
        return LaneState(
            in_flight=self.window.in_flight,
            limit=min(self.window.limit, float(self.concurrency)),
            replies=self.replies,
            retries=self.retries,
            limited=self.limited,
            failed=self.failed,
            stored=self.stored,
            tokens=self.tokens,
            usd=self.usd,
            rate=(self.replies - before) / max(now - since, 1e-6),
            paused_s=max(0.0, self.window.paused_until - now) if self.window.paused_until else 0.0,
            stopped="" if self._stopped is None else self._stopped.what,
        )


def prompt_tokens(request: Request) -> int:
    """About how many tokens a request's prompt has."""
    if request.operation != "chat":
        return tokens_of(request.text)
    count = sum(len(message.content) // 4 + FRAMING_TOKENS + 1024 * len(message.parts) for message in request.messages)
    return count if not request.tools else count + sum(len(str(tool.parameters)) // 4 for tool in request.tools)
