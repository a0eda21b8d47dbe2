"""A starter recipe from a table: every column with the reason for its type, and the rules that were found, as comments to edit."""

from __future__ import annotations

import json
import re

from lookalike.schema.types import ColumnSchema, TableSchema

REPLACED = frozenset({"id", "text", "json", "url", "name", "email", "phone", "address", "iban", "card", "national_id", "ip"})


def starter(schema: TableSchema, path: str, name: str, *, rows: int = 1000, table: str = "") -> str:
    """The text of a recipe that learns a table and makes as many rows.

    Args:
        schema: what `lookalike.schema.infer` found.
        path: the data, as the recipe should name it.
        name: the recipe's name.
        rows: rows to make.
        table: the table's name; made from `name` when empty.
    """
    source = _key(re.sub(r"\.[A-Za-z0-9.]+$", "", path.replace("\\", "/").rsplit("/", 1)[-1])) or "data"
    table = _key(table or name) or "rows"
    lines = [
        "lookalike: 1",
        f"name: {json.dumps(name, ensure_ascii=False)}",
        "seed: 0",
        "sources:",
        f"  {source}: {{kind: file, path: {json.dumps(path, ensure_ascii=False)}}}",
        "tables:",
        f"  {table}:",
        f"    rows: {{like: {source}, n: {rows}}}",
        "    # What was found, and why. To describe a column otherwise, give it a generator under `columns:`,",
        "    # which then takes the place of what was learned.",
        *(f"    #   {_line(column)}" for column in schema.columns),
    ]
    if schema.key:
        lines.append(f"    # The key is {schema.key}: new and unique in every run.")
    if schema.rules:
        lines += ["    # These hold on every row of the data; a row that breaks one is drawn again.", "    keep:"]
        lines += [f"      - {json.dumps(rule, ensure_ascii=False)}" for rule in schema.rules]
    lines += [
        "# Without gates of its own a run is held to the profile `internal`. Your own bounds take its place, for example:",
        "# gates:",
        f"#   - {{metric: identical_excess, table: {table}, max: 0.001, bound: lower}}",
        f"#   - {{metric: pairs, table: {table}, min: 0.9, relative_to: ceiling}}",
    ]
    return "\n".join(lines) + "\n"


def _line(column: ColumnSchema) -> str:
    treated = " Replaced by new values, never learned." if column.semantic in REPLACED else ""
    gaps = " (can be missing)" if column.nullable else ""
    reason = " ".join(column.reason.split())
    return f"{column.name}: {column.semantic}{gaps}. {reason[:1].upper()}{reason[1:]}.{treated}"


def _key(text: str) -> str:
    """A plain YAML key."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_").lower()
    return plain if not plain or plain[0].isalpha() else f"t_{plain}"
