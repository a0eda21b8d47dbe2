"""Arrow columns as small whole numbers, and back: what every synthesizer learns on.

A learned column becomes codes: 0 is missing, 1 .. m are its levels. Levels of a category are its values, the most frequent
first. Levels of a number are *cells* in rising order: an atom (a value that at least `k` rows share, and in a column of more than 500
numbers more than its neighbours by three standard deviations) keeps its exact value; values
between atoms are grouped so that at least `k` rows lie in each cell, and a code is turned back into a new value somewhere inside
its cell, on the column's own grid (whole numbers, decimals, days). No single row's value of a continuous column can be read from a code.

Identifiers, personal data, free texts and nested cells are not learned at all: they carry a profile and are made anew.

Long columns cross between Arrow and numpy as buffers: no copy, and no pandas in between.
"""

# pyright: reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError
from lookalike.schema.types import PII, ColumnSchema, arrow_type

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Form = Literal["number", "category", "replaced"]

REPLACED: frozenset[str] = PII | {"id", "text", "json", "url"}
MAX_CELLS = 60_000
SCATTERED = 500  # distinct numbers from which a column counts as near-continuous
AROUND = 10  # values on either side that say how many rows are usual
LARGEST = 2.0**63 - 1024  # the largest float below the end of int64
TAIL = 7  # rows in a tail's cell, about


@dataclass(frozen=True, slots=True)
class ColumnCodes:
    """How one column is coded.

    Attributes:
        schema: its semantic and physical types.
        form: number, category, or replaced (identifiers, personal data, texts).
        levels: values of a category, most frequent first, without null; empty otherwise.
        low: float64 [m], lower ends of a number's cells, in ticks.
        high: float64 [m], upper ends; equal to `low` at an atom.
        power: float64 [m], where in a cell the rows lie: low + (high - low) * u ** power has the mean of the cell's rows; negative
            where most lie at the low end and one in `TAIL` at the high one.
        base: the number is base + step * tick.
        step: see `base`; 0 when ticks are the numbers themselves (floats).
        digits: of a float, digits after the point; None: all.
        padded: numbers written as text: whether all have the same digits after the point.
        profile: of a replaced column, what its stand-ins keep.
    """

    schema: ColumnSchema
    form: Form
    levels: pa.Array
    low: Floats
    high: Floats
    power: Floats
    base: int = 0
    step: int = 0
    digits: int | None = None
    padded: bool = True
    profile: Mapping[str, Any] | None = None

    @property
    def size(self) -> int:
        """Codes that occur, the missing one included: codes lie in [0, size)."""
        return 1 + (len(self.low) if self.form == "number" else len(self.levels))

    @property
    def middles(self) -> Floats:
        """float64 [m]: the middle of every cell of a number, in ticks."""
        with np.errstate(invalid="ignore"):
            return np.where(self.low == self.high, self.low, (self.low + self.high) / 2)


# --- buffers ---------------------------------------------------------------------------------------------------------------


def one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One chunk, dictionaries as their values."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def plain(values: pa.Array, dtype: Any) -> npt.NDArray[Any]:
    """A primitive Arrow array without nulls as numpy, without a copy."""
    width = np.dtype(dtype).itemsize
    return np.frombuffer(values.buffers()[1], dtype, len(values), values.offset * width) if len(values) else np.empty(0, dtype)


