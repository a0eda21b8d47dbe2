"""Dates written as text: which format, read by it, and written by it again.

A format is found on a sample by trying candidates, and counts only when every value of the column parses by it. Day-first and
month-first are told apart by all values; when both fit (no day beyond 12), the month is first, and the reason says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.rows.batch import Batch
from lookalike.rows.sql import evaluate, literal
from lookalike.schema import durations

DATES = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%y", "%d/%m/%y",
    "%d.%m.%y", "%y-%m-%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%d%b%Y",
    "%a, %d %b %Y", "%a %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%Y%m%d",
)  # fmt: skip
TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
MONTHS = ("%Y-%m", "%b %Y", "%B %Y", "%m/%Y", "%b-%y", "%b-%Y")
SPECIAL = ("%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ")
ZONES = ("", "Z", "%z", " %z", " UTC", " GMT")
OFFSET = re.compile(r"[+-]\d\d:?\d\d$")  # written as it is, when every value has the same
ENOUGH = 60  # values a candidate is tried on before it is tried on all
SHAPE = re.compile(r"(?=.*\d)[\w,./: +\-]{4,40}$")


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
    """Only the signs between digits and letters: what rules out most formats before `strptime` compiles each."""
    return re.sub(r"[^\W_]+", "", text)


@cache
def _by_signs() -> dict[tuple[str, bool], tuple[str, ...]]:
    """Formats by (their signs, whether they end with an offset)."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for form in candidates():
        plain = re.sub("%.", "", form.removesuffix("%z"))
        groups.setdefault((_signs(plain), form.endswith("%z")), []).append(form)
    return {signs: tuple(forms) for signs, forms in groups.items()}


def find_format(values: Sequence[str]) -> tuple[str, str]:
    """The format that parses every value, and a doubt about it ("" when there is none); ("", "") when no format does.

    Args:
        values: distinct, non-null texts of one column.
    """
    few = values[:: max(1, len(values) // ENOUGH)][:ENOUGH]
    if not few or not all(SHAPE.match(value) for value in few):
        return "", ""
    offset = OFFSET.search(few[0])
    plain = few[0][: offset.start()] if offset else few[0]
    forms = list(_by_signs().get((_signs(few[0]), False), ()))
    if offset:
        zoned = _by_signs().get((_signs(plain), True), ())
        forms += [form.replace("%z", offset.group()) for form in zoned] + list(zoned)
    fitting = [form for form in forms if _parses(few, form)]
    array = pa.array(values, pa.string())
    fitting = [form for form in fitting if _parses_all(array, form)]
    if not fitting:
        return "", ""
    swapped = fitting[0].replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    doubt = f"{swapped} would fit too" if swapped != fitting[0] and swapped in fitting else ""
    return fitting[0], doubt


def _parses(values: Sequence[str], form: str) -> bool:
    try:
        for value in values:
            moment = datetime.strptime(value, form)  # noqa: DTZ007  # only whether it parses
            if not 1000 <= moment.year <= 2999:
                return False
    except ValueError:
        return False
    return True


def _parses_all(values: pa.Array, form: str) -> bool:
    if len(values) <= 2000:
        return _parses(values.to_pylist(), form)
    return bool(parse(values, form).null_count == 0)


def parse(values: pa.Array | pa.ChunkedArray, form: str) -> pa.Array:
    """Texts as moments, timestamp[us] in UTC when the format has an offset; null where a text does not parse.

    Args:
        values: string [n].
        form: a strptime format, as `find_format` gives it, or one of `durations.FORMS`, counted from 1970.
    """
    if form in durations.FORMS:
        return durations.parse(_strings(values).to_pylist(), form)
    texts = Batch.of(pa.table({"t": _strings(values)}))
    return evaluate(f"epoch_us(try_strptime(t, {literal(form)}))", texts).cast(pa.int64()).cast(pa.timestamp("us"))


def render(moments: pa.Array, form: str) -> pa.Array:
    """Moments written by a format, string [n]; offsets are written as UTC.

    Args:
        moments: timestamp[us] [n], as `parse` gives them.
        form: the format.
    """
    if form in durations.FORMS:
        return durations.render(_one(moments), form)
    rows = Batch.of(pa.table({"us": _one(moments).cast(pa.timestamp("us")).cast(pa.int64())}))
    return evaluate(f"strftime(make_timestamp(us), {literal(form.replace('%z', '+0000'))})", rows).cast(pa.string())


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


def _strings(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return _one(values).cast(pa.string())


def _one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
