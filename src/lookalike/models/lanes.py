"""All lanes of one run: one for each model that its columns name, one budget over them.

```python
async with Lanes({"writer": model}, budget) as lanes:
    reply = await lanes.ask(Request("writer", (Message("user", "Hello"),)))
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lookalike.errors import ModelError, did_you_mean
from lookalike.models.base import Model, Reply, Request, Usage
from lookalike.models.budget import Account, Caps
from lookalike.models.lane import Lane, LaneState
from lookalike.models.limits import FixedShare, Lease

if TYPE_CHECKING:
    from lookalike.models.cache import ReplyCache


class Lanes:
    """The lanes to `models`. Cheap to make: sockets and weights are opened by the first request that needs them.

    Args:
        models: lane name -> model.
        budget: caps over all lanes together; None: none.
        spent: what earlier runs of the same folder have cost already.
        requests: how many requests they have sent.
        seconds: time of the budget that has gone by already.
        share: (index, count): this worker is one of `count` shards and gets its part of limits and budget.
        lease: how limits are shared instead, e.g. by an actor over many machines.
        cache: a folder of replies that runs share, keyed by the request; None: none.

    Raises:
        RecipeError: the budget caps money and the price of a model is unknown.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        budget: Caps | None = None,
        *,
        spent: Usage = Usage(),  # noqa: B008  # frozen
        requests: int = 0,
        seconds: float = 0.0,
        share: tuple[int, int] = (0, 1),
        lease: Lease | None = None,
        cache: Path | None = None,
    ) -> None:
        self.account = Account(budget, spent=spent, requests=requests, seconds=seconds, share=share)
        for name, model in models.items():
            if model.usd(1, 1) is None:
                self.account.needs_price(name)
        self._lease = lease or FixedShare(*share)
        self._store = None if cache is None else _stored(cache)
        self._lanes = {name: Lane(name, model, self.account, self._lease, self._store) for name, model in models.items()}
        self._renewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Nothing is opened yet."""
        if self._lease.period_s is not None:
            self._renewing = asyncio.create_task(self._renew(self._lease.period_s))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every backend, whatever one of them says."""
        if self._renewing is not None:
            self._renewing.cancel()
        try:
            outcomes = await asyncio.gather(*(lane.close() for lane in self._lanes.values()), return_exceptions=True)
        finally:
            if self._store is not None:
                self._store.close()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and error is None:
                raise outcome

    async def _renew(self, period_s: float) -> None:
        while True:
            await asyncio.sleep(period_s)
            for lane in self._lanes.values():
                lane.renew()

    async def ask(self, request: Request, *, ahead: bool = False) -> Reply:
        """A reply, after limits, retries and the budget. `ahead`: before requests that begin a record.

        Raises:
            CallFailed: this request gets no reply; its text says why.
            BudgetSpent: there is no room for it in the budget.
            ModelError: its lane is stopped, or no lane has its name.
        """
        lane = self._lanes.get(request.model)
        if lane is None:
            raise ModelError(
                what=f"no model is named {request.model!r}", fix=did_you_mean(request.model, self._lanes, label="models")
            )
        return await lane.ask(request, ahead=ahead)

    def snapshot(self) -> dict[str, LaneState]:
        """All lanes, now."""
        return {name: lane.state() for name, lane in self._lanes.items()}

    def concurrency(self, name: str) -> int:
        """How many cells of a lane are useful in flight."""
        return self._lanes[name].concurrency


def _stored(folder: Path) -> ReplyCache:
    from lookalike.models.cache import ReplyCache  # SQLite: only where runs share replies

    return ReplyCache(folder)
