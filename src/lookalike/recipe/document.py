"""YAML with places: every value knows its line and column, duplicate keys are errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from lookalike.errors import RecipeError

Path_ = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML text as plain data, with the place of each value and each key."""

    name: str
    data: Any = None
    values: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    problems: list[RecipeError] = field(default_factory=list)

    def where(self, path: Path_, *, key: bool = False) -> str:
        """`file:line:column` of the deepest known part of a path."""
        places = self.keys if key else self.values
        while path and path not in places:
            path = path[:-1]
            places = self.values
        line, column = places.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Safe YAML 1.1 scalars, but `yes`, `no`, `on` and `off` stay texts: categories are often called so."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:bool"]
    for first, pairs in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", __import__("re").compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def parse(text: str, name: str) -> Document:
    """Read a YAML text.

    Raises:
        RecipeError: it is no YAML, or no mapping.
    """
    document = Document(name)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise RecipeError(what="the recipe is empty", where=f"{name}:1:1", fix="`lookalike new NAME` writes a starter")
        document.data = _plain(node, (), document, loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise RecipeError(what=f"this is not YAML: {exc.problem}", where=place, fix=_yaml_fix(str(exc.problem))) from exc
    except yaml.YAMLError as exc:
        raise RecipeError(what=f"this is not YAML: {exc}", where=name, fix="check the file's encoding: UTF-8") from exc
    finally:
        loader.dispose()
    if not isinstance(document.data, dict):
        raise RecipeError(what="a recipe is a mapping", where=f"{name}:1:1", fix="begin with `name:` and `tables:`")
    return document


def _yaml_fix(problem: str) -> str:
    if "\\t" in problem or "tab" in problem:
        return "indent with spaces, not tabs"
    return "check indentation, quotes and braces here"


def _plain(node: yaml.Node, path: Path_, document: Document, loader: Any) -> Any:
    document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, loader)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, number), document, loader) for number, item in enumerate(node.value)]
    return loader.construct_object(node)


def _mapping(node: yaml.MappingNode, path: Path_, document: Document, loader: Any) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        if key in found:
            first = document.keys[*path, key][0]
            document.problems.append(
                RecipeError(
                    what=f"the key {key!r} is here twice (first on line {first})",
                    where=f"{document.name}:{place[0]}:{place[1]}",
                    fix="remove or rename one",
                )
            )
            continue
        document.keys[*path, key] = place
        found[key] = _plain(value_node, (*path, key), document, loader)
    return found
