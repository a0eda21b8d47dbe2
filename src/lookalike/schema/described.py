"""What a table's columns were taken for, as a file that a person reads and corrects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from textwrap import indent
from typing import Any

import pyarrow as pa
import yaml

from lookalike.errors import SchemaError, did_you_mean
from lookalike.schema import dates
from lookalike.schema.infer import infer, is_unique
from lookalike.schema.semantics import KINDS, amounts, semantic_of
from lookalike.schema.semantics.buffers import is_text, one
from lookalike.schema.types import ColumnSchema, TableSchema, Told, arrow_type

TOLD = ("semantic", "decimals", "order", "format", "also", "within", "unit", "unique")
"""What a file may say of a column; type, gaps and reason are the data's."""

HEAD = """\
# What each column was taken for, and why. Correct what is wrong (a column's other lines may go) and give this file
# as --schema, or as schema= in Python.
"""


def described(table: pa.Table, told: Told | None = None) -> TableSchema:
    """A table's schema: as told, or inferred and then corrected by a file.

    Args:
        table: the cells.
        told: a whole schema, or a file that `written` made, or what it holds.

    Raises:
        SchemaError: no such file or column, no such type or field.
    """
    if isinstance(told, TableSchema):
        return replace(told, columns=tuple(_completed(column, table) for column in told.columns))
    found = infer(table)
    if told is None:
        return found
    said = told if isinstance(told, Mapping) else corrections(Path(told))
    where = "schema" if isinstance(told, Mapping) else str(told)
    for name, body in (said.get("columns") or {}).items():
        if name not in found.names:
            raise SchemaError(
                what=f"there is no column {name!r}", where=where, fix=did_you_mean(name, found.names, label="columns")
            )
        corrected = _corrected(found[name], body, where)
        if corrected != found[name]:
            found = replace(found, columns=tuple(_completed(corrected, table) if c.name == name else c for c in found.columns))
    if "key" in said and said["key"] not in (None, *found.names):
        raise SchemaError(what=f"the key {said['key']!r} is no column", where=where, fix="name a column, or null")
    return replace(found, key=said["key"]) if "key" in said else found


def written(schema: TableSchema) -> str:
    """The file: one entry a column with what it was taken for, the reason beside it."""
    out = [HEAD, "columns:\n"]
    for column in schema.columns:
        body = {"semantic": column.semantic, **{name: _plain(value) for name, value in _said(column).items()}}
        head, _, rest = yaml.safe_dump({column.name: body}, sort_keys=False, allow_unicode=True, width=10_000).partition("\n")
        out.append(indent(f"{head}  # {column.reason}\n{rest}", "  "))
    out.append(yaml.safe_dump({"key": schema.key}))
    return "".join(out)


def _said(column: ColumnSchema) -> dict[str, Any]:
    """What a column has beside its type, where it is not the default."""
    defaults = {field.name: field.default for field in fields(ColumnSchema) if field.default is not MISSING}
    return {name: value for name in TOLD if name in defaults and (value := getattr(column, name)) != defaults[name]}


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def corrections(path: Path) -> Mapping[str, Any]:
    """What a file says.

    Raises:
        SchemaError: it cannot be read, or is no schema of one table.
    """
    fix = "give a file that `lookalike look DATA -o schema.yaml` wrote"
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SchemaError(what=f"the schema cannot be read: {exc}", where=str(path), fix=fix) from exc
    columns = said.get("columns") if isinstance(said, Mapping) else None
    if not isinstance(columns, (Mapping, type(None))) or not isinstance(said, Mapping) or set(said) - {"columns", "key"}:
        raise SchemaError(what="this is no schema of one table: it has `columns` and `key`", where=str(path), fix=fix)
    return said


def _corrected(column: ColumnSchema, body: Any, where: str) -> ColumnSchema:
    """A column as a file says; a new type brings nothing of the old one along."""
    if not isinstance(body, Mapping) or (unknown := sorted(set(map(str, body)) - set(TOLD))):
        odd = unknown if isinstance(body, Mapping) else [str(body)]
        raise SchemaError(
            what=f"{odd[0]!r} says nothing of a column", where=f"{where}, {column.name}",
            fix=did_you_mean(odd[0], TOLD, label="fields"),
        )  # fmt: skip
    semantic = body.get("semantic", column.semantic)
    if semantic not in KINDS:
        raise SchemaError(
            what=f"{semantic!r} is no semantic type", where=f"{where}, {column.name}",
            fix=did_you_mean(str(semantic), KINDS, label="types"),
        )  # fmt: skip
    if semantic != column.semantic:
        column = ColumnSchema(column.name, semantic, column.arrow, column.nullable, reason="the schema says so")
    told = {name: value for name, value in body.items() if name != "semantic"}
    for name in ("order", "also", "within"):
        if name in told:
            told[name] = tuple(tuple(item) if isinstance(item, list) else item for item in told[name] or ())
    return replace(column, **told)


def _completed(column: ColumnSchema, table: pa.Table) -> ColumnSchema:
    """A told column with what its type needs and the cells tell: how numbers and dates in texts are written."""
    if column.name not in table.column_names:
        return column
    kind, cells = semantic_of(column), one(table[column.name]).drop_null()
    if kind.learned == "anew":
        return replace(column, unique=column.unique or is_unique(table[column.name]))
    if kind.learned != "number" or column.format or not is_text(arrow_type(column.arrow)):
        return column
    levels = cells.unique().to_pylist()
    if kind.quantity == "number":
        form = amounts.find_form([text for text in levels if text.strip()])
        return column if form is None else replace(column, format=form.text, decimals=form.digits if form.exact else None)
    found = dates.find(levels)
    return column if found is None else replace(column, format=found.forms[0][0], also=found.forms[1:], unit=found.zone)
