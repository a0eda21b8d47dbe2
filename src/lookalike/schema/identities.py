"""Sums and products that numbers of a row keep: total = net + tax, amount = quantity * price.

A number that others give exactly is worked out, not drawn: drawn numbers never add up. A relation counts when every row holds it to
the last digit that is written, and it stands on far more rows than it has terms.
"""

# ruff: noqa: N803, N806  # X and A are matrices
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.rows.sql import sql_name

Floats = npt.NDArray[np.float64]

MOST_COLUMNS = 60  # looked at together; the first ones
MOST_TERMS = 6
EPSILON = float(np.finfo(np.float64).eps)
LARGEST = 1e100  # squares of larger numbers overflow
MOST_DIGITS = 6  # after the point
LEAST_ROWS = 50
LEAST_VALUES = 5  # distinct ones of a number that is worked out
ROUNDED = 0.05  # share of rows in which a half may have been rounded the other way
ROUNDS = 4  # searches for one number, each also on rows that broke what was found before
LOOKED_AT = 500  # rows on which relations are searched; what is found is checked on all


@dataclass(frozen=True, slots=True)
class Identity:
    """A number that others give exactly: constant + sum of factor * column, or constant * product of column ** factor.

    Attributes:
        column: the number that is worked out.
        terms: columns and their factors (exponents, in a product).
        constant: see above.
        product: which of the two.
        unit: of the last digit that the number is written with; 0: all digits.
    """

    column: str
    terms: tuple[tuple[str, float], ...]
    constant: float
    product: bool
    unit: float

    def of(self, values: Mapping[str, Floats]) -> Floats:
        """The number, float64 [n], from the numbers that it hangs on; NaN where one is missing."""
        with np.errstate(all="ignore"):
            if self.product:
                out = np.full(len(next(iter(values.values()))), self.constant)
                for name, power in self.terms:
                    out = out * values[name] ** power
            else:
                out = np.sum([factor * values[name] for name, factor in self.terms], 0) + self.constant
        return self._written(np.asarray(out, np.float64))

    def _written(self, exact: Floats) -> Floats:
        return np.round(exact, self._digits) if self.unit else exact

    @property
    def _digits(self) -> int:
        return round(-np.log10(self.unit))

    def solved(self, name: str, unit: float) -> Identity:
        """The same relation, solved for one of the columns that it hangs on."""
        factors = dict(self.terms)
        own = factors.pop(name)
        if self.product:
            terms = ((self.column, 1 / own), *((other, -power / own) for other, power in factors.items()))
            return Identity(name, terms, self.constant ** (-1 / own), True, unit)
        terms = ((self.column, 1 / own), *((other, -factor / own) for other, factor in factors.items()))
        return Identity(name, terms, -self.constant / own, False, unit)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Identity:
        """What `dataclasses.asdict` wrote."""
        terms = tuple((str(name), float(factor)) for name, factor in data["terms"])
        return cls(data["column"], terms, data["constant"], data["product"], data["unit"])

    def holds(self, values: Mapping[str, Floats]) -> bool:
        """Whether all rows hold it: to the last digit, but for a half that some may have rounded the other way."""
        return bool(not self.broken(values).any() and np.mean(self.broken(values, exact=True)) <= ROUNDED)

    def broken(self, values: Mapping[str, Floats], *, exact: bool = False) -> npt.NDArray[np.bool_]:
        """Rows where the number is another, or is missing where those that it hangs on are not, bool [n]."""
        wanted, made = values[self.column], self.of(values)
        known = wanted[np.isfinite(wanted)]
        if self.unit:  # of moments in nanoseconds a billionth of the range would be a request's whole duration
            slack = (1.01 if self.unit < 1 and not exact else 0.01) * self.unit + 4 * EPSILON * np.abs(known).max(initial=0.0)
        else:
            slack = 1e-9 * np.ptp(known) if len(known) else 0.0
        with np.errstate(invalid="ignore"):
            return (np.abs(made - wanted) > slack) | (np.isnan(made) != np.isnan(wanted))

    @property
    def sql(self) -> str:
        """The number as an SQL expression of the others."""
        return self._expression([(sql_name(name), factor) for name, factor in self.terms])

    @property
    def text(self) -> str:
        """The relation in words."""
        return f"{self.column} = {self._expression(self.terms)}"

    def _expression(self, quoted: Sequence[tuple[str, float]]) -> str:
        if self.product:
            parts = [name if power == 1 else f"power({name}, {power:g})" for name, power in quoted]
            text = " * ".join(([] if self.constant == 1 else [f"{self.constant:.12g}"]) + parts)
        else:
            text = ""
            for name, factor in quoted:
                sign = "-" if factor < 0 else "+"
                part = name if abs(factor) == 1 else f"{abs(factor):.12g} * {name}"
                text += f" {sign} {part}" if text else (f"-{part}" if factor < 0 else part)
            if self.constant:
                text += f" {'-' if self.constant < 0 else '+'} {abs(self.constant):.12g}"
        factors = [self.constant, *(factor for _, factor in self.terms)]
        exact = not self.product and all(float(factor).is_integer() for factor in factors)
        return text if exact or not self.unit else f"round({text}, {self._digits})"


