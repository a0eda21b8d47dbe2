"""Finding primary and foreign keys in tables that declare none, each with its evidence in a sentence.

Included values alone prove little: every small whole number is among the keys 1..n of every longer table. So a foreign key needs its
values among the parent's keys *and* either a name that says so or values that tell by themselves (texts, or numbers with wide gaps).
After Rostin et al. 2009, "A machine learning approach to foreign key discovery", whose features these are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.schema.infer import infer
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.schema.types import NUMERIC, PII, TEMPORAL, TableSchema

MOST_PARTS = 3  # columns of a composite key
LIST_ROWS = 60  # rows of a code list at most
ORPHANS = 0.5  # share of a column that may point nowhere when its name says that it is a key
TELLING = 0.95  # share that must be found when only its values say so
FEWEST = 3  # different values that can tell by themselves, when all of them are found

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDINGS = frozenset({"id", "ids", "key", "code", "no", "nr", "num", "number", "fk", "pk", "ref", "uuid", "guid"})
_GENERIC = frozenset({"id", "key", "code", "no", "nr", "name", "number", "uuid", "guid", "pk"})
PLACES = frozenset({"line", "row", "seq", "sequence", "position", "pos", "index", "item", "year", "month", "day", "date", "hour", "time", "week", "order", "rank", "step", "version"})  # fmt: skip
_UPWARD = frozenset({"parent", "manager", "boss", "supervisor", "report", "reply", "previous", "prev", "root", "superior", "head", "referrer", "predecessor"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Column:
    """A column that may be a key, in one form for all: what 7, 7.0 and "7" have in common is the text 7."""

    table: str
    name: str
    values: pa.Array  # distinct and not null, as texts
    rows: int
    nulls: int
    whole: bool  # numbers, as opposed to texts
    sparse: bool  # numbers with wide gaps

    @property
    def unique(self) -> bool:
        return self.nulls == 0 and len(self.values) == self.rows


def find_relations(tables: Mapping[str, pa.Table], schemas: Mapping[str, TableSchema] | None = None) -> DatasetSchema:
    """Primary keys, foreign keys and code lists of some tables.

    Args:
        tables: name -> rows.
        schemas: what their columns are; inferred where not given.

    Returns:
        The dataset's schema. Each relation says in `reason` what speaks for it; a guess that is wrong is corrected by handing on a
        schema without it.
    """
    known = {name: (schemas or {}).get(name) or infer(table) for name, table in tables.items()}
    columns = {name: list(_columns(name, table, known[name])) for name, table in tables.items()}
    keys = {name: key for name in tables if (key := _single(name, columns[name]))}
    relations = list(_foreign(columns, keys))
    for name, table in tables.items():
        if name not in keys and (parts := _composite(table, columns[name], [r for r in relations if r.child == name])):
            keys[name] = parts
    relations += _composite_foreign(tables, keys)
    return DatasetSchema(known, keys, tuple(relations), _lists(tables, known, keys, relations))


def _columns(table: str, rows: pa.Table, schema: TableSchema) -> Iterator[_Column]:
    for column in schema.columns:
        values = rows[column.name]
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        whole = pa.types.is_integer(kind) or (pa.types.is_floating(kind) and _all_whole(values))
        if not (whole or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        distinct = pc.unique(values.combine_chunks() if values.num_chunks else values).drop_null()
        if not len(distinct):
            continue
        sparse = False
        if whole:
            distinct = distinct.cast(pa.int64())
            ends = pc.min_max(distinct)
            sparse = ends["max"].as_py() - ends["min"].as_py() > 2 * len(distinct)
        yield _Column(table, column.name, distinct.cast(pa.string()), len(values), values.null_count, whole, sparse)


def _all_whole(values: pa.ChunkedArray) -> bool:
    """Whether floats are whole numbers, as pandas makes of keys with gaps."""
    finite = pc.fill_null(pc.is_finite(values), fill_value=True)
    if not pc.all(finite).as_py() or values.null_count == len(values):
        return False
    return bool(pc.all(pc.equal(pc.floor(values), values)).as_py()) and pc.max(pc.abs(values)).as_py() < 2**53


# --- names ---


def words(name: str) -> tuple[str, ...]:
    """A name's words, lower case and singular: `CustomerIDs` -> ("customer", "id")."""
    return tuple(_singular(word.lower()) for word in _WORDS.findall(name))


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _core(name: str) -> str:
    """A column's name without what says that it is a key: `customer_id` -> "customer"."""
    parts = list(words(name))
    while len(parts) > 1 and parts[-1] in _ENDINGS:
        parts.pop()
    text = "".join(parts)
    return text.removesuffix("id") if len(text) > 4 else text


def _names(column: str, parent: str, key: str) -> bool:
    """Whether a column's name says that it refers to a key."""
    if column.lower() == key.lower() and key.lower() not in _GENERIC:
        return True
    table, core = "".join(words(parent)), _core(column)
    return bool(table) and (core == table or (len(table) > 2 and core.endswith(table)) or core == "".join(words(parent)[-1:]))


# --- keys ---


