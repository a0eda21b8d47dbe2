"""Read and write recipes. Every problem is found at once, each with file:line:column, the offending value and the fix."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from lookalike.errors import RecipeError, RecipeProblems, did_you_mean
from lookalike.recipe import document
from lookalike.recipe.document import Document, Path_, place
from lookalike.recipe.model import FORMS, Recipe
from lookalike.recipe.problems import problems_of
from lookalike.recipe.schema import json_schema

__all__ = ["apply_settings", "dump", "fill_parameters", "json_schema", "load", "plain", "read"]

_PARAMETER = re.compile(r"(\$+)\((?:([^()]*)\))?")
_DOLLARS = re.compile(r"\$+(?=\()")


def load(source: str | Path | Mapping[str, Any], *, set: Mapping[str, str] | None = None) -> Recipe:
    """A recipe from a file, a YAML text (with a line break in it) or plain data.

    Args:
        source: where it is.
        set: `name` -> value of a parameter, or a dotted path (`tables.patients.rows`) -> value; values are read as YAML.

    Raises:
        RecipeProblems: everything that is wrong with it.
    """
    return read(source, set=set)[0]


def read(source: str | Path | Mapping[str, Any], *, set: Mapping[str, str] | None = None) -> tuple[Recipe, Document]:
    """The recipe and its document, which knows where each value stands."""
    try:
        doc = _document(source)
        data = apply_settings(doc.data, set or {})
        data = fill_parameters(data, _parameters(data), doc)
    except RecipeProblems:
        raise
    except RecipeError as exc:
        raise RecipeProblems([exc]) from exc
    problems = list(doc.problems)
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as exc:
        said = {problem.where for problem in problems}  # what cannot be read is not also of the wrong kind
        problems += [problem for problem in problems_of(exc, doc, FORMS) if problem.where not in said]
        raise RecipeProblems(sorted(problems, key=place)) from None
    if problems:
        raise RecipeProblems(problems)
    return recipe.located(doc), doc


def _parameters(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The recipe's parameters; whatever else stands there is said by the recipe's own check."""
    found = data.get("parameters")
    return found if isinstance(found, Mapping) else {}


def _document(source: str | Path | Mapping[str, Any]) -> Document:
    if isinstance(source, Mapping):
        return Document("recipe", dict(source))
    if isinstance(source, str) and "\n" in source:
        return document.parse(source, "recipe")
    path = Path(source)
    try:
        return document.parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as exc:
        raise RecipeError(what="the recipe is not UTF-8", where=str(path), fix="save it as UTF-8") from exc
    except OSError as exc:
        fix = "`lookalike new NAME` writes a starter"
        raise RecipeError(what=f"the recipe cannot be read: {exc.strerror}", where=str(path), fix=fix) from exc


def apply_settings(data: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """The data with parameters and dotted paths set.

    Raises:
        RecipeError: a name that is neither a parameter nor a path of the recipe.
    """
    for name, text in settings.items():
        value = document.scalar(text) if isinstance(text, str) else text
        parameters = _parameters(data)
        if name in parameters:
            data = {**data, "parameters": {**parameters, name: value}}
            continue
        first = name.split(".")[0]
        if first not in Recipe.model_fields:
            known = [*parameters, *Recipe.model_fields]
            raise RecipeError(
                what=f"there is no parameter {name!r}", where="--set", fix=did_you_mean(name, known, label="settable")
            )
        data = cast("dict[str, Any]", _set_path(data, name.split("."), value, name))
    return data


def _set_path(node: Any, path: list[str], value: Any, whole: str) -> Any:
    if not path:
        return value
    head, *rest = path
    if isinstance(node, list):
        if not head.isdigit() or int(head) >= len(node):
            raise RecipeError(
                what=f"{whole!r}: {head!r} is no position of a list of {len(node)}", where="--set", fix="count from 0"
            )
        return [_set_path(item, rest, value, whole) if number == int(head) else item for number, item in enumerate(node)]
    if not isinstance(node, dict) or (rest and head not in node):
        known = list(node) if isinstance(node, dict) else []
        raise RecipeError(
            what=f"{whole!r}: there is no {head!r}", where="--set", fix=did_you_mean(head, map(str, known), label="here")
        )
    return {**node, head: _set_path(node.get(head), rest, value, whole)}


def fill_parameters(data: dict[str, Any], parameters: Mapping[str, Any], doc: Document) -> dict[str, Any]:
    """The data with each `$(name)` replaced; a value that is nothing else takes the parameter's type; `$$(` is a plain `$(`.

    Raises:
        RecipeProblems: names of parameters that do not exist.
    """
    problems: list[RecipeError] = []

    def walk(node: Any, path: Path_) -> Any:
        if isinstance(node, dict):
            return {key: walk(item, (*path, key)) for key, item in node.items()}
        if isinstance(node, list):
            return [walk(item, (*path, number)) for number, item in enumerate(node)]
        if not isinstance(node, str) or "$(" not in node:
            return node
        for named, name in _named(node):
            if name not in parameters:
                fix = did_you_mean(name, parameters, label="parameters")
                problems.append(RecipeError(what=f"there is no parameter {name!r}", where=doc.where(path), fix=fix))
            elif named != node and isinstance(parameters[name], dict | list):
                what = f"the parameter {name!r} is a {'mapping' if isinstance(parameters[name], dict) else 'list'}"
                fix = f"let `$({name})` stand alone: a text holds plain values"
                problems.append(RecipeError(what=what, where=doc.where(path), fix=fix))
        return _fill(node, parameters)

    filled = {key: value if key == "parameters" else walk(value, (key,)) for key, value in data.items()}
    if problems:
        raise RecipeProblems(problems)
    return filled


def _named(text: str) -> list[tuple[str, str]]:
    """The parameters that a text names: what stands there, and the name."""
    return [(m[0], m[2]) for m in _PARAMETER.finditer(text) if len(m[1]) == 1 and m[2] is not None]


def _fill(text: str, parameters: Mapping[str, Any]) -> Any:
    named = _named(text)
    if len(named) == 1 and named[0][0] == text:
        return parameters.get(named[0][1])

    def put(match: re.Match[str]) -> str:
        if len(match[1]) > 1:
            return match[0][1:]
        return match[0] if match[2] is None else str(parameters.get(match[2]))

    return _PARAMETER.sub(put, text)


def dump(recipe: Recipe) -> str:
    """The recipe as YAML that `load` reads back to an equal value.

    A frame source is written without its rows: they live in memory alone, and loading such a text asks for `data`.
    """
    data = _escaped(plain(recipe))
    return yaml.dump(data, Dumper=document.Dumper, sort_keys=False, allow_unicode=True, width=120)


def _escaped(node: Any) -> Any:
    """Texts with `$(` so written that they do not become parameters."""
    if isinstance(node, dict):
        return {key: value if key == "parameters" else _escaped(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_escaped(item) for item in node]
    return _DOLLARS.sub(lambda match: "$" + match[0], node) if isinstance(node, str) else node


def plain(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data, defaults left out."""
    data = recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"lookalike": recipe.lookalike, **data}
