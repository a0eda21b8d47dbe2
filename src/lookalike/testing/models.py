"""`check_model`: what every model kind must keep, built-in or plugin.

```python
from lookalike.testing.models import check_model

def test_my_model():
    check_model(MyModel(...))
```
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from lookalike.models.base import CallFailed, Message, Model, Operation, Reply, Request
from lookalike.models.lanes import Lanes
from lookalike.rows.json_schema import misfits

SCHEMA = {
    "type": "object",
    "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["stars"],
    "additionalProperties": False,
}
CHOICES = ("yes", "no")
CHAT: tuple[Operation, ...] = ("chat",)
ALL: tuple[Operation, ...] = ("chat", "complete", "embed")


def check_model(
    model: Model, *, operations: Collection[Operation] = CHAT, structured: bool = True, repeats: bool = True
) -> None:
    """Ask a model all that the contract promises; the first promise that does not hold is an AssertionError.

    Args:
        model: as a recipe declares it.
        operations: what it answers; the others must fail the call and not the lane.
        structured: whether JSON and choices fit; False for models that only try.
        repeats: whether the same request and seed give the same reply.
    """
    _declaration(model)
    asyncio.run(_conversation(model, operations, structured=structured, repeats=repeats))


def _declaration(model: Model) -> None:
    again = type(model).parse(model.dump())
    assert again.dump() == model.dump(), "dump and parse are not inverse"
    assert isinstance(model.label, str), "label is the name that cards show"
    assert model.label, "label is the name that cards show"
    assert model.width() >= 1, "at least one request must be useful in flight"
    usd = model.usd(1000, 1000)
    assert usd is None or usd >= 0, "a price is unknown or not negative"


async def _conversation(model: Model, operations: Collection[Operation], *, structured: bool, repeats: bool) -> None:
    import orjson

    async with Lanes({"m": model}) as lanes:
        for operation in ALL:
            request = _request(operation)
            if operation not in operations:
                await _refused(lanes, request)
                continue
            reply = await lanes.ask(request)
            _reply(reply, operation)
            if repeats:
                other = await lanes.ask(request)
                assert (other.text, other.vector) == (reply.text, reply.vector), (
                    f"{operation}: the same seed gave another reply"
                )
        if structured and "chat" in operations:
            ask = Message("user", "How many stars has the kettle?")
            rated = await lanes.ask(Request("m", (ask,), schema=SCHEMA, max_tokens=64, seed=1))
            assert not misfits(orjson.loads(rated.text), SCHEMA), f"{rated.text!r} does not fit the schema"
            chosen = await lanes.ask(
                Request("m", (Message("user", "Is the kettle good?"),), choices=CHOICES, max_tokens=64, seed=1)
            )
            assert chosen.text in CHOICES, f"{chosen.text!r} is none of the choices"
        state = lanes.snapshot()["m"]
        assert state.in_flight == 0, "a place was not given back"
        assert not state.stopped, f"the lane stopped: {state.stopped}"


def _request(operation: Operation) -> Request:
    if operation == "chat":
        return Request("m", (Message("system", "Be short."), Message("user", "Say hello.")), max_tokens=16, seed=1)
    return Request("m", operation=operation, text="A kettle is", max_tokens=16, seed=1)


async def _refused(lanes: Lanes, request: Request) -> None:
    try:
        reply = await lanes.ask(request)
    except CallFailed:
        return
    raise AssertionError(f"{request.operation}: a reply where none was promised: {str(reply)[:200]}")


def _reply(reply: Reply, operation: Operation) -> None:
    assert reply.served_by, "lineage needs the name of the model that answered"
    assert reply.tries == 1
    assert reply.usage.prompt_tokens >= 0
    if operation == "embed":
        assert reply.vector, "an embedding has numbers"
        assert all(isinstance(value, float) for value in reply.vector)
    else:
        assert isinstance(reply.text, str)
        assert reply.usage.completion_tokens >= 0
