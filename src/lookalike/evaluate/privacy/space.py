"""Tables as numbers that distances and equality can be computed on, with one dictionary for all of them.

Two forms:

- *codes* (int64): equal codes mean equal cells, in any of the tables. Numbers are equal when they agree in six significant
  digits, so that a float written with fewer digits is still the same record.
- *Gower* (float32): every column in the form where min(|a - b|, 1) is its distance: numbers scaled to [0, 1], categories as
  their code, null as a value that is 0 from null and 1 from everything else. One loop then serves mixed tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import MetricError
from lookalike.evaluate.encode import as_numpy, mask

Codes = npt.NDArray[np.int64]  # [d, n]
Gower = npt.NDArray[np.float32]  # [d, n]
Hashes = npt.NDArray[np.uint64]  # [n]

NULL = np.float32(3.0)  # min(|3 - x|, 1) = 1 for x in [0, 1]
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def is_number(kind: pa.DataType) -> bool:
    """Whether a column has a distance between its cells (numbers, dates, times, durations)."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_temporal(kind)
    )


def is_nested(kind: pa.DataType) -> bool:
    """Whether cells are lists, structs or maps, which neither codes nor distances read."""
    return bool(pa.types.is_nested(kind))


def numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A numeric or temporal column as float64 [n]; null, NaN and infinities as NaN."""
    kind = column.type
    if pa.types.is_temporal(kind):
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        column = column.cast(width)
    values = as_numpy(pc.fill_null(column.cast(pa.float64(), safe=False), float("nan"))).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def shared_columns(tables: Sequence[pa.Table]) -> list[str]:
    """Names that all tables have, without nested columns, in the first table's order.

    Raises:
        MetricError: there is none.
    """
    first, *rest = tables
    names = [n for n in first.column_names if all(n in t.column_names for t in rest) and not is_nested(first[n].type)]
    if not names:
        raise MetricError(what="the tables share no column that can be compared", fix="give tables with the same column names")
    return names


def column_codes(columns: Sequence[pa.ChunkedArray]) -> list[Codes]:
    """Codes of one column in each table: equal codes, equal cells. Null has a code of its own."""
    sizes = [len(c) for c in columns]
    if all(is_number(c.type) for c in columns):
        values = np.concatenate([numbers(c) for c in columns])
        with np.errstate(divide="ignore"):
            scale = 10.0 ** (5.0 - np.floor(np.log10(np.where(values == 0, 1.0, np.abs(values)))))
        rounded = np.where(np.isnan(values), np.nan, np.round(values * scale) / scale)
        if all(pa.types.is_integer(c.type) or pa.types.is_temporal(c.type) for c in columns):
            rounded = values  # a date or a whole number is exact
        _, codes = np.unique(rounded, return_inverse=True)
    else:
        text = pa.chunked_array([chunk for c in columns for chunk in _as_text(c).chunks], type=pa.large_string())
        whole = text.combine_chunks()
        encoded = (whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)).dictionary_encode()
        codes = as_numpy(pc.fill_null(encoded.indices, -1))
    return [part.astype(np.int64) for part in np.split(codes, np.cumsum(sizes)[:-1])]


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column.cast(pa.large_binary()).cast(pa.large_string(), safe=False)
    return column.cast(pa.large_string())


def codes(tables: Sequence[pa.Table], names: Sequence[str]) -> list[Codes]:
    """int64 [d, n] for each table, one dictionary a column for all of them."""
    columns = [column_codes([t[name] for t in tables]) for name in names]
    return [np.stack([column[i] for column in columns]) for i in range(len(tables))]


def gower(tables: Sequence[pa.Table], names: Sequence[str], *, scale: Literal["range", "rank"] = "range") -> list[Gower]:
    """float32 [d, n] for each table; the first table sets the scale.

    Args:
        tables: the real training table first.
        names: columns to use, present in all tables.
        scale: "range" divides by the first table's range (Gower 1971); "rank" puts each number at its place in the first
            table's distribution, so that a long tail does not squeeze everybody else together.
    """
    out: list[list[Gower]] = [[] for _ in tables]
    for name in names:
        columns = [t[name] for t in tables]
        if all(is_number(c.type) for c in columns):
            parts = _scaled([numbers(c) for c in columns], scale)
        else:
            parts = [part.astype(np.float32) * 2 for part in column_codes(columns)]
        for matrix, part in zip(out, parts, strict=True):
            matrix.append(part)
    return [np.ascontiguousarray(np.stack(matrix)) for matrix in out]


def _scaled(columns: list[npt.NDArray[np.float64]], scale: str) -> list[Gower]:
    known = columns[0][~np.isnan(columns[0])]
    parts: list[Gower] = []
    for values in columns:
        missing = np.isnan(values)
        if not known.size:
            place = np.zeros(values.size)
        elif scale == "rank":
            place = rank_of(values, known)
        else:
            low, high = float(known.min()), float(known.max())
            place = np.clip((values - low) / (high - low if high > low else 1.0), -1.0, 2.0)
        parts.append(np.where(missing, NULL, place).astype(np.float32))
    return parts


def rank_of(values: npt.NDArray[np.float64], real: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The place of values in the distribution of the real ones, float64 [n]; 0..1 inside the real range, linear beyond it.

    A line through at most 256 quantiles, not the rank itself: real values would have ranks of their own, half a step away from
    everybody else's, and strangers would seem nearer to a release than members are.
    """
    known = real[~np.isnan(real)]
    if not known.size:
        return np.zeros(values.size)
    grid = np.linspace(0.0, 1.0, min(256, max(3, known.size // 8)))
    cuts, first, counts = np.unique(np.quantile(known, grid), return_index=True, return_counts=True)
    if cuts.size == 1:
        return np.asarray(np.where(values == cuts[0], 0.5, np.where(values > cuts[0], 1.0, 0.0)), dtype=np.float64)
    places = (grid[first] + grid[first + counts - 1]) / 2.0
    span = cuts[-1] - cuts[0]
    beyond = (np.clip(values - cuts[-1], 0.0, span) - np.clip(cuts[0] - values, 0.0, span)) / span
    return np.asarray(np.interp(values, cuts, places) + beyond, dtype=np.float64)


def row_hashes(matrix: Codes) -> Hashes:
    """One 64-bit hash a row of codes: equal rows, equal hashes; chance collisions below 1e-8 at a million rows."""
    out = np.zeros(matrix.shape[1], dtype=np.uint64)
    with np.errstate(over="ignore"):
        for i, column in enumerate(matrix):
            z = column.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(i + 1)
            for shift in (30, 27):
                z = (z ^ (z >> np.uint64(shift))) * _MIX
            out = (out ^ (z ^ (z >> np.uint64(31)))) * np.uint64(0xD1342543DE82EF95)
    return out


def isolation(matrix: Codes) -> npt.NDArray[np.float64]:
    """How alone each row is in its own table: the mean, over columns, of -log(share of its value); float64 [n].

    Cheap (one bincount a column) and monotone in what makes a person stand out: rare values, and many of them.
    """
    total = np.zeros(matrix.shape[1])
    for column in matrix:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        if counts.size <= max(50, matrix.shape[1] // 20):  # near-continuous columns say nothing about rarity
            total -= np.log(counts[inverse] / matrix.shape[1])
    return np.asarray(total / max(1, matrix.shape[0]), dtype=np.float64)


def plain_values(tables: Sequence[pa.Table], names: Sequence[str]) -> tuple[list[npt.NDArray[np.float64]], list[bool]]:
    """Cells as float64 [d, n] for each table, numbers as they are, categories as shared codes, null as NaN.

    Returns:
        The matrices, and for each column whether it is numeric.
    """
    out: list[list[npt.NDArray[np.float64]]] = [[] for _ in tables]
    numeric = []
    for name in names:
        columns = [t[name] for t in tables]
        numeric.append(all(is_number(c.type) for c in columns))
        if numeric[-1]:
            parts = [numbers(c) for c in columns]
        else:
            missing = [mask(c) for c in columns]
            parts = [np.where(gone, np.nan, part) for part, gone in zip(column_codes(columns), missing, strict=True)]
        for matrix, part in zip(out, parts, strict=True):
            matrix.append(part)
    return [np.stack(matrix) for matrix in out], numeric
