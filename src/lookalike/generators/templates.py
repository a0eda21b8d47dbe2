"""Jinja2 templates over a row: sandboxed, strict, compiled once, rendered once.

A column whose name is no word of Jinja2 (`First Name`, `order-no`, `class`) is `{{ row["First Name"] }}`.
What a cell holds is text: a cell that looks like a template is never rendered again. Missing names are errors; null is the
empty text. Everything that draws random numbers or reads a clock is taken out, so a text is a function of its row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from pydantic import AfterValidator

from lookalike.errors import RecipeError, UnknownColumn
from lookalike.generators.quoting import quoted
from lookalike.rows.paths import Paths, Reads
from lookalike.schema.names import spelled

_LONGEST = 10_000_000
_WHOLE = "_lookalike_row"  # the row as a whole, in a compiled template
_PRINTED = re.compile(r"\{\{-?([^{}\n]{1,200}?)-?\}\}")
_SEVERAL_WORDS = re.compile(r"\w+(?:[ .,/&#%€$:-]+\w+)*[ .?!%)]*")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, without means to fill the memory."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        sized = [len(side) for side in (left, right) if isinstance(side, (str, bytes, list, tuple))]
        times = [side for side in (left, right) if isinstance(side, int)]
        if operator == "*" and sized and times and sized[0] * times[0] > _LONGEST:
            raise SecurityError(f"repeats a text to more than {_LONGEST:,} characters")
        if operator == "**" and (abs(left) > 1e6 or abs(right) > 1e3):
            raise SecurityError("raises a number to a huge power")
        return super().call_binop(context, operator, left, right)


def _environment() -> _Sandbox:
    environment = _Sandbox(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=lambda value: "" if value is None else value
    )
    del environment.filters["random"], environment.globals["lipsum"]
    environment.filters["quoted"] = lambda value, label="text": quoted("" if value is None else str(value), label=label)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False, default=str)
    return environment


_ENVIRONMENT = _environment()


class Template:
    """A compiled template.

    Args:
        text: Jinja2; columns are names or, whatever they are called, `{{ row["First Name"] }}`; a parent's or a struct's
            fields are `{{ patients.sex }}`, the row id is `{{ _id }}`.

    Attributes:
        needs: the columns it reads.
        paths: the same, and fields of theirs that it names.

    Raises:
        RecipeError: the text is not a template.
    """

    __slots__ = ("_pieces", "_render", "_shown", "needs", "paths", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._shown = repr(text if len(text) <= 60 else text[:57] + "...")
        try:
            tree = _ENVIRONMENT.parse(text)
            _refuse_escapes(tree)
            words = meta.find_undeclared_variables(tree)
            columns = _Columns()
            columns.visit(tree)
            fields = _fields(tree)
            names = (meta.find_undeclared_variables(tree) & words) | columns.named
            self._pieces = _pieces(tree)
            self._render = _ENVIRONMENT.from_string(tree).render
        except TemplateSyntaxError as exc:
            raise RecipeError(
                what=f"the template {self._shown} cannot be read: {exc.message}",
                where=f"line {exc.lineno} of the template",
                fix=_spelling(text) or "correct it; {% raw %} ... {% endraw %} keeps braces as they are",
            ) from exc
        except SecurityError as exc:
            raise self._escape(exc) from exc
        except TemplateError as exc:
            raise RecipeError(what=f"the template {self._shown} cannot be read: {exc}", fix="correct it") from exc
        self.needs = frozenset(names) - (set(_ENVIRONMENT.globals) - columns.named) - {"_id"}
        self.paths: Paths = frozenset((name,) for name in self.needs) | {path for path in fields if path[0] in self.needs}

    def render(self, row: Mapping[str, Any]) -> str:
        """The text of one row.

        Raises:
            UnknownColumn: a name or a field that the row does not have.
            RecipeError: the template tries to leave its sandbox, or fails on this row's values.
        """
        try:
            if self._pieces is not None:
                try:
                    return "".join([text if name is None else _text(row[name]) for text, name in self._pieces])
                except KeyError:
                    pass  # Jinja2 knows its own names, and says what is missing
            return self._render(row, **{_WHOLE: row})
        except UndefinedError as exc:
            known = ", ".join(sorted(spelled(name) for name in row if name != "_id")) or "none"
            raise UnknownColumn(
                what=f"the template {self._shown} uses what the row does not have: {exc.message}", fix=f"columns here: {known}"
            ) from exc
        except SecurityError as exc:
            raise self._escape(exc) from exc
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, OverflowError) as exc:
            raise RecipeError(
                what=f"the template {self._shown} fails on a row: {type(exc).__name__}: {exc}",
                fix="handle such values, as in {{ x | default('') }} or {% if x %}",
            ) from exc

    def _escape(self, error: SecurityError) -> RecipeError:
        return RecipeError(
            what=f"the template {self._shown} tries to leave its sandbox: {error.message}",
            fix="use columns, filters and plain attributes only",
        )


class _Columns(NodeTransformer):
    """Makes `row["First Name"]` a look into the row; `named` are the columns that are read so.

    Raises:
        RecipeError: the name is not written there, so that nobody could tell what the template reads.
    """

    def __init__(self) -> None:
        self.named: set[str] = set()

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802  # the visitor's own naming
        """A look into something by name or position."""
        if not isinstance(node.node, nodes.Name) or node.node.name != "row":
            return self.generic_visit(node)
        if not isinstance(node.arg, nodes.Const) or not isinstance(node.arg.value, str):
            raise RecipeError(
                what="`row[...]` wants the name of a column, in quotes, so that it is known what the template reads",
                fix='write row["First Name"]',
            )
        self.named.add(node.arg.value)
        node.node = nodes.Name(_WHOLE, "load")
        return node


def _fields(tree: nodes.Template) -> set[tuple[str, ...]]:
    """The fields of columns that a template names: `score.faithful`; methods that it calls are none."""
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    found: set[tuple[str, ...]] = set()
    reads: list[tuple[nodes.Node, nodes.Node, str]] = [(node, node.node, node.attr) for node in tree.find_all(nodes.Getattr)]
    reads += [(node, node.node, name) for node in tree.find_all(nodes.Getitem) if (name := _constant(node.arg)) is not None]
    for node, of, name in reads:
        if id(node) not in called and (owner := _column(of)) is not None:
            found.add((owner, name))
    return found


def _column(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name) and node.node.name == _WHOLE:
        return _constant(node.arg)
    return node.name if isinstance(node, nodes.Name) and node.name != _WHOLE else None


def _constant(node: nodes.Node) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None


def _spelling(text: str) -> str:
    """How to write a column that somebody wrote without quotes: `{{ First Name }}`."""
    for found in _PRINTED.finditer(text):
        name, pipe, filters = found[1].partition("|")
        if _SEVERAL_WORDS.fullmatch(name.strip()):
            return f"a column of that name is {{{{ {spelled(name.strip())} {pipe}{filters}}}}}"
    return ""


def _pieces(tree: nodes.Template) -> list[tuple[str, str | None]] | None:
    """The texts and names of a template that has nothing else, as most prompts: joined, they cost a third of rendering."""
    pieces: list[tuple[str, str | None]] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append((node.data, None))
            elif isinstance(node, nodes.Name):
                pieces.append(("", node.name))
            elif isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name) and node.node.name == _WHOLE:
                assert isinstance(node.arg, nodes.Const)
                pieces.append(("", node.arg.value))
            else:
                return None
    return pieces


def _text(value: Any) -> str:
    return value if type(value) is str else "" if value is None else str(value)


def _refuse_escapes(tree: nodes.Template) -> None:
    """Names like `__class__` are refused before any row, not on each; the sandbox stays, for names that are made up on the way.

    Raises:
        SecurityError: one is used.
    """
    used = [node.attr for node in tree.find_all(nodes.Getattr)]
    used += [node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
    inside = next((name for name in used if len(name) > 4 and name.startswith("__") and name.endswith("__")), None)
    if inside is not None:
        raise SecurityError(f"{inside!r} is Python's own")


@lru_cache(maxsize=4096)
def compiled(text: str) -> Template:
    """The template of a text, compiled once a process."""
    return Template(text)


def check_template(text: str) -> str:
    """The text itself, when it is a template; for pydantic fields.

    Raises:
        ValueError: it is not.
    """
    try:
        return Reads.of(text, compiled(text).paths)
    except RecipeError as exc:
        raise ValueError(str(exc)) from exc


TemplateText = Annotated[str, AfterValidator(check_template)]
