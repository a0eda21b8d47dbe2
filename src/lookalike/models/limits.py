"""How many requests may be in flight, and how fast they may start.

`Window` is additive increase, multiplicative decrease over windows of replies: a window in which more than a tenth were limited
cuts the limit by that share (at least a quarter), a clean one adds 5%. A stray 429 changes nothing; it is only tried again.
`Bucket` is the generic cell rate algorithm (ITU-T I.371) for requests and tokens a minute. All clocks are monotonic.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

LIMITED_SHARE = 0.1
GROWTH = 0.05
PAUSE_MAX_S = 300.0
PAUSE_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a lane may use: requests in flight, and requests and tokens a minute (None: no limit)."""

    concurrency: int
    rpm: float | None
    tpm: float | None


class Lease(Protocol):
    """Shares one limit among workers. Soft state: a lease that restarts is told the truth again by the next report."""

    @property
    def period_s(self) -> float | None:
        """How often a lane asks again; None: once."""

    def lease(self, lane: str, wanted: Grant, *, in_flight: int, replies: int, limited: int, tokens: int) -> Grant:
        """A worker's part of what the lane's model allows."""
        ...


@dataclass(frozen=True, slots=True)
class FixedShare:
    """One of `count` equal parts: a shard's lease. (0, 1) is the whole."""

    index: int = 0
    count: int = 1
    period_s: float | None = None

    def lease(self, lane: str, wanted: Grant, *, in_flight: int, replies: int, limited: int, tokens: int) -> Grant:  # noqa: ARG002
        """The same part for ever; the first `concurrency % count` shards get one request more."""
        whole, rest = divmod(wanted.concurrency, self.count)
        return Grant(
            max(1, whole + (self.index < rest)),
            None if wanted.rpm is None else wanted.rpm / self.count,
            None if wanted.tpm is None else wanted.tpm / self.count,
        )


class Bucket:
    """At most `per_minute` units a minute, evenly; up to `burst_s` seconds' worth at once."""

    __slots__ = ("_burst_s", "_each_s", "_full_at")

    def __init__(self, per_minute: float, *, burst_s: float = 1.0) -> None:
        self._each_s, self._burst_s, self._full_at = 60.0 / per_minute, burst_s, 0.0

    def take(self, units: float, now: float) -> float:
        """Take units; returns seconds to wait before they may be used."""
        start = max(now, self._full_at)
        self._full_at = start + units * self._each_s
        return max(0.0, start - now - self._burst_s)

    def give_back(self, units: float) -> None:
        """Units that were taken and not used (negative: more were used)."""
        self._full_at -= units * self._each_s


class Window:
    """The limit on requests in flight, and the queue before it."""

    __slots__ = ("_bad", "_first", "_good", "_handing", "_waiting", "cap", "in_flight", "limit", "paused_until")

    def __init__(self, cap: int, *, start: int | None = None) -> None:
        self.cap, self.limit, self.in_flight = cap, float(start or cap), 0
        self.paused_until = 0.0
        self._good = self._bad = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._first: deque[asyncio.Future[None]] = deque()  # they go before new work, so that records finish early
        self._handing = False  # places left in this turn of the loop are handed over in the next

    async def enter(self, *, ahead: bool = False) -> None:
        """Wait for a place. `ahead`: before those who begin something new."""
        if self.in_flight < int(self.limit) and not (self._first or (self._waiting and not ahead)):
            self.in_flight += 1
        else:
            turn = asyncio.get_running_loop().create_future()
            (self._first if ahead else self._waiting).append(turn)
            try:
                await turn  # `wake` has taken the place for us
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.leave()
                raise
        while self.paused_until:
            pause = self.paused_until - time.monotonic()
            if pause <= 0:
                self.paused_until = 0.0
                return
            try:
                await asyncio.sleep(min(pause, PAUSE_STEP_S))  # short steps: the lane may be closed meanwhile
            except asyncio.CancelledError:
                self.leave()
                raise

    def leave(self) -> None:
        """Give the place back; a moment later it is handed on, unless who has left goes on with the same record at once."""
        self.in_flight -= 1
        if (self._waiting or self._first) and not self._handing:
            self._handing = True
            asyncio.get_running_loop().call_soon(self.wake)

    def wake(self) -> None:
        """Hand free places to those who wait, in order."""
        self._handing = False
        while self.in_flight < int(self.limit) and (self._first or self._waiting):
            turn = self._first.popleft() if self._first else self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def open(self) -> None:
        """Full width: the first reply is there."""
        self.limit = float(self.cap)
        self.wake()

    def resize(self, cap: int) -> None:
        """Another cap, from a lease."""
        self.limit = min(float(cap), self.limit * cap / self.cap if cap < self.cap else self.limit)
        self.cap = cap

    def stop(self) -> None:
        """Let everybody through who waits: the lane is closed, and each finds out by itself."""
        self.cap, self.limit, self.paused_until = sys.maxsize, float(sys.maxsize), 0.0
        self.wake()

    def good(self) -> None:
        """A reply came."""
        self._good += 1
        if self._good + self._bad >= max(8.0, self.limit):
            self._close()

    def limited(self, retry_after_s: float | None) -> None:
        """The server asked for fewer requests. It is believed for all requests once it is no stray."""
        self._bad += 1
        seen = self._good + self._bad
        if retry_after_s and self._bad >= min(3.0, self.limit) and self._bad > LIMITED_SHARE * seen:
            self.pause(retry_after_s)
        if seen >= max(8.0, self.limit):
            self._close()

    def pause(self, seconds: float) -> None:
        """Start nothing for a while."""
        self.paused_until = max(self.paused_until, time.monotonic() + min(seconds, PAUSE_MAX_S))

    def _close(self) -> None:
        share = self._bad / (self._good + self._bad)
        self._good = self._bad = 0
        if share > LIMITED_SHARE:
            self.limit = max(1.0, self.limit * min(0.75, 1 - share))
        elif self.limit < self.cap:
            self.limit = min(float(self.cap), self.limit + max(1.0, GROWTH * self.limit))
            self.wake()
