"""JSON Schema and Arrow: the type of a structured cell, and values made to fit it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from lookalike.rows.json_schema import lookup

_PLAIN = {"string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "null": pa.null()}


def arrow_of(schema: Mapping[str, Any]) -> pa.DataType:
    """The Arrow type of values that fit a JSON Schema.

    Objects with `properties` are structs, arrays lists, enums the type of their values; a value that may also be null keeps
    its type. Whatever Arrow has no one type for (unions, free objects, recursion) is JSON text.
    """
    return _type(schema, schema, frozenset())


def _type(schema: Any, root: Mapping[str, Any], seen: frozenset[str]) -> pa.DataType:  # noqa: C901  # one case a keyword
    if not isinstance(schema, Mapping):
        return pa.string()
    if "$ref" in schema:
        target = str(schema["$ref"])
        found = None if target in seen else lookup(root, target)
        return pa.string() if found is None else _type(found, root, seen | {target})
    for key in ("enum", "const"):
        if key in schema:
            values = schema[key] if key == "enum" else [schema[key]]
            return _common([_of_value(value) for value in values])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _common([_type(option, root, seen) for option in schema[key]])
    kind = schema.get("type")
    if isinstance(kind, list):
        return _common([_type({**schema, "type": each}, root, seen) for each in kind])
    if kind == "object" and schema.get("properties"):
        return pa.struct([(str(name), _type(inner, root, seen)) for name, inner in schema["properties"].items()])
    if kind == "array":
        if schema.get("prefixItems"):
            return pa.list_(_common([_type(inner, root, seen) for inner in schema["prefixItems"]]))
        return pa.list_(_type(schema.get("items"), root, seen))
    return _PLAIN.get(str(kind), pa.string())


def _of_value(value: Any) -> pa.DataType:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return pa.scalar(value).type
    return pa.string()


def _common(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """One type for all: nulls do not count, whole and fractional numbers are float64, other mixtures JSON text."""
    real = list(dict.fromkeys(kind for kind in kinds if not pa.types.is_null(kind)))
    if not real:
        return pa.null()
    if len(real) == 1:
        return real[0]
    if set(real) <= {pa.int64(), pa.float64()}:
        return pa.float64()
    return pa.string()


class Unheld(ValueError):
    """A JSON value that a cell's type cannot hold; the text says where in it, and why."""


def cells(kind: pa.DataType) -> Callable[[Any], Any]:
    """Makes a JSON value a cell of an Arrow type: missing fields null, JSON text where the type is text and the value is not.

    What it gives raises `Unheld` for a number that the type cannot hold.
    """
    if pa.types.is_struct(kind):
        fields = [(field.name, cells(field.type)) for field in kind]
        return lambda value: None if value is None else _struct(value, fields)
    if pa.types.is_list(kind):
        item = cells(kind.value_type)
        return lambda value: [item(each) for each in value] if isinstance(value, Sequence) else None
    if pa.types.is_string(kind):
        return lambda value: value if value is None or isinstance(value, str) else json_text(value)
    if pa.types.is_int64(kind):
        return _whole
    return _float if pa.types.is_floating(kind) else lambda value: value


def _struct(value: Any, fields: list[tuple[str, Callable[[Any], Any]]]) -> dict[str, Any]:
    body = value if isinstance(value, Mapping) else {}
    made = {}
    for name, cell in fields:
        try:
            made[name] = cell(body.get(name))
        except Unheld as exc:
            raise Unheld(f"{name}: {exc}") from None
    return made


def _whole(value: Any) -> Any:
    """JSON Schema's integer allows 4.0, and more digits than a cell."""
    if isinstance(value, float):
        value = int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Unheld(f"{_shown(value)} is too large: whole numbers go to {2**63 - 1}")
    return value


def _float(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, int) else value
    except OverflowError:
        raise Unheld(f"{_shown(value)} is too large for a number") from None


def _shown(value: int) -> str:
    text = f"{value:.3e}" if abs(value) < 10**300 else "a number of hundreds of digits"
    return str(value) if abs(value) < 10**30 else text


def json_text(value: Any) -> str:
    """A JSON value as text, whole numbers to their last digit."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_arrow(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """JSON values as an Arrow array of a type."""
    cell = cells(kind)
    return pa.array([cell(value) for value in values], kind)
