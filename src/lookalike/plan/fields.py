"""Which fields of its parent's row a column reads: `{{ people.age }}` in templates, `people.age` in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lookalike.errors import LookalikeError
from lookalike.generators.base import Generator
from lookalike.rows.sql import sql_paths


def fields_of(spec: Generator, parent: str) -> frozenset[str]:
    """The fields of a parent's row that a column reads, as far as its texts say."""
    found = {field for text in _texts(spec.dump()) for field in _in_template(text, parent)}
    for sql in filter(None, (spec.when, getattr(spec, "sql", None))):
        found |= fields_in_sql(sql, parent)
    return frozenset(found)


def fields_in_sql(sql: str, parent: str) -> frozenset[str]:
    """The fields of a parent's row that an expression reads; none of one that cannot be read."""
    try:
        return frozenset(path[1] for path in sql_paths(sql) if len(path) > 1 and path[0] == parent)
    except LookalikeError:
        return frozenset()  # the check of its columns reports it


def _texts(value: Any) -> Iterator[str]:
    """Every text of a spec's plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


def _in_template(text: str, parent: str) -> Iterator[str]:
    if parent not in text or ("{{" not in text and "{%" not in text):
        return
    from jinja2 import Environment, TemplateSyntaxError, nodes  # here: few tables have parents

    try:
        tree = Environment(autoescape=False).parse(text)  # noqa: S701  # read, never rendered
    except TemplateSyntaxError:
        return  # a text that is no template, or one that is reported already
    for node in tree.find_all(nodes.Getattr):
        if isinstance(node.node, nodes.Name) and node.node.name == parent:
            yield node.attr
    for item in tree.find_all(nodes.Getitem):
        key = item.arg.value if isinstance(item.arg, nodes.Const) else None
        if isinstance(item.node, nodes.Name) and item.node.name == parent and isinstance(key, str):
            yield key
