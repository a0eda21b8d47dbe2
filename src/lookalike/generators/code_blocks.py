"""Syntax of code that models write: read, never run."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from collections.abc import Callable

import orjson
import yaml

from lookalike.generators.asking import Read, Unfit, code_block


def _python(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # odd escapes are not errors
        ast.parse(code)


def _sql(code: str) -> None:
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": False}) as connection:
        if not connection.extract_statements(code):
            raise ValueError("no statement")


def _json(code: str) -> None:
    orjson.loads(code)


def _regex(code: str) -> None:
    re.compile(code)


def _yaml(code: str) -> None:
    yaml.safe_load(code)


def _toml(code: str) -> None:
    tomllib.loads(code)


CHECKS: dict[str, Callable[[str], None]] = {
    "python": _python, "sql": _sql, "json": _json, "yaml": _yaml, "toml": _toml, "regex": _regex,
}  # fmt: skip


def read_code(language: str) -> Read:
    """The code of a reply, extracted from its fence; syntax is checked for Python, SQL (DuckDB), JSON, YAML, TOML and regex."""
    check = CHECKS.get(language.lower())

    def read(text: str) -> str:
        code = code_block(text, language.lower())
        if not code.strip():
            raise Unfit("the answer holds no code")
        if check is not None:
            try:
                check(code)
            except Exception as exc:  # each parser has errors of its own; all mean: not this language
                first = str(exc).split("\n", 1)[0]
                raise Unfit(f"the {language} code does not parse: {first}") from exc
        return code

    return read