def unit_of(values: Floats) -> float:
    """Of the last digit that a number is written with; 0 where all digits count."""
    there = values[np.isfinite(values)]
    some = there[_evenly(len(there))]
    for digits in range(MOST_DIGITS + 1):
        if np.allclose(some, np.round(some, digits), rtol=0, atol=1e-9 + 4 * EPSILON * np.abs(some).max(initial=0)):
            return float(10.0**-digits)
    return 0.0


def _evenly(n: int) -> npt.NDArray[np.int64]:
    """At most `LOOKED_AT` of n rows, from the first to the last: tables are often sorted."""
    return np.linspace(0, n - 1, min(n, LOOKED_AT)).astype(np.int64)


def find(values: Mapping[str, Floats], units: Mapping[str, float], taken: Collection[str] = ()) -> list[Identity]:
    """Relations between numbers, none of which hangs on a number that another one gives.

    Args:
        values: float64 [n] each, NaN where missing.
        units: of each number's last digit; 0 where all digits count.
        taken: numbers that are not to be worked out.
    """
    names = [name for name, of in values.items() if not (np.abs(of) > LARGEST).any()][:MOST_COLUMNS]
    n = len(next(iter(values.values()), np.empty(0)))
    if n < LEAST_ROWS:
        return []
    rows = _evenly(n)
    few = {name: values[name][rows] for name in names}
    distinct = {name: len(np.unique(few[name][~np.isnan(few[name])])) for name in names}
    found: list[Identity] = []
    given, used = set(taken), set[str]()
    for target in sorted(names, key=lambda name: (-distinct[name], -names.index(name))):
        if target in given or distinct[target] < LEAST_VALUES:
            continue
        others = [name for name in names if name != target and name not in {f.column for f in found}]
        identity = _relation(target, others, values, units, rows)
        for turned in [] if identity is None else [*_turned(identity, few, units, distinct, given), identity]:
            if turned.column not in used and turned.holds(values):
                found.append(turned)
                given.add(turned.column)
                used |= {name for name, _ in turned.terms}
                break
    return found


def _relation(
    target: str, others: list[str], values: Mapping[str, Floats], units: Mapping[str, float], rows: npt.NDArray[np.int64]
) -> Identity | None:
    """A relation that all rows hold: searched on some, and on those that break what was found there."""
    # numbers of few values lie near the sum of fewer terms than they need: what is off by less than two digits is tried exactly too
    for product, loose in ((False, True), *([(False, False)] if units[target] else []), (True, True)):
        looked = rows
        for _ in range(ROUNDS):
            few = {name: values[name][looked] for name in (target, *others)}
            there = ~np.isnan(few[target])
            identity = _search(
                target, [name for name in others if not np.isnan(few[name][there]).any()], few, units[target],
                product=product, loose=loose,
            )  # fmt: skip
            if identity is None:
                break
            broken = np.flatnonzero(identity.broken(values))
            if identity.holds(values):
                return identity
            if not len(broken):
                break
            looked = np.concatenate([looked, broken[_evenly(len(broken))]])
    return None


