"""Moments in texts are found in their formats, read exactly and written back."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.schema import dates
from lookalike.schema.semantics import clock

MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(2999, 12, 31))  # noqa: DTZ001  # as a clock shows them
WHOLE = [form for form in dates.candidates() if "%d" in form and "%Y" in form]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(WHOLE), st.lists(MOMENTS, min_size=1, max_size=5))
def test_every_format_reads_what_it_writes(form, moments):
    """A moment written by a format and read again is the moment, as far as the format tells it."""
    numbers = clock.read(pa.array([moment.isoformat(timespec="microseconds") for moment in moments]), "%Y-%m-%dT%H:%M:%S.%f")
    rate = 10 ** (clock.digits(form) - 6)
    texts = clock.write(clock.Numbers(numbers.whole * rate, numbers.missing), form)
    again = clock.read(texts, form)
    assert not again.missing.any()
    assert clock.write(again, form).equals(texts)
    python = form.replace("%:z", "%z").replace("%n", "%f").replace("%g", "%f")
    if python == form:
        assert texts.to_pylist() == [moment.replace(tzinfo=dt.UTC).strftime(form) for moment in moments]


@pytest.mark.parametrize(
    ("text", "form"), [("2021-02-30", "%Y-%m-%d"), ("25:00", "%H:%M"), ("13:00 PM", "%I:%M %p"), ("x", "%Y")]
)
def test_what_is_no_moment_is_missing(text, form):
    """Days and times that there are none of are not read."""
    assert clock.read(pa.array([text]), form).missing.tolist() == [True]


@pytest.mark.parametrize(
    "texts", [["6/5/2020 1:05 PM", "12/31/2020 11:30 AM"], ["3. March 2021", "12. April 2021"], ["8:05", "12:30"]]
)
def test_numbers_without_a_zero_stay_so(texts):
    """Days, months and hours of one digit are written with one."""
    found = dates.find(texts)
    assert found is not None
    form = found.forms[0][0]
    assert clock.write(clock.read(pa.array(texts), form), form).to_pylist() == texts


def test_several_formats_have_their_shares():
    """Dates in three formats are found with the rows that each has."""
    found = dates.find(["2021-03-14", "14.03.2021", "Mar 14, 2021", "2021-12-01"], [5, 2, 1, 2])
    assert found is not None
    assert found.forms == (("%Y-%m-%d", 0.7), ("%d.%m.%Y", 0.2), ("%b %d, %Y", 0.1))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
def test_seasonal_offsets_name_their_zone(zone):
    """Texts whose offsets change with the season have those of a zone, and are written with them again."""
    start = dt.datetime(2024, 1, 1, 8, tzinfo=ZoneInfo(zone))
    texts = [(start + dt.timedelta(day)).isoformat() for day in range(0, 700, 3)]
    found = dates.find(texts)
    assert found is not None
    assert len(found.forms) == 1
    form = found.forms[0][0]
    assert clock.write(clock.read(pa.array(texts), form), form, found.zone).to_pylist() == texts


def test_offsets_of_no_zone_are_formats():
    """Offsets that no zone explains are formats of their own, each with its share."""
    texts = [f"2024-05-{day:02d}T08:00:00{offset}" for day in range(1, 29) for offset in ("+01:00", "-07:00", "Z")]
    found = dates.find(texts)
    assert found is not None
    assert {form.removeprefix("%Y-%m-%dT%H:%M:%S") for form, _ in found.forms} == {"+01:00", "-07:00", "Z"}


def test_digits_are_dates_when_all_are():
    """Whole numbers are dates when the digits of every one are a day that there is."""
    days = [20210101 + 100 * month + day for month in range(12) for day in range(28)]
    assert dates.digits_form(np.array(days), len(days)) == "%Y%m%d"
    assert dates.digits_form(np.array([*days, 20211345]), len(days) + 1) == ""
    assert dates.digits_form(np.array([20210101, 20210102]), 2) == ""