def arrow(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A numeric numpy array as Arrow, without a copy."""
    flat = np.ascontiguousarray(values)
    nulls = None
    if missing is not None and missing.any():
        nulls = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [nulls, pa.py_buffer(flat)])


def mask_of(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Where a value is missing, bool [n]."""
    if values.null_count == 0:
        return np.zeros(len(values), bool)
    return plain(pc.is_null(values).cast(pa.uint8()), np.uint8).astype(bool)


# --- learning the codes ----------------------------------------------------------------------------------------------------


def learn(column: ColumnSchema, values: pa.Array | pa.ChunkedArray, *, k: int = 5) -> tuple[ColumnCodes, Codes]:
    """The coding of one column, and the column in it.

    Args:
        column: what the values mean.
        values: the real column.
        k: rows that must share a number before it is kept as it is, and that each cell holds.

    Returns:
        The coding, and int32 codes [n].
    """
    empty = np.empty(0)
    if column.semantic in REPLACED:
        from lookalike.synthesizers import anonymise

        coding = ColumnCodes(column, "replaced", pa.nulls(0), empty, empty, empty, profile=anonymise.profile(column, values))
        return coding, np.zeros(len(values), np.int32)
    array = one(values)
    if column.semantic == "empty" or array.null_count == len(array):
        levels = pa.array([], pa.string() if pa.types.is_null(array.type) else array.type)
        return ColumnCodes(column, "category", levels, empty, empty, empty), np.zeros(len(array), np.int32)
    if column.semantic in ("category", "boolean", "constant"):
        return _learn_levels(column, array)
    return _learn_cells(column, array, k)


def _learn_levels(column: ColumnSchema, array: pa.Array) -> tuple[ColumnCodes, Codes]:
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    encoded = array.dictionary_encode()
    missing = mask_of(encoded)
    codes = plain(encoded.indices.fill_null(0), np.int32)
    counts = np.bincount(codes[~missing], minlength=len(encoded.dictionary))
    names = [str(value) for value in encoded.dictionary.to_pylist()]
    order = sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))  # the same for every order of rows
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(1, len(names) + 1, dtype=np.int32)
    levels = encoded.dictionary.take(pa.array(order, pa.int64()))
    out = np.where(missing, 0, place[codes]).astype(np.int32)
    empty = np.empty(0)
    return ColumnCodes(column, "category", levels, empty, empty, empty), out


def _learn_cells(column: ColumnSchema, array: pa.Array, k: int) -> tuple[ColumnCodes, Codes]:
    coding = _grid(column, array)
    ticks = ticks_of(coding, array)
    low, high = _cells(ticks[~np.isnan(ticks)], k, whole=bool(coding.step))
    coding = replace(coding, low=low, high=high, power=np.ones(len(low)))
    codes = locate(coding, ticks)
    return replace(coding, power=_powers(coding, codes, ticks)), codes


