"""Where a column's numbers lie: every so many of its last digits, from a base on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import reduce
from math import ceil, floor, gcd
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lookalike.schema.semantics.buffers import Mask
from lookalike.schema.semantics.numbers import INFINITE, Numbers

Ticks = npt.NDArray[Any]
"""int64 [n]; object [n] of Python integers where 64 bits are too few; float64 [n] where there is no grid."""


@dataclass(frozen=True, slots=True)
class TickGrid:
    """Numbers as ticks: `base + step * tick`, exactly.

    Attributes:
        base: the number of tick 0.
        step: between two ticks; 0 where ticks are floats, the numbers themselves.
        wide: whether ticks need more than 64 bits.
    """

    base: int = 0
    step: int = 0
    wide: bool = False

    @classmethod
    def of(cls, numbers: Numbers) -> Self:
        """The coarsest grid on which all numbers lie."""
        there = numbers.there
        if not numbers.exact:
            return cls()
        if not len(there):
            return cls(0, 1)
        base, top = int(there.min()), int(there.max())
        if there.dtype == object or top - base >= INFINITE:
            step = reduce(gcd, (int(cell) - base for cell in there.astype(object)), 0) or 1
            return cls(base, step, (top - base) // step >= INFINITE)
        step = int(np.gcd.reduce(there[: 1 << 20] - base))
        if step > 1 and len(there) > 1 << 20:
            step = int(np.gcd.reduce(there - base))
        return cls(base, max(step, 1))

    def ticks(self, numbers: Numbers) -> Ticks:
        """The tick of each number, the nearest where it lies between two; 0 (or 0.0) where it is missing."""
        whole, missing = numbers.whole, numbers.missing
        if not self.step:
            return np.where(missing, 0.0, whole).astype(np.float64)
        if not numbers.exact:
            whole = np.rint(np.clip(np.where(missing, 0, whole), -INFINITE, INFINITE - 1024)).astype(np.int64)
        whole = np.where(missing, self.base, whole) if missing.any() else whole
        if self._fits(whole):
            ticks = whole - self.base
            return ticks if self.step == 1 else (ticks + self.step // 2) // self.step
        ticks = (whole.astype(object) - self.base + self.step // 2) // self.step
        return ticks if self.wide else np.clip(ticks, -INFINITE, INFINITE).astype(np.int64)

    def _fits(self, whole: Ticks) -> bool:
        """Whether distances from the base fit 64 bits."""
        if self.wide or whole.dtype == object or not len(whole):
            return not self.wide and whole.dtype != object
        return (
            abs(self.base) < 1 << 63 and max(int(whole.max()) - self.base, self.base - int(whole.min())) + self.step < INFINITE
        )

    def numbers(self, ticks: Ticks, missing: Mask) -> Numbers:
        """The number of each tick; float ticks of a grid are rounded to it."""
        if not self.step:
            return Numbers(ticks, missing)
        if ticks.dtype.kind == "f":
            ticks = np.rint(np.clip(np.where(missing, 0, ticks), -INFINITE, INFINITE - 1024)).astype(np.int64)
        ticks = np.where(missing, 0, ticks)
        if ticks.dtype != object and len(ticks):
            far = max(abs(int(ticks.min())), abs(int(ticks.max()))) * self.step + abs(self.base)
            ticks = ticks.astype(object) if far >= 1 << 63 else ticks
        return Numbers(self.base + self.step * ticks, missing)

    def holds(self, numbers: Numbers, ticks: Ticks) -> Mask:
        """Where numbers lie on their ticks, and not beside them."""
        back = self.numbers(ticks, numbers.missing)
        return np.asarray((back.whole == numbers.whole) | numbers.missing, bool)

    def at_least(self, number: Fraction, unit: Fraction) -> int | float:
        """The first tick that is no less than a number of wholes of a unit."""
        return self._within(ceil((number - self.base) / self.step)) if self.step else float(number * unit)

    def at_most(self, number: Fraction, unit: Fraction) -> int | float:
        """The last tick that is no more."""
        return self._within(floor((number - self.base) / self.step)) if self.step else float(number * unit)

    def _within(self, tick: int) -> int:
        return tick if self.wide else max(-INFINITE, min(tick, INFINITE))

    def dump(self) -> dict[str, Any]:
        """Plain data that `parse` reads back; whole numbers as text, as JSON's readers know no large ones."""
        return {**asdict(self), "base": str(self.base), "step": str(self.step)}

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """The grid that `dump` wrote."""
        return cls(int(data["base"]), int(data["step"]), bool(data["wide"]))
