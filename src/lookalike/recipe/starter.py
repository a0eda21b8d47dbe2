"""A starter recipe from a table: every column with the reason for its type, and the rules that were found, as comments to edit."""

from __future__ import annotations

import json
import re

import pyarrow as pa

from lookalike.schema import rules
from lookalike.schema.semantics import ANEW
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.sources.open import source


def starter(
    schema: TableSchema, path: str, name: str, *, rows: int = 1000, table: str = "", real: pa.Table | None = None
) -> str:
    """The text of a recipe that learns a table and makes as many rows.

    Args:
        schema: what `lookalike.schema.infer` found.
        path: the data, as `lookalike.sources.open` reads it: a file, `URL#table` or `package:name`.
        name: the recipe's name.
        rows: rows to make.
        table: the table's name; made from `name` when empty.
        real: the rows, to look for columns that follow from others and such as are missing together.
    """
    origin = _key(re.sub(r"\.[A-Za-z0-9.]+$", "", re.split(r"[/\\#:]", path)[-1])) or "data"
    made_from = source(path).dump()
    table = _key(table or name) or "rows"
    if table == origin:  # a recipe's tables and sources share one namespace
        origin = f"real_{origin}"
    lines = [
        "lookalike: 1",
        f"name: {json.dumps(name, ensure_ascii=False)}",
        "seed: 0",
        "sources:",
        f"  {origin}: {{{', '.join(f'{key}: {json.dumps(value, ensure_ascii=False)}' for key, value in made_from.items())}}}",
        "tables:",
        f"  {table}:",
        f"    rows: {{like: {origin}, n: {rows}}}",
        "    # What was found, and why. To describe a column otherwise, give it a generator under `columns:`,",
        "    # which then takes the place of what was learned.",
        *(f"    #   {_line(column)}" for column in schema.columns),
    ]
    if schema.key:
        lines.append(f"    # The key is {_flat(schema.key)}: new and unique in every run.")
    lines += [f"    # {line}" for line in ([] if real is None else _proposals(real, schema))]
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


def _proposals(real: pa.Table, schema: TableSchema) -> list[str]:
    """What else was found between columns, with the constraint that would hold it for any method."""
    lines = [f"{', '.join(gap.columns)}: missing together, in {gap.share:.2g} of the rows." for gap in rules.gaps(real)]
    pairs: dict[frozenset[str], rules.Dependency] = {}
    for found in rules.dependencies(real, schema):
        pairs.setdefault(frozenset((found.determinant, found.dependent)), found)
    given = rules.sums(real, schema)
    if not pairs and not given:
        return [_flat(line) for line in lines]
    lines += [f"Each {p.determinant} has one {p.dependent} ({p.repeats:.0f} rows of each)." for p in pairs.values()]
    lines += [f"On every row {found.column} = {found.sql}." for found in given]
    held = [json.dumps({"kind": "fixed", "columns": [p.determinant, p.dependent]}) for p in pairs.values()]
    held += [json.dumps({"kind": "formula", "column": found.column, "sql": found.sql}) for found in given]
    return [
        *map(_flat, lines),
        "The forest keeps such pairs and sums where it finds them. To hold them with any method, add to `rows`:",
        f"  synthesizer: {{kind: constrained, base: {{kind: forest}}, constraints: [{', '.join(held)}]}}",
    ]


def _line(column: ColumnSchema) -> str:
    treated = " Replaced by new values, never learned." if column.semantic in ANEW else ""
    gaps = " (can be missing)" if column.nullable else ""
    reason = column.reason
    return _flat(f"{column.name}: {column.semantic}{gaps}. {reason[:1].upper()}{reason[1:]}.{treated}")


def _flat(text: str) -> str:
    """A comment of one line, as names of columns may hold line breaks."""
    return " ".join(text.split())


def _key(text: str) -> str:
    """A plain YAML key."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_").lower()
    return plain if not plain or plain[0].isalpha() else f"t_{plain}"
