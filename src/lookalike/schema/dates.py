"""Dates written as text: in which format, or in which few.

A format is found on a sample by trying candidates, and counts only when every value of its shape reads by it. Day-first and month-first
are told apart by all values; when both fit (no day beyond 12), the month is first, and the reason says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from zoneinfo import available_timezones

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics import clock

DATES = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%y", "%d/%m/%y",
    "%d.%m.%y", "%y-%m-%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d%b%Y",
    "%a, %d %b %Y", "%a %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%d. %B %Y", "%Y%m%d",
)  # fmt: skip
TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M:%S.%g", "%H:%M:%S.%n", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
MONTHS = ("%Y-%m", "%b %Y", "%B %Y", "%m/%Y", "%b-%y", "%b-%Y")
SPECIAL = ("%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ")
ZONES = ("", "Z", "%z", "%:z", " %z", " %:z", " UTC", " GMT")
OFFSET = re.compile(r"(?:[+-]\d\d:?\d\d|Z)$")
ENOUGH = 60  # values a candidate is tried on before it is tried on all
SHAPE = re.compile(r"(?=.*\d)[\w,./: +\-]{4,40}$")
MOST_FORMS = 6  # formats of one column
YEARS = (1000, 2999)
DIGITS = ("%Y%m%d", "%Y%m%d%H%M%S")
ENOUGH_DATES = 8  # different numbers whose digits are all dates by chance once in 10**11
SHORT = re.compile(r"%([mdHI])(?![a-zA-Z])")  # numbers that may be written without a zero in front
USUAL_ZONES = (
    "Europe/Berlin", "Europe/London", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Sao_Paulo", "Australia/Sydney", "Australia/Adelaide", "Pacific/Auckland", "America/Halifax", "America/Anchorage",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """How the dates of a column are written.

    Attributes:
        forms: formats and the share of the rows that have each, the commonest first.
        zone: whose offsets the texts have, when they change with the season; "" otherwise.
        doubt: another format that would fit too; "".
    """

    forms: tuple[tuple[str, float], ...]
    zone: str = ""
    doubt: str = ""


def candidates() -> Iterator[str]:
    """All formats, the commonest first."""
    yield from DATES
    yield from TIMES
    for joint, date, time, zone in product((" ", "T", ", "), DATES[:-1], TIMES, ZONES):
        if joint == " " or (joint == "T" and date == DATES[0]) or (joint == ", " and not zone):
            yield date + joint + time + zone
    yield from SPECIAL
    yield from MONTHS


def _signs(text: str) -> str:
    """Only the signs between digits and letters: what rules out most formats before any is tried."""
    return re.sub(r"[^\W_]+", "", text)


def _shape(text: str) -> str:
    """What values of one format share: signs, and where letters and digits stand; an offset is one sign."""
    text = OFFSET.sub("z", text) if ":" in text else text
    return re.sub(r"\d+", "0", re.sub(r"[^\W\d_]+", "a", text))


@cache
def _by_signs() -> dict[tuple[str, bool], tuple[str, ...]]:
    """Formats by (their signs, whether they end with an offset)."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for form in candidates():
        bare = form.removesuffix("%:z").removesuffix("%z")
        groups.setdefault((_signs(re.sub("%.", "", bare)), bare != form), []).append(form)
    return {signs: tuple(forms) for signs, forms in groups.items()}


