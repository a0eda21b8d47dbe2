"""Shared arithmetic of samplers: parameters that may be SQL, weights, tables of discrete distributions, rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import AfterValidator, Field

from lookalike.errors import RecipeError
from lookalike.rows.batch import Batch
from lookalike.rows.sql import check_sql, evaluate, sql_columns

Floats = npt.NDArray[np.float64]


def _number_or_sql(value: float | str) -> float | str:
    if isinstance(value, str):
        return check_sql(value)
    if not np.isfinite(value):
        raise ValueError(f"{value} is not a finite number; write one, or an SQL expression over the row")
    return value


# a number, or an SQL expression over the row's other columns
Parameter = Annotated[float | str, AfterValidator(_number_or_sql)]
Decimals = Annotated[int | None, Field(ge=0, le=15)]


def parameter_columns(*parameters: float | str | None) -> frozenset[str]:
    """The columns that parameters read."""
    return frozenset().union(*(sql_columns(value) for value in parameters if isinstance(value, str)))


def parameter(value: float | str, batch: Batch, *, name: str, low: float = -np.inf, high: float = np.inf) -> Floats | float:
    """A parameter's value: a number, or float64 [n], NaN where its SQL gives null (the cell becomes null).

    Raises:
        RecipeError: SQL gave a value outside [low, high].
    """
    if not isinstance(value, str):
        return float(value)
    column = evaluate(value, batch)
    try:
        numbers: Floats = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as exc:
        raise RecipeError(what=f"{name}: {value!r} gives {column.type}, not a number", fix="cast it in SQL") from exc
    bad = (numbers < low) | (numbers > high)
    if bad.any():
        raise RecipeError(
            what=f"{name}: {value!r} gives {numbers[bad][0]:g} on row {batch.ids[bad][0]}, outside [{low:g}, {high:g}]",
            fix="bound it in SQL, as in greatest(x, 0)",
        )
    return numbers


def check_order(low: float | str | None, high: float | str | None, *, strict: bool = False) -> None:
    """Refuse low > high where both are numbers.

    Raises:
        ValueError: they are in the wrong order.
    """
    if isinstance(low, str) or isinstance(high, str) or low is None or high is None:
        return
    if low > high or (strict and low == high):
        raise ValueError(f"low is {low:g} and high is {high:g}: low must be below high; swap them")


def check_at_least(name: str, value: float | str, bound: float, *, strict: bool = False) -> None:
    """Refuse a number below its bound.

    Raises:
        ValueError: it is below.
    """
    if not isinstance(value, str) and (value < bound or (strict and value == bound)):
        raise ValueError(f"{name} is {value:g}: it must be {'above' if strict else 'at least'} {bound:g}")


def check_share(name: str, value: float | str) -> None:
    """Refuse a probability outside [0, 1].

    Raises:
        ValueError: it is outside.
    """
    if not isinstance(value, str) and not 0 <= value <= 1:
        raise ValueError(f"{name} is {value:g}: a probability is from 0 to 1")


def cumulative(weights: npt.ArrayLike) -> Floats:
    """Upper ends of the weights' shares of (0, 1), float64 [k]; the last is 1."""
    ends = np.cumsum(np.asarray(weights, np.float64))
    ends /= ends[-1]
    return ends


def pick(ends: Floats, uniforms: Floats) -> npt.NDArray[np.int64]:
    """The share that each uniform falls in, int64 [n]; shares of weight 0 are never picked."""
    index: npt.NDArray[np.int64] = np.searchsorted(ends[:-1], uniforms, side="right")
    return index


def by_table(cdf: Callable[[Floats], npt.NDArray[np.floating[Any]]], highest: int, uniforms: Floats) -> npt.NDArray[np.int64]:
    """Inverse of a discrete distribution on 0..highest by a table of its cdf."""
    table = cdf(np.arange(highest + 1, dtype=np.float64))
    index: npt.NDArray[np.int64] = np.searchsorted(table, uniforms, side="left")
    np.minimum(index, highest, out=index)
    return index


def decimals_of(values: Floats, decimals: int | None) -> pa.Array:
    """float64, rounded to so many decimals; NaN (a null parameter) becomes null. 0 decimals are still floats."""
    if decimals is not None:
        values = np.round(values, decimals)
        values += 0.0  # no negative zero in files
    return pa.array(values, from_pandas=True)


def integers_of(values: Floats) -> pa.Array:
    """int64 of whole float64 values; NaN becomes null."""
    null = np.isnan(values)
    if not null.any():
        return pa.array(values.astype(np.int64))
    return pa.array(np.where(null, 0, values).astype(np.int64), mask=null)
