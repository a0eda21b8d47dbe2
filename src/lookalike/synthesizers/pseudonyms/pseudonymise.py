"""Pseudonyms: one stand-in for each original, tied to it by a keyed hash, the same in every table.

Who has no secret cannot undo it or test a guess. Who has it can test guesses, so keep it or throw it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike import frames, rng
from lookalike.errors import SynthesizerError, UnknownColumn, Unsatisfiable, did_you_mean
from lookalike.schema import patterns
from lookalike.schema.infer import infer
from lookalike.schema.semantics import ANEW
from lookalike.schema.types import ColumnSchema, Semantic, TableSchema, arrow_type
from lookalike.synthesizers import anonymise
from lookalike.synthesizers.pseudonyms import stand_ins

UNTIED = frozenset({"text", "json"})  # semantic types that may name people and have no pseudonyms
TIED = ANEW - UNTIED
SECRET_LENGTH = 8  # the least
KEEP = "keep"  # the type of a column that stays as it is
SAMPLE = 400  # originals that an identifier's pattern is found on
ROUNDS = 60  # tries to tell two originals apart


@dataclass(frozen=True)
class _Cells:
    """One column of one table."""

    table: str
    column: ColumnSchema
    values: pa.Array  # dictionary-encoded


def pseudonyms(column: ColumnSchema, values: pa.Array | pa.ChunkedArray, secret: str) -> pa.Array:
    """One stand-in for each original of a column; the same wherever the same `column` and secret are used.

    Two originals share a stand-in with the odds of a hash of the kind's size; `pseudonymise` keeps them apart.

    Args:
        column: its schema; it decides what stand-ins look like.
        values: the originals; nulls stay null.
        secret: at least 8 characters.

    Raises:
        SynthesizerError: the secret is short, or the column is of prose or nested cells.
    """
    _check(column, secret)
    cells = _Cells("", column, _encoded(values))
    originals = [_plain(value) for value in cells.values.dictionary.to_pylist()]
    made = _made(column, originals, np.zeros(len(originals), np.int64), secret, _bits([cells]))
    return _written(cells, dict(zip(originals, made.to_pylist(), strict=True)))


@dataclass(frozen=True)
class Replaced:
    """What became of one column: counts only, nothing of the values.

    Attributes:
        place: `table.column`.
        what: the semantic type, such as `email`: of the stand-ins, or of what was kept.
        originals: different values that got a stand-in; 0 where the column was kept as it is.
        cells: cells that were written.
    """

    place: str
    what: str
    originals: int
    cells: int


def pseudonymise(
    tables: Mapping[str, Any], secret: str, *, same: Sequence[Sequence[str]] = (), types: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Several tables whose identifiers and personal data are replaced: the same person has the same stand-in in all of them.

    Columns of one name hold the same originals; columns of different names do when `same` says so. No two originals share a
    stand-in, except people's names, which do repeat. Prose and nested cells are left as they are: see `redact`.

    Args:
        tables: name -> pandas, polars or Arrow.
        secret: at least 8 characters; the same secret ties the stand-ins of another call to these.
        same: groups of columns with the same originals, such as `[("people.id", "visits.patient")]`.
        types: semantic types where the inferred ones are wrong, such as `{"people.boss": "name", "people.age": "keep"}`.

    Returns:
        The tables, each in the kind of frame that came in.

    Raises:
        SynthesizerError: the secret is short.
        UnknownColumn: `same` or `types` names a column that is not there.
        Unsatisfiable: a pattern of identifiers has too few values.
    """
    arrow, _ = replace_all({name: frames.to_arrow(table) for name, table in tables.items()}, secret, same, types)
    return {name: frames.from_arrow(arrow[name], frames.frame_kind(table), rows_of=table) for name, table in tables.items()}