def _powers(coding: ColumnCodes, codes: Codes, ticks: Floats) -> Floats:
    """The power of each cell: a tail's last cell is wide, and most of its rows lie at its inner end."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        width = coding.high - coding.low
        seen = codes > 0
        rows = np.bincount(codes[seen], minlength=coding.size)[1:]
        total = np.bincount(codes[seen], ticks[seen], minlength=coding.size)[1:]
        share = (total / np.maximum(rows, 1) - coding.low) / width
        power = 1 / np.clip(share, 0.02, 0.98) - 1
        inner = (share * TAIL - 0.95) / (TAIL - 1)  # the mean of the others when one row in TAIL lies at the far end
        power = np.where(power > 3, -(1 / np.clip(inner, 0.002, 0.98) - 1), power)
    return np.where((width > 0) & np.isfinite(power), power, 1.0)


def _cells(ticks: Floats, k: int, *, whole: bool) -> tuple[Floats, Floats]:
    """Lower and upper ends of the cells of numbers.

    Loose values between two atoms are cut into groups of k to 3k rows. Where fewer than k rows lie between two atoms the cell
    reaches half way to them, so that what comes out need not be what went in.
    """
    unique, counts = np.unique(ticks, return_counts=True)
    # among thousands of values one that a handful share is chance, and names them when it comes back beside a rare category
    atom = counts >= (k if len(unique) <= SCATTERED else np.maximum(k, _chance(counts)))
    atom |= ~np.isfinite(unique)
    loose = np.where(atom, 0, counts)
    per_cell = max(2 * k - 1, int(loose.sum()) // MAX_CELLS)
    edge = np.ones(len(unique), bool)  # where a run of loose values, or an atom, begins
    edge[1:] = atom[1:] | atom[:-1]
    run = np.cumsum(edge) - 1
    before = np.cumsum(loose) - loose
    group = (before - before[np.flatnonzero(edge)][run]) // per_cell
    start = edge.copy()
    start[1:] |= group[1:] != group[:-1]
    index = np.flatnonzero(start)
    held = np.add.reduceat(counts, index)
    joins = (held < k) & ~atom[index] & ~edge[index]  # the short end of a run goes to the group before
    index = index[~joins]
    held = np.add.reduceat(counts, index)
    last = np.append(index[1:], len(unique)) - 1
    low, high = unique[index].copy(), unique[last].copy()
    short = np.flatnonzero((held < k) & ~atom[index])
    for i in short:
        left = (unique[index[i] - 1] + low[i]) / 2 if index[i] else low[i]
        right = (unique[last[i] + 1] + high[i]) / 2 if last[i] + 1 < len(unique) else high[i]
        if np.isfinite(left):
            low[i] = np.ceil(left) if whole else left
        if np.isfinite(right):
            high[i] = np.floor(right) if whole else right
    return low, high


def _chance(counts: npt.NDArray[Any]) -> Floats:
    """Rows that a value may have by chance, given those of the `AROUND` values before and after it: three standard deviations more."""
    ends = np.concatenate([[0], np.cumsum(counts)])
    at = np.arange(len(counts))
    first, end = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(counts))
    usual = (ends[end] - ends[first] - counts) / (end - first - 1)
    return np.asarray(usual + 3 * np.sqrt(usual) + 1e-9)


def _grid(column: ColumnSchema, array: pa.Array) -> ColumnCodes:
    """Base, step and digits: what a value of the column looks like when written."""
    empty = np.empty(0)
    coding = ColumnCodes(column, "number", pa.nulls(0), empty, empty, empty)
    kind = array.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or _written_number(column, kind):
        padded = True
        if _written_number(column, kind) and column.decimals:
            texts = array.drop_null()
            after = pc.subtract(pc.utf8_length(texts), pc.find_substring(texts, "."))
            padded = bool(pc.all(pc.equal(after, column.decimals + 1)).as_py())
        return replace(coding, digits=column.decimals, padded=padded)
    if pa.types.is_uint64(kind) and pc.max(array).as_py() >= 1 << 63:
        return replace(coding, digits=0)
    whole = plain(_whole(column, array).drop_null(), np.int64)
    base = int(whole.min())
    if int(whole.max()) - base >= 1 << 62:  # differences would overflow; at this size floats are fine enough
        return replace(coding, base=0, step=1)
    gaps = whole[: 1 << 20] - base
    step = int(np.gcd.reduce(gaps))
    if step > 1 and len(whole) > len(gaps):
        step = int(np.gcd.reduce(whole - base))
    return replace(coding, base=base, step=max(step, 1))


def _written_number(column: ColumnSchema, kind: pa.DataType) -> bool:
    return column.semantic in ("integer", "decimal", "latitude", "longitude") and _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view"


def _whole(column: ColumnSchema, array: pa.Array) -> pa.Array:
    """Whole numbers and moments as int64."""
    kind = array.type
    if _is_text(kind) and column.format:
        from lookalike.schema import dates

        return dates.parse(array, column.format).cast(pa.int64())
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        array = array.cast(pa.int32())
    try:
        return array.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise SchemaError(
            what=f"a {column.semantic} column of {kind} cannot be read as numbers: {exc}",
            where=column.name, fix="describe the column otherwise in the schema",
        ) from exc  # fmt: skip


def ticks_of(coding: ColumnCodes, values: pa.Array | pa.ChunkedArray) -> Floats:
    """A number's cells in ticks, float64 [n]; NaN where missing.

    Raises:
        SchemaError: cells that are no numbers.
    """
    array = one(values)
    missing = mask_of(array)
    if coding.step:
        whole = plain(_whole(coding.schema, array).fill_null(coding.base), np.int64)
        ticks = ((whole - coding.base) / coding.step).astype(np.float64)
    else:
        if _is_text(array.type):
            array = pc.if_else(pc.equal(pc.utf8_trim_whitespace(array), ""), pa.scalar(None, array.type), array)
            missing = mask_of(array)
        try:
            ticks = plain(array.cast(pa.float64(), safe=False).fill_null(0.0), np.float64).copy()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise SchemaError(what=f"a cell is no number: {exc}", where=coding.schema.name, fix="give numbers") from exc
    ticks[missing] = np.nan
    return ticks


def locate(coding: ColumnCodes, ticks: Floats) -> Codes:
    """The nearest cell of each tick, int32 [n]; 0 where NaN."""
    out = np.searchsorted(coding.low, ticks, "right").astype(np.int32)
    out = np.clip(out, 1, len(coding.low)).astype(np.int32)
    after = np.minimum(out, len(coding.low) - 1)
    with np.errstate(invalid="ignore"):
        nearer = (ticks > coding.high[out - 1]) & (np.abs(coding.low[after] - ticks) < np.abs(ticks - coding.high[out - 1]))
    out = np.where(nearer, after + 1, out).astype(np.int32)
    out[np.isnan(ticks)] = 0
    return out


def encode(coding: ColumnCodes, values: pa.Array | pa.ChunkedArray) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Another table's column in the codes of a learned one.

    Returns:
        int32 codes [n], and where a value was never seen: a new category (coded as missing) or a number outside every cell (coded
        as the nearest one).
    """
    array = one(values)
    if coding.form == "number":
        ticks = ticks_of(coding, array)
        codes = locate(coding, ticks)
        at = np.maximum(codes - 1, 0)
        with np.errstate(invalid="ignore"):
            new = (codes > 0) & ((ticks < coding.low[at]) | (ticks > coding.high[at]))
        return codes, new
    if coding.form == "replaced" or not len(coding.levels):
        return np.zeros(len(array), np.int32), np.zeros(len(array), bool)
    if array.type != coding.levels.type:
        array = _cast(array, coding.levels.type, coding.schema.name)
    found = pc.index_in(array, coding.levels)
    codes = plain(pc.add(found.fill_null(-1), 1).cast(pa.int32()), np.int32).copy()
    missing = mask_of(array)
    codes[missing] = 0
    return codes, (codes == 0) & ~missing


