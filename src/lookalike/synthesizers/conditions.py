"""`given`: conditions that every sampled row holds, for methods with no way of their own.

    exact values and sets     the column is clamped while the row is drawn, and the row weighted by how likely that was
    ranges, SQL predicates    rows are drawn until enough hold; a bound stops it, and the error names the condition and its share
    shares                    each group is drawn by its exact value, then all are shuffled

A condition is never dropped: what is asked for holds on every row, or the call fails.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.errors import SchemaError, SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean
from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where, sql_columns
from lookalike.schema.infer import infer_columns
from lookalike.schema.semantics import quantity_of, semantic_of
from lookalike.schema.semantics.buffers import mask_of, one
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.features import Data, Feature, decode, encode


@dataclass(frozen=True)
class ColumnCondition:
    """What one column must hold.

    Attributes:
        name: the column.
        values: allowed codes or numbers (NaN: missing), each as likely as `weights` say; None for a range.
        low: least number of a range.
        high: greatest number of a range.
        shares: wanted share of each of `values`; None: whatever the model says.
        text: as the user wrote it.
    """

    name: str
    text: str
    values: npt.NDArray[Any] | None = None
    low: float = -np.inf
    high: float = np.inf
    shares: npt.NDArray[np.float64] | None = None

    def holds(self, drawn: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which drawn values satisfy it."""
        if self.values is None:
            return np.asarray((drawn >= self.low) & (drawn <= self.high))
        if drawn.dtype.kind == "f":
            hit = np.isin(drawn, self.values[~np.isnan(self.values)])
            return hit | np.isnan(drawn) if np.isnan(self.values).any() else hit
        return np.isin(drawn, self.values)


def read(given: Mapping[str, Any], schema: TableSchema, features: Sequence[Feature]) -> tuple[list[ColumnCondition], str]:
    """The conditions of `given`, and its SQL predicate ("" for none).

    Raises:
        UnknownColumn: a column that the model does not have.
        Unsatisfiable: a value that was never seen, or an empty or impossible range.
        SynthesizerError: a condition on a column that is replaced, not learned; shares that make no sense.
    """
    known = {feature.name: feature for feature in features}
    conditions, where = [], ""
    for name, wanted in given.items():
        if name == "where" and name not in schema.names:
            where = check_where(wanted, known, schema.names)
            continue
        check_name(name, known, schema.names)
        try:
            conditions.append(_one(name, wanted, schema[name], known[name]))
        except SchemaError as exc:
            raise SynthesizerError(what=exc.what, where=name, fix=exc.fix) from exc
    return conditions, where


def check_name(name: str, learned: Container[str], known: Collection[str]) -> None:
    """Refuse a condition on no column, or on one that is not learned.

    Args:
        name: the column.
        learned: columns that the model learned.
        known: all columns of the table.

    Raises:
        UnknownColumn: there is no such column, or it is made anew and not learned.
    """
    if name in learned:
        return
    if name in known:
        raise UnknownColumn(
            what=f"{name!r} holds identifiers, personal data or texts, which are made anew and not learned: no condition on it",
            where=f"given {name}", fix="condition on another column, and set this one after sampling",
        )  # fmt: skip
    raise UnknownColumn(
        what=f"there is no column {name!r}", where=f"given {name}", fix=did_you_mean(name, known, label="columns")
    )


def check_where(where: Any, learned: Container[str], known: Collection[str]) -> str:
    """An SQL condition whose columns a model learned; "" for none.

    Raises:
        RecipeError: not one expression over a row.
        UnknownColumn: as for `check_name`.
    """
    text = str(where or "")
    for name in sorted(sql_columns(text)) if text else ():
        check_name(name, learned, known)
    return text


