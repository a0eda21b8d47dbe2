"""What a table's columns mean, worked out from their values and names, with the reason in a sentence.

Whole columns are read for counts, nulls, ranges and uniqueness; shapes of texts are tried on a sample of their distinct values
and, where a wrong guess would break a column (dates, numbers, booleans), checked on all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError
from lookalike.schema import dates, patterns, rules, texts
from lookalike.schema.quotes import quoting
from lookalike.schema.semantics import nested
from lookalike.schema.semantics.buffers import is_text
from lookalike.schema.semantics.domain import MOSTLY, SMALL
from lookalike.schema.types import PII, ColumnSchema, Semantic, TableSchema

MOST_DIGITS = 8  # digits after the point that are tried
SPIKE = 0.05  # a value that holds this share of a number's rows is worth a word
LOOKED_AT = 20_000  # cells without an order that are counted
REPEATS = 5  # rows that share a value
BIG = 300_000  # rows above which distinct values are counted on a sample first
MONEY = re.compile(
    r"price|cost|amount|salary|wage|income|revenue|balance|payment|fee|fare|spend|budget|charge|premium|loan|debt|usd|eur|gbp|(^|_)tax"
)
CODE = re.compile(
    r"(^|_)(code|class|label|target|zip|zipcode|zip_code|postal|postcode|type|category|cluster|flag|status|group)(_|$)"
)
EPOCH = re.compile(r"time|epoch|(^|_)(ts|at|created|updated)(_|$)")


def infer(table: pa.Table) -> TableSchema:
    """The semantic type of every column, the key, and inequalities that hold on all rows.

    Args:
        table: Arrow; columns of any type.

    Raises:
        SchemaError: no column, an empty or a repeated column name.
    """
    names = table.column_names
    if not names:
        raise SchemaError(what="the table has no columns", fix="give at least one column")
    if "" in names or len(set(names)) != len(names):
        raise SchemaError(what="a column name is empty or used twice", where=", ".join(names[:20]), fix="rename the columns")
    columns = infer_columns(table)
    return rules.with_rules(table, TableSchema(columns, key=_key(columns)))


def infer_columns(table: pa.Table) -> tuple[ColumnSchema, ...]:
    """The semantic type of every column, without what holds between them."""
    return _quoting(tuple(infer_column(name, table[name]) for name in table.column_names), table)


def _quoting(columns: tuple[ColumnSchema, ...], table: pa.Table) -> tuple[ColumnSchema, ...]:
    """Categories that quote their row's personal data become texts: as levels they would come out word for word."""
    told = [column.name for column in columns if column.semantic in PII and "string" in column.arrow]
    found = quoting(table, told, [c.name for c in columns if c.semantic == "category" and "string" in c.arrow])
    why = {name: f"Its cells quote {person!r} of their row. Written anew, never learned." for name, person in found.items()}
    return tuple(replace(c, semantic="text", reason=why[c.name]) if c.name in why else c for c in columns)


def infer_column(name: str, values: pa.ChunkedArray) -> ColumnSchema:
    """The semantic type of one column."""
    kind = values.type
    order = _order(values)
    values = _plain(values)
    missing = values.null_count
    if pa.types.is_floating(kind):
        missing += int(pc.sum(pc.is_nan(values)).as_py() or 0)
    column = ColumnSchema(name, "empty", str(kind), nullable=missing > 0)
    if missing >= len(values):
        return replace(column, nullable=True, reason="every value is missing" if len(values) else "there is no row")
    column = _typed(column, values, kind)
    if order:
        column = replace(column, semantic="category", order=order, reason="an ordered dictionary")
    if column.semantic == "id" or column.semantic in PII:
        column = replace(column, unique=column.format == "sequence" or is_unique(pc.drop_null(values)))
    if missing:
        column = replace(column, reason=f"{column.reason}; {missing / len(values):.2g} of the rows have no value")
    return column


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionaries as their values; string views as strings, which compute functions know."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.cast(kind.value_type))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
        return values.cast(pa.large_string())
    return values


