"""How numbers are written: `$#,##0.00`, `0,00 €`, `0.0%`, in the signs that spreadsheets use.

A form has what stands before and after the number, the sign between groups of three digits, the decimal sign and the digits after it:
`0` for one that is always written, `#` for one that is left out where it is 0. After `;` stands how negative numbers are written,
where it is not with a minus in front. `0.00E+00` is a number with an exponent.
"""

# pyright: reportReturnType=false
# numpy's stubs call every indexed value an array; mypy checks this file

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics.buffers import mask_of
from lookalike.schema.semantics.numbers import Numbers

SIGNS = (
    (",", "."),
    (".", ","),
    ("'", "."),
    ("’", "."),
    (" ", ","),
    (" ", "."),
    ("\u00a0", ","),
    ("\u202f", ","),
    ("", "."),
    ("", ","),
)
"""Signs between groups of three digits and before decimals, as they go together in the world."""
CURRENCIES = frozenset(
    "USD EUR GBP JPY CNY INR CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BRL MXN ZAR KRW SGD HKD THB TRY RUB UAH ILS AED SAR IDR MYR PHP"
    " VND NGN KES EGP PKR ARS CLP COP PEN Rs Rs. kr kr. zł Kč Ft lei R$ A$ C$ US$ NZ$ HK$ S$ CA$ AU$ Fr. fr. RM R".split()
)
NUMBER = re.compile(r"(?P<before>[^\d]*?)(?P<number>\d(?:[\d.,'’ \u00a0\u202f]*\d)?)(?P<after>[^\d]*)")
FORM = re.compile(
    r"(?P<before>[^#0]*)(?P<whole>#(?P<group>[^#0])##0|0)(?:(?P<point>[.,])(?P<digits>[0#]+))?(?P<exponent>E\+0+)?(?P<after>[^#0]*)"
)
LONGEST = 24  # signs of a unit


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing numbers.

    Attributes:
        before: what stands before the number, without its sign.
        after: what stands after it.
        group: sign between groups of three digits; "" for none.
        point: the decimal sign.
        digits: after the decimal sign, at most.
        padded: whether all of them are always written.
        negative: "-" in front of all, "inside" between `before` and the number, "()" around all, "+" when positive ones have a plus.
        exponent: digits of an exponent; 0 for none.
    """

    before: str = ""
    after: str = ""
    group: str = ""
    point: str = "."
    digits: int = 0
    padded: bool = True
    negative: str = "-"
    exponent: int = 0

    @property
    def text(self) -> str:
        """The form as `parse_form` reads it."""
        if self.digits < 0:
            return "General"
        number = (f"#{self.group}##0" if self.group else "0") + (
            self.point + ("0" if self.padded else "#") * self.digits if self.digits else ""
        )
        number += f"E+{'0' * self.exponent}" if self.exponent else ""
        whole = f"{self.before}{number}{self.after}"
        if self.negative == "inside":
            return f"{whole};{self.before}-{number}{self.after}"
        return {"-": whole, "()": f"{whole};({whole})", "+": f"+{whole};-{whole}"}[self.negative]

    @property
    def exact(self) -> bool:
        """Whether numbers have a last digit."""
        return not self.exponent and self.digits >= 0

    @property
    def unit(self) -> Fraction:
        """Of the last digit; 1 where there is none."""
        return Fraction(1, 10**self.digits) if self.exact else Fraction(1)

    def pattern(self) -> str:
        """A regular expression of its texts, with the groups minus, whole and part."""
        before, after, group = re.escape(self.before), re.escape(self.after), re.escape(self.group)
        whole = rf"(?P<whole>\d{{1,3}}(?:{group}\d{{3}})*)" if self.group else r"(?P<whole>\d+)"
        least = self.digits if self.padded else 1
        part = rf"(?:{re.escape(self.point)}(?P<part>\d{{{least},{self.digits}}}))" if self.digits else "(?P<part>)"
        number = whole + part + ("" if self.padded or not self.digits else "?")
        if self.negative == "()":
            return rf"^(?P<minus>\(?){before}{number}{after}\)?$"
        if self.negative == "inside":
            return rf"^{before}(?P<minus>-?){number}{after}$"
        return rf"^(?P<minus>{'[+-]' if self.negative == '+' else '[-−]'}?){before}{number}{after}$"

    def read(self, texts: pa.Array) -> Numbers:
        """The number of each text; missing where one is not written so."""
        if not self.exact:
            return _floats(texts)
        found = pc.extract_regex(texts.cast(pa.large_string()), self.pattern())
        missing = mask_of(found)
        whole, part, minus = (pc.fill_null(found.field(name), "") for name in ("whole", "part", "minus"))
        digits = pc.binary_join_element_wise(
            pc.replace_substring(whole, self.group, "") if self.group else whole,
            pc.utf8_rpad(part, self.digits, "0") if self.digits else part,
            pa.scalar("", pa.large_string()),
        )  # fmt: skip
        longest = pc.max(pc.utf8_length(digits)).as_py() if len(texts) else 0
        negative = np.isin(np.array(minus.to_pylist(), object), ("-", "−", "(")) if len(texts) else np.zeros(0, bool)
        if longest <= 18:
            numbers = pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64()).to_numpy(zero_copy_only=False)
        else:
            numbers = np.array([int(cell or "0") for cell in digits.to_pylist()], object)
        return Numbers(np.where(negative, -numbers, numbers), missing)

    def write(self, numbers: Numbers) -> pa.Array:
        """Numbers as texts."""
        cells = zip(numbers.whole.tolist(), numbers.missing.tolist(), strict=True)
        return pa.array([None if gone else self._written(cell) for cell, gone in cells], pa.large_string())

    def _written(self, number: float) -> str:
        if self.exponent or not isinstance(number, int):
            return scientific(float(number), self)
        size = abs(number)
        whole, part = divmod(size, 10**self.digits)
        text = f"{whole:,}".replace(",", self.group) if self.group else str(whole)
        decimals = f"{part:0{self.digits}d}" if self.digits else ""
        if not self.padded:
            decimals = decimals.rstrip("0")
        return self._signed(text + (self.point + decimals if decimals else ""), number < 0)

    def _signed(self, text: str, minus: bool) -> str:  # the number's sign
        if self.negative == "inside":
            return f"{self.before}{'-' if minus else ''}{text}{self.after}"
        whole = f"{self.before}{text}{self.after}"
        if self.negative == "()":
            return f"({whole})" if minus else whole
        return ("-" if minus else "+" if self.negative == "+" else "") + whole

    def number(self, text: str) -> Fraction | None:
        """The number that somebody typed, in this form or as a plain number; None for anything else."""
        read = self.read(pa.array([text.strip()]))
        if not read.missing[0]:
            return Fraction(read.whole.tolist()[0]) * self.unit
        try:
            return Fraction(Decimal(text.strip()))
        except (InvalidOperation, ValueError, OverflowError):
            return None


GENERAL = Form(digits=-1)
"""Numbers as programs write them, with an exponent where they need one."""


def scientific(number: float, form: Form) -> str:
    """A number with an exponent, or as programs write it."""
    if not form.exponent:
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    mantissa, _, exponent = f"{number:.{form.digits}e}".partition("e")
    return f"{mantissa}E{exponent[0]}{int(exponent[1:]):0{form.exponent}d}"


def _floats(texts: pa.Array) -> Numbers:
    clean = pc.utf8_trim_whitespace(texts.cast(pa.large_string()))
    fits = pc.fill_null(pc.match_substring_regex(clean, r"^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"), False)
    floats = pc.if_else(fits, clean, "0").cast(pa.float64())
    return Numbers(floats.to_numpy(zero_copy_only=False), ~fits.to_numpy(zero_copy_only=False))


@cache
def parse_form(text: str) -> Form | None:
    """The form that `Form.text` wrote; None for any other text."""
    if text == "General":
        return GENERAL
    positive, _, negative = text.partition(";")
    plus = positive.startswith("+")
    found = FORM.fullmatch(positive.removeprefix("+"))
    if found is None:
        return None
    digits = found["digits"] or ""
    form = Form(
        found["before"], found["after"], found["group"] or "", found["point"] or ".", len(digits), "#" not in digits,
        exponent=len(found["exponent"] or "E+") - 2,
    )  # fmt: skip
    style = "+" if plus else "()" if negative.startswith("(") else "inside" if negative[:1] not in ("", "-") else "-"
    return replace(form, negative=style)


def find_form(texts: Sequence[str]) -> Form | None:
    """The form in which all texts are numbers; None for none.

    Args:
        texts: distinct, not missing.
    """
    if all(re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text) for text in texts) and any("e" in t.lower() for t in texts):
        return GENERAL
    found = [NUMBER.fullmatch(text) for text in texts]
    if not all(found):
        return None
    parts = [(m["before"], m["number"], m["after"]) for m in found if m]
    style = _style([before for before, _, _ in parts], [after for _, _, after in parts])
    numbers = [number for _, number, _ in parts]
    if style is None or any(re.match(r"0\d", number) for number in numbers):  # 007 is a code
        return None
    for group, point in SIGNS:
        if any(sign and sign in text for sign in (group, point) for text in numbers) or (group, point) == ("", "."):
            form = _digits(numbers, replace(style, group=group, point=point))
            if form is not None:
                return form
    return None


def _style(before: Sequence[str], after: Sequence[str]) -> Form | None:
    """What stands around the numbers, when it is a currency, a unit or nothing."""
    if any(text.startswith("(") for text in before):
        if not all(b.startswith("(") == a.endswith(")") for b, a in zip(before, after, strict=True)):
            return None
        around = Form(before[0].lstrip("("), after[0].rstrip(")"), negative="()")
        same = all(b.lstrip("(") == around.before and a.rstrip(")") == around.after for b, a in zip(before, after, strict=True))
    else:
        signs = [text[:1] if text[:1] in ("-", "−", "+") else "" for text in before]
        first = before[0].lstrip("-−+").rstrip("-")
        around = Form(first, after[0], negative="+" if "+" in signs else "-")
        if any(text.endswith("-") and len(text) > 1 for text in before):
            around = replace(around, negative="inside")
        same = all(b.lstrip("-−+").rstrip("-") == first and a == around.after for b, a in zip(before, after, strict=True))
        same = same and not ("+" in signs and "" in signs)
    unit = around.after.strip()
    fits = len(unit) <= LONGEST and not any(sign in "#0;()" for sign in around.before + around.after)
    return around if same and fits and _is_currency(around.before.strip()) else None


def _is_currency(text: str) -> bool:
    return text in ("", "~", "≈") or text in CURRENCIES or (len(text) <= 3 and unicodedata.category(text[-1]) == "Sc")


def _digits(numbers: Sequence[str], form: Form) -> Form | None:
    """The form with its digits, when all numbers are written with its signs."""
    point, group = re.escape(form.point), re.escape(form.group)
    shape = re.compile(
        rf"(?:\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,3}})(?:{point}(\d+))?" if form.group else rf"\d+(?:{point}(\d+))?"
    )
    found = [shape.fullmatch(number) for number in numbers]
    if not all(found) or (form.group and not any(form.group in number for number in numbers)):
        return None
    parts = [match[1] or "" for match in found if match]
    if form.group and not any(parts) and any(number.startswith("0" + form.group) for number in numbers):
        return None  # 0,125 has a decimal comma
    digits = max(map(len, parts))
    if all(len(part) == digits for part in parts):
        return replace(form, digits=digits)
    return replace(form, digits=digits, padded=False)


def plain_form(decimals: int | None) -> Form:
    """How a number with so many digits is written when nothing else is said."""
    return GENERAL if decimals is None else Form(digits=decimals)
