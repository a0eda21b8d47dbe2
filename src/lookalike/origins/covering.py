"""Coverage designs: every combination of factor values, or few rows in which every pair (or triple ...) appears.

The covering arrays are grown one factor at a time (horizontal growth picks for each row the value that covers most, vertical
growth adds rows for what is left), then rows that cover nothing of their own are taken out. Combinations that no allowed row
can hold are left out, so exclusions cost no coverage elsewhere.

Source:
    Lei, Kacker, Kuhn, Okun and Lawrence 2008, "IPOG/IPOG-D: efficient test generation for multi-way combinatorial testing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import RecipeError
from lookalike.generators.weighted import arrow_values
from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where, sql_columns

Rows = npt.NDArray[np.int64]  # [rows, factors]: positions of values
_MOST_ROWS = 5_000_000
_FREE = -1


def design(
    factors: Mapping[str, Sequence[Any]], strength: int | None = None, exclude: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The rows of a coverage design, the same on every call.

    Args:
        factors: name -> its values.
        strength: every allowed combination of the values of so many factors appears; None: the full product.
        exclude: SQL conditions on the factors; no row holds one of them.

    Raises:
        RecipeError: a factor without values, a strength above the number of factors, a condition on other columns, no row
            left, or more than 5,000,000 rows.
    """
    lists = {name: list(dict.fromkeys(values)) for name, values in factors.items()}
    _check(lists, strength, exclude)
    names = list(lists)
    if strength is None or strength >= len(names):
        rows = _product(lists, exclude)
    else:
        rows = _Covering(lists, strength, exclude).rows()
    if not len(rows):
        raise RecipeError(what="the exclusions leave no row of the grid", where="rows.exclude", fix="loosen them")
    return [{name: lists[name][value] for name, value in zip(names, row, strict=True)} for row in rows.tolist()]


def _check(lists: Mapping[str, Sequence[Any]], strength: int | None, exclude: Sequence[str]) -> None:
    if not lists:
        raise RecipeError(what="the grid has no factors", where="rows.grid", fix="give name: [values]")
    for name, values in lists.items():
        if not values:
            raise RecipeError(what=f"factor {name!r} has no values", where="rows.grid", fix="give it at least one")
    if strength is not None and not 1 <= strength <= len(lists):
        raise RecipeError(
            what=f"strength {strength} with {len(lists)} factors",
            where="rows.strength",
            fix=f"use 1 to {len(lists)}, or leave it out",
        )
    for condition in exclude:
        for name in sorted(sql_columns(condition) - set(lists)):
            raise RecipeError(
                what=f"the exclusion {condition!r} uses {name!r}, which is no factor",
                where="rows.exclude",
                fix=f"factors: {', '.join(lists)}",
            )


def _product(lists: Mapping[str, Sequence[Any]], exclude: Sequence[str]) -> Rows:
    sizes = [len(values) for values in lists.values()]
    if prod(sizes) > _MOST_ROWS:
        raise RecipeError(
            what=f"the full grid has {prod(sizes):,} rows", where="rows.grid", fix="use strength: 2 or 3, or fewer values"
        )
    rows = np.stack(np.unravel_index(np.arange(prod(sizes)), sizes), axis=1).astype(np.int64)
    return rows[_allowed(rows, lists, list(lists), exclude)]


