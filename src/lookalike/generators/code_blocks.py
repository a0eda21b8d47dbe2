"""Code in replies: taken out of its fence, and its syntax read, never run."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from xml.parsers import expat

import orjson
import yaml

from lookalike.generators.reading import Read, Unfit
from lookalike.rows.sql import check_program

_FENCE = re.compile(r"(?P<marks>`{3,}|~{3,})[ \t]*(?P<tag>[\w+#.-]*)[^\n]*\n(?P<body>.*?)(?:\n[ \t]*(?P=marks)|\Z)", re.DOTALL)
# how fences and people call a language that has another name here
_NAMES = {
    "py": "python", "python3": "python", "py3": "python", "js": "javascript", "node": "javascript", "ts": "typescript",
    "yml": "yaml", "sh": "bash", "shell": "bash", "zsh": "bash", "regexp": "regex", "re": "regex", "c++": "cpp", "c#": "csharp",
    "cs": "csharp", "rs": "rust", "rb": "ruby", "golang": "go", "kt": "kotlin", "md": "markdown", "ndjson": "jsonl",
    "duckdb": "sql", "sqlite": "sql", "mysql": "sql", "postgres": "sql", "postgresql": "sql", "tsql": "sql", "plsql": "sql",
}  # fmt: skip


def _python(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # odd escapes are not errors
        ast.parse(code)


def _json(code: str) -> None:
    orjson.loads(code)


def _jsonl(code: str) -> None:
    for number, line in enumerate(code.splitlines(), 1):
        if line.strip():
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError as exc:
                raise ValueError(f"line {number}: {exc}") from exc


def _regex(code: str) -> None:
    re.compile(code)


def _yaml(code: str) -> None:
    # nodes, not values: tags of other programs are fine; any prose is a YAML scalar, so that alone is none
    if all(isinstance(node, yaml.ScalarNode) for node in yaml.compose_all(code, Loader=yaml.SafeLoader)):
        raise ValueError("it holds neither fields nor a list")


def _toml(code: str) -> None:
    tomllib.loads(code)


def _xml(code: str) -> None:
    expat.ParserCreate().Parse(code.strip().encode(), True)  # expat's last argument: this is all of it


CHECKS: dict[str, Callable[[str], None]] = {
    "python": _python, "sql": check_program, "json": _json, "jsonl": _jsonl, "yaml": _yaml, "toml": _toml, "xml": _xml, "regex": _regex,
}  # fmt: skip


def language(name: str) -> str:
    """A language under its own name: `py` is python.

    Raises:
        ValueError: it is no name, but nearly that of a language that is checked.
    """
    known = _NAMES.get(name.lower(), name.lower())
    near = get_close_matches(known, CHECKS, n=1, cutoff=0.8)
    if known not in CHECKS and near and known not in _NAMES.values():
        raise ValueError(f"no language is called {name!r}; did you mean {near[0]!r}?")
    return known


def code_in(text: str, wanted: str) -> str:
    """The code in a reply: the first fence of this language, else the first fence, else the text itself."""
    fences = [(match["tag"].lower(), match["body"]) for match in _FENCE.finditer(text)]
    own = [body for tag, body in fences if _NAMES.get(tag, tag) == wanted or tag == wanted]
    return (own[0] if own else fences[0][1] if fences else text).strip("\n")


def read_code(wanted: str) -> Read:
    """The code of a reply, out of its fence.

    The syntax of Python, SQL (as DuckDB reads it), JSON, JSON lines, YAML, TOML, XML and regular expressions (Python's) is
    checked; code of other languages is taken as it is.
    """
    known = language(wanted)
    check = CHECKS.get(known)

    def read(text: str) -> str:
        code = code_in(text, known)
        if not code.strip():
            raise Unfit("the answer holds no code")
        if check is not None:
            try:
                check(code)
            except Exception as exc:  # each parser has errors of its own; all mean: not this language
                first = str(exc).split("\n", 1)[0]
                raise Unfit(f"the {wanted} code does not parse: {first}") from exc
        return code

    return read