def _single(table: str, columns: Sequence[_Column]) -> tuple[str, ...]:
    """The column that is unique and looks most like a key; empty when none does."""

    def rank(column: _Column) -> tuple[int, int]:
        name, core = column.name.lower(), _core(column.name)
        named = name in {"id", "pk", "uuid", "key"} or core == "".join(words(table))
        return (
            0 if named else 1 if words(column.name)[-1:] and words(column.name)[-1] in _ENDINGS else 2,
            columns.index(column),
        )

    found = sorted((column for column in columns if column.unique and column.rows > 1), key=rank)
    likely = [column for column in found if rank(column)[0] < 2 or columns.index(column) == 0]
    return (likely[0].name,) if likely else ()


def _foreign(columns: Mapping[str, Sequence[_Column]], keys: Mapping[str, tuple[str, ...]]) -> Iterator[Relation]:
    """Single-column foreign keys, the likeliest parent of each."""
    targets = [column for table, key in keys.items() for column in columns[table] if (column.name,) == key]
    for table, candidates in columns.items():
        for column in candidates:
            found = [
                (score, target, why)
                for target in targets
                if (score_why := _refers(column, target))
                for score, why in [score_why]
            ]
            if not found:
                continue
            _, target, why = max(found, key=lambda entry: entry[0])
            own = (column.name,) == keys.get(table)
            if own and not _names(column.name, target.table, target.name):
                continue
            yield Relation(table, (column.name,), target.table, (target.name,), nullable=column.nulls > 0, reason=why)


def _refers(column: _Column, target: _Column) -> tuple[tuple[float, ...], str] | None:
    """How strongly values and name say that a column refers to a key, and the sentence; None: they do not."""
    if column.table == target.table and column.name == target.name:
        return None
    named = _names(column.name, target.table, target.name)
    if column.table == target.table:
        named = bool(set(words(column.name)) & _UPWARD)
    tells = (target.sparse or not target.whole) and not column.unique
    if not named and not tells:
        return None
    inside = pc.sum(pc.is_in(column.values, target.values)).as_py() or 0
    share = inside / len(column.values)
    if share < (ORPHANS if named else TELLING if inside >= 10 * FEWEST else 1) or (not named and inside < FEWEST):
        return None
    exact = float(named and _core(column.name) == "".join(words(target.table)))
    why = f"{share:.0%} of its {len(column.values):,} values are keys of {target.table}"
    why += ", and its name says so" if named else ", which cannot be by chance"
    return (exact, float(named), share, -len(target.values)), why


def _composite(table: pa.Table, columns: Sequence[_Column], relations: Sequence[Relation]) -> tuple[str, ...]:
    """The fewest columns that identify a row together: references, and places such as a line number or a date."""
    refers = {relation.columns[0] for relation in relations}
    temporal = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    names = [column.name for column in columns if column.nulls == 0]
    parts = [name for name in names if name in refers or set(words(name)) & (PLACES | _ENDINGS)]
    parts += [name for name in temporal if table[name].null_count == 0]
    parts = sorted(dict.fromkeys(parts), key=lambda name: (name not in refers, table.column_names.index(name)))[:10]
    for size in range(2, MOST_PARTS + 1):
        for chosen in combinations(parts, size):
            if refers & set(chosen) and table.num_rows > 1 and _distinct(table, chosen) == table.num_rows:
                return tuple(sorted(chosen, key=table.column_names.index))
    return ()


def _distinct(table: pa.Table, names: Sequence[str]) -> int:
    return table.select(list(names)).group_by(list(names)).aggregate([]).num_rows


def _composite_foreign(tables: Mapping[str, pa.Table], keys: Mapping[str, tuple[str, ...]]) -> Iterator[Relation]:
    """References to composite keys, by columns of the same names."""
    for parent, key in keys.items():
        if len(key) < 2:
            continue
        for child, table in tables.items():
            if child == parent or not set(key) <= set(table.column_names) or len(set(key)) != len(key):
                continue
            mine = table.select(list(key)).group_by(list(key)).aggregate([]).drop_null()
            try:
                inside = mine.join(tables[parent].select(list(key)), list(key), join_type="left semi").num_rows
            except pa.ArrowInvalid:  # columns of the same name and different types
                continue
            if mine.num_rows and inside / mine.num_rows >= ORPHANS:
                nullable = any(table[name].null_count for name in key)
                why = f"{inside / mine.num_rows:.0%} of its {mine.num_rows:,} combinations are keys of {parent}, and the names agree"
                yield Relation(child, key, parent, key, nullable=nullable, reason=why)


def _lists(
    tables: Mapping[str, pa.Table],
    schemas: Mapping[str, TableSchema],
    keys: Mapping[str, tuple[str, ...]],
    relations: Sequence[Relation],
) -> frozenset[str]:
    """Short tables that others refer to, that refer to none and hold words alone, nothing personal or measured: countries, genres."""
    found = set()
    for name, table in tables.items():
        referred = [relation for relation in relations if relation.parent == name and relation.child != name]
        refers = any(relation.child == name for relation in relations)
        others = [column for column in schemas[name].columns if (column.name,) != keys.get(name)]
        measured = any(column.semantic in PII | NUMERIC | TEMPORAL for column in others)  # of persons and things, not of words
        users = sum(tables[relation.child].num_rows for relation in referred)
        if referred and not refers and not measured and table.num_rows <= LIST_ROWS and users >= 3 * table.num_rows:
            found.add(name)
    return frozenset(found)