def _one(name: str, wanted: Any, column: ColumnSchema, feature: Feature) -> ColumnCondition:
    text = f"{name} = {wanted!r}"
    if isinstance(wanted, Mapping) and set(wanted) == {"shares"}:
        shares = {value: float(share) for value, share in wanted["shares"].items()}
        total = sum(shares.values())
        if not shares or min(shares.values()) < 0 or total <= 0 or total > 1 + 1e-9:
            raise SynthesizerError(
                what=f"shares {shares} are not between 0 and 1 in sum", where=name, fix="write shares such as {F: 0.5, M: 0.5}"
            )
        values = [_value(value, column, feature, text) for value in shares]
        weights = np.array(list(shares.values()))
        if total < 1 - 1e-9:
            rest = [code for code in range(feature.size) if code not in values]
            if feature.is_number or not rest:
                raise SynthesizerError(
                    what=f"shares sum to {total:g} and no other value is left", where=name, fix="make them sum to 1"
                )
            values, weights = [*values, *rest], np.concatenate([weights, np.full(len(rest), (1 - total) / len(rest))])
        return ColumnCondition(name, text, np.array(values), shares=weights / weights.sum())
    if isinstance(wanted, Mapping):
        return _range(name, wanted, column, feature)
    several = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
    if not several:
        raise Unsatisfiable(what="an empty list of values: no row can hold it", where=name, fix="name at least one value")
    return ColumnCondition(name, text, np.array([_value(value, column, feature, text) for value in several]))


def _value(value: Any, column: ColumnSchema, feature: Feature, text: str) -> float | int:
    """The code or number of a value."""
    cells = semantic_of(column).cells([value])
    if cells.null_count:
        if not feature.missing:
            raise Unsatisfiable(what=f"{text}: the column was never missing", where=column.name, fix="ask for a value")
        return float("nan") if feature.is_number else feature.known
    values, new = encode(feature, column, cells)
    if not new[0]:
        return values[0].item()  # of float64 or int64
    if feature.is_number:
        raise Unsatisfiable(what=f"{text} is outside of what was learned", where=column.name, fix=_ends(feature, column))
    raise Unsatisfiable(
        what=f"{text}: {value!r} was never seen",
        where=column.name,
        fix=did_you_mean(str(value), map(str, feature.levels or ()), label="values"),
    )


def _ends(feature: Feature, column: ColumnSchema) -> str:
    low, high = decode(feature, column, np.array([feature.low, feature.high])).to_pylist()
    return f"the learned range is {low} to {high}"


def _range(name: str, wanted: Mapping[str, Any], column: ColumnSchema, feature: Feature) -> ColumnCondition:
    unknown = set(wanted) - {"min", "max"}
    if unknown or not wanted:
        raise SynthesizerError(
            what=f"a condition of {sorted(map(str, wanted))}", where=name,
            fix="write a value, a list of values, {min: a, max: b} or {shares: {value: share}}",
        )  # fmt: skip
    text = f"{name} in {dict(wanted)}"
    semantic = semantic_of(column)
    ends = {end: semantic.parse(wanted[end]) for end in ("min", "max") if wanted.get(end) is not None}
    if len(ends) == 2 and ends["min"] > ends["max"]:
        raise Unsatisfiable(what=f"{text} is empty", where=name, fix="swap min and max")
    if feature.is_number:
        low, high = feature.within(ends.get("min"), ends.get("max"), semantic.unit)
        if low > high:
            raise Unsatisfiable(what=f"{text} is outside of what was learned", where=name, fix=_ends(feature, column))
        return ColumnCondition(name, text, None, low, high)
    places = semantic.numbers(feature.table.values if feature.table else pa.nulls(0))
    fits = [
        not gone and ends.get("min", place) <= place <= ends.get("max", place)
        for place, gone in zip(places.whole.tolist(), places.missing.tolist(), strict=True)
    ]
    if not any(fits):
        raise Unsatisfiable(what=f"{text}: no learned value lies in it", where=name, fix="widen the range")
    return ColumnCondition(name, text, np.flatnonzero(fits))


