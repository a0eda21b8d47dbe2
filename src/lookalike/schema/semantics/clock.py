"""Moments in texts: formats as `strftime` writes them, read by one regular expression and written column by column.

Beside the usual directives `%-d`, `%-m`, `%-H`, `%-I` are numbers without a zero in front, `%g`, `%f` and `%n` three, six and nine digits
of a second, `%z` an offset as +0100 and `%:z` as +01:00.
"""

# pyright: reportReturnType=false
# numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

import re
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics.buffers import mask_of
from lookalike.schema.semantics.numbers import Numbers

Whole = npt.NDArray[np.int64]

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORDS = {
    "b": tuple(name[:3] for name in MONTHS), "B": MONTHS, "a": tuple(name[:3] for name in DAYS), "A": DAYS, "p": ("AM", "PM"),
}  # fmt: skip
SHAPES = {
    "Y": r"\d{4}", "y": r"\d\d", "m": r"\d\d?", "d": r"\d\d?", "H": r"\d\d?", "I": r"\d\d?", "M": r"\d\d", "S": r"\d\d",
    "g": r"\d{3}", "f": r"\d{6}", "n": r"\d{9}", "z": r"[+-]\d\d\d\d|Z", ":z": r"[+-]\d\d:\d\d|Z",
}  # fmt: skip
SECOND_DIGITS = {"g": 3, "f": 6, "n": 9}
DIRECTIVE = re.compile(r"%(-?[a-zA-Z]|:z)|([^%]+)")


@cache
def _parts(form: str) -> tuple[tuple[str, str], ...]:
    """(directive, "") and ("", literal) in order."""
    return tuple((found[1] or "", found[2] or "") for found in DIRECTIVE.finditer(form))


def known(form: str) -> bool:
    """Whether every directive of a format is one of ours."""
    return "".join(f"%{name}" if name else text for name, text in _parts(form)) == form and all(
        not name or name.removeprefix("-") in SHAPES or name in WORDS for name, _ in _parts(form)
    )


def digits(form: str) -> int:
    """Digits of a second that a format's moments are counted in."""
    return 9 if "%n" in form else 6


@cache
def _pattern(form: str) -> str:
    out = []
    for place, (name, text) in enumerate(_parts(form)):
        bare = name.removeprefix("-")
        shape = "|".join(WORDS[bare]) if bare in WORDS else SHAPES.get(bare, "")
        if bare in ("m", "d", "H", "I") and not name.startswith("-"):
            shape = r"\d\d"
        out.append(f"(?P<g{place}>{'(?i:' if bare in WORDS else '(?:'}{shape}))" if name else re.escape(text))
    return f"^{''.join(out)}$"


def read(texts: pa.Array, form: str) -> Numbers:
    """The moment of each text since 1970, as its clock shows it, in digits of a second; missing where one is not written so."""
    found = pc.extract_regex(texts.cast(pa.large_string()), _pattern(form))
    missing = mask_of(found)
    fields: dict[str, Whole] = {}
    for place, (name, _) in enumerate(_parts(form)):
        if name:
            column = pc.fill_null(found.field(f"g{place}"), "")
            fields[name.removeprefix("-")] = _field(column, name.removeprefix("-"), missing)
    year = fields.get("Y", np.full(len(texts), 1970))
    if "y" in fields:
        year = np.where(fields["y"] >= 69, 1900, 2000) + fields["y"]
    month = fields.get("m", fields.get("b", fields.get("B", np.ones(len(texts), np.int64))))
    day = fields.get("d", np.ones(len(texts), np.int64))
    days, valid = _days(year, month, day)
    seconds, timed = _seconds(fields, len(texts))
    missing = missing | ~valid | ~timed
    rate = 10 ** digits(form)
    whole = (days * 86_400 + seconds) * rate
    for name, count in SECOND_DIGITS.items():
        if name in fields:
            whole = whole + fields[name] * 10 ** (digits(form) - count)
    return Numbers(np.where(missing, 0, whole), missing)


def _field(column: pa.Array, name: str, missing: npt.NDArray[np.bool_]) -> Whole:
    """One directive's values as whole numbers; offsets in seconds."""
    if name in WORDS:
        known_words = pa.array([word.lower() for word in WORDS[name]], pa.large_string())
        places = pc.index_in(pc.utf8_lower(column), known_words).fill_null(0).to_numpy(zero_copy_only=False)
        return places.astype(np.int64) + (name in ("b", "B"))
    if name in ("z", ":z"):
        return np.array([offset_of(text) for text in column.to_pylist()], np.int64)
    return pc.if_else(pa.array(missing), "0", column).cast(pa.int64()).to_numpy(zero_copy_only=False)


def offset_of(text: str) -> int:
    """Seconds of an offset such as +01:00, +0100 or Z."""
    if text in ("", "Z"):
        return 0
    size = int(text[1:3]) * 3600 + int(text[-2:]) * 60
    return -size if text[0] == "-" else size


