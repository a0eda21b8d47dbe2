"""Anonymising: new values for identifiers, groups for rare categories, bounds for extremes.

Direct identifiers are never learned. `profile` keeps only what a stand-in needs: shapes, lengths, how often values repeat,
and words that enough rows share. `replacements` makes new valid values from it. To keep the same person the same person, in one
table or in several, see `pseudonyms`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.errors import SynthesizerError, Unsatisfiable
from lookalike.generators.pattern import Pattern
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.schema import patterns
from lookalike.schema.semantics import ANEW
from lookalike.schema.semantics.nested import plain_cells, typed_cells
from lookalike.schema.semantics.numbers import Numbers, numbers_of, stored
from lookalike.schema.types import ColumnSchema, arrow_type
from lookalike.synthesizers import nested, prose
from lookalike.synthesizers.pseudonyms import stand_ins

K = 5  # rows that must share a shape before it is remembered
SHAPED = frozenset({"phone", "national_id"})  # kinds whose written shape is kept when rows share it


class _NoTables:
    """Patterns read no source."""

    def source(self, name: str) -> pa.Table:
        raise SynthesizerError(what=f"a stand-in reads no source, but {name!r} was asked for")


def profile(column: ColumnSchema, values: pa.Array | pa.ChunkedArray) -> dict[str, Any]:
    """What may be remembered of an identifier, a text or a nested column; plain data for JSON.

    Args:
        column: its schema.
        values: the real column.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    rows, kept = len(array), array.drop_null()
    state: dict[str, Any] = {"missing": 1 - len(kept) / rows if rows else 0.0}
    if column.semantic == "json":
        return {**state, "tree": nested.learn(_cells(kept))}
    if column.format == "binary":
        return state
    if column.semantic == "text":
        return {**state, "prose": prose.learn(kept.cast(pa.string()).to_pylist())}
    counted = pc.value_counts(kept)
    if not column.unique and len(counted):
        repeats = counted.field("counts").to_numpy()
        state |= {"pool": len(repeats) / len(kept), "repeats": np.quantile(repeats, np.linspace(0, 1, 33)).tolist()}
    if _is_number(kept.type) and len(kept):
        there = numbers_of(kept, 0).there
        there = there[np.isfinite(there)] if there.dtype.kind == "f" else there
        low, high = (int(there.min()), int(there.max())) if len(there) else (1, len(kept))
        step = _step(there) if column.format == "sequence" else 0
        state |= {"rows": len(kept), "low": str(low), "high": str(high), "step": str(step)}
        if pa.types.is_uint64(kept.type):
            state["most"] = 2**64 - 1
    elif column.semantic in SHAPED:
        shapes = Counter(re.sub(r"\d", "#", str(text)) for text in counted.field("values").to_pylist())
        if column.semantic == "national_id":
            few = [str(text) for text in counted.field("values").to_pylist()[:400]]
            state["checked"] = patterns.share(few, patterns.is_national_id) >= 0.9
        state["shapes"] = [(shape, count) for shape, count in shapes.most_common(20) if count >= K]
    return state


