"""Durations written as text: which form fits a column, and moments since 1970 for them and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

NAMED = re.compile(r"duration|elapsed|(^|_)(took|length|runtime|run_time|spent|lasted|wait|waited|lap|pace)(_|$)")
_CLOCK = r"(?P<sign>-?)(?P<h>\d{1,6}):(?P<m>[0-5]\d)"


@dataclass(frozen=True, slots=True)
class _Form:
    shape: re.Pattern[str]
    write: Callable[[int, int, int, int], str]  # hours, minutes, seconds, microseconds


def _iso(h: int, m: int, s: int, us: int) -> str:
    seconds = f"{s}" + (f".{f'{us:06d}'.rstrip('0')}" if us else "")
    text = (f"{h}H" if h else "") + (f"{m}M" if m else "") + (f"{seconds}S" if s or us else "")
    return "PT" + (text or "0S")


def _fraction(us: int) -> str:
    return f".{us:06d}" if us else ""


FORMS: dict[str, _Form] = {
    "[h]:mm:ss": _Form(re.compile(_CLOCK + r":(?P<s>[0-5]\d)(?P<f>\.\d{1,6})?"), lambda h, m, s, us: f"{h}:{m:02d}:{s:02d}{_fraction(us)}"),
    "[hh]:mm:ss": _Form(re.compile(_CLOCK.replace("{1,6}", "{2,6}") + r":(?P<s>[0-5]\d)"), lambda h, m, s, _: f"{h:02d}:{m:02d}:{s:02d}"),
    "[h]:mm": _Form(re.compile(_CLOCK), lambda h, m, *_: f"{h}:{m:02d}"),
    "[d] days hh:mm:ss": _Form(
        re.compile(r"(?P<sign>-?)(?P<d>\d+) days? (?P<h>\d\d):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?P<f>\.\d{1,6})?"),
        lambda h, m, s, us: f"{h // 24} days {h % 24:02d}:{m:02d}:{s:02d}{_fraction(us)}",
    ),
    "PT": _Form(
        re.compile(r"(?P<sign>-?)P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)(?P<f>\.\d{1,6})?S)?)?(?<=[\dDHMS])"), _iso
    ),
}  # fmt: skip


def find_form(values: Sequence[str], name: str) -> str:
    """The form that every value has; "" for none, and for clock times that the column's name does not call durations.

    Args:
        values: distinct, non-null texts of one column.
        name: the column's name in snake case.
    """
    for form in ("[hh]:mm:ss", *FORMS):
        found = [FORMS[form].shape.fullmatch(value) for value in values]
        if not all(found):
            continue
        clock = form.startswith(("[h", "[hh"))
        if not clock or NAMED.search(name) or any(int(match["h"]) > 23 for match in found if match):
            return form
    return ""


def parse(values: Sequence[str | None], form: str) -> pa.Array:
    """Durations as timestamp[us] since 1970; null where a text does not have the form."""
    shape = FORMS[form].shape
    out: list[int | None] = []
    for value in values:
        match = shape.fullmatch(value) if value is not None else None
        if match is None:
            out.append(None)
            continue
        part = {key: found or "0" for key, found in match.groupdict().items() if key not in ("sign", "f")}
        fraction = (match.groupdict().get("f") or ".0")[1:].ljust(6, "0")
        hours = 24 * int(part.get("d", 0)) + int(part["h"])
        whole = ((hours * 60 + int(part["m"])) * 60 + int(part.get("s", 0))) * 1_000_000 + int(fraction)
        out.append(-whole if match["sign"] else whole)
    return pa.array(out, pa.int64()).cast(pa.timestamp("us"))


def iso(values: pa.Array) -> pa.Array:
    """Stored durations as ISO 8601 has them, `PT2H37M`, to the last digit; string [n]."""
    rate = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[values.type.unit]
    return pa.array(
        [None if tick is None else _exactly(tick, rate) for tick in values.cast(pa.int64()).to_pylist()], pa.string()
    )


def iso_of(value: timedelta) -> str:
    """A Python duration as ISO 8601 has it."""
    return _exactly(value // timedelta(microseconds=1), 10**6)


def _exactly(tick: int, rate: int) -> str:
    seconds, rest = divmod(abs(tick), rate)
    part = f".{rest:0{len(str(rate)) - 1}d}".rstrip("0") if rest else ""
    hours, minutes, second = seconds // 3600, seconds // 60 % 60, f"{seconds % 60}{part}"
    text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{second}S" if second != "0" else "")
    return ("-" if tick < 0 else "") + "PT" + (text or "0S")


def render(moments: pa.Array, form: str) -> pa.Array:
    """Moments since 1970 as durations, string [n]."""
    write = FORMS[form].write
    out: list[str | None] = []
    for us in moments.cast(pa.timestamp("us")).cast(pa.int64()).to_pylist():
        if us is None:
            out.append(None)
            continue
        seconds, rest = divmod(abs(us), 1_000_000)
        text = write(seconds // 3600, seconds // 60 % 60, seconds % 60, rest)
        out.append(f"-{text}" if us < 0 else text)
    return pa.array(out, pa.string())
