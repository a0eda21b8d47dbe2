"""Numbers that others give: worked out in drawn rows, so that totals add up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.schema import identities
from lookalike.schema.identities import Identity
from lookalike.synthesizers import encoding
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest.trained import Block, Trained

Array = npt.NDArray[Any]


def learn(table: pa.Table, codings: Sequence[ColumnCodes], determined: Mapping[int, int]) -> dict[int, Identity]:
    """Learned columns that others give; those that another one alone determines are left to it, and give nothing that it hangs on."""
    numbers = {coding.schema.name: j for j, coding in enumerate(codings) if coding.form == "number" and not coding.grid.wide}
    values = {name: codings[j].floats(encoding.ticks_of(codings[j], table[name])) for name, j in numbers.items()}
    units = {name: codings[j].unit for name, j in numbers.items()}
    taken = {codings[j].schema.name for j in determined}
    for at in numbers.values():
        source = determined.get(at)
        while source is not None:  # fee = f(price) and price = total - fee would each wait for the other
            taken.add(codings[source].schema.name)
            source = determined.get(source)
    return {numbers[found.column]: found for found in identities.find(values, units, taken)}


def needed(identity: Identity, names: Sequence[str]) -> list[int]:
    """The columns that a number hangs on."""
    return [names.index(name) for name, _ in identity.terms]


def work_out(model: Trained, block: Block, j: int) -> None:
    """Set a number, in place, to what the others give."""
    coding = model.codings[j]
    set_to(model, block, j, coding.nearest(model.worked_out[j].of(_numbers(model, block, j))))


def settle(model: Trained, block: Block, j: int, held: Collection[int], rows: Array | None = None) -> None:
    """Let another number take up, in place, what is left over where this one is given.

    Args:
        model: the table.
        block: rows in which the number is set.
        j: the number.
        held: columns that may not change.
        rows: bool [n], where; everywhere when not given.
    """
    identity = model.worked_out[j]
    names = [coding.schema.name for coding in model.codings]
    free = [names.index(name) for name, _ in identity.terms if names.index(name) not in held]
    if not free:
        return
    i = max(free, key=lambda k: model.codings[k].size)  # the finest: what is left over shows least there
    solved = identity.solved(names[i], model.codings[i].unit)
    values = {names[k]: numbers_of(model, block, k) for k in needed(solved, names)}
    ticks = model.codings[i].nearest(solved.of(values))
    stays = np.isnan(ticks) & ~np.isnan(list(values.values())).any(0)  # no quantity and no amount: any price will do
    if rows is not None:
        stays |= ~rows
    set_to(model, block, i, np.where(stays, drawn_ticks(model, block, i), ticks))


def set_to(model: Trained, block: Block, j: int, ticks: Array) -> None:
    """Give a number's ticks, in place; its code is that of the nearest cell."""
    block.codes[j] = encoding.locate(model.codings[j], ticks)
    block.bins[:, j] = model.bin_of[j][block.codes[j]]
    block.fixed[j] = ticks


def impossible(model: Trained, block: Block) -> Array:
    """Where a number that was worked out lies outside the table's, or does not fit what it hangs on, bool [n]."""
    out = np.zeros(len(block.bins), bool)
    names = [coding.schema.name for coding in model.codings]
    for j, identity in model.worked_out.items():
        if j not in block.fixed:
            continue
        coding = model.codings[j]
        with np.errstate(invalid="ignore"):
            off = np.abs(identity.of(_numbers(model, block, j)) - coding.floats(block.fixed[j]))
            out |= off > 0.01 * identity.unit + 1e-9 * (coding.high[-1] - coding.low[0])
            for k in (j, *needed(identity, names)):
                if k in block.fixed:
                    out |= (block.fixed[k] < model.codings[k].low[0]) | (block.fixed[k] > model.codings[k].high[-1])
    return out


def numbers_of(model: Trained, block: Block, j: int) -> Array:
    """A number's values in drawn rows, float64 [n]; NaN where missing."""
    return model.codings[j].floats(drawn_ticks(model, block, j))


def _numbers(model: Trained, block: Block, j: int) -> Mapping[str, Array]:
    names = [coding.schema.name for coding in model.codings]
    return {names[k]: numbers_of(model, block, k) for k in needed(model.worked_out[j], names)}


def drawn_ticks(model: Trained, block: Block, j: int) -> Array:
    """A number's ticks in drawn rows, float64 [n]; NaN where missing."""
    ticks = block.fixed.get(j)
    if ticks is None:
        ticks = encoding.placed(model.codings[j], block.codes[j], block.places[j])
    return np.where(block.codes[j] == 0, np.nan, ticks.astype(np.float64))
