"""A kind's page: what it means, its fields, its JSON Schema; read from its class."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from lookalike.errors import UnknownKind, did_you_mean
from lookalike.recipe.schema import KindSchema
from lookalike.registry import GROUPS, kinds, resolve

_ATTRIBUTES = re.compile(r"(?m)^Attributes:\n((?:    .*\n?)+)")


@dataclass(frozen=True)
class Page:
    """A kind's page: its docstring, its fields, its JSON Schema."""

    kind: str
    group: str
    text: str
    fields: dict[str, tuple[str, str]]
    schema: dict[str, Any]


def explain(kind: str) -> list[Page]:
    """The pages of a kind, one for each group that has it.

    Raises:
        UnknownKind: no group has it.
    """
    pages = []
    for group in GROUPS:
        if kind not in kinds(group):
            continue
        spec: Any = resolve(group, kind)
        fields = {}
        for name, info in spec.model_fields.items():
            default = "required" if info.is_required() else repr(info.get_default(call_default_factory=True))
            fields[info.alias or name] = (_type_name(info.annotation), default)
        pages.append(Page(kind, group, _text(spec, list(fields)), fields, spec.model_json_schema(schema_generator=KindSchema)))
    if not pages:
        known = [name for group in GROUPS for name in kinds(group)]
        raise UnknownKind(what=f"unknown kind {kind!r}", fix=did_you_mean(kind, known, label="kinds"))
    return pages


def _text(spec: type, fields: list[str]) -> str:
    """The class's docstring; fields that it does not describe itself are described as in the class that they come from."""
    text = inspect.getdoc(spec) or ""
    own = _described(text)
    inherited: dict[str, str] = {}
    for base in spec.__mro__[1:]:
        inherited = _described(inspect.cleandoc(base.__dict__.get("__doc__") or "")) | inherited
    more = "".join(inherited[name] for name in fields if name in inherited and name not in own)
    if not more:
        return text
    listed = _ATTRIBUTES.search(text)
    if listed:
        return f"{text[: listed.end()].rstrip()}\n{more}{text[listed.end() :]}".rstrip()
    last = re.search(r"(?m)^(?:Source|Example):$", text)
    place = last.start() if last else len(text)
    return f"{text[:place].rstrip()}\n\nAttributes:\n{more}\n{text[place:]}".rstrip()


def _described(text: str) -> dict[str, str]:
    """The entries of a docstring's attributes, whole lines by name."""
    listed = _ATTRIBUTES.search(text)
    entries = re.findall(r"(    (\w+): .*\n?(?:     +.*\n?)*)", listed[1]) if listed else []
    return {name: entry.rstrip() + "\n" for entry, name in entries}


def _type_name(annotation: Any) -> str:
    """A field's type as a recipe's writer knows it: lists and dicts, no validators, literals as their values."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, list):  # the arguments of a Callable
        return f"[{', '.join(map(_type_name, annotation))}]"
    if origin is Annotated:
        return _type_name(parts[0])
    if origin is Literal:
        return " or ".join(repr(value) for value in parts)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type_name(part) for part in parts))
    if origin is tuple and parts[1:] == (...,):
        return f"list[{_type_name(parts[0])}]"
    if origin is Mapping:
        origin = dict
    if origin is not None and parts:
        inside = ", ".join(map(_type_name, parts))
        return f"{origin.__name__}[{inside}]"
    return "None" if annotation is type(None) else getattr(annotation, "__name__", str(annotation))
