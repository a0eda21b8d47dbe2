"""What a table's columns are: semantic types, keys, relations, constraints.

A physical type (Arrow) says how a value is stored; a semantic type says what it means, and so how it is learned, sampled and
measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from lookalike.errors import SchemaError

Semantic = Literal[
    "integer", "decimal", "category", "boolean", "datetime", "date", "time", "duration",
    "id", "text", "json", "latitude", "longitude", "several",
    "name", "email", "phone", "address", "iban", "card", "national_id", "ip", "url",
    "constant", "empty",
]  # fmt: skip

PII: frozenset[str] = frozenset({"name", "email", "phone", "address", "iban", "card", "national_id", "ip"})
NUMERIC: frozenset[str] = frozenset({"integer", "decimal", "latitude", "longitude"})
TEMPORAL: frozenset[str] = frozenset({"datetime", "date", "time", "duration"})


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One column.

    Attributes:
        semantic: what its values mean.
        arrow: Arrow type as written by `str(pa.DataType)`; the type that sampling gives back.
        nullable: whether nulls were seen (or are allowed).
        decimals: digits after the point that values carry; None: as many as there are, or not a number.
        order: ordered categories, lowest first; empty when categories have no order.
        format: of dates in text as `semantics.clock` has it, of numbers in text as `semantics.amounts` has it, of ids a regex; "" when
            not needed.
        unit: time unit, currency, time zone of texts or similar, when known.
        reason: why inference chose this, in a sentence.
        also: other formats of dates in text, and the share of the rows that have each.
        within: of several numbers in one text, from where to where each goes, in its last digits.
        unique: identifiers and personal data: whether no value repeats.
    """

    name: str
    semantic: Semantic
    arrow: str
    nullable: bool = False
    decimals: int | None = None
    order: tuple[str, ...] = ()
    format: str = ""
    unit: str = ""
    reason: str = ""
    unique: bool = False
    also: tuple[tuple[str, float], ...] = ()
    within: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table: columns in order, its key, and rules between columns (SQL conditions that hold on every row)."""

    columns: tuple[ColumnSchema, ...]
    key: str | None = None
    foreign_keys: Mapping[str, str] = field(default_factory=dict)  # column -> "table.column"
    rules: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> ColumnSchema:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __str__(self) -> str:
        """One line a column: its name, what it was taken for, and why."""
        name = max((len(column.name) for column in self.columns), default=0)
        kind = max((len(column.semantic) for column in self.columns), default=0)
        return "\n".join(f"{c.name:<{name}}  {c.semantic:<{kind}}  {c.reason}" for c in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    def replace(self, name: str, **changes: Any) -> TableSchema:  # fields of ColumnSchema
        """The same table with one column described otherwise."""
        columns = tuple(replace(c, **changes) if c.name == name else c for c in self.columns)
        return replace(self, columns=columns)

    def dump(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> TableSchema:
        """The schema that `dump` wrote."""
        columns = tuple(ColumnSchema(**{**c, "order": tuple(c.get("order", ())), **_pairs(c)}) for c in data["columns"])
        return cls(columns, data.get("key"), dict(data.get("foreign_keys", {})), tuple(data.get("rules", ())))


def _pairs(column: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple((a, b) for a, b in column.get(name, ())) for name in ("also", "within")}


Told = TableSchema | str | Path | Mapping[str, Any]
"""What somebody says of a table: a whole schema, or what corrects the inferred one: a file, or what it holds."""


def arrow_type(text: str) -> pa.DataType:
    """The Arrow type that `str(pa.DataType)` wrote: `int64`, `timestamp[us, tz=UTC]`, `dictionary<...>` as its values.

    Raises:
        SchemaError: no such type.
    """
    try:
        return _parse(text.strip())
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as exc:
        raise SchemaError(what=f"{text!r} is no Arrow type", fix="write it as str(pa.DataType) does, such as int64") from exc


def _parse(text: str) -> pa.DataType:
    if text.startswith("timestamp["):
        unit, _, zone = text[10:-1].partition(", tz=")
        return pa.timestamp(unit, zone or None)
    if text.startswith(("duration[", "time32[", "time64[")):
        name, _, unit = text[:-1].partition("[")
        return getattr(pa, name)(unit)
    if text.startswith(("date32", "date64")):
        return getattr(pa, text[:6])()
    if text.startswith("dictionary<"):
        return _parse(_parts(text[11:-1])[0].removeprefix("values="))
    if text.startswith(("decimal32(", "decimal64(", "decimal128(", "decimal256(")):
        name, _, size = text[:-1].partition("(")
        precision, scale = size.split(",")
        return getattr(pa, name)(int(precision), int(scale))
    if text.startswith("fixed_size_binary["):
        return pa.binary(int(text[18:-1]))
    if text.startswith("fixed_size_list<"):
        inside, _, size = text[:-1].rpartition(">[")
        return pa.list_(_nested(f"list<{inside[16:]}>").field(0), int(size))
    if text.startswith(("list<", "large_list<", "struct<", "map<")):
        return _nested(text)
    return {"string_view": pa.string(), "binary_view": pa.binary()}.get(text) or pa.type_for_alias(text)


def _nested(text: str) -> pa.DataType:
    kind, _, inside = text[:-1].partition("<")
    parts = _parts(inside)
    if kind == "map":
        return pa.map_(_parse(parts[0]), _parse(parts[1].split(" (")[0]))
    fields = []
    for part in parts:
        name, _, value = part.partition(": ")
        nullable = not value.endswith(" not null")
        fields.append(pa.field(name, _parse(value.removesuffix(" not null")), nullable))
    if kind == "struct":
        return pa.struct(fields)
    return pa.list_(fields[0]) if kind == "list" else pa.large_list(fields[0])


def _parts(text: str) -> list[str]:
    """The text cut at commas that are in no bracket."""
    parts, depth, start = [], 0, 0
    for i, sign in enumerate(text):
        depth += (sign in "<[(") - (sign in ">])")
        if sign == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]
