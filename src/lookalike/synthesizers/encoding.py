"""Arrow columns as small whole numbers, and back: what the forest learns on.

A learned column becomes codes: 0 is missing, 1 .. m are its levels. Levels of a category are its values (`semantics.table`). Levels of
a number are *cells* of ticks on the column's grid (`semantics.grid`) in rising order: an atom (a value that at least `k` rows share,
and in a column of more than 500 numbers more than its neighbours by three standard deviations) keeps its exact value; values
between atoms are grouped so that at least `k` rows lie in each cell, and a code is turned back into a new value somewhere inside
its cell, on the grid. No single row's value of a continuous column can be read from a code.

Identifiers, personal data, free texts and nested cells are not learned at all: they carry a profile and are made anew.
"""

# pyright: reportReturnType=false
# numpy scalars and compiled functions: numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.base import Semantic
from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.semantics.grid import TickGrid, Ticks
from lookalike.schema.semantics.table import Codes, ValueTable
from lookalike.schema.types import ColumnSchema

Floats = npt.NDArray[np.float64]
Form = Literal["number", "category", "replaced"]

MAX_CELLS = 60_000
SCATTERED = 500  # distinct numbers from which a column counts as near-continuous
AROUND = 10  # values on either side that say how many rows are usual
TAIL = 7  # rows in a tail's cell, about


@dataclass(frozen=True)
class ColumnCodes:
    """How one column is coded.

    Attributes:
        schema: its semantic and physical types.
        form: number, category, or replaced (identifiers, personal data, texts).
        table: of a category, its values by code; empty otherwise.
        grid: of a number, its ticks.
        low: ticks [m], lower ends of a number's cells.
        high: ticks [m], upper ends; equal to `low` at an atom.
        power: float64 [m], where in a cell the rows lie: low + (high - low) * u ** power has the mean of the cell's rows; negative
            where most lie at the low end and one in `TAIL` at the high one.
        profile: of a replaced column, what its stand-ins keep.
    """

    schema: ColumnSchema
    form: Form
    table: ValueTable = field(default_factory=lambda: ValueTable(pa.nulls(0)))
    grid: TickGrid = field(default_factory=TickGrid)
    low: Ticks = field(default_factory=lambda: np.empty(0))
    high: Ticks = field(default_factory=lambda: np.empty(0))
    power: Floats = field(default_factory=lambda: np.empty(0))
    profile: Mapping[str, Any] | None = None

    @cached_property
    def semantic(self) -> Semantic:
        """What the column's cells mean."""
        return semantic_of(self.schema)

    @property
    def levels(self) -> pa.Array:
        """Values of a category, without null."""
        return self.table.values

    @property
    def size(self) -> int:
        """Codes that occur, the missing one included: codes lie in [0, size)."""
        return 1 + (len(self.low) if self.form == "number" else len(self.levels))

    @property
    def unit(self) -> float:
        """Of the last digit that a number is written with; 0: all digits."""
        return self._scale if self.grid.step else 0.0

    @property
    def _scale(self) -> float:
        """Numbers are counted in ones, moments in wholes of their own unit."""
        return float(self.semantic.unit) if self.semantic.quantity == "number" else 1.0

    def floats(self, ticks: Ticks) -> Floats:
        """The numbers of ticks, float64 [n]; NaN where a tick is NaN."""
        ticks = ticks.astype(np.float64)
        if not self.grid.step:
            return ticks
        bottom = self.semantic.unit.denominator if self.semantic.quantity == "number" else 1
        return (self.grid.base + self.grid.step * ticks) / bottom  # one division rounds once

    def nearest(self, floats: Floats) -> Floats:
        """The ticks nearest to numbers, float64 [n]."""
        if not self.grid.step:
            return floats if self.schema.decimals is None else np.round(floats, self.schema.decimals)
        return np.round((floats / self._scale - self.grid.base) / self.grid.step)


# --- learning the codes ----------------------------------------------------------------------------------------------------


def learn(column: ColumnSchema, values: pa.Array | pa.ChunkedArray, *, k: int = 5) -> tuple[ColumnCodes, Codes]:
    """The coding of one column, and the column in it.

    Args:
        column: what the values mean.
        values: the real column.
        k: rows that must share a value before it is kept as it is, and that each cell holds.

    Returns:
        The coding, and int32 codes [n].
    """
    learned = semantic_of(column).learned
    if learned == "anew":
        from lookalike.synthesizers import anonymise

        return ColumnCodes(column, "replaced", profile=anonymise.profile(column, values)), np.zeros(len(values), np.int32)
    if learned == "level" or values.null_count == len(values):
        table, codes = ValueTable.learn(column, values, least=k)
        return ColumnCodes(column, "category", table), codes
    return _learn_cells(column, values, k)


