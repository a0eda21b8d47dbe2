"""The contract of semantic types: what a column's cells mean, in one class a type.

    cells --numbers--> whole multiples of a last digit --Grid--> ticks --> cells
    what somebody asked for --cells--> cells --numbers--> compared, added, subtracted

A type says how its cells become exact numbers and cells again, what a value that somebody typed means, and what may be compared with it;
`schema/infer.py` says which columns are of which type. Whoever needs floats takes them from the exact numbers.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.schema.semantics.numbers import Numbers
from lookalike.schema.types import ColumnSchema, arrow_type

Learned = Literal["number", "level", "anew"]
"""How models learn a column: as numbers on a grid, as one of its real values, or not at all (new values are made)."""

Measured = Literal["number", "time", "category", "text", "id", "empty"]
"""What can be measured of a column; "time" is a number of seconds since 1970, "id" and "text" are left to replay and text metrics."""

Quantity = Literal["number", "moment", "time", "duration", ""]
"""What a column's numbers count: two columns of one quantity can be compared and subtracted. "" of columns without numbers."""


@dataclass(frozen=True)
class Semantic(ABC):
    """What one column's cells mean.

    Attributes:
        column: the column as its schema describes it.
    """

    column: ColumnSchema

    learned: ClassVar[Learned]
    measured: ClassVar[Measured]
    quantity: ClassVar[Quantity] = ""

    @property
    def kind(self) -> pa.DataType:
        """The Arrow type of the cells."""
        return arrow_type(self.column.arrow)

    @property
    def ordered(self) -> bool:
        """Whether one cell can be less than another."""
        return True

    @property
    def exact(self) -> bool:
        """Whether numbers have a last digit, of which they are whole multiples."""
        return True

    @property
    def unit(self) -> Fraction:
        """What one whole of `numbers` is: a power of ten; seconds of moments, times and durations."""
        return Fraction(1)

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Numbers:
        """The exact number of each cell, in whose order the cells are.

        Raises:
            SchemaError: cells that are no such thing, or that have no order.
        """
        del values
        raise self.unordered()

    def stored(self, numbers: Numbers, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
        """Cells of numbers, in the column's type and form.

        Args:
            numbers: as `numbers` gives them.
            coins: float64 [n] in [0, 1), by which cells that may be written in several forms choose one.

        Raises:
            SchemaError: cells that have no numbers.
        """
        del numbers, coins
        raise self.unordered()

    def parse(self, asked: Any) -> Fraction:
        """A value that somebody typed as a number of wholes; a fraction where it lies between two, as an end of a range may.

        Raises:
            SchemaError: a value that is no such thing, or has no order; the error names the form in which to write it.
        """
        del asked
        raise self.unordered()

    def cells(self, asked: Sequence[Any]) -> pa.Array:
        """Values that somebody typed as cells of this column; None is a missing one.

        Raises:
            SchemaError: a value that is no such thing; the error names the form in which to write it.
        """
        missing = np.array([_is_missing(value) for value in asked], bool)
        wholes = [Fraction(0) if gone else self.parse(value) for value, gone in zip(asked, missing, strict=True)]
        if not self.exact:
            return self.stored(Numbers(np.array([float(whole) for whole in wholes], np.float64), missing))
        for value, whole in zip(asked, wholes, strict=True):
            if whole.denominator != 1:
                raise self.refused(value, "it has more digits than the column")
        numbers = [int(whole) for whole in wholes]
        wide = any(abs(number) >= 1 << 62 for number in numbers)
        return self.stored(Numbers(np.array(numbers, object if wide else np.int64), missing))

    def floats(self, values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
        """The number of each cell in its quantity's own unit (seconds, ones), float64 [n]; NaN where missing.

        Raises:
            SchemaError: as for `numbers`.
        """
        numbers = self.numbers(values)
        if numbers.exact:
            top, bottom = self.unit.numerator, self.unit.denominator  # one division rounds once: 125 / 100 is 1.25
            floats = numbers.whole.astype(np.float64) * top / bottom
        else:
            floats = numbers.whole
        return np.where(numbers.missing, np.nan, floats) if numbers.missing.any() else floats

    def unordered(self) -> SchemaError:
        """The error for a comparison of values that have no order."""
        return SchemaError(
            what=f"{self.column.semantic} values have no order",
            where=self.column.name,
            fix="name the values themselves, or give the column an `order` in its schema",
        )

    def refused(self, value: Any, why: str = "") -> SchemaError:
        """The error for a value that is no such thing."""
        return SchemaError(
            what=f"{value!r} is no {self.column.semantic}" + (f": {why}" if why else ""),
            where=self.column.name,
            fix=f"write it as {self.form()}",
        )

    def form(self) -> str:
        """How a value is written, for errors and lists: a format, or the type."""
        return self.column.format or self.column.arrow


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, (float, np.floating)) and bool(np.isnan(value))) or str(value) in ("NaT", "<NA>")
