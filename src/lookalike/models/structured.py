"""JSON and choices where a server has no support of its own: the schema goes into the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from lookalike.models.base import Message, Request

CHOICE = "choice"


def choice_schema(choices: tuple[str, ...]) -> dict[str, Any]:
    """An object with one field that is exactly one of the texts."""
    return {
        "type": "object",
        "properties": {CHOICE: {"type": "string", "enum": list(choices)}},
        "required": [CHOICE],
        "additionalProperties": False,
    }


def chosen(text: str) -> str:
    """The choice in a reply to `choice_schema`; any other text comes back as it is."""
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.strip()
    if isinstance(body, Mapping) and isinstance(body.get(CHOICE), str):
        return str(body[CHOICE])
    return text.strip()


def in_prompt(request: Request) -> Request:
    """The same request with what it wants said in words at the end of its last message."""
    if request.choices:
        listed = "\n".join(f"- {choice}" for choice in request.choices)
        words = f"Answer with exactly one of these and nothing else:\n{listed}"
    elif request.schema is not None:
        schema = orjson.dumps(request.schema, option=orjson.OPT_SORT_KEYS).decode()
        words = f"Answer with JSON only, without a code fence. It must fit this JSON Schema:\n{schema}"
    else:
        return request
    *before, last = request.messages or (Message("user", ""),)
    if last.role in {"assistant", "tool"}:
        return replace(request, messages=(*before, last, Message("user", words)))
    return replace(request, messages=(*before, replace(last, content=f"{last.content}\n\n{words}".strip())))


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
