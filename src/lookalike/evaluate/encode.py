"""Columns as arrays: cells as numbers, codes and bins with one dictionary for all tables; what a column is, its schema says.

Arrow's `to_numpy` and `pa.scalar` load pandas when it is installed (0.6 to 1.3 CPU seconds); buffers do not, so only they are
read here, and Arrow kernels get no Python scalars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import MetricError, SchemaError
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.base import Measured as Form
from lookalike.schema.semantics.base import Semantic
from lookalike.schema.types import ColumnSchema

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Bins = npt.NDArray[np.uint8]

PAIR_BINS = 16  # quantile bins of a number in pairs: 256 cells keep sampling noise low at 10,000 rows
PAIR_LEVELS = 32  # most frequent real categories kept apart in pairs
COARSE = 8  # the same, in triples


@dataclass(frozen=True, slots=True)
class Column:
    """One compared column.

    Attributes:
        name: as in the tables.
        form: what can be measured about it; "time" is measured as a number, "id" and "text" are left to replay and text metrics.
        meaning: what its cells mean, as learning decides it too.
        whole: numbers without digits after the point.
    """

    name: str
    form: Form
    meaning: Semantic
    whole: bool = False

    @property
    def numeric(self) -> bool:
        """Whether cells have an order and distances."""
        return self.form in ("number", "time")

    @property
    def compared(self) -> bool:
        """Whether shapes and dependence are measured on it."""
        return self.form in ("number", "time", "category")


def as_numpy(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[Any]:
    """A numeric column as numpy, without a copy where it is one chunk; cells that are null hold anything."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    kind = _numpy_type(column.type)
    parts = [np.frombuffer(c.buffers()[1], dtype=kind)[c.offset : c.offset + len(c)] for c in chunks if len(c)]
    if not parts:
        return np.zeros(0, dtype=kind)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    letter = "f" if pa.types.is_floating(kind) else "u" if pa.types.is_unsigned_integer(kind) else "i"
    return np.dtype(f"{letter}{kind.bit_width // 8}")


