"""Which parent a table's rows are made for, which parents are matched to them, and which references are filled at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.schema.semantics.buffers import one

Places = npt.NDArray[np.int64]
"""For each row of a child, the number of its parent's row; -1: it has none."""


@dataclass(frozen=True, slots=True)
class Links:
    """The references of one table.

    Attributes:
        driving: rows are made so many for each row of this parent; None: the table counts its own rows.
        matched: rows of these parents are chosen for rows that are there.
        late: filled when all rows are there: references to the table itself, and those that open a circle.
    """

    driving: Relation | None
    matched: tuple[Relation, ...]
    late: tuple[Relation, ...]

    @property
    def followed(self) -> tuple[Relation, ...]:
        """All but the late ones."""
        return (*((self.driving,) if self.driving else ()), *self.matched)


def links(schema: DatasetSchema, tables: Mapping[str, pa.Table], places: Mapping[str, Places]) -> dict[str, Links]:
    """The links of every table."""
    broken = schema.broken()
    found = {}
    for name in tables:
        late = tuple(relation for relation in schema.parents(name) if any(relation is other for other in broken))
        free = [relation for relation in schema.parents(name) if not any(relation is other for other in late)]
        driving = max(free, key=lambda r: _weight(r, schema, tables, places[r.name]), default=None)
        known = set(driving.columns) if driving else set()
        matched = []
        for relation in sorted((r for r in free if r is not driving), key=lambda r: tables[r.parent].num_rows):
            if not set(relation.columns) <= known:  # else the key that is there says which row it is
                matched.append(relation)
                known |= set(relation.columns)
        found[name] = Links(driving, tuple(matched), late)
    return found


def _weight(relation: Relation, schema: DatasetSchema, tables: Mapping[str, pa.Table], places: Places) -> float:
    """How much a parent says about its children: many rows, most of which have children; a code list says least."""
    parents = tables[relation.parent].num_rows
    used = len(np.unique(places[places >= 0]))
    few = 10.0 if relation.parent in schema.lists else 0.0
    return math.log(max(parents, 1)) - 5 * (1 - used / max(parents, 1)) + 3 * (len(relation.columns) > 1) - few


def places_of(child: pa.Table, relation: Relation, parent: pa.Table) -> Places:
    """Where the parents of a table's rows stand."""
    mine, theirs = np.zeros(child.num_rows, np.int64), np.zeros(parent.num_rows, np.int64)
    absent = np.zeros(child.num_rows, bool)
    for column, key in zip(relation.columns, relation.keys, strict=True):
        values, keys = _alike(child[column], parent[key])
        known = pc.unique(keys)
        at, key_at = _numbers(pc.index_in(values, known)), _numbers(pc.index_in(keys, known))
        absent |= (at < 0) | pc.is_null(values).to_numpy(zero_copy_only=False)
        mine, theirs = mine * len(known) + at, theirs * len(known) + key_at
    found = _numbers(pc.index_in(pa.array(np.where(absent, -1, mine)), pa.array(theirs)))
    return np.where(absent, -1, found)


def _alike(values: pa.ChunkedArray, keys: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Both as one type, each in one chunk: keys are stored as numbers in one table and as text in another."""
    plain = [one(column) for column in (values, keys)]
    if plain[0].type == plain[1].type:
        return plain[0], plain[1]
    return _text(plain[0]), _text(plain[1])


def _text(values: pa.Array) -> pa.Array:
    if pa.types.is_floating(values.type):  # keys with gaps, as pandas holds them: 7.0 is 7
        values = pc.round(values).cast(pa.int64())
    return values.cast(pa.string())


def _numbers(values: pa.Array) -> Places:
    return pc.fill_null(values.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)


def duplicates(table: pa.Table, key: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Rows whose key another row above them has, bool [n]."""
    code = np.zeros(table.num_rows, np.int64)
    for name in key:
        values = one(table[name])
        at = _numbers(pc.index_in(values, pc.unique(values)))
        code = np.unique(code * (int(at.max(initial=0)) + 1) + at, return_inverse=True)[1]
    again = np.ones(table.num_rows, bool)
    again[np.unique(code, return_index=True)[1]] = False
    return again


def keyed(parent: pa.Table, relation: Relation, places: Places, child: pa.Schema) -> dict[str, pa.Array]:
    """The child's key columns, from its parents' rows, in the child's own types."""
    index = pa.array(np.maximum(places, 0), mask=places < 0)
    return {
        column: in_type(one(parent[key]).take(index), child.field(column).type)
        for column, key in zip(relation.columns, relation.keys, strict=True)
    }


def in_type(values: pa.Array, kind: Any) -> pa.Array:
    """The same values as another type, by way of text where Arrow knows no shorter one."""
    if values.type == kind:
        return values
    try:
        return values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _text(values).cast(kind)