def _is_number(kind: pa.DataType) -> bool:
    """Keys with gaps come as floats from pandas, and as decimals from databases."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _step(whole: npt.NDArray[Any]) -> int:
    """The step of a sequence as it was written; 1 for a shuffled one."""
    few = np.diff(whole[:3])
    return int(few[0]) if len(few) and (few == few[0]).all() else 1


def _cells(values: pa.Array) -> list[Any]:
    cells = values.to_pylist()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return [orjson.loads(cell) if cell.strip() else None for cell in cells]
    return [plain_cells(values.type, cell) for cell in cells]


def replacements(
    column: ColumnSchema,
    n: int,
    seed: int,
    *,
    like: pa.Array | pa.ChunkedArray | None = None,
    known: dict[str, Any] | None = None,
) -> pa.Array:
    """New valid values of an identifier, personal, text or nested column, in its Arrow type.

    Args:
        column: its schema; `unique` says whether values may repeat.
        n: rows.
        seed: the same column and seed give the same values.
        like: the real column, to follow in shape, repetition and gaps.
        known: `profile(column, like)`, when it was worked out before.

    Raises:
        Unsatisfiable: a unique column whose pattern has too few values.
        SynthesizerError: a column of this semantic type is learned, not replaced.
    """
    if column.semantic not in ANEW:
        raise SynthesizerError(
            what=f"{column.semantic} columns are learned, not replaced", where=column.name, fix="sample it with a synthesizer"
        )
    state = known if known is not None else profile(column, like) if like is not None else {"missing": 0.0}
    key = rng.key(seed, "stand-in", column.name)
    draws = rng.generator(key, "draws")
    if "pool" in state and n:
        size = max(1, min(n, round(state["pool"] * n * (1 - state["missing"]))))
        weights = np.interp(draws.random(size), np.linspace(0, 1, 33), state["repeats"])
        pool = _fresh(column, size, key, state)
        made = pool.take(pa.array(draws.choice(size, n, p=weights / weights.sum())))
    else:
        made = _fresh(column, n, key, state)
    if state["missing"]:
        made = pc.if_else(pa.array(draws.random(n) >= state["missing"]), made, pa.scalar(None, made.type))
    return made


def _fresh(column: ColumnSchema, n: int, key: int, state: dict[str, Any]) -> pa.Array:
    """Values that differ where the column's differ."""
    kind = arrow_type(column.arrow)
    draws = rng.generator(key, "fresh")
    if column.semantic == "json":
        cells = nested.write(state.get("tree", {}), n, draws)
        written = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if written:
            return pa.array([None if cell is None else orjson.dumps(cell).decode() for cell in cells], kind)
        return pa.array([typed_cells(kind, cell) for cell in cells], kind)
    if column.format == "binary":
        width = kind.byte_width if pa.types.is_fixed_size_binary(kind) else 16
        return pa.array([draws.bytes(width) for _ in range(n)], kind)
    if column.semantic == "text":
        return pa.array(prose.write(state.get("prose") or {"words": []}, n, draws), kind)
    if _is_number(kind):
        return stored(Numbers(_integers(column, n, key, state), np.zeros(n, bool)), kind, 0)
    return _distinct(column, n, key, state).cast(kind)


def _integers(column: ColumnSchema, n: int, key: int, state: dict[str, Any]) -> npt.NDArray[Any]:
    """Whole numbers that all differ, int64 [n] or, where 64 bits are too few, object; the i-th is the same for every `n`."""
    low, high = int(state.get("low", 1)), int(state.get("high", max(n, 1)))
    if column.format == "sequence":
        step = int(state.get("step", 1)) or 1
        places, base = step * np.arange(n), low if step > 0 else high
    else:
        size = min(max(high - low + 1, 2 * state.get("rows", n)), 2**62)  # room for others than the real ones
        base = min(low, state.get("most", 2**63 - 1) - size + 1)
        rounds, inside = np.divmod(np.arange(n, dtype=np.uint64), np.uint64(size))
        places = (_shuffled(key, inside, size) + rounds * np.uint64(size)).astype(np.int64)
    wide = n > 0 and not -(2**63) <= base + int(places.min()) <= base + int(places.max()) < 2**63
    return places.astype(object) + base if wide or abs(base) >= 2**63 else places + base


