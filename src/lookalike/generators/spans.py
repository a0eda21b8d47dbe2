"""Lengths of time and allowed hours: what `datetime` and `timedelta` share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator

UNITS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
}
_LETTERS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
_PART = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(us|ms|min|[smhdw])[a-z]*\s*,?")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_US = UNITS["day"]
Micros = npt.NDArray[np.int64]


def _read_span(value: Any) -> Any:
    """`90d`, `2 weeks`, `1h 30m` -> timedelta; anything else is left to pydantic (ISO 8601, seconds)."""
    if not isinstance(value, str) or value.strip().upper().lstrip("+-").startswith("P"):
        return value
    matches = list(_PART.finditer(value.strip().lower()))
    if not matches or "".join(match.group(0) for match in matches) != value.strip().lower():
        raise ValueError(f"{value!r} is not a length of time; write it as 90d, 2h 30m, 45s or 3 weeks")
    return timedelta(microseconds=sum(float(match.group(1)) * _LETTERS[match.group(2)] for match in matches))


Span = Annotated[timedelta, BeforeValidator(_read_span)]


def micros(span: timedelta) -> int:
    """A span in microseconds."""
    return span // timedelta(microseconds=1)


def weekday_numbers(weekdays: bool | Sequence[str]) -> tuple[int, ...]:
    """Days that count, Monday 0; `True` means Monday to Friday."""
    if isinstance(weekdays, bool):
        return tuple(range(5)) if weekdays else tuple(range(7))
    return tuple(sorted({DAYS.index(day[:3].lower()) for day in weekdays}))


class Calendar:
    """Allowed moments: some weekdays, some hours of the day, in ticks of a unit.

    Allowed ticks are counted from 1970-01-01 on, so a moment and its count are found from each other by arithmetic on weeks:
    no table of days, no limit on the range.

    Args:
        days: allowed weekdays, Monday 0.
        hours: opening and closing hour; the closing hour itself is closed.
        unit_us: the tick.
    """

    def __init__(self, days: Sequence[int], hours: tuple[int, int], unit_us: int) -> None:
        self.unit_us = unit_us
        self.open_us = hours[0] * UNITS["hour"]
        self.ticks_day = max(1, (hours[1] - hours[0]) * UNITS["hour"] // unit_us)
        self.days = np.array(sorted(days), np.int64)
        self.before = np.searchsorted(self.days, np.arange(8))  # allowed days of a week before this weekday

    def count(self, moments: Micros) -> Micros:
        """Allowed ticks strictly before each moment (microseconds since 1970-01-01), int64 [n]."""
        day, inside = np.divmod(moments, _DAY_US)
        week, weekday = np.divmod(day + 3, 7)  # 1970-01-01 was a Thursday
        whole = week * len(self.days) + self.before[weekday]
        allowed = self.before[weekday + 1] > self.before[weekday]
        partial = np.clip(-((self.open_us - inside) // self.unit_us), 0, self.ticks_day)
        ticks: Micros = whole * self.ticks_day + np.where(allowed, partial, 0)
        return ticks

    def moment(self, ticks: Micros) -> Micros:
        """The allowed moment with so many allowed ticks before it; `count` turned round."""
        day, tick = np.divmod(ticks, self.ticks_day)
        week, position = np.divmod(day, len(self.days))
        moments: Micros = (week * 7 + self.days[position] - 3) * _DAY_US + self.open_us + tick * self.unit_us
        return moments
