"""YAML with places: every value knows its line and column, duplicate keys are errors.

Scalars are those of YAML 1.2, and stricter: `yes`, `no`, `on`, `off`, dates and numbers with leading zeros (postal codes) stay
texts; `10:30` is no number. `dump` writes by the same rules, so what is written is read back equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from lookalike.errors import RecipeError

Path_ = tuple[str | int, ...]
MOST_VALUES = 1_000_000  # aliases of aliases can unfold a small file without end


@dataclass(eq=False)
class Document:
    """A YAML text as plain data, with the place of each value and each key.

    All documents are equal: where a recipe stood is not part of what it asks for.
    """

    name: str
    data: Any = None
    values: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    keys: dict[Path_, tuple[int, int]] = field(default_factory=dict)
    problems: list[RecipeError] = field(default_factory=list)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def where(self, path: Path_, *, key: bool = False) -> str:
        """`file:line:column` of the deepest known part of a path; the dotted path where there is no text."""
        if not self.values:
            return ".".join([self.name, *map(str, path)])
        places = self.keys if key else self.values
        while path and path not in places:
            path = path[:-1]
            places = self.values
        line, column = places.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


_SCALARS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+)$", "-+0123456789"),
    (
        "float",
        r"^(?:[-+]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        "-+0123456789.",
    ),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("merge", r"^(?:<<)$", "<"),
)


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, firsts in _SCALARS:
        for first in firsts:
            table.setdefault("" if first == "\0" else first, []).append((f"tag:yaml.org,2002:{tag}", re.compile(pattern)))
    return table


class Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]  # chosen at import
    """Safe YAML with our scalars."""

    yaml_implicit_resolvers = _resolvers()


class Dumper(yaml.SafeDumper):
    """Writes what `Loader` reads back; long texts as blocks."""

    yaml_implicit_resolvers = _resolvers()

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """No anchors: people read this."""
        return True


_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")  # kept by escapes alone


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    if _HIDDEN.search(value):
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
    even = not value.startswith((" ", "\n", "\t")) and all(line == line.rstrip() for line in value.split("\n"))
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value and even else None)


Dumper.add_representer(str, _text)


def scalar(text: str) -> Any:
    """A value as a recipe would read it; a text that is not YAML is itself."""
    try:
        return yaml.load(text, Loader=Loader)  # noqa: S506  # a safe loader
    except yaml.YAMLError:
        return text


def place(problem: RecipeError) -> tuple[int, int]:
    """Line and column of a problem, to sort by; (0, 0) where there is none."""
    numbers = re.findall(r":(\d+):(\d+)$", problem.where)
    return (int(numbers[0][0]), int(numbers[0][1])) if numbers else (0, 0)


def parse(text: str, name: str) -> Document:
    """Read a YAML text.

    Raises:
        RecipeError: it is no YAML, or no mapping.
    """
    document = Document(name)
    loader = Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise RecipeError(what="the recipe is empty", where=f"{name}:1:1", fix="`lookalike new NAME` writes a starter")
        document.data = _plain(node, (), document, loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise RecipeError(what=f"this is not YAML: {exc.problem}", where=place, fix=_yaml_fix(text, mark)) from exc
    except yaml.YAMLError as exc:
        raise RecipeError(what=f"this is not YAML: {exc}", where=name, fix="check the file's encoding: UTF-8") from exc
    finally:
        loader.dispose()
    if not isinstance(document.data, dict):
        raise RecipeError(what="a recipe is a mapping", where=f"{name}:1:1", fix="begin with `name:` and `tables:`")
    return document


def _yaml_fix(text: str, mark: yaml.Mark | None) -> str:
    line = text.split("\n")[mark.line] if mark and mark.line < text.count("\n") + 1 else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not tabs"
    return "check indentation, quotes and braces here"


def _plain(node: yaml.Node, path: Path_, document: Document, loader: Any) -> Any:
    if len(document.values) > MOST_VALUES or len(path) > 100:
        raise RecipeError(
            what="the recipe unfolds without end",
            where=f"{document.name}:{node.start_mark.line + 1}",
            fix="remove aliases (*name)",
        )
    document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, loader)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, number), document, loader) for number, item in enumerate(node.value)]
    return loader.construct_object(node)


def _mapping(node: yaml.MappingNode, path: Path_, document: Document, loader: Any) -> dict[Any, Any]:
    own = {id(key) for key, _ in node.value}
    merged = any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value)
    loader.flatten_mapping(node)
    found: dict[Any, Any] = {}
    mine: set[Any] = set()
    for key_node, value_node in node.value:
        place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        where = f"{document.name}:{place[0]}:{place[1]}"
        if not isinstance(key_node, yaml.ScalarNode):
            braces = isinstance(key_node, yaml.MappingNode)
            fix = 'put a template in quotes: "{{ ... }}"' if braces else "keys are plain values"
            document.problems.append(RecipeError(what="a key is a list or a mapping", where=where, fix=fix))
            continue
        key = loader.construct_object(key_node)
        if key in mine:
            first = document.keys[*path, key][0]
            what = f"the key {key!r} is here twice (first on line {first})"
            document.problems.append(RecipeError(what=what, where=where, fix="remove or rename one"))
            continue
        if not merged or id(key_node) in own:  # own keys override what `<<` brings
            mine.add(key)
        document.keys[*path, key] = place
        found[key] = _plain(value_node, (*path, key), document, loader)
    return found