def matching(table: pa.Table, given: Mapping[str, Any], schema: TableSchema | None = None) -> npt.NDArray[np.bool_]:
    """Rows of any table that hold exact values, sets, ranges and the SQL predicate of `given`; of shares, as many as fit them.

    Args:
        table: has the columns that `given` names.
        given: as for `Synthesizer.sample`.
        schema: what the columns are; worked out from the cells when not given.

    Raises:
        UnknownColumn: a column that is not there.
        SynthesizerError: a value that the column cannot hold.
        RecipeError: no SQL condition over a row.
    """
    named = [name for name in given if name != "where" or name in table.column_names]
    for name in named:
        if name not in table.column_names:
            raise UnknownColumn(what=f"no column {name!r}", fix=did_you_mean(name, table.column_names, label="columns"))
    columns = {column.name: column for column in (schema.columns if schema else infer_columns(table.select(named)))}
    mask, shared = np.ones(table.num_rows, bool), []
    if "where" in given and "where" not in named:
        mask &= rows_where(str(given["where"]), Batch.of(table))
    for name in named:
        wanted = given[name]
        if isinstance(wanted, Mapping) and set(wanted) == {"shares"}:
            shared.append((name, wanted["shares"]))
        else:
            mask &= _cells_that_hold(table[name], columns[name], wanted)
    for name, shares in shared:
        groups = [(_cells_that_hold(table[name], columns[name], value) & mask, share) for value, share in shares.items()]
        rest = 1 - sum(share for _, share in groups)
        if rest > 1e-9:
            groups.append((mask & ~np.any([rows for rows, _ in groups], axis=0), rest))
        whole = min(rows.sum() / share for rows, share in groups if share > 0)
        mask = np.any([rows & (np.cumsum(rows) <= round(whole * share)) for rows, share in groups], axis=0)
    return mask


def rows_that_hold(table: pa.Table, given: Mapping[str, Any], schema: TableSchema | None = None) -> pa.Table:
    """The rows of `matching`."""
    return table.filter(pa.array(matching(table, given, schema)))


def _cells_that_hold(values: pa.ChunkedArray, column: ColumnSchema, wanted: Any) -> npt.NDArray[np.bool_]:
    """Cells that are a value, one of several, or in a range, each as the column reads it."""
    semantic, cells = quantity_of(column), one(values)
    try:
        if isinstance(wanted, Mapping):
            numbers, inside = semantic.numbers(cells), ~mask_of(cells)
            ends = {end: semantic.parse(wanted[end]) for end in ("min", "max") if wanted.get(end) is not None}
            for end, within in (("min", np.greater_equal), ("max", np.less_equal)):
                if end in ends:
                    bound = _bound(ends[end], exact=numbers.exact, up=end == "min")
                    inside &= np.asarray(within(numbers.whole, bound), bool) & ~numbers.missing
            return inside
        several = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        options = semantic.cells(several).cast(cells.type)
    except (SchemaError, pa.ArrowException) as exc:
        what, fix = (exc.what, exc.fix) if isinstance(exc, SchemaError) else (f"{wanted!r} is no {cells.type}: {exc}", "")
        raise SynthesizerError(what=what, where=column.name, fix=fix) from exc
    found = pc.is_in(cells, options.drop_null())
    held = np.asarray(found.to_numpy(zero_copy_only=False), bool)
    return held | mask_of(cells) if options.null_count else held


def _bound(end: Fraction, *, exact: bool, up: bool) -> float | int:
    """An end of a range as a number of wholes: of whole numbers the next one inside."""
    if not exact:
        return float(end)
    return -(-end.numerator // end.denominator) if up else end.numerator // end.denominator


def counts_of(condition: ColumnCondition, n: int) -> npt.NDArray[np.int64]:
    """Rows of each value, by largest remainder; they sum to `n`."""
    exact = (condition.shares if condition.shares is not None else np.ones(1)) * n
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: n - int(counts.sum())]] += 1
    return counts


def resample(weights: npt.NDArray[np.float64], n: int, draws: np.random.Generator) -> npt.NDArray[np.int64]:
    """Positions [n] of a systematic resample: each is taken in proportion to its weight, within one of the exact number."""
    total = weights.sum()
    if not total > 0:
        return np.empty(0, np.int64)
    cuts = np.cumsum(weights) / total
    picked = np.searchsorted(cuts, (np.arange(n) + draws.random()) / n)
    return np.asarray(draws.permutation(np.minimum(picked, len(weights) - 1)), np.int64)


def take(data: Data, rows: npt.NDArray[Any]) -> Data:
    """The rows at positions, or where a mask is true."""
    return {name: values[rows] for name, values in data.items()}
