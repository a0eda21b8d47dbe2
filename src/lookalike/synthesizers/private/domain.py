"""A column's bins under differential privacy: declared, or found from noisy counts over a grid that is fixed beforehand.

Numbers are counted on a grid of powers of two and quarters between them, zero by itself; cells whose noisy count is surely
above zero say where the values lie, and full cells are cut evenly. Levels of a category are kept when their noisy count
passes a threshold so high that a level of a single row passes with chance delta at most (stability: Vadhan 2017, "The
complexity of differential privacy", 3.3); the others become "other".
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import ndtri

from lookalike.errors import SynthesizerError
from lookalike.schema.semantics import semantic_of
from lookalike.schema.semantics.buffers import is_text, one
from lookalike.schema.semantics.grid import TickGrid
from lookalike.schema.semantics.table import ValueTable, without_nan
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers import features
from lookalike.synthesizers.bins import Bins
from lookalike.synthesizers.features import Feature
from lookalike.synthesizers.private.ledger import Ledger, gaussian_sigma

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[Any]
NUMBERS = frozenset({"integer", "decimal"})  # whose unit is a guess
DAY = Fraction(86_400)  # seconds
GRID: Floats = np.unique(np.outer(2.0 ** np.arange(-20, 64), [1.0, 1.25, 1.5, 1.75]).ravel())


def domains(  # one budget over all columns
    table: pa.Table, columns: Sequence[ColumnSchema], ledger: Ledger, draws: np.random.Generator, *, bins: int, delta: float,
    bounds: Mapping[str, tuple[float, float]], levels: Mapping[str, tuple[Any, ...]],
) -> tuple[list[Bins], list[Values]]:  # fmt: skip
    """Each column's bins, from what is declared or privately for a sixth of the ledger's rho, and its values.

    Args:
        table: the real rows.
        columns: those that are learned.
        ledger: pays.
        draws: noise.
        bins: most bins of a number.
        delta: chance that a level of one row passes, over all columns.
        bounds: declared ranges.
        levels: declared values.

    Raises:
        SynthesizerError: a column is declared that the table does not have.
    """
    unknown = (set(bounds) | set(levels)) - set(table.column_names)
    if unknown:
        raise SynthesizerError(what=f"declared columns that the table does not have: {sorted(unknown)}", fix="remove them")
    found = [c for c in columns if c.name not in bounds and c.name not in levels and not _public(c)]
    rho = ledger.rho / 6 / max(1, len(found))
    cuts, values = [], []
    for column in columns:
        domain = Domain(column, bins, bounds.get(column.name), levels.get(column.name))
        cost = ledger.spend(f"domain of {column.name}", rho) if column in found else 0.0
        cut, value = domain.cut(table[column.name], cost, delta / max(1, len(columns)), draws)
        cuts.append(cut)
        values.append(value)
    _warn_of_nothing(cuts)
    return cuts, values


def bare(schema: TableSchema) -> TableSchema:
    """An inferred schema without reasons, orders, units and rules, which tell of rows."""
    columns = tuple(
        replace(column, reason="", order=(), unit="" if column.semantic in NUMBERS else column.unit, also=(), within=())
        for column in schema.columns
    )
    return replace(schema, columns=columns, rules=())


def _public(column: ColumnSchema) -> bool:
    """Columns whose values the type alone tells."""
    return column.arrow == "bool" or column.semantic == "empty"


def _warn_of_nothing(cuts: Sequence[Bins]) -> None:
    """Say which categories have come out as one level: all that the noise let through."""
    lost = [cut.feature.name for cut in cuts if cut.feature.levels in (("other",), ("(other)",))]
    if lost:
        warnings.warn(
            f"no level of {', '.join(map(repr, lost))} stands above the noise: every row is 'other'. "
            "Declare `levels`, raise epsilon, or learn more rows",
            stacklevel=5,
        )


@dataclass(frozen=True)
class Domain:
    """What is known of one column beforehand.

    Attributes:
        column: its schema; its type, decimals and whether it can be missing are public.
        bins: most bins of a number.
        bounds: declared range.
        levels: declared values.
    """

    column: ColumnSchema
    bins: int
    bounds: tuple[float, float] | None
    levels: tuple[Any, ...] | None

    def cut(self, values: pa.ChunkedArray, rho: float, delta: float, draws: np.random.Generator) -> tuple[Bins, Values]:
        """The bins, and the value of each row as they encode it.

        Args:
            values: the real column.
            rho: what finding the domain may cost; 0 when it is declared.
            delta: chance that a level of one row passes.
            draws: noise.
        """
        semantic = semantic_of(self.column)
        if semantic.learned == "level" or self.column.within:  # the box of several numbers would tell of rows
            return self._levels(without_nan(one(values)), rho, delta, draws)
        numbers = semantic.floats(values) / float(semantic.unit * max(self._grid.step, 1))
        numbers = np.where(np.isfinite(numbers), np.round(numbers) if self._step else numbers, np.nan)
        edges = self._declared() if self.bounds else self._found(numbers[~np.isnan(numbers)], rho, draws)
        return self._numbers(numbers, edges, self._step if not self.bounds else 0.0)

    # --- numbers

    @property
    def _grid(self) -> TickGrid:
        """The ticks of numbers: what type and format tell, nothing of the rows."""
        semantic = semantic_of(self.column)
        days = self.column.semantic == "date" and semantic.unit < DAY
        return TickGrid(0, int(DAY / semantic.unit) if days else 1) if semantic.exact else TickGrid()

    @property
    def _step(self) -> float:
        return 1.0 if self._grid.step else 0.0

    def _declared(self) -> Floats:
        """Edges within the declared range: of numbers as they are, of moments in their own unit."""
        assert self.bounds is not None
        semantic = semantic_of(self.column)
        scale = (float(semantic.unit) if semantic.quantity == "number" else 1.0) * max(self._grid.step, 1)
        low, high = self.bounds
        return self._even(low / scale, high / scale, self.bins)

    def _even(self, low: float, high: float, pieces: int) -> Floats:
        """Edges of equal pieces, on the column's grid when it has one."""
        if self._step:
            pieces = max(1, min(pieces, round((high - low) / self._step)))
        edges = np.linspace(low, high, pieces + 1)
        return np.asarray(np.unique(np.round(edges / self._step) * self._step) if self._step else edges, np.float64)

    def _found(self, there: Floats, rho: float, draws: np.random.Generator) -> Floats:
        """Edges from a noisy histogram on the fixed grid."""
        grid = np.concatenate([-GRID[::-1], [0.0], GRID])
        if self._step:  # zero and one of whole numbers are cells of their own, so that a spike at zero stays there
            grid = np.unique(np.round(grid / self._step) * self._step)
        sigma = gaussian_sigma(rho)
        cells = np.searchsorted(grid, np.clip(there, grid[0], grid[-1]), side="left")
        noisy = np.bincount(cells, minlength=len(grid)) + draws.normal(0, sigma, len(grid))
        sure = np.flatnonzero(noisy > 4 * sigma)
        if not len(sure):
            return np.array([-1.0, 0.0, 1.0])
        first, last = int(sure[0]), int(sure[-1])
        heavy = np.maximum(noisy[first : last + 1], 0)
        pieces = np.maximum(1, np.round(self.bins * heavy / heavy.sum())).astype(int)
        edges = [grid[max(first - 1, 0)]]
        for cell, count in zip(range(first, last + 1), pieces, strict=True):
            if noisy[cell] < sigma and cell != last:
                continue  # thin cells join the next one
            edges += self._even(edges[-1], float(grid[cell]), int(count))[1:].tolist()
        return np.unique(edges)

    def _numbers(self, numbers: Floats, edges: Floats, above: float) -> tuple[Bins, Values]:
        """Bins (edge, edge] of the edges; each stands for the stretch between them. The least value lies `above` the first."""
        step, missing = self._step, self.column.nullable
        low, high = float(edges[0]) + above, float(edges[-1])
        if len(edges) < 2:
            edges = np.array([low, low])
        grid = self._grid
        limits = (round(low), round(high)) if grid.step else (low, high)
        feature = Feature(self.column.name, missing, None, grid, limits)
        upper = edges[1:-1]
        count = len(edges) - 1 + missing
        ends = np.stack([edges[:-1] + step / 2, edges[1:] + step / 2], axis=1)
        ends[0, 0] = low - step / 2
        points = np.concatenate([ends.ravel(), [np.nan, np.nan]]) if missing else ends.ravel()
        weights: Floats = np.repeat(np.arange(1, count + 1, dtype=np.float64), 2)
        bins = Bins(feature, upper, count, 2 * np.arange(count + 1), points, weights, fine=True)
        middle = (low + high) / 2  # without a code for "missing", gaps that should not be there count as the middle
        filled = numbers if missing else np.where(np.isnan(numbers), middle, numbers)
        return bins, filled

    # --- categories

    def _levels(self, array: pa.Array, rho: float, delta: float, draws: np.random.Generator) -> tuple[Bins, Values]:
        if self.levels is not None:
            levels = list(self.levels)
        elif pa.types.is_boolean(array.type):
            levels = [False, True]
        else:
            levels = self._passing(array, rho, delta, draws)
        feature = Feature(self.column.name, self.column.nullable, ValueTable(pa.array(levels, array.type)))
        codes, _ = features.encode(feature, self.column, array)
        if not feature.missing:
            codes = np.minimum(codes, max(len(levels) - 1, 0))
        count = max(1, feature.size)
        place = np.arange(count, dtype=np.int64)
        bins = Bins(feature, place, count, np.arange(count + 1), place, (place + 1).astype(np.float64), fine=False)
        return bins, codes

    def _passing(self, array: pa.Array, rho: float, delta: float, draws: np.random.Generator) -> list[Any]:
        """Levels whose noisy count passes the threshold, and one for all others."""
        if pa.types.is_null(array.type) or rho <= 0:
            return []
        table, codes = ValueTable.learn(replace(self.column, order=()), array)
        sigma = gaussian_sigma(rho)
        counts = np.bincount(codes, minlength=table.size)[1:] + draws.normal(0, sigma, table.size - 1)
        threshold = 1 + sigma * float(-ndtri(delta))
        kept = [
            (count, value) for count, value in zip(counts.tolist(), table.values.to_pylist(), strict=True) if count > threshold
        ]
        levels = [value for _, value in sorted(kept, key=lambda pair: (-pair[0], str(pair[1])))]
        if is_text(array.type):
            levels.append("other" if "other" not in levels else "(other)")
        elif not levels:
            levels = [0] if not pa.types.is_temporal(array.type) else []
        return levels