def replace_all(
    tables: Mapping[str, pa.Table], secret: str, same: Sequence[Sequence[str]] = (), types: Mapping[str, str] | None = None
) -> tuple[dict[str, pa.Table], list[Replaced]]:
    """`pseudonymise` of Arrow tables, and what became of each column, in the tables' order."""
    _secret(secret, "secret")
    arrow = dict(tables)
    schemas = {name: _typed(name, infer(table), types or {}) for name, table in tables.items()}
    _check_places([*(types or {})], schemas, "types")
    found = {
        f"{name}.{c.name}": Replaced(f"{name}.{c.name}", c.semantic, 0, 0) for name in tables for c in schemas[name].columns
    }
    for group in _groups(tables, schemas, same):
        column = _common(group)
        stand_in = _apart(column, group, secret)
        for cells in group:
            table, name = arrow[cells.table], cells.column.name
            arrow[cells.table] = table.set_column(table.column_names.index(name), name, _written(cells, stand_in))
            place, filled = f"{cells.table}.{name}", len(cells.values) - cells.values.null_count
            found[place] = Replaced(place, column.semantic, len(cells.values.dictionary), filled)
    return arrow, list(found.values())


def _typed(table: str, schema: TableSchema, types: Mapping[str, str]) -> TableSchema:
    """The schema with the types that were said; `keep` is a category, which nobody replaces."""
    for place, semantic in types.items():
        if semantic not in TIED | {KEEP}:
            raise SynthesizerError(
                what=f"{semantic!r} has no pseudonyms", where=place, fix=f"say {KEEP}, or one of {', '.join(sorted(TIED))}"
            )
    said = {place.removeprefix(f"{table}."): semantic for place, semantic in types.items() if place.startswith(f"{table}.")}
    columns = []
    for column in schema.columns:
        semantic = cast("Semantic", {KEEP: "category"}.get(said.get(column.name, ""), said.get(column.name, column.semantic)))
        columns.append(column if semantic == column.semantic else replace(column, semantic=semantic, format=""))
    return replace(schema, columns=tuple(columns))


def _check_places(places: Sequence[str], schemas: Mapping[str, TableSchema], where: str) -> None:
    known = [f"{table}.{name}" for table, schema in schemas.items() for name in schema.names]
    for place in places:
        if place not in known:
            raise UnknownColumn(what=f"no column {place!r}", where=where, fix=did_you_mean(place, known, label="columns"))


def _secret(secret: str, where: str) -> None:
    if len(secret) < SECRET_LENGTH:
        raise SynthesizerError(
            what=f"the secret is shorter than {SECRET_LENGTH} characters", where=where, fix="give a longer one"
        )


def _check(column: ColumnSchema, secret: str) -> None:
    _secret(secret, column.name)
    if column.semantic not in TIED:
        raise SynthesizerError(what=f"{column.semantic} columns have no pseudonyms", where=column.name)


def _groups(
    tables: Mapping[str, pa.Table], schemas: Mapping[str, TableSchema], same: Sequence[Sequence[str]]
) -> Iterator[list[_Cells]]:
    """Columns that hold the same originals, of which at least one is an identifier."""
    named = {f"{table}.{name}": name for table, arrow in tables.items() for name in arrow.column_names}
    _check_places([place for group in same for place in group], schemas, "same")
    named |= {place: " = ".join(group) for group in same for place in group}
    groups: dict[str, list[_Cells]] = {}
    for place, group in named.items():
        table = next(t for t in tables if place.startswith(f"{t}.") and place[len(t) + 1 :] in tables[t].column_names)
        column = schemas[table][place[len(table) + 1 :]]
        groups.setdefault(group, []).append(_Cells(table, column, _encoded(tables[table][column.name])))
    for group, members in groups.items():
        tied = [cells for cells in members if cells.column.semantic in TIED]
        linked = " = " in group or any(cells.column.semantic == "id" for cells in tied)
        if tied:
            others = [cells for cells in members if linked and cells.column.semantic not in TIED]
            yield [*tied, *(cells for cells in others if _may_refer(cells, said=" = " in group))]