def find(values: Sequence[str], counts: Sequence[int] | None = None) -> Found | None:
    """How every value is written, as a moment; None where one is none.

    Args:
        values: distinct, non-null texts of one column.
        counts: rows of each; equal when not given.
    """
    few = values[:: max(1, len(values) // ENOUGH)][:ENOUGH]
    if not few or not all(SHAPE.match(value) for value in few):
        return None
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        groups.setdefault(_shape(value), []).append(place)
        if len(groups) > MOST_FORMS:
            return None
    rows = np.ones(len(values)) if counts is None else np.asarray(counts, float)
    forms: dict[str, float] = {}
    zone, doubt = "", ""
    for places in groups.values():
        texts = pa.array([values[place] for place in places], pa.large_string())
        form, also = _form_of(texts)
        if not form:
            return None
        doubt = doubt or also
        if re.search("%:?z", form):
            named, zone = _offsets(texts, form)
            for one, inside in named.items():
                forms[one] = forms.get(one, 0.0) + float(rows[np.array(places)[inside]].sum())
        else:
            forms[form] = forms.get(form, 0.0) + float(rows[places].sum())
    shares = sorted(
        ((form, round(count / float(rows.sum()), 6)) for form, count in forms.items()), key=lambda pair: (-pair[1], pair[0])
    )
    return Found(tuple(shares), zone, doubt) if len(shares) <= MOST_FORMS else None


def _form_of(texts: pa.Array) -> tuple[str, str]:
    """The first format by which all texts read, and another one that would do; "" for none."""
    step = max(1, len(texts) // ENOUGH)
    few = texts.take(pa.array(range(0, len(texts), step)))
    first = few[0].as_py()
    offset = OFFSET.search(first) if ":" in first else None
    bare = first[: offset.start()] if offset else first
    forms = [*_by_signs().get((_signs(bare), True), ())] if offset else []
    forms += _by_signs().get((_signs(first), False), ())
    fitting = [form for form in map(_lenient, forms) if _reads(few, form)]
    fitting = [form for form in fitting if len(few) == len(texts) or _reads(texts, form)]
    if not fitting:
        return "", ""
    form = _strict(texts, fitting[0])
    swapped = fitting[0].replace("d", "\0").replace("m", "d").replace("\0", "m")
    return form, f"{_strict(texts, swapped)} would fit too" if swapped != fitting[0] and swapped in fitting else ""


def _lenient(form: str) -> str:
    """The format with numbers that need no zero in front, where signs tell them apart."""
    return form if re.search(r"%[a-zA-Z]%", form) else SHORT.sub(r"%-\1", form)


def _strict(texts: pa.Array, form: str) -> str:
    """The format with numbers of two digits wherever all texts have two."""
    for directive in ("m", "d", "H", "I"):
        tighter = form.replace(f"%-{directive}", f"%{directive}")
        if tighter != form and not clock.read(texts, tighter).missing.any():
            form = tighter
    return form


def _reads(texts: pa.Array, form: str) -> bool:
    numbers = clock.read(texts, form)
    if numbers.missing.any():
        return False
    seconds = np.floor_divide(numbers.whole, 10 ** clock.digits(form)).astype("M8[s]")
    years = seconds.astype("M8[Y]").astype(np.int64) + 1970
    return bool(YEARS[0] <= years.min() and years.max() <= YEARS[1])


def _offsets(texts: pa.Array, form: str) -> tuple[dict[str, np.ndarray], str]:
    """Formats for texts with offsets, and where each is used: one with a zone's offsets, or one for each offset."""
    endings = pc.extract_regex(texts, "(?P<end>[+-]\\d\\d:?\\d\\d|Z)$").field("end")
    different = pc.unique(endings).to_pylist()
    zone = zone_of(texts, form) if len(different) > 1 else ""
    if zone:
        return {form: np.ones(len(texts), bool)}, zone
    ends = np.array(endings.to_pylist(), object)
    return {re.sub("%:?z$", str(end), form): ends == end for end in different}, ""


def zone_of(texts: pa.Array, form: str) -> str:
    """A time zone whose clocks show all these moments with these offsets; "" for none."""
    wall = np.floor_divide(clock.read(texts, form).whole, 10 ** clock.digits(form))
    offsets = clock.offsets(texts, form)
    if len(np.unique(offsets)) > 3 or any(text.endswith("Z") for text in texts.slice(0, ENOUGH).to_pylist()):
        return ""
    few = np.linspace(0, len(wall) - 1, min(len(wall), 400)).astype(int)
    for zone in (*USUAL_ZONES, *sorted(available_timezones())):
        try:
            if (clock.zone_offsets(wall[few], zone) == offsets[few]).all() and _agrees(wall, zone, offsets):
                return zone
        except pa.ArrowInvalid:  # a zone that Arrow does not know
            continue
    return ""


def _agrees(wall: np.ndarray, zone: str, offsets: np.ndarray) -> bool:
    """Whether a zone gives all offsets but for the hour that its clocks show twice."""
    return bool((clock.zone_offsets(wall, zone) == offsets).mean() > 0.999)


def digits_form(numbers: np.ndarray, distinct: int) -> str:
    """How the digits of whole numbers are a date, 20210314 or 20210314235959; "" when they are none.

    Args:
        numbers: not missing.
        distinct: how many differ: few of them may be dates by chance.
    """
    low, high = float(numbers.min()), float(numbers.max())
    for form, first, last in ((DIGITS[0], 1900_01_01, 2100_12_31), (DIGITS[1], 1900_01_01_000000, 2100_12_31_235959)):
        if first <= low and high <= last and distinct >= ENOUGH_DATES:
            few = pa.array(numbers[:: max(1, len(numbers) // ENOUGH)].astype(np.int64)).cast(pa.string())
            if _reads(few, form) and _reads(pa.array(numbers.astype(np.int64)).cast(pa.string()), form):
                return form
    return ""


def resolution(moments: pa.Array | pa.ChunkedArray) -> str:
    """The coarsest unit that all moments are multiples of: day, hour, minute, second, ms, us or ns."""
    kind = moments.type
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
    ticks = pc.drop_null(moments).cast(pa.int64())
    for name, seconds in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        step = seconds * per_second
        if step == 1 or _all_multiples(ticks, step):
            return name
    for name, rate in (("ms", 10**3), ("us", 10**6)):
        if per_second > rate and _all_multiples(ticks, per_second // rate):
            return name
    return str(kind.unit)


def _all_multiples(ticks: pa.Array, step: int) -> bool:
    whole = pc.multiply(pc.divide(ticks, step), step)
    return bool(pc.all(pc.equal(whole, ticks)).as_py())
