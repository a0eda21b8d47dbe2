"""Python functions that a model may call while it answers; loaded only with `--allow-code`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from lookalike.generators.asking import UseTool
from lookalike.generators.importing import load
from lookalike.models.base import Tool, ToolCall
from lookalike.rows.context import Context


def tool_set(paths: Sequence[str], ctx: Context) -> tuple[tuple[Tool, ...], dict[str, UseTool]]:
    """The tools' declarations and, by name, what serves a call."""
    declared, served = [], {}
    for path in paths:
        function = load(path, ctx)
        name, arguments = function.__name__, _arguments(function)
        schema = arguments.model_json_schema()
        schema.pop("title", None)
        declared.append(Tool(name, inspect.getdoc(function) or name, schema))
        served[name] = _server(function, arguments)
    return tuple(declared), served


@lru_cache(maxsize=256)
def _arguments(function: Callable[..., Any]) -> type[BaseModel]:
    """A pydantic model of a function's parameters; unannotated ones are text."""
    fields: dict[str, Any] = {}
    for name, spec in inspect.signature(function, eval_str=True).parameters.items():
        kind = str if spec.annotation is inspect.Parameter.empty else spec.annotation
        fields[name] = (kind, ... if spec.default is inspect.Parameter.empty else spec.default)
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _server(function: Callable[..., Any], arguments: type[BaseModel]) -> UseTool:
    def serve(call: ToolCall) -> str:
        try:
            given = arguments.model_validate_json(call.arguments or "{}")
        except ValidationError as exc:
            listed = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in exc.errors()[:3])
            return f"error: the arguments do not fit: {listed}"
        try:
            result = function(**{name: getattr(given, name) for name in type(given).model_fields})
        except Exception as exc:  # noqa: BLE001  # a tool may fail in any way; the model is told and goes on
            return f"error: {type(exc).__name__}: {exc}"
        return result if isinstance(result, str) else orjson.dumps(result, default=str).decode()

    return serve