def _allowed(
    rows: Rows, lists: Mapping[str, Sequence[Any]], names: Sequence[str], exclude: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """Rows over the factors `names` that no condition on these factors alone excludes."""
    fine = np.ones(len(rows), bool)
    columns = {name: arrow_values(lists[name]).take(pa.array(rows[:, at])) for at, name in enumerate(names)}
    batch = Batch("grid", np.arange(len(rows), dtype=np.int64), columns)
    for condition in exclude:
        if sql_columns(condition) <= set(names):
            fine &= ~rows_where(condition, batch)
    return fine


class _Covering:
    """A covering array under exclusions. Factors are handled widest first, and put back in the recipe's order at the end."""

    def __init__(self, lists: Mapping[str, Sequence[Any]], strength: int, exclude: Sequence[str]) -> None:
        self.lists, self.strength, self.exclude = lists, strength, exclude
        self.names = list(lists)
        self.order = sorted(range(len(lists)), key=lambda at: -len(lists[self.names[at]]))
        self.sizes = [len(lists[self.names[at]]) for at in self.order]
        self.forbidden = [self._forbidden(condition) for condition in exclude]
        self._possible = lru_cache(maxsize=200_000)(self._search)

    def _forbidden(self, condition: str) -> tuple[tuple[int, ...], frozenset[tuple[int, ...]]]:
        """A condition as the places of its factors and the values that it excludes."""
        places = tuple(place for place, at in enumerate(self.order) if self.names[at] in sql_columns(condition))
        sizes = [self.sizes[place] for place in places]
        if prod(sizes) > _MOST_ROWS:
            raise RecipeError(
                what=f"the exclusion {condition!r} spans {prod(sizes):,} combinations", fix="use fewer factors in it"
            )
        rows = np.stack(np.unravel_index(np.arange(prod(sizes)), sizes), axis=1) if places else np.zeros((1, 0), np.int64)
        names = [self.names[self.order[place]] for place in places]
        bad = ~_allowed(rows.astype(np.int64), self.lists, names, [condition])
        return places, frozenset(map(tuple, rows[bad].tolist()))

    def _breaks(self, row: Sequence[int]) -> bool:
        """Whether the filled places of a row are excluded already."""
        for places, bad in self.forbidden:
            values = tuple(row[place] for place in places)
            if _FREE not in values and values in bad:
                return True
        return False

    def _search(self, row: tuple[int, ...]) -> tuple[int, ...] | None:
        """The row with its free places filled so that nothing is excluded, or None: depth first over constrained factors."""
        if self._breaks(row):
            return None
        constrained = {place for places, _ in self.forbidden for place in places}
        free = [place for place, value in enumerate(row) if value == _FREE]
        place = next((place for place in free if place in constrained), None)
        if place is None:
            return tuple(0 if value == _FREE else value for value in row)
        for value in range(self.sizes[place]):
            found = self._possible((*row[:place], value, *row[place + 1 :]))
            if found is not None:
                return found
        return None

    def rows(self) -> Rows:
        """The array."""
        t, width = self.strength, len(self.sizes)
        grid: list[list[int]] = []
        for row in np.ndindex(*self.sizes[:t]):
            start = [*row, *[_FREE] * (width - t)]
            if self._possible(tuple(start)) is not None:
                grid.append(start)
        for place in range(t, width):
            todo = self._combinations(place)
            self._horizontal(grid, place, todo)
            self._vertical(grid, place, todo)
        done = [found for found in (self._possible(tuple(row)) for row in grid) if found is not None]
        kept = self._reduce(np.array(list(dict.fromkeys(done)), np.int64).reshape(-1, width))
        back = np.empty_like(kept)
        back[:, self.order] = kept
        return back

    def _combinations(self, place: int) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
        """All (places, values) that the factor at `place` makes with earlier ones and that some row can hold."""
        found = set()
        for others in combinations(range(place), self.strength - 1):
            places = (*others, place)
            for values in np.ndindex(*(self.sizes[at] for at in places)):
                row = [_FREE] * len(self.sizes)
                for at, value in zip(places, values, strict=True):
                    row[at] = value
                if not self.forbidden or self._possible(tuple(row)) is not None:
                    found.add((places, tuple(values)))
        return found

    def _gains(self, row: Sequence[int], place: int, todo: set[Any]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """What of `todo` the row covers at this factor."""
        filled = [at for at in range(place) if row[at] != _FREE]
        gained = []
        for others in combinations(filled, self.strength - 1):
            key = ((*others, place), (*(row[at] for at in others), row[place]))
            if key in todo:
                gained.append(key)
        return gained

    def _horizontal(self, grid: list[list[int]], place: int, todo: set[Any]) -> None:
        """Give each row the value of the new factor that covers most; ties turn with the row, so values stay even."""
        for number, row in enumerate(grid):
            best: tuple[int, list[Any]] | None = None
            for shift in range(self.sizes[place]):
                value = (number + shift) % self.sizes[place]
                row[place] = value
                if self.forbidden and self._possible(tuple(row)) is None:
                    continue
                gained = self._gains(row, place, todo)
                if best is None or len(gained) > len(best[1]):
                    best = value, gained
            row[place] = _FREE if best is None else best[0]
            todo.difference_update(best[1] if best else ())

    def _vertical(self, grid: list[list[int]], place: int, todo: set[Any]) -> None:
        """Put what is left into free places of rows, or into new rows."""
        width = len(self.sizes)
        open_rows = [row for row in grid if _FREE in row[: place + 1]]
        for places, values in sorted(todo):
            target = None
            for row in open_rows:
                if all(row[at] in (_FREE, value) for at, value in zip(places, values, strict=True)):
                    tried = list(row)
                    for at, value in zip(places, values, strict=True):
                        tried[at] = value
                    if not self.forbidden or self._possible(tuple(tried)) is not None:
                        target = row
                        row[:] = tried
                        break
            if target is None:
                fresh = [_FREE] * width
                for at, value in zip(places, values, strict=True):
                    fresh[at] = value
                grid.append(fresh)
                open_rows.append(fresh)

    def _reduce(self, rows: Rows) -> Rows:
        """Without rows whose every combination other rows hold too, last rows first."""
        codes = []
        for places in combinations(range(rows.shape[1]), self.strength):
            sizes = [self.sizes[at] for at in places]
            codes.append(np.ravel_multi_index([rows[:, at] for at in places], sizes))
        counts = [np.bincount(code) for code in codes]
        keep = np.ones(len(rows), bool)
        for row in range(len(rows) - 1, -1, -1):
            if all(count[code[row]] > 1 for count, code in zip(counts, codes, strict=True)):
                keep[row] = False
                for count, code in zip(counts, codes, strict=True):
                    count[code[row]] -= 1
        return rows[keep]