def _typed(column: ColumnSchema, values: pa.ChunkedArray, kind: pa.DataType) -> ColumnSchema:
    types = pa.types
    if types.is_dictionary(kind):
        return _typed(column, values, values.type)
    if types.is_boolean(kind):
        return replace(column, semantic="boolean", reason="stored as booleans")
    if (types.is_nested(kind) or _is_bytes(kind)) and (few := few_values(values)):
        return replace(column, semantic="category", reason=f"{few} different {kind} that repeat")
    if types.is_nested(kind):
        nested.check(column.name, kind)
        return replace(column, semantic="json", reason=f"cells are {kind}")
    if _is_bytes(kind):
        return replace(column, semantic="text", format="binary", reason="cells are bytes")
    if types.is_timestamp(kind):
        unit = dates.resolution(values)
        zone = f" in {kind.tz}" if kind.tz else ""
        return replace(column, semantic="datetime", unit=unit, reason=f"stored as moments{zone}, whole {unit}s")
    stored: Semantic | None = (
        "date" if types.is_date(kind) else "time" if types.is_time(kind) else "duration" if types.is_duration(kind) else None
    )
    if stored:
        return replace(column, semantic=stored, reason=f"stored as {kind}")
    if types.is_large_string(values.type):
        return texts.text_column(column, values)
    return _number(column, values)


def _order(values: pa.ChunkedArray) -> tuple[str, ...]:
    """The levels of an ordered dictionary of texts that occur, lowest first; none of any other column."""
    kind = values.type
    if not pa.types.is_dictionary(kind) or not kind.ordered or not values.num_chunks or not is_text(kind.value_type):
        return ()
    seen = set(pc.unique(values.cast(kind.value_type)).to_pylist())
    return tuple(level for level in values.unify_dictionaries().chunk(0).dictionary.to_pylist() if level in seen)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def few_values(values: pa.ChunkedArray) -> int:
    """How many values a column of cells without an order has, when they are few and repeat; 0 otherwise."""
    known = Counter(map(str, pc.drop_null(values).slice(0, LOOKED_AT).to_pylist()))
    shared = sum(count for count in known.values() if count >= REPEATS)
    return len(known) if len(known) <= SMALL and shared >= MOSTLY * known.total() else 0


# --- numbers ---------------------------------------------------------------------------------------------------------------


def _number(column: ColumnSchema, values: pa.ChunkedArray) -> ColumnSchema:
    name = patterns.snake(column.name)
    scale = values.type.scale if pa.types.is_decimal(values.type) else None
    stored = values if scale is None else values.cast(pa.float64())
    numbers = stored.combine_chunks().drop_null().to_numpy(zero_copy_only=False)
    notes = []
    if numbers.dtype.kind == "f":
        finite = np.isfinite(numbers)
        if not finite.all():
            infinite = int(np.isinf(numbers).sum())
            notes = [f"{infinite} infinite values"] if infinite else []
            numbers = numbers[finite]
        if not len(numbers):
            return replace(column, semantic="decimal", reason="only infinite values")
    decimals = 0 if numbers.dtype.kind in "iu" else _decimals(numbers) if scale is None else scale
    distinct = _distinct(numbers)
    if distinct == 1:
        fixed: Semantic = "constant" if not column.nullable and not notes else "category"
        return replace(column, semantic=fixed, decimals=decimals, reason=f"one value: {numbers[0]}")
    low, high = numbers.min(), numbers.max()
    if distinct == 2:
        if low == 0 and high == 1:
            return replace(column, semantic="boolean", decimals=0, reason="only 0 and 1")
        return replace(column, semantic="category", decimals=decimals, reason="; ".join(["two values", *notes]))
    if decimals == 0 and (special := _whole(column, name, numbers, distinct)):
        return special
    place = _place(name, float(low), float(high)) if decimals != 0 else None
    if place:
        return replace(column, semantic=place, decimals=decimals, reason=f"the name says {place} and all lie in its range")
    return _measured(replace(column, decimals=decimals), numbers, distinct, notes)


