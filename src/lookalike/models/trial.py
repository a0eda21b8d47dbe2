"""Trying an embedded model: one sentence and one JSON object."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from lookalike.errors import ModelError
from lookalike.models.base import Fault, Message, Request
from lookalike.models.embedded import Embedded


@dataclass(frozen=True, slots=True)
class Tested:
    """What a model said and how fast: completion tokens a second of wall time, and seconds to load."""

    text: str
    structured: str
    tokens_per_s: float
    load_s: float


def test(model: str) -> Tested:
    """Load a model and ask it for one sentence and one JSON object.

    Raises:
        MissingModel: its weights or the engine are not there.
        ModelError: it does not answer as asked.
    """
    return asyncio.run(_test(model))


async def _test(model: str) -> Tested:
    began = time.perf_counter()
    backend = Embedded(model=model, engines=1).open()
    load_s = time.perf_counter() - began
    try:
        began = time.perf_counter()
        say = "Write one sentence about a kettle."
        reply = await backend.ask(Request(model, (Message("user", say),), max_tokens=48, seed=1))
        spent_s = time.perf_counter() - began
        schema = {
            "type": "object",
            "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}},
            "required": ["stars"],
        }
        rated = await backend.ask(Request(model, (Message("user", "Rate the kettle."),), schema=schema, max_tokens=48, seed=1))
    except Fault as exc:
        raise ModelError(what=f"{model} gives no answer: {exc.reason}", fix="try another model") from exc
    finally:
        await backend.close()
    return Tested(reply.text, rated.text, reply.usage.completion_tokens / max(spent_s, 1e-9), load_s)
