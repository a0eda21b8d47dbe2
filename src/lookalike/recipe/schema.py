"""The JSON Schema of recipes, generated from the registry: editors complete keys and mark mistakes while one types."""

from __future__ import annotations

from typing import Any, cast

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from lookalike.origins.base import Origin
from lookalike.recipe.model import Recipe
from lookalike.registry import kinds, resolve
from lookalike.spec import KIND_MARK

_SCALARS = ("integer", "number", "boolean")


class KindSchema(GenerateJsonSchema):
    """Fields that only Python can fill (functions, classes, frames) take anything."""

    def callable_schema(self, schema: core_schema.CallableSchema) -> dict[str, Any]:  # noqa: ARG002
        """A Python function: anything."""
        return {}

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> dict[str, Any]:  # noqa: ARG002
        """A Python object: anything."""
        return {}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of recipes with every registered kind, plugins included."""
    body = Recipe.model_json_schema(by_alias=True, schema_generator=KindSchema)
    body["title"] = "Lookalike recipe"
    found = _Groups()
    schema = found.written(body)
    while found.waiting:
        group = found.waiting.pop()
        found.definitions[_name(group)] = {"oneOf": [found.written(_kind(group, kind)) for kind in kinds(group)]}
    defs = cast("dict[str, Any]", _or_parameter(found.definitions))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **cast("dict[str, Any]", _or_parameter(schema)),
        "$defs": defs,
    }


def _name(group: str) -> str:
    return f"any_{group}"


def _kind(group: str, kind: str) -> dict[str, Any]:
    """One kind's fields, told apart by `kind`; origins are told by a field of their own."""
    body = resolve(group, kind).model_json_schema(by_alias=True, schema_generator=KindSchema)  # type: ignore[attr-defined]  # a Spec
    if group == Origin.group:
        return body
    described = body.get("description", "").split("\n\n")[0]
    return {
        **body,
        "title": kind,
        "description": described,
        "properties": {"kind": {"const": kind}, **body.get("properties", {})},
        "required": ["kind", *body.get("required", [])],
    }


class _Groups:
    """Definitions at the top, where references point, and the groups still to write."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self.waiting: list[str] = []

    def written(self, node: Any, prefix: str = "") -> Any:
        """The node with marks as references and its own definitions moved to the top, under names of their own."""
        if isinstance(node, list):
            return [self.written(item, prefix) for item in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get(KIND_MARK), str):
            return self._reference(node[KIND_MARK])
        if isinstance(node.get("$defs"), dict):
            prefix = f"{str(node.get('title', '')).replace(' ', '_')}."
            for name, value in node["$defs"].items():
                self.definitions[f"{prefix}{name}"] = self.written(value, prefix)
        found = {key: self.written(value, prefix) for key, value in node.items() if key != "$defs"}
        if isinstance(found.get("$ref"), str) and found["$ref"].startswith("#/$defs/"):
            found["$ref"] = f"#/$defs/{prefix}{found['$ref'].removeprefix('#/$defs/')}"
        return found

    def _reference(self, group: str) -> dict[str, str]:
        name = _name(group)
        if name not in self.definitions:
            self.definitions[name] = {}
            self.waiting.append(group)
        return {"$ref": f"#/$defs/{name}"}


def _or_parameter(node: Any) -> Any:
    """Numbers and switches may also be a parameter, `$(name)`."""
    if isinstance(node, list):
        return [_or_parameter(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in _SCALARS:
        return {"anyOf": [node, {"type": "string", "pattern": r"\$\("}]}
    return {key: _or_parameter(value) for key, value in node.items()}