def _whole(column: ColumnSchema, name: str, numbers: np.ndarray, distinct: int) -> ColumnSchema | None:
    """Integers that are no quantities: keys, references, codes."""
    rows, unique = len(numbers), distinct == len(numbers)
    column = replace(column, decimals=0)
    if form := dates.digits_form(numbers, distinct):
        semantic: Semantic = "date" if form == dates.DIGITS[0] else "datetime"
        return replace(
            column, semantic=semantic, decimals=None, format=form, reason=f"the digits of every number are a date as {form}"
        )
    if unique and rows > 2:
        steps = np.diff(numbers[: min(rows, BIG)])
        if len(steps) and steps[0] != 0 and bool((steps == steps[0]).all()):
            return replace(column, semantic="id", format="sequence", reason=f"a sequence with step {steps[0]}")
        width = float(numbers.max()) - float(numbers.min()) + 1
        if rows >= 50 and width == rows:
            return replace(column, semantic="id", format="sequence", reason="each number of a range once")
        if patterns.ID_COLUMN.search(name):
            return replace(column, semantic="id", reason=f"unique, and the name {column.name!r} says identifier")
    if patterns.STRICT_ID_COLUMN.search(name) and distinct > max(20, rows // 50):
        return replace(
            column, semantic="id", reason=f"the name {column.name!r} says identifier; it repeats as a reference does"
        )
    if CODE.search(name) and distinct <= max(100, rows // 20):
        return replace(
            column, semantic="category", reason=f"{distinct} codes: the name {column.name!r} says a class, no quantity"
        )
    return None


def _place(name: str, low: float, high: float) -> Semantic | None:
    if re.search(r"(^|_)(lat|latitude)(_|$)", name) and low >= -90 and high <= 90:
        return "latitude"
    if re.search(r"(^|_)(lon|lng|long|longitude)(_|$)", name) and low >= -180 and high <= 180:
        return "longitude"
    return None


def _measured(column: ColumnSchema, numbers: np.ndarray, distinct: int, notes: list[str]) -> ColumnSchema:
    name, decimals = patterns.snake(column.name), column.decimals
    unit = ""
    if MONEY.search(name) and (decimals or 0) <= 2:
        unit, notes = "currency", [*notes, "money by its name"]
    low, high = float(numbers.min()), float(numbers.max())
    if decimals == 0 and EPOCH.search(name):
        for candidate, scale in (("epoch_s", 1.0), ("epoch_ms", 1e3), ("epoch_us", 1e6)):
            if 1e8 * scale < low and high < 5e9 * scale:
                unit, notes = candidate, [*notes, f"moments as {candidate.replace('_', ' ')}"]
    few = numbers[:: max(1, len(numbers) // 20_000)]
    values, counts = np.unique(few, return_counts=True)
    top = np.argsort(-counts)[:3]
    spikes = [f"{values[i]:g} ({counts[i] / len(few):.0%})" for i in top if counts[i] > SPIKE * len(few)]
    if spikes and len(values) > 30:
        notes.append("spikes at " + ", ".join(spikes))
    middle = np.quantile(few.astype(np.float64), [0.25, 0.5, 0.75, 0.999])
    with np.errstate(over="ignore"):
        spread = middle[2] - middle[0]
    if spread > 0 and (middle[3] - middle[1]) > 15 * spread:
        notes.append("a heavy tail")
    whole = (
        "integers"
        if decimals == 0
        else "real numbers"
        if decimals is None
        else f"numbers with {decimals} digits after the point"
    )
    common = np.quantile(few.astype(np.float64), [0.05, 0.95])  # of many rows: an end may be one person's
    reason = "; ".join([f"{whole}, most from {common[0]:.3g} to {common[1]:.3g}, {distinct} different", *notes])
    return replace(column, semantic="integer" if decimals == 0 else "decimal", unit=unit, reason=reason)


def _distinct(numbers: np.ndarray) -> int:
    if len(numbers) > BIG:
        sample = numbers[:: len(numbers) // 50_000]
        seen = pc.count_distinct(pa.array(sample)).as_py()
        if 2 < seen < 0.999 * len(sample):  # neither tiny nor unique: the sample's count is enough
            return int(seen)
    return int(pc.count_distinct(pa.array(numbers)).as_py())


def _decimals(numbers: np.ndarray) -> int | None:
    """Fewest digits after the point that write every number exactly; None when there are more than we try."""
    few = numbers[:: max(1, len(numbers) // 2_000)]
    with np.errstate(over="ignore", invalid="ignore"):
        for digits in range(MOST_DIGITS + 1):
            if _written(few, digits) and (len(few) == len(numbers) or _written(numbers, digits)):
                return digits
    return None


def _written(numbers: np.ndarray, digits: int) -> bool:
    if numbers.dtype == np.float64:
        return bool((np.round(numbers, digits) == numbers).all())
    return bool((np.round(numbers.astype(np.float64), digits).astype(numbers.dtype) == numbers).all())


# --- keys ------------------------------------------------------------------------------------------------------------------


def _key(columns: tuple[ColumnSchema, ...]) -> str | None:
    """The first identifier that is unique and never null; one whose name says so goes before."""
    unique = [column.name for column in columns if column.semantic == "id" and column.unique and not column.nullable]
    named = [name for name in unique if patterns.STRICT_ID_COLUMN.search(patterns.snake(name))]
    return next(iter(named or unique), None)


def is_unique(values: pa.ChunkedArray) -> bool:
    """Whether no value repeats."""
    values = pc.drop_null(_plain(values))
    if pa.types.is_nested(values.type):
        return False
    return bool(pc.count_distinct(_plain(values)).as_py() == len(values))
