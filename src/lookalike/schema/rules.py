"""Rules between columns that all rows of a table hold: inequalities, sums and products, functional dependencies, joint gaps.

They are proposals: a rule that holds by chance is worse than one that is missing, so each needs a test that it could have
failed. An inequality must be violated by at least 2% of rows whose two columns were drawn independently.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.rows.sql import sql_name
from lookalike.schema import identities
from lookalike.schema.identities import Identity
from lookalike.schema.types import ColumnSchema, TableSchema

MOST_COLUMNS = 60  # columns whose pairs are looked at; the first ones
LEAST_ROWS = 50
COULD_FAIL = 0.02


@dataclass(frozen=True, slots=True)
class Dependency:
    """Each value of `determinant` comes with one value of `dependent`.

    Attributes:
        repeats: rows per determinant value, on average: the evidence.
    """

    determinant: str
    dependent: str
    repeats: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Columns whose values are missing together.

    Attributes:
        columns: names, at least two.
        share: share of the rows in which all are missing.
    """

    columns: tuple[str, ...]
    share: float


def with_rules(table: pa.Table, schema: TableSchema) -> TableSchema:
    """The schema with the inequalities that hold on every row."""
    return replace(schema, rules=tuple(inequalities(table, schema)))


def inequalities(table: pa.Table, schema: TableSchema) -> list[str]:
    """SQL conditions `"a" <= "b"` between columns of one unit that hold on every row, transitive ones left out."""
    if table.num_rows < LEAST_ROWS:
        return []
    groups: dict[str, list[str]] = {}
    for column in schema.columns:
        if group := _comparable(column):
            groups.setdefault(group, []).append(column.name)
    found: set[tuple[str, str]] = set()
    for names in groups.values():
        arrays = {name: _numbers(table[name]) for name in names[:MOST_COLUMNS]}
        for a, b in combinations(arrays, 2):
            if holds(arrays[a], arrays[b]):
                found.add((a, b))
            elif holds(arrays[b], arrays[a]):
                found.add((b, a))
    direct = [(a, b) for a, b in found if not any((a, c) in found and (c, b) in found for c in schema.names)]
    order = {name: i for i, name in enumerate(schema.names)}
    return [f"{sql_name(a)} <= {sql_name(b)}" for a, b in sorted(direct, key=lambda pair: (order[pair[0]], order[pair[1]]))]


def holds(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a <= b in every row that has both, and would fail often if the two were independent."""
    few = slice(0, 500)
    if np.any(a[few] > b[few]):  # NaN compares false
        return False
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < LEAST_ROWS or np.any(a > b):
        return False
    a, b = a[both], b[both]
    if not np.any(a < b):
        return False
    return bool(np.mean(a > np.roll(b, len(b) // 3 + 1)) >= COULD_FAIL)


def sums(table: pa.Table, schema: TableSchema) -> list[Identity]:
    """Numbers that others give to the last digit: total = net + tax, amount = quantity * price."""
    usable = [c for c in schema.columns if c.semantic in ("integer", "decimal") and "string" not in c.arrow]
    units = {c.name: 1.0 if c.semantic == "integer" else 0.0 if c.decimals is None else 10.0**-c.decimals for c in usable}
    return identities.find({name: _numbers(table[name]) for name in units}, units)


def _comparable(column: ColumnSchema) -> str:
    if column.semantic in ("datetime", "date") and not column.format:
        return "moment" + ("@" if "tz=" in column.arrow else "") + column.semantic[:0]
    if column.semantic == "duration" and not column.format:
        return "duration"
    if column.semantic in ("integer", "decimal") and "string" not in column.arrow:
        return f"number {column.unit}"
    return ""


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    kind = values.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        values = pc.cast(values, pa.timestamp("us", kind.tz if pa.types.is_timestamp(kind) else None), safe=False).cast(
            pa.int64()
        )
    elif pa.types.is_duration(kind):
        values = values.cast(pa.int64())
    return np.asarray(
        values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if isinstance(values, pa.Array)
        else values.cast(pa.float64(), safe=False).combine_chunks().to_numpy(zero_copy_only=False)
    )


def dependencies(table: pa.Table, schema: TableSchema, *, rows: int = 20_000) -> list[Dependency]:
    """Functional dependencies between single columns, found on a sample of rows and checked on all.

    Columns that are keys (nearly every row its own value) or constant determine or are determined trivially and are left out.
    """
    usable = [c.name for c in schema.columns if c.semantic not in ("constant", "empty", "json", "text")][:MOST_COLUMNS]
    step = max(1, table.num_rows // rows)
    codes: dict[str, np.ndarray] = {}
    counts: dict[str, int] = {}
    for name in usable:
        code = _codes(table[name])
        distinct = int(code.max()) + 1 if len(code) else 0
        if 1 < distinct <= 0.5 * len(code):
            codes[name], counts[name] = code, distinct
    found = []
    for a, b in combinations(codes, 2):
        pair = codes[a][::step].astype(np.int64) * counts[b] + codes[b][::step]
        joint = len(np.unique(pair))
        for x, y in ((a, b), (b, a)):
            if joint <= counts[x] and counts[y] > 1 and determines(codes[x], codes[y], counts[x]):
                found.append(Dependency(x, y, len(codes[x]) / counts[x]))
    return found


def determines(a: np.ndarray, b: np.ndarray, distinct: int) -> bool:
    """Whether each code of `a` comes with one code of `b`, in every row."""
    first = np.full(distinct, -1, b.dtype)
    first[a] = b
    return bool((first[a] == b).all())


def gaps(table: pa.Table) -> list[Gap]:
    """Groups of columns that are always missing together."""
    groups: dict[bytes, list[str]] = {}
    shares: dict[bytes, float] = {}
    for name in table.column_names:
        column = table[name]
        if not column.null_count or column.null_count == len(column):
            continue
        mask = column.is_null().combine_chunks().to_numpy(zero_copy_only=False)
        pattern = np.packbits(mask).tobytes()
        groups.setdefault(pattern, []).append(name)
        shares[pattern] = float(mask.mean())
    return [Gap(tuple(names), shares[p]) for p, names in groups.items() if len(names) > 1]


def _codes(values: pa.ChunkedArray) -> np.ndarray:
    encoded = values.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode(null_encoding="encode")
    return np.asarray(encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)).astype(np.int64)
