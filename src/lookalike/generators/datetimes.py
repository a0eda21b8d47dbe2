"""`datetime`: moments in a range or after another column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import field_validator, model_validator

from lookalike.errors import RecipeError
from lookalike.generators.base import Generator
from lookalike.generators.spans import DAYS, UNITS, Calendar, Span, micros, weekday_numbers
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _since_epoch(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


class Datetime(Generator):
    """A moment between `start` and `end`, or a while after another column's moment; evenly likely over what is allowed.

    ```yaml
    born:      {kind: datetime, start: 1930-01-01, end: 2007-12-31, unit: day}
    admitted:  {kind: datetime, start: 2024-01-01, end: 2024-12-31 23:59:59}
    seen:      {kind: datetime, start: 2024-01-01, end: 2025-01-01, business_hours: [8, 18], weekdays: [mon, tue, thu], unit: minute}
    discharge: {kind: datetime, after: admitted, within: 21d}
    ```

    Attributes:
        start: the first moment; a date means its midnight.
        end: the last moment, included.
        unit: the step between moments. `day` gives dates, everything else timestamps with microseconds.
        business_hours: true for 9 to 17 o'clock, or [opening, closing] hours.
        weekdays: true for Monday to Friday, or names as [mon, wed].
        after: a date or timestamp column; the moment is later than it. Null there is null here.
        within: with `after`, the longest wait (of allowed time or not): 90d, 2h 30m. If nothing is allowed so soon, the next
            allowed moment is taken.
    """

    kind: ClassVar[str] = "datetime"

    start: datetime | None = None
    end: datetime | None = None
    unit: Literal["day", "hour", "minute", "second", "millisecond"] = "second"
    business_hours: bool | tuple[int, int] = False
    weekdays: bool | tuple[str, ...] = False
    after: str | None = None
    within: Span | None = None

    @field_validator("start", "end", mode="before")
    @classmethod
    def _midnight(cls, value: Any) -> Any:
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)  # noqa: DTZ001  # a recipe's date has no zone
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_range()
        self._check_calendar()
        if self.after is None and self._window()[0] >= self._window()[1]:
            raise ValueError(f"no allowed moment lies between {self.start} and {self.end}; widen the range, hours or weekdays")
        return self

    def _check_range(self) -> None:
        if self.after is not None:
            if self.start is not None or self.end is not None:
                raise ValueError("`after` goes with `within`, not with `start` or `end`; remove them")
            if self.within is None or self.within <= timedelta():
                raise ValueError("`after` needs `within`, the longest wait, as within: 30d")
        elif self.start is None or self.end is None:
            raise ValueError("needs `start` and `end`, or `after` and `within`")
        elif self.within is not None:
            raise ValueError("`within` goes with `after`; give the range by `start` and `end`")
        elif (self.start.tzinfo is None) != (self.end.tzinfo is None):
            raise ValueError("`start` and `end`: both with a time zone, or neither")
        elif self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}; swap them")

    def _check_calendar(self) -> None:
        if not isinstance(self.business_hours, bool):
            opening, closing = self.business_hours
            if not 0 <= opening < closing <= 24:
                raise ValueError(
                    f"business_hours: {list(self.business_hours)} must be [opening, closing] with 0 <= opening < closing <= 24"
                )
        if not isinstance(self.weekdays, bool):
            wrong = [day for day in self.weekdays if day[:3].lower() not in DAYS]
            if wrong or not self.weekdays:
                raise ValueError(f"weekdays: {wrong or 'no day'} is not among {', '.join(DAYS)}")

    @cached_property
    def _calendar(self) -> Calendar:
        hours = self.business_hours
        span = (9, 17) if hours is True else (0, 24) if hours is False else hours
        return Calendar(weekday_numbers(self.weekdays), (0, 24) if self.unit == "day" else span, UNITS[self.unit])

    def _window(self) -> tuple[int, int]:
        """Counts of allowed ticks before the range, and up to its end."""
        assert self.start is not None
        assert self.end is not None
        ends = np.array([_since_epoch(self.start), _since_epoch(self.end) + 1], np.int64)
        low, high = self._calendar.count(ends).tolist()
        return low, high

    def needs(self) -> frozenset[str]:
        """The column of `after`."""
        return frozenset({self.after} if self.after else ())

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """date32 for unit day, else timestamp[us], in UTC where `start` has a zone or `after` has one."""
        uniforms = ctx.uniform(batch.ids)
        if self.after is None:
            low, high = self._window()
            moments = self._calendar.moment(low + (uniforms * (high - low)).astype(np.int64))
            zone = "UTC" if self.start and self.start.tzinfo else None
            return self._typed(moments, None, zone)
        parent = batch[self.after]
        if not (pa.types.is_date(parent.type) or pa.types.is_timestamp(parent.type)):
            raise RecipeError(
                what=f"after: {self.after!r} holds {parent.type}, no dates", fix="name a date or timestamp column"
            )
        zone = parent.type.tz if pa.types.is_timestamp(parent.type) else None
        from_us = parent.cast(pa.timestamp("us", zone)).cast(pa.int64())
        null = from_us.is_null().to_numpy(zero_copy_only=False)
        base = from_us.fill_null(0).to_numpy(zero_copy_only=False)
        assert self.within is not None
        first = self._calendar.count(base + 1)
        last = self._calendar.count(base + micros(self.within) + 1)
        ticks = first + (uniforms * np.maximum(last - first, 1)).astype(np.int64)
        return self._typed(self._calendar.moment(ticks), null, zone)

    def _typed(self, moments: np.ndarray, null: np.ndarray | None, zone: str | None) -> pa.Array:
        if self.unit == "day":
            return pa.array((moments // UNITS["day"]).astype(np.int32), pa.int32(), mask=null).cast(pa.date32())
        return pa.array(moments, pa.int64(), mask=null).cast(pa.timestamp("us", zone))