def _may_refer(cells: _Cells, *, said: bool) -> bool:
    """Whether cells can hold the originals of an identifier: moments and truths cannot, and who says so is told."""
    kind = arrow_type(cells.column.arrow)
    fits = not (pa.types.is_temporal(kind) or pa.types.is_boolean(kind) or pa.types.is_nested(kind))
    if said and not fits:
        raise SynthesizerError(
            what=f"{kind} cells are no originals of an identifier",
            where=f"{cells.table}.{cells.column.name}",
            fix="leave the column out of `same`",
        )
    return fits


def _common(group: Sequence[_Cells]) -> ColumnSchema:
    """What stand-ins of the group look like."""
    column = group[0].column
    if column.semantic != "id" or not pa.types.is_string(arrow_type(column.arrow)):
        return column
    every = sorted({_plain(value) for cells in group for value in cells.values.dictionary.to_pylist()})
    return replace(column, format=patterns.id_regex(every[:: max(1, len(every) // SAMPLE)]))


def _apart(column: ColumnSchema, group: Sequence[_Cells], secret: str) -> dict[str, Any]:
    """Original -> stand-in, each its own and, while there is room, nobody's original; who comes second is hashed again."""
    originals = sorted({_plain(value) for cells in group for value in cells.values.dictionary.to_pylist()})
    rounds = np.zeros(len(originals), np.int64)
    for attempt in range(ROUNDS):
        made = _made(column, originals, rounds, secret, _bits(group)).to_pylist()
        first: dict[Any, int] = dict.fromkeys(originals, -1) if attempt < ROUNDS // 2 else {}
        again = [i for i, value in enumerate(made) if first.setdefault(value, i) != i]
        if not again or column.semantic == "name":
            return dict(zip(originals, made, strict=True))
        rounds[again] += 1
    raise Unsatisfiable(
        what=f"{column.format or column.semantic!r} has too few values to tell {len(originals)} originals apart",
        where=column.name, fix="describe the column by a wider format",
    )  # fmt: skip


def _made(column: ColumnSchema, originals: Sequence[str], rounds: npt.NDArray[np.int64], secret: str, bits: int) -> pa.Array:
    hashed = [
        blake2b(f"{again}:{text}".encode() if again else text.encode(), key=secret.encode()[:64], digest_size=8).digest()
        for text, again in zip(originals, rounds.tolist(), strict=True)
    ]
    ids = np.array([int.from_bytes(digest, "little") >> 1 for digest in hashed], np.int64)
    if bits:
        return pa.array(ids >> (63 - bits))
    key = rng.key(secret, column.semantic)
    if column.semantic in anonymise.SHAPED:
        made = stand_ins.reshaped(originals, key, ids)
        checked = column.semantic == "national_id" and patterns.share(originals, patterns.is_national_id) >= 0.9
        return stand_ins.corrected(made, patterns.is_national_id) if checked else made
    return anonymise.texts(column, ids, key, {})


def _bits(group: Sequence[_Cells]) -> int:
    """Bits of a whole number that every column can hold; 0 for texts."""
    kinds = [arrow_type(cells.column.arrow) for cells in group]
    if any(pa.types.is_string(kind) or pa.types.is_large_string(kind) for kind in kinds):
        return 0
    return min(min(kind.bit_width - 1, 53) if pa.types.is_integer(kind) else 31 for kind in kinds)


def _encoded(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _plain(value: Any) -> str:
    """A cell as text, alike in every table: 7.0 of a column with gaps is the 7 of one without."""
    return str(int(value)) if not isinstance(value, (str, bytes)) and value == value // 1 else str(value)


def _written(cells: _Cells, stand_in: Mapping[str, Any]) -> pa.Array:
    made = pa.array([stand_in[_plain(value)] for value in cells.values.dictionary.to_pylist()])
    kind = arrow_type(cells.column.arrow)
    if pa.types.is_decimal(kind):
        made = made.cast(pa.string())
    return made.cast(kind).take(cells.values.indices)