def _shuffled(key: int, places: npt.NDArray[np.uint64], size: int) -> npt.NDArray[np.uint64]:
    """Each place's own place in a keyed shuffle of [0, size).

    A Feistel network shuffles the numbers of an even number of bits; what falls beyond the size is shuffled on until it does not.

    Source:
        Black and Rogaway 2002, "Ciphers with arbitrary finite domains" (cycle walking).
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    mask = np.uint64((1 << int(half)) - 1)
    found, beyond = places.copy(), np.arange(len(places))
    while len(beyond):
        left, right = found[beyond] >> half, found[beyond] & mask
        for turn in range(4):
            left, right = right, left ^ (rng.bits(key, right.view(np.int64), turn) & mask)
        found[beyond] = (left << half) | right
        beyond = beyond[found[beyond] >= np.uint64(size)]
    return found


def _distinct(column: ColumnSchema, n: int, key: int, state: dict[str, Any]) -> pa.Array:
    """Texts [n], made again under new ids until they differ: at most 60 rounds."""
    apart = column.unique or "pool" in state
    ids = np.arange(n, dtype=np.int64)
    made = texts(column, ids, key, state)
    for attempt in range(1, 61):
        if not apart:
            return made
        encoded = made.dictionary_encode()
        codes = encoded.indices.to_numpy()
        first = np.full(len(encoded.dictionary), -1, np.int64)
        first[codes[::-1]] = np.arange(n)[::-1]
        repeated = np.flatnonzero(first[codes] != np.arange(n))
        if not len(repeated):
            return made
        again = texts(column, attempt * (1 << 40) + repeated, key, state)
        mask = np.zeros(n, bool)
        mask[repeated] = True
        made = pc.replace_with_mask(made, pa.array(mask), again)
    if column.unique and column.semantic == "id":
        raise Unsatisfiable(
            what=f"{column.format or 'the pattern'!r} has fewer than {n} different values",
            where=column.name, fix="widen the column's format, or ask for fewer rows",
        )  # fmt: skip
    return made  # names of people do repeat in the end


def texts(column: ColumnSchema, ids: rng.Ids, key: int, state: dict[str, Any]) -> pa.Array:
    """Stand-ins of row ids, string [n]: a function of the key and the id.

    Args:
        column: semantic type and, for identifiers, the pattern.
        ids: int64 [n].
        key: of the column.
        state: what `profile` remembers; empty for the kind's own shape.
    """
    if column.semantic == "id":
        regex = column.format if column.format not in ("", "sequence") else "[0-9a-f]{12}"
        context = Context(seed=key, table="", column=column.name, tables=_NoTables())
        return Pattern(regex=regex, repeat=8).generate(Batch("", ids), context).cast(pa.string())
    if shapes := state.get("shapes"):
        made = stand_ins.shaped([shape for shape, _ in shapes], [count for _, count in shapes], key, ids)
        return stand_ins.corrected(made, patterns.is_national_id) if state.get("checked") else made
    return pa.array(stand_ins.maker(column.semantic, column.name)(key, ids, "en_US"), pa.string())


def group_rare(values: pa.Array | pa.ChunkedArray, k: int = K, *, other: str = "other") -> pa.Array:
    """Categories that fewer than `k` rows have, under one name; nulls stay."""
    array = (values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values).cast(pa.string())
    counted = pc.value_counts(array.drop_null())
    common = counted.filter(pc.greater_equal(counted.field("counts"), k)).field("values")
    known = pc.or_(pc.is_in(array, common), pc.is_null(array))
    return pc.if_else(known, array, pa.scalar(other))


def clip_extremes(
    values: npt.NDArray[np.float64], share: float = 0.005, *, smooth: bool = False, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Numbers whose lowest and highest share is drawn in: to the quantile itself, or spread along the neighbouring ones.

    Args:
        values: float64 [n]; NaN stays.
        share: share of the rows at each end, below 0.5.
        smooth: draw the ends again between the quantile and the one `share` further in, instead of piling them up.
        seed: of those draws.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return values.copy()
    low, inner_low, inner_high, high = np.quantile(finite, [share, 2 * share, 1 - 2 * share, 1 - share])
    if not smooth:
        return np.clip(values, low, high)
    coins = rng.generator(seed, "extremes").random(len(values))
    out = np.where(values < low, low + coins * (inner_low - low), values)
    return np.where(values > high, high - coins * (high - inner_high), out)