def _days(year: Whole, month: Whole, day: Whole) -> tuple[Whole, npt.NDArray[np.bool_]]:
    """Days since 1970, and where there is such a day."""
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = (year - 1970) * 12 + np.where(valid, month, 1) - 1
    first = months.astype("M8[M]")
    days = first.astype("M8[D]").astype(np.int64) + np.where(valid, day, 1) - 1
    return days, valid & (days.astype("M8[D]").astype("M8[M]") == first)


def _seconds(fields: dict[str, Whole], n: int) -> tuple[Whole, npt.NDArray[np.bool_]]:
    """Seconds of the day, and where there is such a time."""
    none = np.zeros(n, np.int64)
    hour, minute, second = fields.get("H", none), fields.get("M", none), fields.get("S", none)
    valid = (hour < 24) & (minute < 60) & (second < 60)
    if "I" in fields:
        hour = fields["I"] % 12 + 12 * fields.get("p", none)
        valid &= (fields["I"] >= 1) & (fields["I"] <= 12)
    return hour * 3600 + minute * 60 + second, valid


def offsets(texts: pa.Array, form: str) -> Whole:
    """The offset of each text in seconds; 0 where it has none."""
    found = pc.extract_regex(texts.cast(pa.large_string()), _pattern(form))
    for place, (name, _) in enumerate(_parts(form)):
        if name in ("z", ":z"):
            return _field(pc.fill_null(found.field(f"g{place}"), ""), name, mask_of(found))
    return np.zeros(len(texts), np.int64)


def write(numbers: Numbers, form: str, zone: str = "") -> pa.Array:
    """Moments as texts, large_string [n].

    Args:
        numbers: as `read` gives them.
        form: the format.
        zone: whose offsets `%z` writes; "": UTC's.
    """
    rate = 10 ** digits(form)
    whole = np.where(numbers.missing, 0, numbers.whole).astype(np.int64)
    seconds, rest = np.divmod(whole, rate)
    days, second = np.divmod(seconds, 86_400)
    fields = _fields(days, second, rest, rate)
    pieces: list[pa.Array | pa.Scalar] = []
    for name, text in _parts(form):
        bare = name.removeprefix("-")
        if not name:
            pieces.append(pa.scalar(text, pa.large_string()))
        elif bare in WORDS:
            words = pa.array(WORDS[bare], pa.large_string())
            pieces.append(words.take(pa.array(fields[bare])))
        elif bare in ("z", ":z"):
            pieces.append(_zoned(seconds, zone, colon=bare == ":z"))
        else:
            width = 1 if name.startswith("-") else 4 if bare == "Y" else SECOND_DIGITS.get(bare, 2)
            shown = pa.array(fields[bare]).cast(pa.large_string())
            pieces.append(pc.utf8_lpad(shown, width, "0"))
    if not any(isinstance(piece, pa.Array) for piece in pieces):
        pieces.append(pa.array([""] * len(whole), pa.large_string()))
    joined = pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))
    return pc.if_else(pa.array(numbers.missing), pa.scalar(None, pa.large_string()), joined)


def _fields(days: Whole, second: Whole, rest: Whole, rate: int) -> dict[str, Whole]:
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    year, month = dates.astype("M8[Y]").astype(np.int64) + 1970, months.astype(np.int64) % 12
    weekday, hour = (days + 3) % 7, second // 3600
    return {
        "Y": year, "y": year % 100, "m": month + 1, "b": month, "B": month, "d": (dates - months.astype("M8[D]")).astype(np.int64) + 1,
        "a": weekday, "A": weekday, "H": hour, "I": (hour + 11) % 12 + 1, "p": hour // 12, "M": second // 60 % 60, "S": second % 60,
        "g": rest * 1000 // rate, "f": rest * 10**6 // rate, "n": rest * 10**9 // rate,
    }  # fmt: skip


def _zoned(seconds: Whole, zone: str, *, colon: bool) -> pa.Array:
    """The offset of each wall time in a zone, as text."""
    minutes = zone_offsets(seconds, zone) // 60
    size = np.abs(minutes)
    shown = [
        f"{'-' if minute < 0 else '+'}{at // 60:02d}{':' if colon else ''}{at % 60:02d}"
        for minute, at in zip(minutes.tolist(), size.tolist(), strict=True)
    ]
    return pa.array(shown, pa.large_string())


def zone_offsets(seconds: Whole, zone: str) -> Whole:
    """Offsets in seconds of a zone at wall times; where a clock shows a time twice, the first, and where never, that before."""
    if not zone:
        return np.zeros(len(seconds), np.int64)
    wall = pa.array(seconds).cast(pa.timestamp("s"))
    utc = (
        pc.assume_timezone(wall, zone, ambiguous="earliest", nonexistent="latest")
        .cast(pa.int64())
        .to_numpy(zero_copy_only=False)
    )
    local = pc.local_timestamp(pa.array(utc).cast(pa.timestamp("s", zone))).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(local - utc, np.int64)
