"""What a validator found wrong, as problems of the recipe: each with its place, the offending value and the fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from lookalike.errors import RecipeError, did_you_mean
from lookalike.recipe.document import Document, Path_
from lookalike.registry import kinds
from lookalike.schema.names import RULES

Forms: TypeAlias = Mapping[tuple[str, ...], type[BaseModel]]  # the shape at each place, "*" for any table's name


def problems_of(exc: ValidationError, doc: Document, forms: Forms) -> list[RecipeError]:
    """Every problem, with the place that the document knows."""
    return [_problem(error, doc, forms) for error in _unfold(exc.errors(include_url=False), ())]


def _unfold(errors: Any, prefix: Path_, fields: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """Errors of nested parts with their whole paths."""
    found: list[dict[str, Any]] = []
    for error in errors:
        path = (*prefix, *error["loc"])
        if error["type"] == "nested":
            found += _unfold(error["ctx"]["errors"], path, tuple(error["ctx"]["fields"]))
        else:
            found.append({**error, "loc": path, "fields": fields if len(error["loc"]) == 1 else None})
    return found


def _problem(error: dict[str, Any], doc: Document, forms: Forms) -> RecipeError:
    path = _real(error["loc"], doc)
    what_path = ".".join(str(part) for part in path) or "the recipe"
    if error["type"] == "extra_forbidden":
        known = error["fields"] or _known(path[:-1], forms)
        fix = did_you_mean(str(path[-1]), known, label="keys") if known else "remove it"
        if path[-1] in kinds("origin") and len(path) == 3 and path[0] == "tables":
            fix = f"it belongs to the rows: rows: {{{path[-1]}: ...}}"
        return RecipeError(
            what=f"unknown key {path[-1]!r} in {'.'.join(map(str, path[:-1])) or 'the recipe'}",
            where=doc.where(path, key=True),
            fix=fix,
        )
    if error["type"] == "missing":
        return RecipeError(
            what=f"{path[-1]!r} is missing in {'.'.join(map(str, path[:-1])) or 'the recipe'}",
            where=doc.where(path[:-1]),
            fix=f"add `{path[-1]}:`",
        )
    if error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] in RULES:
        return RecipeError(what=f"{what_path} is no name", where=doc.where(path), fix=RULES[error["ctx"]["pattern"]])
    message = error["msg"].removeprefix("Value error, ")
    value = error.get("input")
    shown = f" (it is {_short(value)})" if not isinstance(value, (dict, list)) or not value else ""
    return RecipeError(what=f"{what_path}: {message[:1].lower()}{message[1:]}{shown}", where=doc.where(path), fix=_fix(error))


def _fix(error: dict[str, Any]) -> str:
    expected = error.get("ctx", {}).get("expected")
    return f"use {expected}" if expected else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _real(path: tuple[Any, ...], doc: Document) -> Path_:
    """The path without the steps that only the validator knows (names of union members)."""
    node: Any = doc.data
    real: list[str | int] = []
    for part in path:
        if (isinstance(node, dict) and part in node) or (
            isinstance(node, (list, tuple)) and isinstance(part, int) and part < len(node)
        ):
            node = node[part]
        elif part is not path[-1] or not isinstance(node, dict) or part == "[key]":
            continue
        real.append(part)
    return tuple(real)


def _known(path: Path_, forms: Forms) -> tuple[str, ...]:
    general = tuple("*" if number == 1 and path[0] == "tables" else str(part) for number, part in enumerate(path))
    form = forms.get(general)
    return tuple(info.alias or name for name, info in form.model_fields.items()) if form else ()
