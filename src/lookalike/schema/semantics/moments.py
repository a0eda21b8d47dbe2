"""Moments, dates, times of day and durations; stored as such, written in a form, or as whole numbers such as 20210314."""

from __future__ import annotations

from datetime import date, datetime, time
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError
from lookalike.schema import durations
from lookalike.schema.semantics import clock
from lookalike.schema.semantics.base import Learned, Measured, Quantity, Semantic
from lookalike.schema.semantics.buffers import is_text, mask_of, one
from lookalike.schema.semantics.numbers import Numbers, numbers_of, stored, unit_of
from lookalike.schema.semantics.quantities import read_all


class Moment(Semantic):
    """What moments, dates, times and durations share."""

    learned: ClassVar[Learned] = "number"
    measured: ClassVar[Measured] = "time"
    quantity: ClassVar[Quantity] = "moment"

    @property
    def written(self) -> bool:
        """Whether cells are texts, or whole numbers whose digits are a date."""
        return bool(self.column.format) and not pa.types.is_temporal(self.kind)

    @property
    def unit(self) -> Fraction:
        """Seconds of one whole."""
        return Fraction(1, 10**self._digits) if self.written else unit_of(self.kind, None)

    @property
    def _forms(self) -> tuple[str, ...]:
        """Formats of texts, the commonest first."""
        return (self.column.format, *(form for form, _ in self.column.also))

    @property
    def _digits(self) -> int:
        """Digits of a second that texts are counted in."""
        return max(clock.digits(form) for form in self._forms)

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Numbers:
        """Ticks of the stored unit; microseconds of texts."""
        array = one(values)
        if pa.types.is_temporal(array.type) and not self.written:
            return numbers_of(array)
        if not self.written:
            raise SchemaError(
                what=f"{array.type} cells are no {self.column.semantic} without a format", where=self.column.name,
                fix="give the column a `format` in the schema, such as %Y-%m-%d",
            )  # fmt: skip
        texts = array if is_text(array.type) else array.cast(pa.int64()).cast(pa.string())
        return read_all(self, texts, self._read)

    def _read(self, texts: pa.Array) -> Numbers:
        if self.column.format in durations.FORMS:
            moments = durations.parse(texts.to_pylist(), self.column.format).cast(pa.int64())
            return Numbers(moments.fill_null(0).to_numpy(zero_copy_only=False), mask_of(moments))
        whole, missing = np.zeros(len(texts), np.int64), np.ones(len(texts), bool)
        for form in self._forms:
            left = np.flatnonzero(missing)
            if len(left):
                read = clock.read(texts if len(left) == len(texts) else texts.take(pa.array(left)), form)
                whole[left] = read.whole * 10 ** (self._digits - clock.digits(form))
                missing[left] = read.missing
        return Numbers(whole, missing)

    def stored(self, numbers: Numbers, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
        """Cells of ticks."""
        if not self.written:
            return stored(numbers, self.kind)
        if self.column.format in durations.FORMS:
            return durations.render(stored(numbers, pa.timestamp("us")), self.column.format).cast(self.kind)
        texts = [self._texts(numbers, form) for form in self._forms]
        ends = np.cumsum([1 - sum(share for _, share in self.column.also), *(share for _, share in self.column.also)])
        which = np.searchsorted(ends[:-1], coins, "right") if coins is not None else np.zeros(len(numbers.whole), np.int64)
        made = texts[0] if len(texts) == 1 else pc.choose(pa.array(which), *texts)
        return made.cast(self.kind) if is_text(self.kind) else made.cast(pa.int64()).cast(self.kind)

    def _texts(self, numbers: Numbers, form: str) -> pa.Array:
        whole = numbers.whole // 10 ** (self._digits - clock.digits(form))
        return clock.write(Numbers(whole, numbers.missing), form, self.column.unit if "z" in form else "")

    def parse(self, asked: Any) -> Fraction:
        """A moment, or a text of one: in the column's form or as ISO 8601 has it."""
        if isinstance(asked, str) and self.written:
            read = self._read(pa.array([asked.strip()]))
            if not read.missing[0]:
                return Fraction(int(read.whole[0]))
        seconds = self._seconds(asked)
        if seconds is None:
            raise self.refused(asked)
        return seconds / self.unit

    def _seconds(self, asked: Any) -> Fraction | None:
        """Seconds since 1970 of a moment, or None."""
        if isinstance(asked, str):
            asked = _iso(asked.strip())
        return stored_seconds(asked, ("timestamp", "date"))


class DateAndTime(Moment):
    """Moments: a day and a time of it."""


class Date(Moment):
    """Days."""


class Time(Moment):
    """Times of day."""

    measured: ClassVar[Measured] = "number"
    quantity: ClassVar[Quantity] = "time"

    def _seconds(self, asked: Any) -> Fraction | None:
        if isinstance(asked, str):
            try:
                asked = time.fromisoformat(asked.strip())
            except ValueError:
                return None
        return stored_seconds(asked, ("time",))


class Duration(Moment):
    """Lengths of time."""

    measured: ClassVar[Measured] = "number"
    quantity: ClassVar[Quantity] = "duration"

    def _seconds(self, asked: Any) -> Fraction | None:
        if isinstance(asked, str):
            for form in durations.FORMS:
                read = durations.parse([asked.strip()], form)
                if not read.null_count:
                    return Fraction(read.cast(pa.int64())[0].as_py(), 10**6)
            return None
        return stored_seconds(asked, ("duration",))


def _iso(text: str) -> date | None:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def stored_seconds(asked: Any, kinds: tuple[str, ...]) -> Fraction | None:
    """Seconds of a Python, numpy or pandas value that Arrow stores as one of these types; None for all others."""
    try:
        cell = pa.array([asked])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return None
    if not str(cell.type).startswith(kinds) or cell.null_count:
        return None
    return int(numbers_of(cell).whole[0]) * unit_of(cell.type, None)
