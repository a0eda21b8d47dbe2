"""A hard cap in money, tokens, requests and time: reserved before a call, settled after it.

A call that does not fit while others are under way waits for them to settle (they mostly cost less than was reserved); one
that does not fit when nothing is under way ends the run with `BudgetSpent`. So the cap holds as far as the estimate of one
call does: prompt tokens are a quarter of the bytes, completion tokens are `max_tokens`, or the largest reply seen so far
(at least 1,024) where a request sets none.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from lookalike.errors import BudgetSpent, RecipeError
from lookalike.models.base import Usage

FIX = "raise `budget` and run the same command again: what was answered is kept"


class Caps(Protocol):
    """What a recipe's `budget:` holds; None is no cap."""

    @property
    def usd(self) -> float | None: ...  # noqa: D102
    @property
    def tokens(self) -> int | None: ...  # noqa: D102
    @property
    def requests(self) -> int | None: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102


@dataclass(slots=True)
class Spent:
    """What a budget has been charged."""

    usd: float = 0.0
    tokens: int = 0
    requests: int = 0


class Account:
    """The budget of one run, over all its lanes.

    Args:
        caps: the recipe's; None: no cap at all.
        spent: what earlier runs of the same folder cost.
        requests: what they have sent.
        seconds: time that has gone by already.
        share: (index, count) of a shard: it gets one of `count` equal parts of what is left.
    """

    def __init__(
        self,
        caps: Caps | None,
        *,
        spent: Usage = Usage(),  # noqa: B008  # frozen
        requests: int = 0,
        seconds: float = 0.0,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.capped = caps is not None and any(cap is not None for cap in (caps.usd, caps.tokens, caps.requests, caps.seconds))
        self.spent, self._held, self._calls = Spent(), Spent(), 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._until: float | None = None
        self._usd: float | None = None
        self._tokens: float | None = None
        self._requests: float | None = None
        if caps is None or not self.capped:
            return
        count = share[1]
        if caps.usd is not None:
            if spent.usd is None:
                raise _unknown("earlier calls of this run")
            self._usd = (caps.usd - spent.usd) / count
        if caps.tokens is not None:
            self._tokens = (caps.tokens - spent.prompt_tokens - spent.completion_tokens) / count
        if caps.requests is not None:
            left = max(0, caps.requests - requests)
            self._requests = max(1, left // count) if left else 0
        if caps.seconds is not None:
            self._until = time.monotonic() + caps.seconds - seconds

    def needs_price(self, lane: str) -> None:
        """Say that a lane's price is unknown.

        Raises:
            RecipeError: there is a cap in money, which could not be kept.
        """
        if self._usd is not None:
            raise _unknown(f"model {lane!r}")

    async def reserve(self, lane: str, tokens: int, usd: float) -> None:
        """Hold the room of one call.

        Raises:
            BudgetSpent: it does not fit, and nothing under way could make room.
        """
        while (short := self._short(tokens, usd)) is not None:
            if not self._calls or short == "seconds":
                raise BudgetSpent(what=self._why(short, lane, tokens, usd), where="budget", fix=FIX)
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        held = self._held
        held.usd += usd
        held.tokens += tokens
        held.requests += 1
        self._calls += 1

    def settle(self, tokens: int, usd: float, *, used_tokens: int, used_usd: float) -> None:
        """Replace what was held by what it came to."""
        held, spent = self._held, self.spent
        held.usd -= usd
        held.tokens -= tokens
        held.requests -= 1
        self._calls -= 1
        spent.usd += used_usd
        spent.tokens += used_tokens
        spent.requests += 1
        while self._waiting:  # all look again: a small one may fit where a large one does not
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)

    def _short(self, tokens: int, usd: float) -> str | None:
        spent, held = self.spent, self._held
        if self._until is not None and time.monotonic() >= self._until:
            return "seconds"
        if self._requests is not None and spent.requests + held.requests + 1 > self._requests:
            return "requests"
        if self._tokens is not None and spent.tokens + held.tokens + tokens > self._tokens:
            return "tokens"
        if self._usd is not None and spent.usd + held.usd + usd > self._usd * (1 + 1e-12):
            return "usd"
        return None

    def _why(self, short: str, lane: str, tokens: int, usd: float) -> str:
        if short == "seconds":
            return "the budget's time is over"
        if short == "requests":
            return f"the budget's requests are used up ({self.spent.requests} sent)"
        if short == "tokens":
            left = max(0, int((self._tokens or 0) - self.spent.tokens))
            return f"the budget has {left:,} tokens left and the next call of model {lane!r} may take {tokens:,}"
        left_usd = max(0.0, (self._usd or 0.0) - self.spent.usd)
        return f"the budget has {left_usd:.6f} USD left and the next call of model {lane!r} may cost {usd:.6f}"


def _unknown(what: str) -> RecipeError:
    return RecipeError(
        what=f"the budget caps money, but the price of {what} is unknown",
        where="budget.usd",
        fix="give the model a `price: {input: ..., output: ...}` in USD a million tokens, or cap `tokens` instead",
    )
