"""What a column's cells mean, one class a semantic type: how they become exact numbers, are compared, typed and written.

`base` has the contract; `KINDS` the types by the names that schemas use. A new type is one file and one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa

from lookalike.errors import SchemaError, did_you_mean
from lookalike.schema.semantics.anew import Identifier, Personal, Prose
from lookalike.schema.semantics.base import Semantic
from lookalike.schema.semantics.levels import Boolean, Categories, ConstantValue, Empty
from lookalike.schema.semantics.moments import Date, DateAndTime, Duration, Time
from lookalike.schema.semantics.quantities import Amount, Latitude, Longitude, WholeNumber
from lookalike.schema.semantics.several import Several
from lookalike.schema.types import ColumnSchema

KINDS: dict[str, type[Semantic]] = {
    "integer": WholeNumber, "decimal": Amount, "latitude": Latitude, "longitude": Longitude, "several": Several,
    "datetime": DateAndTime, "date": Date, "time": Time, "duration": Duration,
    "category": Categories, "boolean": Boolean, "constant": ConstantValue, "empty": Empty,
    "id": Identifier, "text": Prose, "json": Prose, "url": Prose,
    "name": Personal, "email": Personal, "phone": Personal, "address": Personal, "iban": Personal, "card": Personal,
    "national_id": Personal, "ip": Personal,
}  # fmt: skip

ANEW: frozenset[str] = frozenset(name for name, kind in KINDS.items() if kind.learned == "anew")
"""Types that are not learned: their values are made anew."""


def semantic_of(column: ColumnSchema) -> Semantic:
    """What a column's cells mean.

    Raises:
        SchemaError: a semantic type that there is none of.
    """
    kind = KINDS.get(column.semantic)
    if kind is None:
        raise SchemaError(
            what=f"{column.semantic!r} is no semantic type",
            where=column.name,
            fix=did_you_mean(column.semantic, KINDS, label="types"),
        )
    return kind(column)


STORED: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_timestamp, "datetime"), (pa.types.is_date, "date"), (pa.types.is_time, "time"), (pa.types.is_duration, "duration"),
    (pa.types.is_boolean, "boolean"), (pa.types.is_integer, "integer"), (pa.types.is_primitive, "decimal"), (pa.types.is_decimal, "decimal"),
)  # fmt: skip


def quantity_of(column: ColumnSchema) -> Semantic:
    """What a column's cells are as numbers or moments, also where numbers stand for something: a key can be compared with a key.

    Cells that are stored as neither are what `semantic_of` says.
    """
    semantic = semantic_of(column)
    if semantic.quantity or semantic.ordered:
        return semantic
    found = next((sort for test, sort in STORED if test(semantic.kind)), None)
    return semantic if found is None else semantic_of(replace(column, semantic=found))