def _learn_cells(column: ColumnSchema, values: pa.Array | pa.ChunkedArray, k: int) -> tuple[ColumnCodes, Codes]:
    numbers = semantic_of(column).numbers(values)
    if numbers.missing.all():
        return ColumnCodes(column, "category"), np.zeros(len(values), np.int32)
    grid = TickGrid.of(numbers)
    ticks = grid.ticks(numbers)
    low, high = _cells(ticks[~numbers.missing], k)
    coding = ColumnCodes(column, "number", grid=grid, low=low, high=high, power=np.ones(len(low)))
    codes = locate(coding, ticks, numbers.missing)
    return replace(coding, power=_powers(coding, codes, ticks)), codes


def _powers(coding: ColumnCodes, codes: Codes, ticks: Ticks) -> Floats:
    """The power of each cell: a tail's last cell is wide, and most of its rows lie at its inner end."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        width = (coding.high - coding.low).astype(np.float64)
        seen = codes > 0
        rows = np.bincount(codes[seen], minlength=coding.size)[1:]
        inside = (ticks[seen] - coding.low[codes[seen] - 1]).astype(np.float64)
        total = np.bincount(codes[seen], inside, minlength=coding.size)[1:]
        share = total / np.maximum(rows, 1) / width
        power = 1 / np.clip(share, 0.02, 0.98) - 1
        inner = (share * TAIL - 0.95) / (TAIL - 1)  # the mean of the others when one row in TAIL lies at the far end
        power = np.where(power > 3, -(1 / np.clip(inner, 0.002, 0.98) - 1), power)
    return np.where((width > 0) & np.isfinite(power), power, 1.0)


def _cells(ticks: Ticks, k: int) -> tuple[Ticks, Ticks]:
    """Lower and upper ends of the cells of numbers.

    Loose values between two atoms are cut into groups of k to 3k rows. Where fewer than k rows lie between two atoms the cell
    reaches half way to them, so that what comes out need not be what went in.
    """
    whole = ticks.dtype.kind != "f"
    unique, counts = np.unique(ticks, return_counts=True)
    # among thousands of values one that a handful share is chance, and names them when it comes back beside a rare category
    atom = counts >= (k if len(unique) <= SCATTERED else np.maximum(k, _chance(counts)))
    if not whole:
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
        left = _half(unique[index[i] - 1], low[i], up=True) if index[i] else low[i]
        right = _half(unique[last[i] + 1], high[i], up=False) if last[i] + 1 < len(unique) else high[i]
        if whole or np.isfinite(left):
            low[i] = left
        if whole or np.isfinite(right):
            high[i] = right
    return low, high


def _half(one: Any, other: Any, *, up: bool) -> Any:
    """Half way between two ticks; of whole ones the next tick up or down."""
    if isinstance(one, (float, np.floating)):
        return (one + other) / 2
    return -(-(int(one) + int(other)) // 2) if up else (int(one) + int(other)) // 2


def _chance(counts: npt.NDArray[Any]) -> Floats:
    """Rows that a value may have by chance, given those of the `AROUND` values before and after it: three standard deviations more."""
    ends = np.concatenate([[0], np.cumsum(counts)])
    at = np.arange(len(counts))
    first, end = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(counts))
    usual = (ends[end] - ends[first] - counts) / (end - first - 1)
    return np.asarray(usual + 3 * np.sqrt(usual) + 1e-9)


# --- other tables ----------------------------------------------------------------------------------------------------------


def ticks_of(coding: ColumnCodes, values: pa.Array | pa.ChunkedArray) -> Floats:
    """A number's cells in ticks, float64 [n]; NaN where missing.

    Raises:
        SchemaError: cells that are no numbers.
    """
    numbers = coding.semantic.numbers(values)
    return np.where(numbers.missing, np.nan, coding.grid.ticks(numbers).astype(np.float64))


def locate(coding: ColumnCodes, ticks: Ticks, missing: Mask | None = None) -> Codes:
    """The nearest cell of each tick, int32 [n]; 0 where missing or NaN."""
    out = np.clip(np.searchsorted(coding.low, ticks, "right"), 1, len(coding.low)).astype(np.int32)
    after = np.minimum(out, len(coding.low) - 1)
    with np.errstate(invalid="ignore"):
        between = (ticks > coding.high[out - 1]) & (ticks < coding.low[after])
        nearer = between & (coding.low[after] - ticks < ticks - coding.high[out - 1])
    out = np.where(nearer, after + 1, out).astype(np.int32)
    if missing is None:
        missing = np.isnan(ticks) if ticks.dtype.kind == "f" else np.zeros(len(ticks), bool)
    out[missing] = 0
    return out


def encode(coding: ColumnCodes, values: pa.Array | pa.ChunkedArray) -> tuple[Codes, Mask]:
    """Another table's column in the codes of a learned one.

    Returns:
        int32 codes [n], and where a value was never seen: a new category (coded as missing) or a number outside every cell (coded
        as the nearest one).
    """
    if coding.form == "number":
        numbers = coding.semantic.numbers(values)
        ticks = coding.grid.ticks(numbers)
        codes = locate(coding, ticks, numbers.missing)
        at = np.maximum(codes - 1, 0)
        outside = (ticks < coding.low[at]) | (ticks > coding.high[at]) | ~coding.grid.holds(numbers, ticks)
        return codes, (codes > 0) & outside
    if coding.form == "replaced":
        return np.zeros(len(values), np.int32), np.zeros(len(values), bool)
    return coding.table.codes(values, coding.schema.name)


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
    if coding.form == "category":
        return coding.table.cells(codes, coding.semantic.kind)
    return numbers(coding, placed(coding, codes, places), codes == 0, places)


def placed(coding: ColumnCodes, codes: Codes, places: Floats) -> Ticks:
    """A tick inside the cell of each code, on the grid [n]."""
    at = np.maximum(codes - 1, 0)
    low, high = coding.low[at], coding.high[at]
    power = coding.power[at]
    if (power < 0).any():
        far = places * TAIL - (TAIL - 1)
        inside = np.minimum(places * TAIL / (TAIL - 1), 1.0) ** np.abs(power)
        places = np.where(power > 0, places ** np.abs(power), np.where(far > 0, 0.9 + 0.1 * far, inside))
    else:
        places = places**power
    if coding.grid.step:  # whole ticks: each of the cell's is as likely
        width = high - low
        steps = np.floor(places * (width.astype(np.float64) + 1))
        if coding.grid.wide:
            return low + np.minimum(np.array([int(step) for step in steps.tolist()], object), width)
        return low + np.minimum(steps.astype(np.int64), width)
    with np.errstate(invalid="ignore"):
        ticks = np.where(low == high, low, low + places * (high - low))
    digits = coding.schema.decimals
    return ticks if digits is None else np.clip(np.round(ticks, digits), low, high)


def numbers(coding: ColumnCodes, ticks: Ticks, missing: Mask, places: Floats | None = None) -> pa.Array:
    """Ticks as the column's values in its Arrow type; the low digits of `places` choose among the forms of its texts."""
    coins = None if places is None else np.modf(places * (1 << 20))[0]
    return coding.semantic.stored(coding.grid.numbers(ticks, missing), coins)


# --- saving ----------------------------------------------------------------------------------------------------------------


def dump(coding: ColumnCodes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Plain data and arrays that `parse` reads back."""
    meta: dict[str, Any] = {"form": coding.form}
    if coding.form == "replaced":
        return meta | {"profile": coding.profile}, {}
    if coding.form == "category":
        return meta | {"table": coding.table.dump()}, {}
    meta["grid"] = coding.grid.dump()
    if coding.grid.wide:
        return meta | {"low": list(map(str, coding.low)), "high": list(map(str, coding.high))}, {"power": coding.power}
    return meta, {"low": coding.low, "high": coding.high, "power": coding.power}


def parse(schema: ColumnSchema, meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> ColumnCodes:
    """The coding that `dump` wrote."""
    if meta["form"] == "replaced":
        return ColumnCodes(schema, "replaced", profile=meta["profile"])
    if meta["form"] == "category":
        return ColumnCodes(schema, "category", ValueTable.parse(meta["table"]))
    low, high = (
        np.array([int(tick) for tick in meta[name]], object) if name in meta else arrays[name] for name in ("low", "high")
    )
    return ColumnCodes(schema, "number", grid=TickGrid.parse(meta["grid"]), low=low, high=high, power=arrays["power"])
