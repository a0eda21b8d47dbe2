"""What must be coarser before a table is learned for others: days, postal codes, rare levels.

A cell is as coarse as it takes for `k` rows to share it: dates become months, quarters or years, postal codes lose digits, and
levels that fewer rows hold become one, and numbers that hardly anybody shares are rounded. Everything else stays exact. What changed
is said, column by column.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError, did_you_mean
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.numbers import Numbers
from lookalike.schema.types import ColumnSchema, TableSchema

SHARED = 0.95  # of a column's cells that must be shared before the next coarser form is not needed
GRAINS = ("day", "month", "quarter", "year")
OTHER = "other"  # what levels become that too few rows hold
POSTAL = re.compile(r"(?:^|[_\W])(?:zip|plz|cap|postal|post_?code|postcode)(?:[_\W]|code|$)", re.IGNORECASE)
CODE = re.compile(r"[0-9A-Z]{3,10}(?:[ -][0-9A-Z]{2,4})?", re.IGNORECASE)

Coarser = tuple[pa.Array, str]  # a column's cells, and what became of them

LEAST: dict[str, int] = {
    "internal": 5,
    "partner": 10,
    "public": 20,
    "health": 20,
}  # rows that share a cell, by profile of gates
SEEN: dict[str, float] = {
    "internal": 1 / 2,
    "partner": 2 / 3,
    "public": 1.0,
    "health": 1.0,
}  # of what an attack could see, below

HELD_OUT: dict[str, float] = {"partner": 0.4, "public": 0.4, "health": 0.4}
"""Share of the rows that is held out where low risk must be proven, which takes about as many rows as are learned."""


def rows_that_share(profile: str, rows: int) -> int:
    """How many rows must share a cell.

    What a model learns of one row shows in its cells' shares as one part in `k`; an attack on `n` rows sees differences of about one
    part in the root of `n`. Cells therefore grow with the root of the table.

    Raises:
        SchemaError: no such profile.
    """
    if profile not in LEAST:
        raise SchemaError(what=f"there is no profile {profile!r}", where="profile", fix=did_you_mean(profile, list(LEAST)))
    return max(LEAST[profile], math.ceil(SEEN[profile] * math.sqrt(rows)))


@dataclass(frozen=True, slots=True)
class CoarseColumn:
    """What became of one column.

    Attributes:
        column: its name.
        what: in words, such as "days became months".
        cells: share of its cells that are another now.
    """

    column: str
    what: str
    cells: float

    def __str__(self) -> str:
        """One line."""
        return f"{self.column}: {self.what} ({self.cells:.1%} of its cells)"


@dataclass(frozen=True, slots=True)
class CoarseTable:
    """A table of coarser cells, and what changed."""

    table: pa.Table
    changes: tuple[CoarseColumn, ...] = field(default_factory=tuple)


def generalise(table: pa.Table, schema: TableSchema, k: int) -> CoarseTable:
    """Make cells coarser until `k` rows share them; columns, order and types stay.

    Identifiers, personal data and prose are left alone: they are made anew, not learned. So are numbers that people share.

    Args:
        table: the real rows.
        schema: what its columns are.
        k: rows that share a date, a postal code or a level.
    """
    changes = []
    for column in schema.columns:
        values = _one(table[column.name])
        found = _coarser(column, values, k)
        if found is None:
            continue
        made, what = found
        changed = pc.sum(pc.not_equal(made.cast(values.type), values)).as_py() or 0
        if changed:
            table = table.set_column(table.column_names.index(column.name), column.name, made.cast(values.type))
            changes.append(CoarseColumn(column.name, what, changed / max(1, len(values))))
    return CoarseTable(table, tuple(changes))


def _coarser(column: ColumnSchema, values: pa.Array, k: int) -> Coarser | None:
    text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if column.semantic in ("date", "datetime"):
        return _moments(column, values, k)
    if POSTAL.search(column.name) and pa.types.is_integer(values.type):
        return _numeric_postal(values, k)
    if POSTAL.search(column.name) and text:
        return _postal(values, k)
    if column.semantic in ("integer", "decimal"):
        return _numbers(values, k)
    return _levels(values, k) if column.semantic == "category" and text else None


def _one(values: pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks()
    whole = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _shared(groups: pa.Array, k: int) -> npt.NDArray[np.bool_]:
    """Where a cell is null or at least `k` cells hold the same, bool [n]."""
    codes = pc.dictionary_encode(groups, null_encoding="encode").indices.to_numpy(zero_copy_only=False)
    return np.asarray(np.bincount(codes)[codes] >= k) | groups.is_null().to_numpy(zero_copy_only=False)


# --- dates -----------------------------------------------------------------------------------------------------------------


def _moments(column: ColumnSchema, values: pa.Array, k: int) -> Coarser | None:
    """Dates floored to the finest grain that is shared; the few that stay alone go to the nearest that is not."""
    meaning, microseconds = semantic_of(column), 0
    moments = values
    if column.format:
        read = meaning.numbers(values)
        microseconds = int(meaning.unit * 10**6)
        moments = pa.array(read.whole * microseconds, mask=read.missing).cast(pa.timestamp("us"))
    if not pa.types.is_temporal(moments.type):
        return None
    for grain in GRAINS:
        floored = pc.floor_temporal(moments, unit=grain)
        good = _shared(floored, k)
        if good.mean() >= SHARED or grain == GRAINS[-1]:
            break
    whole = _nearest(floored.cast(pa.timestamp("us")).cast(pa.int64()), good)
    made = whole.cast(pa.timestamp("us")).cast(floored.type)
    if microseconds:
        missing = whole.is_null().to_numpy(zero_copy_only=False)
        made = meaning.stored(Numbers(pc.fill_null(whole, 0).to_numpy(zero_copy_only=False) // microseconds, missing))
    return made, f"{'moments' if column.semantic == 'datetime' else 'days'} became {grain}s, each shared by {k} rows at least"


def _nearest(ticks: pa.Array, good: npt.NDArray[np.bool_]) -> pa.Array:
    """Numbers of which those that are not good become the nearest good one; nulls stay."""
    gone = ticks.is_null().to_numpy(zero_copy_only=False)
    numbers = pc.fill_null(ticks, 0).to_numpy(zero_copy_only=False)
    kept = np.unique(numbers[good & ~gone])
    if len(kept):
        after = (
            np.clip(np.searchsorted(kept, numbers), 1, max(len(kept) - 1, 1)) if len(kept) > 1 else np.zeros(len(numbers), int)
        )
        before = np.maximum(after - 1, 0)
        near = np.where(numbers - kept[before] <= kept[after] - numbers, kept[before], kept[after])
        numbers = np.where(good, numbers, near)
    return pa.array(numbers, mask=gone)


# --- postal codes ----------------------------------------------------------------------------------------------------------


def _postal(values: pa.Array, k: int) -> Coarser | None:
    """Codes with as many leading characters as `k` rows share, each by itself: towns keep more of them than villages."""
    known = pc.drop_null(values)
    if not len(known) or not all(CODE.fullmatch(text) for text in known.slice(0, 1000).to_pylist()):
        return None
    length = max(len(text) for text in known.unique().to_pylist())
    out, left = values, ~_shared(values, k)
    for kept in range(length - 1, -1, -1):
        if not left.any():
            break
        hidden = pc.replace_substring_regex(pc.utf8_slice_codeunits(values, kept, length), r"[0-9A-Za-z]", "x")
        cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, kept), hidden, pa.scalar("", values.type))
        out = pc.if_else(pa.array(left), cut, out)
        left &= ~_shared(out, k)
    return out, f"codes became areas, as large as {k} rows share"


def _numeric_postal(values: pa.Array, k: int) -> Coarser | None:
    """The same for codes that are stored as numbers, whose last digits become zeros."""
    top = pc.max(values).as_py() or 0
    out, left = values, ~_shared(values, k)
    for digits in range(1, len(str(top)) + 1):
        if not left.any():
            break
        size = pa.scalar(10**digits, values.type)
        out = pc.if_else(pa.array(left), pc.multiply(pc.divide(values, size), size), out)
        left &= ~_shared(out, k)
    return out, f"codes became areas, as large as {k} rows share: last digits are zeros"


# --- numbers ---------------------------------------------------------------------------------------------------------------


def _numbers(values: pa.Array, k: int) -> Coarser | None:
    """Numbers that hardly anybody shares, rounded as far as `k` rows share them: many keep their digits, extremes lose most."""
    if _shared(values, k).mean() >= 1 - SHARED:
        return None
    numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    if not finite.any() or not (numbers[finite] != 0).any():
        return None
    top = int(np.floor(np.log10(np.abs(numbers[finite]).max())))
    out, left = numbers.copy(), finite & ~_shared(values, k)
    for digits in range(-3, top + 1):
        out[left] = np.round(numbers[left] / 10.0**digits) * 10.0**digits
        left &= ~_shared(pa.array(out), k)
    made = pa.array(np.where(finite, out, numbers), mask=values.is_null().to_numpy(zero_copy_only=False))
    return made.cast(values.type, safe=False), f"rounded as far as {k} rows share a number"


# --- levels ----------------------------------------------------------------------------------------------------------------


def _levels(values: pa.Array, k: int) -> Coarser | None:
    """Levels that fewer than `k` rows hold become one, with the next rarest where they are fewer than that together."""
    counts = sorted((pair["counts"], pair["values"]) for pair in pc.value_counts(pc.drop_null(values)).to_pylist())
    rare, rows = list[str](), 0
    for count, level in counts:
        if count >= k and (rows >= k or not rare):
            break
        rare.append(level)
        rows += count
    if not rare or len(rare) == len(counts):
        return None
    taken = {level for _, level in counts[len(rare) :]}
    name = next(text for text in (OTHER, *(f"{OTHER} {i}" for i in range(2, len(taken) + 3))) if text not in taken)
    merged = pc.is_in(values, value_set=pa.array(rare, values.type))
    made = pc.if_else(merged, pa.scalar(name, values.type), values)
    return made, f"{len(rare)} levels that fewer than {k} rows hold became {name!r}"