def _cast(array: pa.Array, kind: pa.DataType, name: str) -> pa.Array:
    try:
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
        raise SchemaError(
            what=f"{array.type} cells where {kind} was learned: {exc}", where=name, fix="cast the column"
        ) from exc


# --- back to values --------------------------------------------------------------------------------------------------------


def decode(coding: ColumnCodes, codes: Codes, places: Floats) -> pa.Array:
    """Values of codes.

    Args:
        coding: of the column.
        codes: int32 [n].
        places: float64 [n] in [0, 1): where inside its cell a number lies.

    Returns:
        The schema's Arrow type [n].
    """
    kind = arrow_type(coding.schema.arrow)
    missing = codes == 0
    if coding.form == "category":
        if not len(coding.levels):
            return pa.nulls(len(codes), kind)
        return coding.levels.take(arrow(np.maximum(codes - 1, 0).astype(np.int32), missing)).cast(kind)
    return numbers(coding, placed(coding, codes, places), missing)


def placed(coding: ColumnCodes, codes: Codes, places: Floats) -> Floats:
    """A tick inside the cell of each code, on the grid, float64 [n]."""
    at = np.maximum(codes - 1, 0)
    low, high = coding.low[at], coding.high[at]
    power = coding.power[at]
    if (power < 0).any():
        far = places * TAIL - (TAIL - 1)
        inside = np.minimum(places * TAIL / (TAIL - 1), 1.0) ** np.abs(power)
        places = np.where(power > 0, places ** np.abs(power), np.where(far > 0, 0.9 + 0.1 * far, inside))
    else:
        places = places**power
    if coding.step:  # whole ticks: each of the cell's is as likely
        return low + np.floor(places * (high - low + 1))
    with np.errstate(invalid="ignore"):
        ticks = np.where(low == high, low, low + places * (high - low))
    return ticks if coding.digits is None else np.clip(np.round(ticks, coding.digits), low, high)


