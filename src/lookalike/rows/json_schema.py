"""JSON Schemas: the one door to their validator, and values forgiven for how a model dressed them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from jsonschema_rs import Validator

SHOWN = 3  # problems of one value
_DRESS = "\"'“”‘’`*.!,;: \n\t"
_NUMBER = re.compile(r"([-+]?\d{1,300}(?:\.\d{1,300})?)(?:\s*(?:/|out of)\s*(\d{1,9}))?")
_NEGATED = re.compile(r"(?:\b(?:not|never|neither|nor)|n['’]t)\s+(?:\w+\s+)?\Z")
_YES, _NO, _NULL = ("true", "yes"), ("false", "no"), ("null", "none", "n/a")


def validator(schema: Mapping[str, Any]) -> Validator:
    """The compiled validator of a schema.

    Raises:
        ValueError: it is no JSON Schema, or points outside itself: nothing is ever fetched.
    """
    try:
        return _compiled(orjson.dumps(schema))
    except (orjson.JSONEncodeError, RecursionError) as exc:
        raise ValueError(f"it is no JSON: {exc}") from None


@lru_cache(maxsize=1024)
def _compiled(schema: bytes) -> Validator:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(orjson.loads(schema), retriever=_outside)
    except (jsonschema_rs.ReferencingError, ValueError) as exc:
        raise ValueError(str(exc).partition("\n")[0].rpartition("ValueError: ")[2]) from None


def _outside(address: str) -> Any:
    raise ValueError(f"$ref points to {address}, and nothing is fetched: put that schema under $defs")


def misfits(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, at most `SHOWN` things, each with its place."""
    found = []
    for error in validator(schema).iter_errors(value):
        found.append(f"{'.'.join(str(step) for step in error.instance_path) or 'the answer'}: {error.message}")
        if len(found) == SHOWN:
            break
    return found


def bare(text: str) -> str:
    """A text without what models put round a word: quotes, stars, stops, capitals."""
    return text.strip().strip(_DRESS).casefold()


def chosen(text: str, choices: Sequence[str]) -> str | None:
    """The one choice that a text gives, however it is dressed: case, quotes, full stops, a sentence round it.

    None: it gives none, several, or says that it is not this one.
    """
    plain = {bare(choice): choice for choice in choices}
    said = bare(text)
    if said in plain:
        return plain[said] if len(plain) == len(choices) or sum(bare(choice) == said for choice in choices) == 1 else None
    rest, found = said, set()
    for choice in sorted(filter(None, plain), key=len, reverse=True):
        word = re.compile(rf"(?<!\w){re.escape(choice)}(?!\w)")
        places = list(word.finditer(rest))
        if any(_NEGATED.search(rest, max(0, place.start() - 40), place.start()) for place in places):
            return None
        if places:
            found.add(choice)
            rest = word.sub(" ", rest)
    return plain[found.pop()] if len(found) == 1 else None


def forgiven(value: Any, schema: Any) -> Any:
    """A value that does not fit, with what is only dressed otherwise read as the schema wants it.

    Words of an enum in other case or in quotes, numbers and booleans that came as text, `4/5`, `None`, one item without its list.
    """
    return _Forgiving(schema).read(value, schema, frozenset())


class _Forgiving:
    def __init__(self, root: Any) -> None:
        self.root = root

    def read(self, value: Any, schema: Any, seen: frozenset[str]) -> Any:
        """`seen`: references that led here from the same value; a circle of them ends."""
        if not isinstance(schema, Mapping):
            return value
        target = schema.get("$ref")
        if isinstance(target, str) and target not in seen:
            value = self.read(value, lookup(self.root, target), seen | {target})
        for option in self._options(value, schema):
            value = self.read(value, option, seen)
        allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
        if isinstance(allowed, list):
            return value if value in allowed else _allowed(value, allowed)
        return self._inside(_typed(value, schema), schema)

    def _options(self, value: Any, schema: Mapping[str, Any]) -> list[Any]:
        """The parts of a schema that look at the same value; none where one of them takes any text, and this is one."""
        options = [option for key in ("anyOf", "oneOf", "allOf") for option in _listed(schema, key)]
        return [] if isinstance(value, str) and any(map(self._takes_texts, options)) else options

    def _takes_texts(self, schema: Any) -> bool:
        found: Any = lookup(self.root, str(schema["$ref"])) if isinstance(schema, Mapping) and "$ref" in schema else schema
        if not isinstance(found, Mapping) or {"enum", "const", "$ref", "anyOf", "oneOf", "allOf"} & found.keys():
            return False
        return not _kinds(found) or "string" in _kinds(found)

    def _inside(self, value: Any, schema: Mapping[str, Any]) -> Any:
        none: frozenset[str] = frozenset()
        if isinstance(value, Mapping):
            fields, others = schema.get("properties"), schema.get("additionalProperties")
            inner = fields if isinstance(fields, Mapping) else {}
            return {name: self.read(item, inner.get(name, others), none) for name, item in value.items()}
        if isinstance(value, list):
            first, rest = _listed(schema, "prefixItems"), schema.get("items")
            return [self.read(item, first[n] if n < len(first) else rest, none) for n, item in enumerate(value)]
        return value


def _listed(schema: Mapping[str, Any], key: str) -> list[Any]:
    found = schema.get(key)
    return found if isinstance(found, list) else []


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else {each for each in kind or () if isinstance(each, str)}


def _allowed(value: Any, allowed: list[Any]) -> Any:
    """The one of these that a value means, or the value."""
    if not isinstance(value, str | int | float):
        return value
    words = {"null" if each is None else str(each): each for each in allowed if not isinstance(each, list | Mapping)}
    found = "null" if None in allowed and bare(str(value)) in _NULL else chosen(str(value), list(words))
    return value if found is None else words[found]


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as one of the schema's types, where it can be read as one."""
    kinds = _kinds(schema)
    if isinstance(value, str) and kinds and "string" not in kinds:
        value = _told(value, kinds, schema.get("maximum"))
    if kinds == {"array"} and isinstance(value, str | int | float):
        return [value]
    if kinds == {"object"} and isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def _told(text: str, kinds: set[str], most: Any) -> Any:
    word = bare(text)
    if "null" in kinds and word in _NULL:
        return None
    if "boolean" in kinds and word in (*_YES, *_NO):
        return word in _YES
    if kinds & {"integer", "number"}:
        found = _NUMBER.fullmatch(text.strip().strip("\"'“”`*:; \n\t").rstrip("."))
        if found and (found[2] is None or int(found[2]) == most):  # `4/5` on a scale to 5
            return float(found[1]) if "." in found[1] else int(found[1])
    if kinds & {"object", "array"} and text.lstrip()[:1] in ("{", "["):
        try:
            return orjson.loads(text)  # written down twice
        except orjson.JSONDecodeError:
            return text
    return text


def lookup(root: Any, pointer: str) -> Any:
    """What a `$ref` within a schema points to; None where there is nothing."""
    node = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, Mapping) or name not in node:
            return None
        node = node[name]
    return node if pointer.startswith("#") else None
