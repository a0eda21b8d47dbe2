"""Coverage designs: every combination of factor values, or the fewest rows that hold every pair or triple of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.errors import RecipeError
from lookalike.generators.base import Batch
from lookalike.generators.conditions import rows_where

LARGEST = 2_000_000  # combinations looked at when there are conditions


def design(factors: Mapping[str, Sequence[Any]], strength: int | None = None, exclude: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The rows of a design.

    Args:
        factors: name -> values.
        strength: None: the full product; t: every valid combination of values of any t factors is in some row.
        exclude: SQL conditions; no row fulfils one, and combinations that only such rows have are not asked for.

    Raises:
        RecipeError: a factor without values, a strength beyond the number of factors, or no row that is allowed.

    Source:
        Lei et al. 2008, "IPOG: efficient test generation for multi-way combination testing": the greedy horizontal growth is
        replaced by choosing, value by value, what covers most (Cohen et al. 1997, AETG); deterministic, first value on ties.
    """
    names = list(factors)
    for name in names:
        if not factors[name]:
            raise RecipeError(what=f"factor {name!r} has no values", fix="give at least one")
    if strength is not None and strength > len(names):
        raise RecipeError(what=f"strength {strength} is more than the {len(names)} factors", fix=f"use at most {len(names)}")
    if strength is None or strength == len(names):
        rows = _allowed(names, list(product(*(range(len(factors[name])) for name in names))), factors, exclude)
    else:
        rows = _covering(names, factors, strength, exclude)
    if not rows:
        raise RecipeError(what="the conditions exclude every row of the grid", fix="loosen `exclude`")
    return [{name: factors[name][value] for name, value in zip(names, row, strict=True)} for row in rows]


def _allowed(
    names: Sequence[str], rows: list[tuple[int, ...]], factors: Mapping[str, Sequence[Any]], exclude: Sequence[str]
) -> list[tuple[int, ...]]:
    if not exclude or not rows:
        return rows
    if len(rows) > LARGEST:
        raise RecipeError(what=f"the grid has {len(rows):,} combinations, too many to test `exclude` on", fix="use fewer values")
    table = np.array(rows)
    columns = {name: pa.array([factors[name][value] for value in table[:, number]]) for number, name in enumerate(names)}
    batch = Batch("grid", np.arange(len(rows)), columns)
    good = np.ones(len(rows), bool)
    for condition in exclude:
        good &= ~rows_where(condition, batch)
    return [row for row, kept in zip(rows, good, strict=True) if kept]


def _covering(names: Sequence[str], factors: Mapping[str, Sequence[Any]], strength: int, exclude: Sequence[str]) -> list[tuple[int, ...]]:
    """Greedy rows until every combination is covered."""
    sizes = [len(factors[name]) for name in names]
    pool: np.ndarray[Any, np.dtype[np.int64]] | None = None
    if exclude:
        pool = np.array(_allowed(names, list(product(*map(range, sizes))), factors, exclude), dtype=np.int64).reshape(-1, len(names))
    open_ = _targets(sizes, strength, pool)
    rows: list[tuple[int, ...]] = []
    while any(open_.values()):
        row = _best_of_pool(pool, open_) if pool is not None else _grow(sizes, open_)
        rows.append(row)
        for group, wanted in open_.items():
            wanted.discard(tuple(row[place] for place in group))
    return rows


def _targets(sizes: Sequence[int], strength: int, pool: Any) -> dict[tuple[int, ...], set[tuple[int, ...]]]:
    groups = combinations(range(len(sizes)), strength)
    if pool is None:
        return {group: set(product(*(range(sizes[place]) for place in group))) for group in groups}
    return {group: {tuple(int(v) for v in row) for row in np.unique(pool[:, list(group)], axis=0)} for group in groups}


def _grow(sizes: Sequence[int], open_: Mapping[tuple[int, ...], set[tuple[int, ...]]]) -> tuple[int, ...]:
    """One row: begin with an open combination, then give each factor the value that covers most."""
    group = max(open_, key=lambda g: len(open_[g]))
    row: dict[int, int] = dict(zip(group, min(open_[group]), strict=True))
    for place in sorted(set(range(len(sizes))) - set(group), key=lambda p: -sizes[p]):
        scores = [0] * sizes[place]
        for other, wanted in open_.items():
            if place not in other:
                continue
            known = [(n, row[p]) for n, p in enumerate(other) if p in row]
            if not known and len(other) > 1:
                continue
            where = other.index(place)
            for values in wanted:
                if all(values[n] == v for n, v in known):
                    scores[values[where]] += 100 ** len(known)
        row[place] = max(range(sizes[place]), key=lambda v: scores[v])
    return tuple(row[place] for place in range(len(sizes)))


def _best_of_pool(pool: Any, open_: Mapping[tuple[int, ...], set[tuple[int, ...]]]) -> tuple[int, ...]:
    """The allowed row that covers most open combinations."""
    gains = np.zeros(len(pool), np.int64)
    for group, wanted in open_.items():
        if wanted:
            base = int(pool.max()) + 1
            weights = base ** np.arange(len(group))
            gains += np.isin(pool[:, list(group)] @ weights, np.array(sorted(wanted)) @ weights)
    return tuple(int(value) for value in pool[int(gains.argmax())])
