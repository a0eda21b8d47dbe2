"""Values with weights, also by the levels of other columns: what `category` and `subcategory` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import RecipeError, did_you_mean
from lookalike.generators.draws import Floats, cumulative, pick
from lookalike.rows.batch import Batch

Scalar = str | bool | int | float | date | None
OTHER = "*"  # the level that stands for every level not named


def normalise(values: Any) -> Any:
    """Values as written: a list, a mapping value -> weight, or pairs [value, weight] (what `dump` writes)."""
    if isinstance(values, Sequence) and not isinstance(values, str) and values:
        pairs = all(isinstance(item, Sequence) and not isinstance(item, str) and len(item) == 2 for item in values)
        return {item[0]: item[1] for item in values} if pairs else tuple(values)
    return values


def check_values(values: Any, where: str = "values") -> None:
    """Refuse no values, weights that are no weights, and mixed types.

    Raises:
        ValueError: what is wrong and the fix.
    """
    if not isinstance(values, (Mapping, tuple)) or not values:
        raise ValueError(f"{where}: needs a list of values, or a mapping value -> weight, with at least one value")
    if isinstance(values, Mapping):
        for value, weight in values.items():
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not np.isfinite(weight) or weight < 0:
                raise ValueError(f"{where}: the weight of {value!r} is {weight!r}: weights are numbers of at least 0")
        if sum(values.values()) <= 0:
            raise ValueError(f"{where}: all weights are 0; give one value a weight above 0")
    nested = [value for value in values if isinstance(value, (list, tuple, dict))]
    if nested:
        raise ValueError(f"{where}: {nested[0]!r} is not a plain value; write text, numbers, true/false or dates")
    sorts = {"number" if type(value) in (int, float) else type(value).__name__ for value in values if value is not None}
    if len(sorts) > 1:
        raise ValueError(f"{where}: values of several types ({', '.join(sorted(sorts))}); quote them all to make them text")


def split(values: Any) -> tuple[list[Any], Floats]:
    """The values and the upper ends of their shares."""
    if isinstance(values, Mapping):
        return list(values), cumulative(list(values.values()))
    return list(values), cumulative(np.ones(len(values)))


def arrow_values(values: Sequence[Any]) -> pa.Array:
    """The values as an Arrow array: whole and fractional numbers together are float64, texts and others together are texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        return pa.array(values, pa.float64())
    if str in kinds and len(kinds) > 1:  # `[02134, 90210]`: YAML keeps the first as text for its leading zero
        return pa.array([None if value is None else str(value) for value in values])
    return pa.array(values)


def leaves(values: Any, depth: int, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Level path -> values, from a mapping nested `depth` deep.

    Raises:
        ValueError: the nesting is too shallow, or a leaf is no list of values.
    """
    if not depth:
        body = normalise(values)
        check_values(body, f"values under {' > '.join(path)}")
        return {path: body}
    if not isinstance(values, Mapping) or not values:
        place = " > ".join(path) or "the top"
        raise ValueError(f"values: at {place} a mapping level -> values is needed, since `by` names a column for it")
    found: dict[tuple[str, ...], Any] = {}
    for level, inner in values.items():
        found |= leaves(inner, depth - 1, (*path, _level(level)))
    return found


def _level(value: Any) -> str:
    """How a level is written in a recipe: text, and booleans as YAML writes them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@lru_cache(maxsize=256)
def _pooled(key: tuple[tuple[Any, ...], ...]) -> pa.Array:
    return arrow_values([value for values in key for value in values])


def draw(values: Any, uniforms: Floats) -> pa.Array:
    """One value a row by the weights."""
    names, ends = split(values)
    return arrow_values(names).take(pa.array(pick(ends, uniforms)))


def draw_by(tree: Mapping[tuple[str, ...], Any], by: Sequence[str], batch: Batch, uniforms: Floats) -> pa.Array:
    """One value a row by the weights of the row's levels; null where a level is null and no `*` is given.

    Raises:
        RecipeError: a row has a level without values.
    """
    lists = {path: split(values) for path, values in tree.items()}
    offsets = dict(zip(lists, np.cumsum([0, *(len(names) for names, _ in lists.values())])[:-1], strict=True))
    pool = _pooled(tuple(tuple(names) for names, _ in lists.values()))
    index = np.zeros(len(batch), np.int64)
    null = np.zeros(len(batch), bool)
    for levels, rows in groups(by, batch):
        path = _match(lists, levels)
        if path is None:
            if None in levels:
                null[rows] = True
                continue
            known = {" > ".join(p) for p in lists}
            shown = " > ".join(str(level) for level in levels)
            raise RecipeError(
                what=f"no values for {' > '.join(by)} = {shown} (row {batch.ids[rows][0]})",
                fix=f"add it, or {OTHER!r} for all others; {did_you_mean(shown, known, label='levels')}",
            )
        index[rows] = offsets[path] + pick(lists[path][1], uniforms[rows])
    return pool.take(pa.array(index, mask=null))


def _match(lists: Mapping[tuple[str, ...], Any], levels: tuple[str | None, ...]) -> tuple[str, ...] | None:
    """The most specific path for these levels; earlier columns count more."""
    paths: list[tuple[str, ...]] = [()]
    for level in levels:
        own = () if level is None else (level,)
        paths = [(*path, step) for path in paths for step in (*own, OTHER)]
    return next((path for path in paths if path in lists), None)


def groups(by: Sequence[str], batch: Batch) -> list[tuple[tuple[str | None, ...], npt.NDArray[np.int64]]]:
    """Each combination of levels that occurs, and its rows' positions."""
    codes = np.zeros(len(batch), np.int64)
    names: list[tuple[str | None, ...]] = [()]
    for column in by:
        encoded = batch[column].dictionary_encode() if not pa.types.is_dictionary(batch[column].type) else batch[column]
        own: list[str | None] = [None if value is None else _level(value) for value in encoded.dictionary.to_pylist()]
        own.append(None)
        positions = encoded.indices.fill_null(len(own) - 1).to_numpy(zero_copy_only=False)
        combined = codes * len(own) + positions
        present, codes = np.unique(combined, return_inverse=True)
        names = [(*names[value // len(own)], own[value % len(own)]) for value in present.tolist()]
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.searchsorted(codes[order], np.arange(1, len(names)))) if len(batch) else []
    return list(zip(names, parts, strict=False))
