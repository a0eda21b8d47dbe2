"""Columns of a few values, each learned as it is: categories, booleans, one value for all, none at all."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import did_you_mean
from lookalike.schema.semantics.base import Learned, Measured, Quantity, Semantic
from lookalike.schema.semantics.buffers import is_text, mask_of, one
from lookalike.schema.semantics.moments import Date, DateAndTime, Duration, Time
from lookalike.schema.semantics.numbers import Numbers
from lookalike.schema.semantics.quantities import Amount

TRUE = frozenset({"true", "yes", "y", "t", "1", "on", "ja", "oui"})
FALSE = frozenset({"false", "no", "n", "f", "0", "off", "nein", "non"})


class Level(Semantic):
    """What they share."""

    learned: ClassVar[Learned] = "level"
    measured: ClassVar[Measured] = "category"

    @property
    def underneath(self) -> Semantic | None:
        """What the cells are as numbers or moments; None of texts and booleans."""
        kind = self.kind
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return Amount(self.column)
        for test, form in (
            (pa.types.is_timestamp, DateAndTime), (pa.types.is_date, Date), (pa.types.is_time, Time), (pa.types.is_duration, Duration),
        ):  # fmt: skip
            if test(kind):
                return form(self.column)
        return None

    @property
    def ordered(self) -> bool:
        """Whether levels have an order: that of the schema, or of numbers and moments."""
        return bool(self.column.order) or self.underneath is not None or pa.types.is_boolean(self.kind)

    @property
    def quantity(self) -> Quantity:  # type: ignore[override]  # of what the cells are
        """What numbers count, where levels are numbers or moments."""
        under = self.underneath
        return "" if under is None or self.column.order else under.quantity

    @property
    def unit(self) -> Fraction:
        """Of numbers and moments; places of ordered levels."""
        under = self.underneath
        return Fraction(1) if under is None or self.column.order else under.unit

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Numbers:
        """The place of each cell in the order; the number, where cells are numbers and the schema has no order."""
        array, under = one(values), self.underneath
        if self.column.order:
            places = pc.index_in(array.cast(pa.string()), pa.array(self.column.order, pa.string()))
            return Numbers(places.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), mask_of(places))
        if under is not None:
            return under.numbers(array)
        if pa.types.is_boolean(array.type):
            return Numbers(array.fill_null(False).to_numpy(zero_copy_only=False).astype(np.int64), mask_of(array))
        raise self.unordered()

    def stored(self, numbers: Numbers, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
        """Cells of places or numbers."""
        under = self.underneath
        if self.column.order:
            levels = pa.array(self.column.order, pa.string()).cast(self.kind)
            return levels.take(pa.array(np.clip(numbers.whole, 0, len(levels) - 1), pa.int64(), mask=numbers.missing))
        if under is not None:
            return under.stored(numbers, coins)
        if pa.types.is_boolean(self.kind):
            return pa.array(numbers.whole != 0, pa.bool_(), mask=numbers.missing)
        raise self.unordered()

    def parse(self, asked: Any) -> Fraction:
        """The place or number of a level that somebody typed."""
        if self.column.order:
            if str(asked) not in self.column.order:
                raise self.refused(asked, did_you_mean(str(asked), self.column.order, label="values"))
            return Fraction(self.column.order.index(str(asked)))
        under = self.underneath
        if under is not None:
            return under.parse(asked)
        if pa.types.is_boolean(self.kind):
            return Fraction(self._truth(asked))
        raise self.unordered()

    def _truth(self, asked: Any) -> bool:
        text = str(asked).strip().lower()
        if text not in TRUE | FALSE:
            raise self.refused(asked)
        return text in TRUE

    def cells(self, asked: Sequence[Any]) -> pa.Array:
        """Levels that somebody typed; of texts, any text."""
        if is_text(self.kind):
            return pa.array([None if value is None or value != value else str(value) for value in asked], self.kind)  # noqa: PLR0124  # NaN
        if self.underneath is None and not pa.types.is_boolean(self.kind):
            try:
                return pa.array(list(asked), self.kind)
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as exc:
                raise self.refused(list(asked), str(exc)) from exc
        return super().cells(asked)


class Categories(Level):
    """One of a few or of some hundred values that repeat."""


class Boolean(Level):
    """Yes or no, however it is written."""


class ConstantValue(Level):
    """The same value in every row."""


class Empty(Level):
    """No value in any row."""

    measured: ClassVar[Measured] = "empty"
