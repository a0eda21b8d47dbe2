"""YAML with places: every value knows its line and column, duplicate keys are errors.

Scalars are those of YAML 1.2, and stricter: `yes`, `no`, `on`, `off`, dates and numbers with leading zeros (postal codes) stay
texts; `10:30` is no number. `dump` writes by the same rules, so what is written is read back equal.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from lookalike.errors import RecipeError

Path_ = tuple[str | int, ...]
DIGITS_MAX = 400  # of a number
_LEAST, _MOST = -(2**63), 2**64 - 1
MOST_VALUES = 1_000_000  # aliases of aliases can unfold a small file without end


_TAG = "tag:yaml.org,2002:"
_SORTS: dict[type[yaml.Node], frozenset[str]] = {
    yaml.MappingNode: frozenset({"map"}),
    yaml.SequenceNode: frozenset({"seq"}),
    yaml.ScalarNode: frozenset({"str", "int", "float", "bool", "null"}),
}


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
    except yaml.reader.ReaderError as exc:
        before = text[: exc.position]
        place = f"{name}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        what = f"this is not YAML: the sign {chr(exc.character)!r}" if isinstance(exc.character, int) else "this is not YAML"
        raise RecipeError(what=what, where=place, fix='write it as an escape in quotes, such as "\\x00"') from exc
    except yaml.YAMLError as exc:
        raise RecipeError(what=f"this is not YAML: {exc}", where=f"{name}:1:1", fix="check the file's encoding: UTF-8") from exc
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
    place = document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    sort = node.tag.removeprefix(_TAG)
    if sort not in _SORTS[type(node)]:
        where = f"{document.name}:{place[0]}:{place[1]}"
        what = f"the tag {node.tag.replace(_TAG, '!!')!r} does not go with what stands there"
        document.problems.append(RecipeError(what=what, where=where, fix="take it out: a recipe is plain data"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document, loader)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, number), document, loader) for number, item in enumerate(node.value)]
    return _scalar(node, document, loader)


def _scalar(node: yaml.Node, document: Document, loader: Any) -> Any:
    """A scalar's value; what its tag promises and its text does not hold is a problem, and so is a number of many digits."""
    sort, value = node.tag.removeprefix(_TAG), None
    what = f"{_short(node.value)!r} is no {sort}"
    if sort == "str" or len(node.value) <= DIGITS_MAX:
        with suppress(ValueError, LookupError, OverflowError):
            value = loader.construct_object(node)
            what = "" if type(value) is not int or _LEAST <= value <= _MOST else f"{_short(node.value)} has more than 64 bits"
    if what:
        where = f"{document.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        document.problems.append(RecipeError(what=what, where=where, fix="put texts in quotes, and write numbers in figures"))
        return None
    return value


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


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
        if key_node.tag.removeprefix(_TAG) not in _SORTS[yaml.ScalarNode]:
            what = f"the tag {key_node.tag.replace(_TAG, '!!')!r} does not go with a key"
            document.problems.append(RecipeError(what=what, where=where, fix="take it out: a recipe is plain data"))
            continue
        key = _scalar(key_node, document, loader)
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
