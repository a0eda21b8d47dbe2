"""A local server that misbehaves, and models with short waits between tries."""

import asyncio

import pytest
from aiohttp import web

from lookalike.models.base import Message, Patience, Request
from lookalike.models.lanes import Lanes
from lookalike.models.openai import OpenAI
from lookalike.rows.context import Context
from lookalike.testing.server import ModelServer


@pytest.fixture
def server():
    with ModelServer() as running:
        yield running


SHORT = Patience(backoff_s=0.01, first_s=0.2)  # what is tested is what follows a wait, not how long it is


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
    return OpenAI(**{"base_url": server.url, "model": "test", "timeout_s": 60.0, "retries": 3, "patience": SHORT, **more})


def converse(model, column, row=None, **context):
    """The cell that a column makes through a lane to this model; then the lane's state."""

    async def main():
        talk = column.converse({"_id": 0, **(row or {})}, Context(1, "t", "c", None, **context))
        async with Lanes({"default": model}) as lanes:
            try:
                asked = next(talk)
                while True:
                    asked = talk.send(await lanes.ask(asked))
            except StopIteration as done:
                return done.value, lanes.snapshot()["default"]

    return asyncio.run(main())


def behave(server, answer):
    """Let every request get what `answer` makes of its body: (status, JSON)."""

    async def behaviour(_, request, body):
        status, said = answer(body)
        return web.json_response(said, status=status)

    server.always = behaviour
