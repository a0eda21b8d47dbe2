"""A starter recipe from a table: every column with the reason for its type, and the rules that were found, as comments to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pyarrow as pa

from lookalike.rows.sql import sql_columns
from lookalike.schema.rules import FoundRule, Rules, find
from lookalike.schema.rules.dependencies import Dependency
from lookalike.schema.semantics import ANEW
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.sources.open import source

MOST_CONDITIONAL = 10  # conditional rules in a recipe: those that most rows are about


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
    found = Rules() if real is None else find(real, schema)
    lines += [f"    # {_flat(line)}" for line in _proposals(_listed(found))]
    if keep := _keep(found, schema):
        lines += ["    # These hold on every row of the data; a row that breaks one is drawn again.", "    keep:"]
        lines += [f"      - {json.dumps(rule, ensure_ascii=False)}" for rule in keep]
    lines += [
        "# Without gates of its own a run is held to the profile `internal`. Your own bounds take its place, for example:",
        "# gates:",
        f"#   - {{metric: identical_excess, table: {table}, max: 0.001, bound: lower}}",
        f"#   - {{metric: pairs, table: {table}, min: 0.9, relative_to: ceiling}}",
    ]
    return "\n".join(lines) + "\n"


def _proposals(found: Sequence[FoundRule]) -> list[str]:
    """What was found between columns, with the constraints that would hold it for any method."""
    lines = [f"{rule.text}: {rule.evidence}." for rule in found]
    held = [json.dumps(rule.constraint, ensure_ascii=False) for rule in found if rule.constraint and not rule.exceptions]
    if not held:
        return lines
    return [
        *lines,
        "The forest keeps the rules that it finds. To hold them with any method, add to `rows`:",
        f"  synthesizer: {{kind: constrained, base: {{kind: forest}}, constraints: [{', '.join(held)}]}}",
    ]


def _listed(found: Rules) -> list[FoundRule]:
    """Rules worth a line: of two columns that give each other one direction, of conditional ones those that most rows are about."""
    pairs: dict[frozenset[str], Dependency] = {}
    for rule in found.dependencies:
        pairs.setdefault(frozenset(rule.columns), rule)
    return [*found.orders, *found.sums, *pairs.values(), *found.gaps, *found.implications[:MOST_CONDITIONAL]]


def _keep(found: Rules, schema: TableSchema) -> list[str]:
    """Conditions that every row of the data holds; where cells can be missing, a row of which they say nothing is kept."""
    nullable = {column.name for column in schema.columns if column.nullable}
    orders = [f"coalesce({sql}, true)" if sql_columns(sql) & nullable else sql for sql in schema.rules]
    return orders + [rule.sql for rule in found.implications[:MOST_CONDITIONAL] if not rule.exceptions]


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
