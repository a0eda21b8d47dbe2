"""Readers: what a model's text is worth, as a value, or `Unfit` with what the model is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from lookalike.generators.loose_json import DEPTH_MAX, loose
from lookalike.rows.json_schema import chosen, forgiven, misfits
from lookalike.rows.json_types import Unheld, json_text

Read = Callable[[str], Any]

_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)
_LONG_NUMBER = re.compile(r"\d{19}")


class Unfit(Exception):  # a verdict on a reply, not an error of ours
    """A reply whose content does not fit; the text is what the model is told."""


def read_text(text: str) -> str:
    """Prose: without a preamble ("Sure, here is ...:"), wrapping quotes or a wrapping code fence."""
    text = text.strip()
    fence = _FENCE.fullmatch(text)
    if fence:
        text = fence.group(2).strip()
    first, newline, rest = text.partition("\n")
    if (
        newline
        and rest.strip()
        and re.match(r"(sure|certainly|of course|absolutely|here('s| is| are))\b.*:\s*$", first, re.IGNORECASE)
    ):
        text = rest.strip()
    for opening, closing in (('"', '"'), ("“", "”"), ("'", "'")):
        inner = text[1:-1]
        if len(text) > 2 and text[0] == opening and text[-1] == closing and opening not in inner and closing not in inner:
            text = inner.strip()
    if not text:
        raise Unfit("the answer is empty")
    return text


def read_choice(choices: Sequence[str]) -> Read:
    """One of these texts, however the model dressed it: case, quotes, full stops, a sentence round it."""

    def read(text: str) -> str:
        choice = chosen(text, choices)
        if choice is None:
            raise Unfit(f"the answer must be exactly one of: {', '.join(choices)}")
        return choice

    return read


def read_json(schema: Mapping[str, Any], cell: Callable[[Any], Any] | None = None) -> Read:
    """A JSON value that fits the schema; broken JSON is repaired first, and what is only dressed otherwise forgiven.

    Args:
        schema: a JSON Schema.
        cell: what will make a cell of the value; what it cannot hold is unfit too.
    """

    def read(text: str) -> Any:
        value = parse_json(text)
        problems = misfits(value, schema)
        if problems:
            value = forgiven(value, schema)
            problems = misfits(value, schema)
        if problems:
            raise Unfit("the JSON does not fit its schema: " + "; ".join(problems))
        try:
            if cell is not None:
                cell(value)
        except Unheld as exc:
            raise Unfit(str(exc)) from None
        return value

    return read


def parse_json(text: str) -> Any:
    """The JSON value in a text: as it is, in a fence, or repaired.

    Raises:
        Unfit: there is none, or it is one that no file can hold.
    """
    try:
        value = (
            json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)
        )  # orjson rounds what has more than 64 bits
    except (ValueError, RecursionError):
        value = _repaired(text)
    if text.count("{") + text.count("[") > DEPTH_MAX and _deep(value):
        raise Unfit(f"it is nested more than {DEPTH_MAX} deep")
    return value


def _repaired(text: str) -> Any:
    fence = _FENCE.search(text)
    body = fence.group(2) if fence else text
    start = min((place for place in (body.find("{"), body.find("[")) if place >= 0), default=-1)
    if start < 0:
        raise Unfit("the answer is not JSON; give only a JSON value")
    try:
        value = loose(body[start:])
    except ValueError as exc:
        raise Unfit(f"the answer is not JSON: {exc}; give only a JSON value") from None
    try:
        json_text(value).encode()
    except (TypeError, UnicodeEncodeError) as exc:  # `"\\ud83d"`: half of an emoji, which no file can hold
        raise Unfit("it holds half a character; write characters as they are, not as \\u codes") from exc
    return value


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