def _search(
    target: str, others: list[str], few: Mapping[str, Floats], unit: float, *, product: bool, loose: bool
) -> Identity | None:
    """The relation with the fewest terms that gives a number on some rows."""
    y = few[target]
    kept = ~np.isnan(y)
    if product:
        kept &= y > 0  # nothing sold is nothing paid, which says nothing of the price; the relation is checked on all rows
    others = [name for name in others if np.ptp(few[name][kept]) > 0] if kept.any() else []
    if product:
        others = [name for name in others if (few[name][kept] > 0).all()]
    y = y[kept]
    if len(y) < LEAST_ROWS or not others:
        return None
    scale = np.log if product else np.asarray
    X = np.stack([scale(few[name][kept]) for name in others], 1)
    t = scale(y)
    slack = 2 * unit / y + 1e-9 if product else (2.0 if loose else 0.02) * unit + (1e-13 if unit else 1e-9) * np.abs(y).max()
    keep = _smallest(X, t, slack)
    if keep is None or not 1 <= len(keep) <= MOST_TERMS or len(y) < 10 * (len(keep) + 1) or (product and len(keep) < 2):
        return None
    factors = _fit(X[:, keep], t)[0]
    terms = tuple((others[i], _plain(f)) for i, f in zip(keep, factors[:-1], strict=True))
    if product:
        if any(f not in (-2.0, -1.0, 1.0, 2.0) for _, f in terms):
            return None
        ratio = y / np.prod([few[name][kept] ** f for name, f in terms], 0)
        constant = _plain(float(np.median(ratio)))
    else:
        rest = y - sum(f * few[name][kept] for name, f in terms)
        constant = _plain(float(np.median(rest)), unit)
    return Identity(target, terms, constant, product, unit)


def _fit(X: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Least squares with a constant: factors, the constant last, and what is left."""
    middle, spread = X.mean(0), np.maximum(X.std(0), 1e-12)
    A = np.column_stack([(X - middle) / spread, np.ones(len(t))])
    solution = np.linalg.lstsq(A, t, rcond=1e-10)[0]
    factors = np.append(solution[:-1] / spread, solution[-1] - (solution[:-1] / spread) @ middle)
    return factors, t - A @ solution


def _smallest(X: Floats, t: Floats, slack: Floats | float) -> list[int] | None:
    """Columns that are enough, by leaving out one after another, those that matter least first."""
    factors, left = _fit(X, t)
    if (np.abs(left) > slack).any() or len(t) < 3 * X.shape[1]:
        return None
    keep = list(range(X.shape[1]))
    for i in np.argsort(np.abs(factors[:-1]) * X.std(0)):
        without = [k for k in keep if k != i]
        if without and (np.abs(_fit(X[:, without], t)[1]) <= slack).all():
            keep = without
    return keep


def _plain(factor: float, unit: float = 0.0) -> float:
    """A factor as somebody would write it."""
    for digits in range(5):
        if abs(factor - round(factor, digits)) <= max(2e-4 * abs(factor), 0.5 * unit if digits == 0 else 0.0):
            return float(round(factor, digits)) + 0.0
    return float(f"{factor:.6g}")


def _turned(
    identity: Identity,
    few: Mapping[str, Floats],
    units: Mapping[str, float],
    distinct: Mapping[str, int],
    taken: Collection[str],
) -> list[Identity]:
    """The same relation solved for numbers that vary more: what is left over of the others' errors is least there."""
    if identity.product:
        return []
    members = {identity.column: -1.0, **dict(identity.terms)}
    rich = max(distinct[name] for name in members)

    def spread(name: str) -> float:
        factors = [-factor / members[name] for other, factor in members.items() if other != name]
        plain = all(factor > 0 and factor == round(factor, 2) for factor in factors)  # what people mean by a sum
        return float(abs(members[name]) * np.nanstd(few[name]) * (1.5 if plain else 1.0))

    fit = [name for name in members if name not in taken and 2 * distinct[name] >= rich and distinct[name] >= LEAST_VALUES]
    wider = [name for name in sorted(fit, key=spread, reverse=True) if spread(name) > spread(identity.column)]
    return [identity.solved(name, units[name]) for name in wider]
