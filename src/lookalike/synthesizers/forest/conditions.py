"""Rows that hold a condition, without blind rejection.

A condition is compiled to the codes that each column may take. Columns are drawn in order; one with a condition is drawn from what
its leaves hold of the allowed codes, and the row is weighted by the chance of that. Where the weights stay even, rows are chosen by
them. Where they do not (the condition is rare, or hangs on columns that come late), the likeliest few thousand of a large pool are
learned by a small forest of their own, whose rows hold the condition by construction: one forest for a request, not a search for a row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import rng
from lookalike.errors import RecipeError, SchemaError, Unsatisfiable
from lookalike.kernels import keyed
from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where, sql_columns
from lookalike.synthesizers import encoding
from lookalike.synthesizers.conditions import check_name, check_where
from lookalike.synthesizers.encoding import ColumnCodes
from lookalike.synthesizers.forest import draw, grow, keeping, kernels, learn, leaves, sums, thinning
from lookalike.synthesizers.forest.trained import NONE, Bag, Block, Trained

Array = npt.NDArray[Any]
WAVE = 20_000  # rows of a pool drawn at once
WAVES = 12
POOL = 4000  # rows that a condition's own forest learns
EVEN = 8.0  # candidates a row, up to which rows are chosen by weight


@dataclass(frozen=True)
class RowCondition:
    """What every row must hold.

    Attributes:
        allowed: column -> bool [size], codes that may be drawn.
        narrowed: column -> its coding with cells cut to what was asked for.
        values: column -> (codes, ticks) that were asked for one by one.
        where: an SQL condition on the finished row, or "".
        text: the condition as it was written, for errors.
    """

    allowed: Mapping[int, Array]
    narrowed: Mapping[int, ColumnCodes] = field(default_factory=dict)
    values: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)
    where: str = ""
    text: str = ""


# --- reading ---------------------------------------------------------------------------------------------------------------


def split(model: Trained, given: Mapping[str, Any], known: Sequence[str]) -> list[tuple[float, RowCondition]]:
    """Conditions and the share of the rows that each must hold.

    Args:
        model: the table.
        given: see `base.Given`.
        known: all columns of the table, learned or not.

    Raises:
        UnknownColumn: a condition on no column, or on one that is not learned.
        Unsatisfiable: values that the column cannot take.
    """
    names = [coding.schema.name for coding in model.codings]
    plain, shared = {}, {}
    where = "" if "where" in names else check_where(given.get("where"), names, known)
    for name, wanted in given.items():
        if name == "where" and "where" not in names:
            continue
        check_name(name, names, known)
        shares = _shares(wanted)
        if shares is None:
            plain[name] = wanted
        else:
            shared[name] = shares
    out = []
    for parts in product(*[list(shares.items()) + _rest(shares) for shares in shared.values()]):
        share, asked, without = 1.0, dict(plain), {}
        for name, (value, part) in zip(shared, parts, strict=True):
            share *= part
            if value is _OTHERS:
                without[name] = list(shared[name])
            else:
                asked[name] = value
        if share > 0:
            out.append((share, _compile(model, names, asked, without, where)))
    return out


_OTHERS = object()


def _rest(shares: Mapping[Any, float]) -> list[tuple[Any, float]]:
    left = 1 - sum(shares.values())
    if left < -1e-6 or min(shares.values(), default=0) < 0:
        raise Unsatisfiable(
            what=f"the shares {dict(shares)} are negative or add up to more than 1", fix="let them add up to 1 at most"
        )
    return [(_OTHERS, left)] if left > 1e-9 else []


def _shares(wanted: Any) -> dict[Any, float] | None:
    if not isinstance(wanted, Mapping):
        return None
    if "shares" in wanted:
        return {value: float(share) for value, share in wanted["shares"].items()}
    if set(wanted) <= {"min", "max"}:
        return None
    return {value: float(share) for value, share in wanted.items()}


def _compile(
    model: Trained, names: Sequence[str], asked: Mapping[str, Any], without: Mapping[str, Any], where: str
) -> RowCondition:
    allowed: dict[int, Array] = {}
    narrowed: dict[int, ColumnCodes] = {}
    values: dict[int, tuple[Array, Array]] = {}
    for name, wanted in asked.items():
        j = names.index(name)
        coding = model.codings[j]
        if isinstance(wanted, Mapping):
            allowed[j], narrowed[j] = _between(coding, wanted)
        else:
            options = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset, np.ndarray)) else [wanted]
            allowed[j], exact = _among(coding, options)
            if exact is not None:
                values[j] = exact
    for name, options in without.items():
        j = names.index(name)
        allowed[j] = ~_among(model.codings[j], options)[0]
    text = ", ".join([f"{name}={wanted!r}" for name, wanted in asked.items()] + ([where] if where else []))
    for part in _conjuncts(where):
        columns = sql_columns(part)
        if len(columns) == 1 and next(iter(columns)) in names:
            j = names.index(next(iter(columns)))
            mask = _true_codes(model.codings[j], part)
            allowed[j] = allowed[j] & mask if j in allowed else mask
    for j, mask in list(allowed.items()):
        seen = np.zeros(len(mask), bool)
        seen[_codes_seen(model, j)] = True
        allowed[j] = mask & seen
        if not allowed[j].any():
            raise Unsatisfiable(
                what=f"no row of the table holds {text}: column {names[j]!r} has no such value",
                where=f"given {names[j]}", fix=_what_there_is(model.codings[j]),
            )  # fmt: skip
    return RowCondition(_to_sources(model, allowed), narrowed, values, where, text)


def _codes_seen(model: Trained, j: int) -> Array:
    bag = next(bag for bag in model.bags if bag.column == j)
    return np.unique(bag.table if bag.source >= 0 else bag.deck)


def _to_sources(model: Trained, allowed: dict[int, Array]) -> dict[int, Array]:
    """Conditions on determined columns as conditions on what determines them."""
    for bag in reversed(model.bags):
        if bag.source >= 0 and bag.column in allowed:
            mask = allowed.pop(bag.column)[bag.table]
            allowed[bag.source] = allowed[bag.source] & mask if bag.source in allowed else mask
    return allowed


def _what_there_is(coding: ColumnCodes) -> str:
    if coding.form == "number":
        ends = np.array([coding.low[0], coding.high[-1]], coding.low.dtype)
        cells = pa.table({"v": encoding.numbers(coding, ends, np.zeros(2, bool))})["v"].to_pylist()
        return f"its values lie from {cells[0]} to {cells[1]}"
    return "its values: " + ", ".join(repr(value) for value in coding.levels[:12].to_pylist())


def _refused(coding: ColumnCodes, exc: SchemaError) -> Unsatisfiable:
    return Unsatisfiable(what=exc.what, where=f"given {coding.schema.name}", fix=f"{exc.fix}; {_what_there_is(coding)}")


def _among(coding: ColumnCodes, options: Sequence[Any]) -> tuple[Array, tuple[Array, Array] | None]:
    """Codes of asked values; for numbers also the ticks that were asked for."""
    try:
        cells = coding.semantic.cells(options)
    except SchemaError as exc:
        raise _refused(coding, exc) from exc
    mask = np.zeros(coding.size, bool)
    codes, new = encoding.encode(coding, cells)
    if coding.form != "number":
        mask[codes[~new]] = True
        return mask, None
    numbers = coding.semantic.numbers(cells)
    ticks = coding.grid.ticks(numbers)
    inside = numbers.missing | ((ticks >= coding.low[0]) & (ticks <= coding.high[-1]) & coding.grid.holds(numbers, ticks))
    mask[codes[inside]] = True
    return mask, (codes[inside], ticks[inside])


def _between(coding: ColumnCodes, wanted: Mapping[str, Any]) -> tuple[Array, ColumnCodes]:
    """Codes of a range, and cells cut to it."""
    try:
        ends = {end: coding.semantic.parse(wanted[end]) for end in ("min", "max") if wanted.get(end) is not None}
        if coding.form != "number":
            places = coding.semantic.numbers(coding.levels)
            fits = [
                not gone and ends.get("min", place) <= place <= ends.get("max", place)
                for place, gone in zip(places.whole.tolist(), places.missing.tolist(), strict=True)
            ]
            return np.array([False, *fits]), coding
    except SchemaError as exc:
        raise _refused(coding, exc) from exc
    unit, lows, highs = coding.semantic.unit, coding.low, coding.high
    if "min" in ends:
        lows = np.maximum(lows, coding.grid.at_least(ends["min"], unit))
    if "max" in ends:
        highs = np.minimum(highs, coding.grid.at_most(ends["max"], unit))
    return np.concatenate([[False], lows <= highs]), replace(coding, low=lows, high=highs)


def _conjuncts(where: str) -> list[str]:
    """The parts of a plain chain of ANDs, else the whole; parts only speed drawing up, the whole is checked on every row."""
    if not where:
        return []
    sql_columns(where)
    parts = re.split(r"(?i)\sand\s", where)
    if len(parts) == 1 or re.search(r"(?i)\b(or|case|between)\b", where):
        return [where]
    try:
        for part in parts:
            sql_columns(part)
    except RecipeError:
        return [where]
    return parts


def _true_codes(coding: ColumnCodes, sql: str) -> Array:
    """Codes for which a condition on this column alone can hold."""
    codes = np.arange(coding.size, dtype=np.int32)
    mask = np.zeros(coding.size, bool)
    for place in (0.0, 0.5, 1 - 1e-9):
        column = encoding.decode(coding, codes, np.full(len(codes), place))
        mask |= rows_where(sql, Batch("table", np.arange(len(codes)), {coding.schema.name: column}))
    return mask


# --- drawing ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DrawPlan:
    """How rows of one condition are drawn.

    Attributes:
        condition: what they hold.
        bags: forest to draw from; that of the table or the condition's own.
        factor: candidates for each row.
        own: whether the forest is the condition's own.
    """

    condition: RowCondition
    bags: Sequence[Bag]
    factor: float
    own: bool


def prepare(model: Trained, condition: RowCondition, table: Callable[[Block], pa.Table], key: int) -> DrawPlan:
    """Look how rare the condition is and choose how to draw.

    Args:
        model: the table.
        condition: what rows must hold.
        table: decodes learned columns, for SQL conditions.
        key: of the pool.

    Raises:
        Unsatisfiable: none of 240,000 rows held it.
    """
    bags = [_restricted(bag, condition.allowed.get(bag.column)) for bag in model.bags]
    blocks, weights = [], []
    for wave in range(WAVES):
        block, weight = _weighted(model, bags, condition, table, n=WAVE, key=rng.key(key, "pool", wave) >> 1)
        some = np.flatnonzero(weight > 0)
        blocks.append(block.take(some))
        weights.append(weight[some])
        w = np.concatenate(weights)
        drawn = (wave + 1) * WAVE
        even = drawn / max(_effective(w), 1e-9)
        if wave == 0 and even <= EVEN:
            return DrawPlan(condition, model.bags, 1.2 * even + 0.3, own=False)
        if _effective(w) >= POOL:
            break
    if not len(w):
        raise Unsatisfiable(
            what=f"none of {WAVE * WAVES} rows drawn holds {condition.text}",
            where="given", fix="the parts may hold one by one and not together: leave one out, or widen it",
        )  # fmt: skip
    return _own_forest(model, condition, draw.joined(blocks), w, key)


def _effective(weights: Array) -> float:
    """How many rows of equal weight tell as much (Kish 1965)."""
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


def _own_forest(model: Trained, condition: RowCondition, pool: Block, weights: Array, key: int) -> DrawPlan:
    """A forest of the likeliest rows of a pool."""
    rows = np.sort(np.searchsorted(np.cumsum(weights) / weights.sum(), (np.arange(POOL) + 0.5) / POOL))
    rows = np.minimum(rows, len(weights) - 1)
    codes = [np.ascontiguousarray(pool.codes[j][rows]) for j in range(len(model.codings))]
    data = learn.matrix(model.codings, codes)
    data = replace(data, bin_of=model.bin_of, bins=np.ascontiguousarray(pool.bins[rows].T))
    distinct = len(np.unique(rows))
    repeats = POOL / distinct  # copies of a row in the pool are no evidence: leaves must hold more of them
    leaf = int(np.ceil(10 * repeats))
    settings = grow.Settings(trees=4, min_leaf=min(leaf, POOL // 4), alpha=2.0 * repeats, max_rows=POOL, honest=True)
    order = [bag.column for bag in model.bags]
    rules = {bag.column: bag.source for bag in model.bags if bag.source >= 0}
    order.sort(key=lambda j: j not in condition.allowed) if not rules else None
    near = learn.association(data) if len(order) > learn.PREDECESSORS + 1 else None
    bags = grow.grow_all(data, order, rules, settings, near=near, seed=key, threads=1, deadline=None)
    tables = {bag.column: bag.table for bag in model.bags}
    bags = [replace(bag, table=tables[bag.column]) if bag.source >= 0 else bag for bag in bags]
    place = {bag.column: at for at, bag in enumerate(bags)}
    known = {bag.column: bag.partner for bag in model.bags if place.get(bag.partner.column, len(bags)) < place[bag.column]}
    bags = [replace(bag, partner=known.get(bag.column, NONE)) for bag in bags]
    return DrawPlan(condition, bags, 1.3, own=True)


def _restricted(bag: Bag, allowed: Array | None) -> tuple[Bag, Array | None]:
    """A bag whose decks hold allowed codes, and the sizes that the decks had."""
    if allowed is None:
        return bag, None
    start, size, deck = leaves.keep_allowed(bag.start, bag.size, bag.deck, allowed)
    return replace(bag, start=start, size=size, deck=deck), bag.size


def _weighted(
    model: Trained,
    bags: Sequence[tuple[Bag, Array | None]],
    condition: RowCondition,
    table: Callable[[Block], pa.Table],
    *,
    n: int,
    key: int,
) -> tuple[Block, Array]:  # fmt: skip
    """Candidates that hold the condition or weigh 0."""
    p = len(model.codings)
    weights = np.ones(n)
    block = Block(np.zeros((n, p), np.uint8), np.zeros((p, n), np.int32), draw.places_of(model, n, key))
    held = {*condition.allowed, *condition.narrowed, *condition.values}
    drawn = {*model.given}
    for bag, full in bags:
        j = bag.column
        if full is None:
            draw.column(model, bag, block, key, asked=j in condition.allowed)
        else:
            kernels.draw_allowed(
                rng.key(key, "column", j) >> 1, bag.nodes, bag.start, bag.size, bag.deck, full, bag.roots, bag.slots, bag.luts,
                bag.feats, model.bin_of[j], block.bins, block.codes[j], j, weights,
            )  # fmt: skip
        keeping.settle(model, block, j, drawn, held)
        drawn.add(j)
    _set_values(model, condition, block)
    for j in held & {column for rule in model.kept for column in rule.columns}:  # what was asked for is there only now
        keeping.settle(model, block, j, drawn, held)
    _add_up(model, condition, block, weights)
    weights *= draw.weights_of(model, block)
    return block, _checked(condition, table, block, weights)


def _set_values(model: Trained, condition: RowCondition, block: Block) -> None:
    """Numbers land where they were asked for, inside their cells."""
    for j, narrow in condition.narrowed.items():
        if narrow.form == "number":
            low = np.where(narrow.low <= narrow.high, narrow.low, model.codings[j].low)
            high = np.where(narrow.low <= narrow.high, narrow.high, model.codings[j].high)
            block.fixed[j] = encoding.placed(replace(narrow, low=low, high=high), block.codes[j], block.places[j])
    for j, (codes, ticks) in condition.values.items():
        order = np.argsort(codes, kind="stable")
        first = np.searchsorted(codes[order], block.codes[j], "left")
        count = np.searchsorted(codes[order], block.codes[j], "right") - first
        index = np.minimum(first + np.floor(block.places[j] * count).astype(np.int64), len(codes) - 1)
        block.fixed[j] = np.where(
            count > 0, ticks[order][index], encoding.placed(model.codings[j], block.codes[j], block.places[j])
        )


def _add_up(model: Trained, condition: RowCondition, block: Block, weights: Array) -> None:
    """Numbers that others give are worked out; where one is asked for, another takes up what is left over. Weight 0 where neither can."""
    held = {*condition.allowed, *condition.narrowed, *condition.values}
    for j in model.worked_out:
        if j in held:
            sums.settle(model, block, j, held)
    for j in model.worked_out:
        if j in condition.values:
            continue
        sums.work_out(model, block, j)
        if j in condition.narrowed:
            narrow, ticks = condition.narrowed[j], block.fixed[j]
            some = narrow.low <= narrow.high
            weights[~((ticks >= narrow.low[some].min()) & (ticks <= narrow.high[some].max()))] = 0.0


def _checked(condition: RowCondition, table: Callable[[Block], pa.Table], block: Block, weights: Array) -> Array:
    """Weights with 0 where the SQL condition does not hold."""
    some = np.flatnonzero(weights > 0)
    if condition.where and len(some):
        rows = table(block.take(some))
        weights[some[~rows_where(condition.where, Batch.of(rows))]] = 0.0
    return weights


def block_of(model: Trained, plan: DrawPlan, table: Callable[[Block], pa.Table], n: int, key: int) -> Block:
    """`n` rows that hold a condition.

    Raises:
        Unsatisfiable: rows hold it so rarely that 30 times the candidates were not enough.
    """
    allowed = {} if plan.own else plan.condition.allowed
    bags = [_restricted(bag, allowed.get(bag.column)) for bag in plan.bags]
    want = int(n * plan.factor) + 64
    blocks, weights = [], np.empty(0)
    for attempt in range(draw.TRIES):
        block, weight = _weighted(model, bags, plan.condition, table, n=want, key=rng.key(key, "given", attempt) >> 1)
        some = np.flatnonzero(weight > 0)
        blocks.append(block.take(some))
        weights = np.concatenate([weights, weight[some]])
        if len(weights) >= n:
            break
    if len(weights) < n:
        raise Unsatisfiable(
            what=f"only {len(weights)} of {want * draw.TRIES} candidates hold {plan.condition.text}",
            where="given", fix="widen the condition, or ask for fewer rows",
        )  # fmt: skip
    pool = draw.joined(blocks)
    draw.forbid_copies(weights, draw.copies_of(model, pool), draw.allowed_copies(model, n, key), n)
    keep = thinning.select(weights, n, float(keyed.uniforms(rng.key(key, "start") >> 1, 1)[0]))
    return pool.take(np.flatnonzero(keep))
