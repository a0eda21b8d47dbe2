"""Texts of several numbers: ranges `10-20`, coordinates `48.85, 2.35`, versions `1.12.3`, readings `120/80`.

The numbers of a cell become one whole number, and it them: side by side for versions, whose order is theirs; else bit by bit in turn
(Morton 1966), so that what is near in every number is near in the code. Of a range the second number is what it is longer by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.semantics.amounts import Form
from lookalike.schema.semantics.base import Learned, Measured, Semantic
from lookalike.schema.semantics.buffers import mask_of, one
from lookalike.schema.semantics.numbers import Numbers
from lookalike.schema.semantics.quantities import read_all

Whole = npt.NDArray[np.int64]

NUMBER = re.compile(r"(?<![\d.])-?\d+(?:\.\d+)?")
SLOT = re.compile(r"0(?:\.0+|\.#+)?")
WHOLE_SLOT = re.compile("0")
VERSION = re.compile(r"v?\d+(?:\.\d+){2,3}")
WHOLE, DECIMAL = r"-?\d+", r"-?\d+(?:\.\d+)?"
MOST = 4  # numbers of a cell
BITS = 62  # of the code
DEGREES = (90, 180)  # that latitudes and longitudes reach
FINE = 2  # digits from which on two numbers may be coordinates


@dataclass(frozen=True, slots=True)
class SeveralShape:
    """How numbers stand in a text.

    Attributes:
        glue: what stands before, between and after them; one more than numbers.
        forms: of each number.
    """

    glue: tuple[str, ...]
    forms: tuple[Form, ...]

    @property
    def text(self) -> str:
        """The shape as `parse_shape` reads it."""
        return self.glue[0] + "".join(form.text + glue for form, glue in zip(self.forms, self.glue[1:], strict=True))

    def read(self, texts: pa.Array) -> tuple[list[Whole], npt.NDArray[np.bool_]]:
        """Each number of each text in its last digits, and where a text is not written so."""
        pattern = re.escape(self.glue[0]) + "".join(
            f"(?P<n{place}>{DECIMAL if form.digits else WHOLE}){re.escape(glue)}"
            for place, (form, glue) in enumerate(zip(self.forms, self.glue[1:], strict=True))
        )
        found = pc.extract_regex(texts.cast(pa.large_string()), f"^{pattern}$")
        read = [form.read(found.field(f"n{place}")) for place, form in enumerate(self.forms)]
        missing = mask_of(found) | np.any([numbers.missing for numbers in read], axis=0)
        return [np.where(missing, 0, numbers.whole).astype(np.int64) for numbers in read], missing

    def write(self, numbers: Sequence[Whole], missing: npt.NDArray[np.bool_]) -> pa.Array:
        """Texts of numbers."""
        pieces: list[pa.Array | pa.Scalar] = [pa.scalar(self.glue[0], pa.large_string())]
        for form, whole, glue in zip(self.forms, numbers, self.glue[1:], strict=True):
            pieces += [form.write(Numbers(whole, missing)), pa.scalar(glue, pa.large_string())]
        return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))


def parse_shape(text: str) -> SeveralShape:
    """The shape that `Shape.text` wrote."""
    slot = WHOLE_SLOT if VERSION.fullmatch(text) else SLOT
    forms = [Form(digits=len(found) - 2 if "." in found else 0, padded="#" not in found) for found in slot.findall(text)]
    return SeveralShape(tuple(slot.split(text)), tuple(forms))


Box = tuple[tuple[int, int], ...]


def find_shape(texts: Sequence[str]) -> tuple[SeveralShape, str, Box] | None:
    """The shape in which all texts hold several numbers, what they are, and from where to where each goes.

    They are coordinates, a range, a version, or "".

    Args:
        texts: distinct, not missing.
    """
    version = all(VERSION.fullmatch(text) for text in texts)
    number = re.compile(r"\d+") if version else NUMBER
    first = number.findall(texts[0])
    glue = tuple(number.split(texts[0]))
    if not 2 <= len(first) <= MOST or any("0" in part for part in glue):
        return None
    slots: list[list[str]] = []
    for text in texts:
        if tuple(number.split(text)) != glue:
            return None
        slots.append(number.findall(text))
    columns = list(zip(*slots, strict=True))
    if any(re.match(r"-?0\d", cell) for column in columns for cell in column):
        return None  # 007 is a code
    forms = tuple(_form(column) for column in columns)
    shape = SeveralShape(glue, forms)
    numbers, missing = shape.read(pa.array(texts))
    unit = "version" if version else _unit(numbers, forms)
    slots_of = _slots(numbers, unit)
    box = tuple((int(slot.min()), int(slot.max())) for slot in slots_of)
    small = all(high - low < 1 << (BITS // len(forms)) for low, high in box)
    return (shape, unit, box) if small and not missing.any() and (unit == "coordinates" or box[0][0] >= 0) else None


def _form(cells: Sequence[str]) -> Form:
    digits = [len(cell.partition(".")[2]) for cell in cells]
    return Form(digits=max(digits), padded=min(digits) == max(digits))


def _unit(numbers: Sequence[Whole], forms: Sequence[Form]) -> str:
    if len(numbers) != 2:  # a pair
        return ""
    within = [bool((np.abs(w) <= top * 10**form.digits).all()) for w, form, top in zip(numbers, forms, DEGREES, strict=True)]
    if min(form.digits for form in forms) >= FINE and all(within):
        return "coordinates"
    return "range" if forms[0].digits == forms[1].digits and bool((numbers[0] <= numbers[1]).all()) else ""


def _slots(numbers: Sequence[Whole], unit: str) -> list[Whole]:
    """Numbers as what the code holds: of a range its length."""
    return [numbers[0], numbers[1] - numbers[0]] if unit == "range" else list(numbers)


def _numbers(slots: Sequence[Whole], unit: str) -> list[Whole]:
    """What `_slots` took them from."""
    return [slots[0], slots[0] + slots[1]] if unit == "range" else list(slots)


def _scaled(slot: Whole, span: int, to: int) -> Whole:
    """Numbers from 0 to `span` as ones from 0 to `to`, rounded."""
    return (slot * to + span // 2) // span if span else np.zeros_like(slot)


class Several(Semantic):
    """Texts of several numbers."""

    learned: ClassVar[Learned] = "number"
    measured: ClassVar[Measured] = "number"

    @property
    def ordered(self) -> bool:
        """Versions have an order."""
        return self.column.unit == "version"

    @property
    def _shape(self) -> SeveralShape:
        return parse_shape(self.column.format)

    def numbers(self, values: pa.Array | pa.ChunkedArray) -> Numbers:
        """The code of each cell."""
        return read_all(self, one(values), self._read)

    def _read(self, texts: pa.Array) -> Numbers:
        numbers, missing = self._shape.read(texts)
        box = self.column.within
        slots = [np.clip(slot, *ends) - ends[0] for slot, ends in zip(_slots(numbers, self.column.unit), box, strict=True)]
        code = np.zeros(len(texts), np.int64)
        if self.ordered:
            for slot, (low, high) in zip(slots, box, strict=True):
                code = code * (high - low + 1) + slot
            return Numbers(code, missing)
        bits = BITS // len(box)
        for bit in reversed(range(bits)):
            for slot, (low, high) in zip(slots, box, strict=True):
                scaled = _scaled(slot, high - low, (1 << bits) - 1)
                code = (code << 1) | ((scaled >> bit) & 1)
        return Numbers(code, missing)

    def stored(self, numbers: Numbers, coins: npt.NDArray[np.float64] | None = None) -> pa.Array:
        """Cells of codes."""
        del coins
        box = self.column.within
        slots = self._side_by_side(numbers.whole) if self.ordered else self._in_turn(numbers.whole)
        placed = [np.clip(slot + low, low, high) for slot, (low, high) in zip(slots, box, strict=True)]
        return self._shape.write(_numbers(placed, self.column.unit), numbers.missing).cast(self.kind)

    def _side_by_side(self, code: Whole) -> list[Whole]:
        slots = []
        for low, high in reversed(self.column.within):
            code, slot = np.divmod(code, high - low + 1)
            slots.append(slot)
        return slots[::-1]

    def _in_turn(self, code: Whole) -> list[Whole]:
        count = len(self.column.within)
        bits = BITS // count
        slots = [np.zeros(len(code), np.int64) for _ in range(count)]
        for place in range(bits * count):
            bit, slot = bits - 1 - place // count, place % count
            slots[slot] |= ((code >> (bits * count - 1 - place)) & 1) << bit
        return [_scaled(slot, (1 << bits) - 1, high - low) for slot, (low, high) in zip(slots, self.column.within, strict=True)]

    def parse(self, asked: Any) -> Fraction:
        """The code of a text."""
        read = self._read(pa.array([str(asked).strip()]))
        if read.missing[0]:
            raise self.refused(asked)
        return Fraction(int(read.whole[0]))