def mask(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Where a column is null, bool [n]."""
    if not column.null_count:
        return np.zeros(len(column), dtype=np.bool_)
    return as_numpy(pc.is_null(column).cast(pa.uint8())).astype(np.bool_)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with dictionaries and string views decoded."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.large_string())
    return column


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def column_of(schema: ColumnSchema, cells: pa.ChunkedArray) -> Column | None:
    """A column as its schema describes it; None when nothing can be measured of such cells."""
    kind = cells.type
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    if binary or pa.types.is_nested(kind):
        return None
    meaning = semantic_of(schema)
    form: Form = "empty" if cells.null_count == len(cells) else meaning.measured
    return Column(schema.name, form, meaning, form == "number" and bool(pa.types.is_integer(kind)))


def is_prose(column: pa.ChunkedArray) -> bool:
    """Whether cells are texts of four words or 60 characters on average."""
    if not is_text(column.type) or column.null_count == len(column):
        return False
    return 1 + pc.mean(pc.count_substring(column, " ")).as_py() >= 4 or pc.mean(pc.utf8_length(column)).as_py() > 60


def numbers(column: pa.ChunkedArray, form: Form, meaning: Semantic) -> Numbers:
    """Cells as float64 [n]; times as seconds since 1970; null and infinities as NaN.

    Texts are read as their semantic type reads them; cells that are numbers or moments already need no exactness here, and are cast.

    Raises:
        MetricError: text that is not what the column holds.
    """
    ticks = 1.0
    try:
        if is_text(column.type) and is_text(meaning.kind):
            return np.asarray(np.where(np.isfinite(read := meaning.floats(column)), read, np.nan), dtype=np.float64)
        if is_text(column.type):
            column = column.cast(meaning.kind)
        if form == "time":
            column = column.cast(pa.timestamp("us")) if not pa.types.is_timestamp(column.type) else column
            ticks = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[column.type.unit]
            column = column.cast(pa.int64())
        elif pa.types.is_temporal(column.type):
            column = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
        if column.type != pa.float64():
            column = column.cast(pa.float64(), safe=False)
    except (SchemaError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise MetricError(what=f"cells are not readable as {form}: {exc}", fix="write the column as in the real table") from exc
    values = as_numpy(column) if ticks == 1.0 else as_numpy(column) / ticks
    finite = np.isfinite(values)
    if column.null_count:
        finite &= ~mask(column)
    return np.asarray(values if finite.all() else np.where(finite, values, np.nan), dtype=np.float64)


def codes(columns: Sequence[pa.ChunkedArray]) -> tuple[list[Codes], list[str]]:
    """Category codes with one dictionary: 0 is null, 1.. are levels by falling frequency in the first table, then others.

    Returns:
        int32 codes of each table, and the levels as text; level i has code i + 1.
    """
    texts = [_as_text(column) for column in columns]
    joined = pa.chunked_array([chunk for text in texts for chunk in text.chunks], type=pa.large_string())
    encoded = joined.dictionary_encode().unify_dictionaries()
    levels: list[str] = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
    indices = [as_numpy(chunk.indices) for chunk in encoded.chunks if len(chunk)]
    flat = np.concatenate(indices).astype(np.int32) if indices else np.zeros(0, dtype=np.int32)
    if joined.null_count:
        flat[mask(joined)] = -1
    first = np.bincount(flat[: len(columns[0])] + 1, minlength=len(levels) + 1)[1:]
    order = np.lexsort((np.arange(len(levels)), -first))
    place = np.zeros(len(levels) + 1, dtype=np.int32)
    place[1 + order] = np.arange(1, len(levels) + 1, dtype=np.int32)
    sizes = np.cumsum([len(column) for column in columns])[:-1]
    return np.split(place[flat + 1], sizes), [levels[i] for i in order]


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.round(column))).as_py():
        column = column.cast(pa.int64(), safe=False)  # 1.0 and 1 are one category when nulls made a column float
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def edges_of(values: Numbers, count: int) -> Numbers:
    """Inner edges that cut real values into at most `count` bins of like size; few distinct values get a bin each."""
    known = values[~np.isnan(values)]
    if not known.size:
        return np.zeros(0)
    sample = known if known.size <= 200_000 else known[:: known.size // 100_000]
    distinct, times = np.unique(sample, return_counts=True)
    if distinct.size <= count:
        return np.asarray((distinct[1:] + distinct[:-1]) / 2.0)
    often = np.flatnonzero(times > sample.size / count)  # a heap of zeros gets a bin of its own, and hides nothing beside it
    heaps = np.unique(np.concatenate([distinct[often], distinct[np.minimum(often + 1, distinct.size - 1)]]))[: count - 1]
    rest = sample[~np.isin(sample, distinct[often])]
    wanted = max(1, count - heaps.size)
    inner = np.unique(np.concatenate([heaps, np.quantile(rest, np.linspace(0, 1, wanted + 1)[1:-1])]))
    return np.asarray(inner[inner > distinct[0]])


def bin_numbers(values: Numbers, edges: Numbers, low: float, high: float) -> Bins:
    """uint8 [n]: 0 null, 1..k between the edges, k + 1 outside [low, high]."""
    out = np.searchsorted(edges, values, side="right").astype(np.uint8)
    out += 1
    outside = (values < low) | (values > high)
    if outside.any():
        out[outside] = edges.size + 2
    missing = np.isnan(values)
    if missing.any():
        out[missing] = 0
    return out


def level_bins(count: int, real: int, keep: int) -> npt.NDArray[np.uint8]:
    """Code -> bin: 0 null, the `keep` most frequent real levels, then "other real level", then "level not in real"."""
    table = np.zeros(count + 1, dtype=np.uint8)
    kept = min(keep, real)
    table[1 : kept + 1] = np.arange(1, kept + 1)
    table[kept + 1 : real + 1] = kept + 1
    table[real + 1 :] = kept + 2
    return table


def check_columns(tables: Mapping[str, pa.Table]) -> list[str]:
    """Names that all tables share, in the first table's order.

    Raises:
        MetricError: a table has two columns of one name, or no column is shared.
    """
    names = {which: table.column_names for which, table in tables.items()}
    for which, own in names.items():
        if len(set(own)) != len(own):
            twice = sorted({name for name in own if own.count(name) > 1})
            raise MetricError(what=f"duplicate column names: {', '.join(twice)}", where=f"{which} table", fix="rename them")
    real = tables["real"]
    everywhere = set.intersection(*(set(own) for own in names.values()))
    shared = [name for name in names["real"] if name in everywhere]
    if not shared:
        other = next((w for w, t in tables.items() if not set(t.column_names) & set(real.column_names)), "synthetic")
        raise MetricError(
            what=f"the real and the {other} table share no column",
            where=f"real: {', '.join(real.column_names[:8])}; {other}: {', '.join(tables[other].column_names[:8])}",
            fix="compare tables with the same column names",
        )
    return shared
