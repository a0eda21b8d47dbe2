"""JSON and choices: the form that a server is asked to fill in, or, where it has no support of its own, the schema in the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from lookalike.models.base import Message, Request
from lookalike.models.reasoning import apart

CHOICE, ANSWER = "choice", "answer"
_DEFINITIONS = ("$defs", "definitions")
# JSON Schema that OpenAI's strict mode refuses
_LOOSE = frozenset(
    "allOf oneOf not if then else dependentRequired dependentSchemas patternProperties propertyNames minProperties maxProperties"
    " unevaluatedProperties unevaluatedItems contains minContains maxContains uniqueItems prefixItems default minLength maxLength".split()
)  # fmt: skip


def form(request: Request) -> dict[str, Any]:
    """The schema that a server is asked for. Always an object, since some take nothing else; `content` takes it out again."""
    if request.choices:
        return _object(CHOICE, {"type": "string", "enum": list(request.choices)})
    schema = dict(request.schema or {})
    if _is_object(schema):
        return schema
    definitions = {name: schema.pop(name) for name in _DEFINITIONS if name in schema}
    return _object(ANSWER, schema) | definitions


def content(request: Request, text: str) -> str:
    """What a filled-in `form` says: the choice, the JSON text; a text that is no such form comes back as it is."""
    if not request.choices and _is_object(request.schema or {}):
        return text
    text = apart(text).answer
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.strip()
    name = CHOICE if request.choices else ANSWER
    if not isinstance(body, Mapping) or name not in body:
        return text.strip()
    value = body[name]
    return value if request.choices and isinstance(value, str) else orjson.dumps(value).decode()


def is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes a schema: closed objects whose fields are all required, and no loose keywords."""
    if isinstance(schema, list):
        return all(is_strict(part) for part in schema)
    if not isinstance(schema, Mapping):
        return True
    if _LOOSE & schema.keys():
        return False
    fields = schema.get("properties")
    is_object = schema.get("type") == "object" or fields is not None
    if is_object and (schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(fields or ())):
        return False
    inner = [part for name, part in schema.items() if name not in ("properties", *_DEFINITIONS, "enum", "const", "examples")]
    named = [part for name in ("properties", *_DEFINITIONS) for part in schema.get(name, {}).values()]
    return is_strict([*inner, *named])


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


def _object(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _is_object(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" or ("type" not in schema and "properties" in schema)
