"""Conditional rules of the table, kept by drawn rows: where tenure = 1, total = monthly; columns that are missing together.

As soon as the last column of a rule is drawn, its cells are set to what the rule says, so that columns that come later, and what is worked
out, go with them. Where that cannot be (the value to set was drawn before, or is asked for), the row's weight is taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.schema.rules import Rules
from lookalike.schema.rules.gaps import Together
from lookalike.schema.rules.implications import Test
from lookalike.synthesizers import encoding
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest import sums
from lookalike.synthesizers.forest.trained import Block, KeptRule, Side, Trained

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


def orders(found: Rules, codings: Sequence[ColumnCodes]) -> list[tuple[int, int]]:
    """Inequalities between learned numbers of one unit, as column indices."""
    place = {coding.schema.name: j for j, coding in enumerate(codings) if coding.form == "number"}
    pairs = [(place.get(rule.low, -1), place.get(rule.high, -1)) for rule in found.orders]
    return [
        (a, b)
        for a, b in pairs
        if min(a, b) >= 0 and (codings[a].semantic.unit == codings[b].semantic.unit or codings[a].semantic.quantity == "number")
    ]


def learn(found: Rules, codings: Sequence[ColumnCodes]) -> tuple[KeptRule, ...]:
    """The rules that all real rows keep and that codes can tell."""
    place = {coding.schema.name: j for j, coding in enumerate(codings)}
    pairs = [(rule.when, rule.then) for rule in found.implications if not rule.exceptions]
    pairs += [pair for rule in found.gaps for pair in _both_ways(rule)]
    sides = [(_side(when, codings, place), _side(then, codings, place)) for when, then in pairs]
    return tuple(KeptRule(when, then) for when, then in sides if when is not None and then is not None)


def with_gaps(found: Rules, codings: Sequence[ColumnCodes], rows: int) -> list[ColumnCodes]:
    """The codings, in which columns that are made anew know the columns that they are missing with."""
    anew = {coding.schema.name: dict(coding.profile or {}) for coding in codings if coding.form == "replaced"}
    leads = {
        name: [lead]
        for rule in found.gaps
        for lead in [_lead(rule, anew)]
        for name in rule.names
        if name in anew and name != lead
    }
    for name, profile in anew.items():
        if name in leads:
            profile |= {"gaps": leads[name], "missing": 0.0}
    for rule in found.implications:
        name, other = rule.then.column, rule.when.column
        one_way = not rule.exceptions and (rule.when.sort, rule.then.sort) == ("missing", "missing")
        if one_way and name in anew and name not in leads and "gaps" not in anew[name] and other not in anew:
            share = rule.rows / rows
            anew[name] |= {"gaps": [other], "missing": max(anew[name]["missing"] - share, 0.0) / max(1 - share, 1e-9)}
    return [replace(c, profile=anew[c.schema.name]) if c.schema.name in anew else c for c in codings]


def _lead(rule: Together, anew: Mapping[str, Any]) -> str:
    """The column whose gaps the others share: one that is learned, where there is one."""
    return next((name for name in rule.names if name not in anew), rule.names[0])


def _side(test: Test, codings: Sequence[ColumnCodes], place: Mapping[str, int]) -> Side | None:
    """A test in codes; None where codes cannot tell."""
    if any(name not in place for name in test.columns):
        return None
    j = place[test.column]
    coding = codings[j]
    if test.sort == "is":
        codes, new = encoding.encode(coding, pa.array([test.value.as_py()], test.value.type))
        atom = coding.form == "category" or coding.low[codes[0] - 1] == coding.high[codes[0] - 1]
        return None if new[0] or not codes[0] or not atom else Side(j, "is", int(codes[0]))
    if test.sort == "same":
        other = codings[place[test.other]]
        numbers = all(c.form == "number" and c.grid.step and not c.grid.wide for c in (coding, other))
        same = numbers and coding.semantic.unit == other.semantic.unit
        return Side(j, "same", other=place[test.other]) if same else None
    return Side(j, test.sort)


def _true(model: Trained, block: Block, side: Side) -> Flags:
    codes = block.codes[side.column]
    if side.sort == "same":
        a, b = (sums.numbers_of(model, block, j) for j in side.columns)
        return np.asarray((a == b) | (np.isnan(a) & np.isnan(b)))
    return np.asarray(codes != 0 if side.sort == "there" else codes == side.code)  # the code of a missing value is 0


def _broken(model: Trained, block: Block, rule: KeptRule) -> Flags:
    return _true(model, block, rule.when) & ~_true(model, block, rule.then)


def _both_ways(rule: Together) -> list[tuple[Test, Test]]:
    first, *others = (Test(name, "missing") for name in rule.names)
    return [pair for other in others for pair in ((first, other), (other, first))]


def settle(model: Trained, block: Block, j: int, drawn: Collection[int], held: Collection[int] = ()) -> None:
    """Set a column that was just drawn, in place, to what rules say of it.

    Args:
        model: the table.
        block: rows in which it was drawn.
        j: the column.
        drawn: columns that are there already.
        held: columns that were asked for and do not change.
    """
    for rule in model.kept:
        if j not in rule.columns or any(column != j and column not in drawn for column in rule.columns):
            continue
        choice = [j, *rule.then.columns] if rule.then.sort == "same" else [j]  # of two that are to be equal either will do
        free = [
            column for column in choice if column in rule.then.columns and column not in held and column not in model.worked_out
        ]
        if free:
            _set(model, block, free[0], rule)


def _set(model: Trained, block: Block, j: int, rule: KeptRule) -> None:
    rows = _broken(model, block, rule)
    if rule.then.sort == "same":
        [other] = {*rule.then.columns} - {j}
        own = sums.drawn_ticks(model, block, j)
        ticks = model.codings[j].nearest(sums.numbers_of(model, block, other))
        sums.set_to(model, block, j, np.where(rows, ticks, own))
    elif rule.then.sort != "there" and rows.any():
        code = rule.then.code
        block.codes[j][rows] = code
        block.bins[rows, j] = model.bin_of[j][code]
        if j in block.fixed:
            block.fixed[j] = np.where(rows, model.codings[j].low[code - 1] if code else np.nan, block.fixed[j])


def broken(model: Trained, block: Block) -> Flags:
    """Rows that break a rule, bool [n]."""
    out = np.zeros(len(block.bins), bool)
    for rule in model.kept:
        out |= _broken(model, block, rule)
    return out


def dump(kept: Sequence[KeptRule]) -> list[list[Any]]:
    """Plain data that `parse` reads back."""
    return [
        [part for side in (rule.when, rule.then) for part in (side.column, side.sort, side.code, side.other)] for rule in kept
    ]


def parse(data: Sequence[Sequence[Any]]) -> tuple[KeptRule, ...]:
    """What `dump` wrote."""
    return tuple(KeptRule(Side(*parts[:4]), Side(*parts[4:])) for parts in data)
