"""A local server that misbehaves, and short waits between tries."""

import asyncio

import pytest

from lookalike.models import lane as lane_module
from lookalike.models.base import Message, Request
from lookalike.models.lanes import Lanes
from lookalike.models.openai import OpenAI
from lookalike.testing.server import ModelServer


@pytest.fixture
def server():
    with ModelServer() as running:
        yield running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """Backoff in milliseconds: what is tested is what follows it, not how long it is."""
    monkeypatch.setattr(lane_module, "BACKOFF_S", 0.01)
    monkeypatch.setattr(lane_module, "CANARY_S", 0.2)


def request(text="kettle", lane="m", **more):
    return Request(lane, (Message("user", text),), **more)


def ask(model, *requests, budget=None, **more):
    """Outcomes of requests asked at once, in order: replies or exceptions; then the lane's state."""

    async def main():
        async with Lanes({"m": model}, budget, **more) as lanes:
            found = await asyncio.gather(*(lanes.ask(each) for each in requests), return_exceptions=True)
            return *found, lanes.snapshot()["m"]

    return asyncio.run(main())


def openai(server, **more):
    return OpenAI(
        base_url=server.url, model="test", timeout_s=more.pop("timeout_s", 5.0), retries=more.pop("retries", 3), **more
    )