def numbers(coding: ColumnCodes, ticks: Floats, missing: npt.NDArray[np.bool_]) -> pa.Array:
    """Ticks as the column's values in its Arrow type."""
    kind = arrow_type(coding.schema.arrow)
    if coding.step:
        clean = np.clip(np.where(missing, 0, ticks), -LARGEST, LARGEST)
        whole = coding.base + np.rint(clean).astype(np.int64) * coding.step
        moments = arrow(whole, missing)
        if _is_text(kind):
            from lookalike.schema import dates

            return dates.render(moments.cast(pa.timestamp("us")), coding.schema.format).cast(kind)
        if pa.types.is_date32(kind) or pa.types.is_time32(kind):
            moments = moments.cast(pa.int32())
        return moments.cast(kind)
    if _is_text(kind):
        return pa.array(_texts(coding, ticks, missing), kind)
    if pa.types.is_decimal(kind):
        scale = Decimal(1).scaleb(-kind.scale)
        cells = [
            None if gone else Decimal(str(t)).quantize(scale) for t, gone in zip(ticks.tolist(), missing.tolist(), strict=True)
        ]
        return pa.array(cells, kind)
    if pa.types.is_uint64(kind):
        return arrow(np.clip(np.where(missing, 0, ticks), 0, 2.0**64 - 2048), missing).cast(kind, safe=False)
    return arrow(ticks, missing).cast(kind)


def _texts(coding: ColumnCodes, ticks: Floats, missing: npt.NDArray[np.bool_]) -> list[str | None]:
    digits = coding.digits
    written = [repr(t) if digits is None else f"{t:.{digits}f}" for t in ticks.tolist()]
    if digits and not coding.padded:
        written = [text.rstrip("0").rstrip(".") for text in written]
    return [None if gone else text for text, gone in zip(written, missing.tolist(), strict=True)]


# --- saving ----------------------------------------------------------------------------------------------------------------


def dump(coding: ColumnCodes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Plain data and arrays that `parse` reads back."""
    kind = coding.levels.type
    simple = _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    meta: dict[str, Any] = {
        "form": coding.form, "type": str(kind), "levels": (coding.levels if simple else coding.levels.cast(pa.string())).to_pylist(),
        "base": coding.base, "step": coding.step, "digits": coding.digits, "padded": coding.padded,
    }  # fmt: skip
    if coding.profile is not None:
        meta["profile"] = coding.profile
    return meta, {"low": coding.low, "high": coding.high, "power": coding.power} if coding.form == "number" else {}


def parse(schema: ColumnSchema, meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> ColumnCodes:
    """The coding that `dump` wrote."""
    kind = pa.null() if meta["type"] == "null" else arrow_type(meta["type"])
    values: Sequence[Any] = meta["levels"]
    simple = _is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    levels = pa.array(values, kind) if simple or not values else pa.array(values, pa.string()).cast(kind)
    empty = np.empty(0)
    low, high, power = (arrays.get(name, empty) for name in ("low", "high", "power"))
    return ColumnCodes(
        schema,
        meta["form"],
        levels,
        low,
        high,
        power,
        meta["base"],
        meta["step"],
        meta["digits"],
        meta["padded"],
        meta.get("profile"),
    )
