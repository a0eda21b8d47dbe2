"""Numbers: whole ones, those with digits after the point, latitudes and longitudes; stored as numbers or written in a form."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import SchemaError
from lookalike.schema.semantics import amounts
from lookalike.schema.semantics.amounts import Form
from lookalike.schema.semantics.base import Learned, Measured, Quantity, Semantic
from lookalike.schema.semantics.buffers import is_text, mask_of, one
from lookalike.schema.semantics.numbers import Numbers, numbers_of, stored, unit_of


class Number(Semantic):
    """What all numbers share."""

    learned: ClassVar[Learned] = "number"
    measured: ClassVar[Measured] = "number"
    quantity: ClassVar[Quantity] = "number"

    @property
    def written(self) -> Form | None:
        """How numbers in texts are written; None of stored numbers."""
        if not is_text(self.kind):
            return None
        return amounts.parse_form(self.column.format) or amounts.plain_form(self.column.decimals)

    @property
    def exact(self) -> bool:
        """Whether numbers have a last digit, of which they are whole multiples."""
        if (form := self.written) is not None:
            return form.exact
        return self.column.decimals is not None or not pa.types.is_floating(self.kind)

    @property
    def unit(self) -> Fraction:
        """Of the last digit."""
        form = self.written
        return unit_of(self.kind, self.column.decimals) if form is None else form.unit

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Numbers:
        """The exact number of each cell."""
        array, form = one(values), self.written
        try:
            if form is None or not is_text(array.type):
                return numbers_of(array, self.column.decimals)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as exc:
            raise self._unread(f"{array.type} cells: {exc}") from exc
        return read_all(self, array, form.read)

    def _unread(self, why: str) -> SchemaError:
        return SchemaError(
            what=f"cells are no numbers: {why}", where=self.column.name, fix="describe the column otherwise in the schema"
        )

    def stored(self, numbers: Numbers, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
        """Cells of numbers."""
        del coins  # one form
        form = self.written
        return stored(numbers, self.kind, self.column.decimals) if form is None else form.write(numbers).cast(self.kind)

    def parse(self, asked: Any) -> Fraction:
        """A number, or a text of one in the column's form or as programs write it."""
        number = as_fraction(asked, self.written)
        if number is None:
            raise self.refused(asked)
        return number / self.unit

    def form(self) -> str:
        """How a number is written."""
        form = self.written
        return form.text if form is not None else self.column.arrow


class WholeNumber(Number):
    """Whole numbers that count or measure: ages, visits, cents."""


class Amount(Number):
    """Numbers with digits after the point: prices, weights, shares."""


class Latitude(Number):
    """Degrees north, from -90 to 90."""


class Longitude(Number):
    """Degrees east, from -180 to 180."""


def as_fraction(asked: Any, form: Form | None = None) -> Fraction | None:
    """What somebody typed as an exact number; None when it is none."""
    if isinstance(asked, str):
        return (form or amounts.GENERAL).number(asked)
    if isinstance(asked, (float, np.floating)):
        asked = Decimal(str(asked))  # 0.1 is a tenth, as it was typed, and not the nearest binary fraction
    elif isinstance(asked, np.integer):
        asked = int(asked)
    try:
        return Fraction(asked) if isinstance(asked, (int, Decimal, Fraction)) else None
    except (OverflowError, ValueError):  # infinite
        return None


def read_all(semantic: Semantic, texts: pa.Array, read: Any) -> Numbers:
    """Numbers of texts; blank ones are missing.

    Raises:
        SchemaError: a text that is no such thing, by its row.
    """
    numbers: Numbers = read(texts)
    unread = numbers.missing & ~mask_of(texts)
    if unread.any():
        rows = np.flatnonzero(unread)
        odd = [
            (row, cell) for row, cell in zip(rows.tolist(), texts.take(pa.array(rows)).to_pylist(), strict=True) if cell.strip()
        ]
        if odd:
            raise SchemaError(
                what=f"{odd[0][1]!r} is no {semantic.column.semantic}", where=f"{semantic.column.name}, row {odd[0][0]}",
                fix=f"write it as {semantic.form()}, or describe the column otherwise in the schema",
            )  # fmt: skip
    return numbers
