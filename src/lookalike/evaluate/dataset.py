"""What metrics are about: tables, the relations between them, entities, and the dataset as a whole.

    frames --> Dataset --> subjects of a scope: table | relation | entity | dataset --> Metric.compute(subject)

Every subject has a `name` and the views of its `tables`; a single table is a dataset of one table without a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import LookalikeError, MetricError, UsageError, did_you_mean
from lookalike.evaluate import encode
from lookalike.evaluate.base import Scope
from lookalike.evaluate.views import Views, Which
from lookalike.frames import frame_kind, to_arrow
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.schema.types import TableSchema

Rows = npt.NDArray[np.int64]


class Subject(Protocol):
    """What a metric is asked about."""

    @property
    def name(self) -> str:
        """What a result is said to be about; "" for a single table and for the dataset."""
        ...

    @property
    def tables(self) -> Sequence[Views]:
        """The tables that it stands on."""
        ...


@dataclass(frozen=True, slots=True)
class RelationViews:
    """A foreign key: each child row names a parent row.

    Attributes:
        relation: its columns.
        child: views of the table that refers.
        parent: views of the table that is referred to.
    """

    relation: Relation
    child: Views
    parent: Views

    @property
    def name(self) -> str:
        """Both ends: `orders.customer_id → customers.id`."""
        return f"{self.ends[0]} → {self.ends[1]}"

    @property
    def ends(self) -> tuple[str, str]:
        """The child's columns and the parent's, each with its table."""
        relation = self.relation
        return _end(relation.child, relation.columns), _end(relation.parent, relation.keys)

    @property
    def tables(self) -> Sequence[Views]:
        """Both."""
        return self.child, self.parent

    def parents(self, which: Which) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """For each child row the row of its parent, -1 when there is none; and where a part of the key is null."""

        def find() -> tuple[Rows, npt.NDArray[np.bool_]]:
            own, wanted = _keys(
                [self.parent.table(which)[name] for name in self.relation.keys],
                [self.child.table(which)[name] for name in self.relation.columns],
            )
            place = np.full(int(max(own.max(initial=0), wanted.max(initial=0))) + 1, -1, dtype=np.int64)
            place[own[::-1]] = np.arange(own.size - 1, -1, -1)  # the first of duplicate keys
            place[0] = -1
            return place[wanted], wanted == 0

        return self.child.once(("parents", self.name, which), find)


def _end(table: str, columns: tuple[str, ...]) -> str:
    return f"{table}.{columns[0]}" if len(columns) == 1 else f"{table}({', '.join(columns)})"


def _keys(own: Sequence[pa.ChunkedArray], wanted: Sequence[pa.ChunkedArray]) -> tuple[Rows, Rows]:
    """Keys of several columns as numbers, equal keys equal numbers; 0 where a part is null."""
    size = len(own[0])
    joined = np.zeros(size + len(wanted[0]), dtype=np.int64)
    missing = np.zeros(joined.size, dtype=np.bool_)
    for a, b in zip(own, wanted, strict=True):
        parts, levels = encode.codes([encode.plain(a), encode.plain(b)])
        part = np.concatenate(parts).astype(np.int64)
        missing |= part == 0
        _, joined = np.unique(joined * (len(levels) + 1) + part, return_inverse=True)
    joined = np.where(missing, 0, joined + 1)
    return joined[:size], joined[size:]


@dataclass(frozen=True, slots=True)
class EntityViews:
    """The rows of a table that belong together because they name the same thing: a customer's orders, a patient's visits.

    Attributes:
        views: the table.
        columns: what names the entity.
    """

    views: Views
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """`orders by customer_id`."""
        return f"{self.views.name} by {', '.join(self.columns)}".lstrip()

    @property
    def tables(self) -> Sequence[Views]:
        """The one that its rows are in."""
        return (self.views,)

    def of_rows(self, which: Which) -> Rows:
        """The number of each row's entity, from 0; -1 where none is named."""

        def find() -> Rows:
            columns = [self.views.table(which)[name] for name in self.columns]
            return _keys(columns, [column.slice(0, 0) for column in columns])[0] - 1

        return self.views.once(("entity", self.columns, which), find)


@dataclass(frozen=True, slots=True)
class DatasetViews:
    """All tables of one evaluation, and what holds between them.

    Attributes:
        by_name: table name -> its views; "" for a single table.
        relations: foreign keys.
        notes: what a reader must know of tables that could not be compared.
        empty: table name -> rows of the real table, for tables of which no synthetic row was made.
        extras: what single metrics were given.
    """

    by_name: Mapping[str, Views]
    relations: tuple[RelationViews, ...] = ()
    notes: tuple[str, ...] = ()
    empty: Mapping[str, int] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A dataset has none."""
        return ""

    @property
    def tables(self) -> Sequence[Views]:
        """All."""
        return tuple(self.by_name.values())

    @property
    def entities(self) -> tuple[EntityViews, ...]:
        """One for each set of columns by which a table's rows name a parent."""
        found = {(r.relation.child, r.relation.columns): r.child for r in self.relations}
        return tuple(EntityViews(views, columns) for (_, columns), views in found.items())

    def subjects(self, scope: Scope) -> Sequence[Subject]:
        """What metrics of a scope are asked about."""
        of: dict[Scope, Sequence[Subject]] = {
            "table": self.tables, "relation": self.relations, "entity": self.entities, "dataset": (self,)
        }  # fmt: skip
        return of[scope]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an evaluation is told beside the tables; names are `table.column` in a set of tables."""

    target: str | None = None
    protected: tuple[str, ...] = ()
    schema: TableSchema | DatasetSchema | Mapping[str, TableSchema] | None = None
    foreign_keys: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    extras: Mapping[str, Any] = field(default_factory=dict)


def dataset(real: Any, synthetic: Any, holdout: Any, question: Asked) -> DatasetViews:
    """The dataset that frames, or mappings of names to frames, make.

    Raises:
        MetricError: tables without rows or without shared columns, or two sets that share no table.
        UsageError: a target, protected column, schema or foreign key that does not fit the tables.
    """
    if is_set(real):
        if not isinstance(synthetic, Mapping):
            raise UsageError(
                what="real is a set of tables and synthetic is not", fix="give both as a mapping of names to tables"
            )
        return _several(real, synthetic, holdout or {}, question)
    if isinstance(question.schema, (Mapping, DatasetSchema)):
        raise UsageError(what="schemas by table were given for a single table", fix="give the table's own schema")
    made, known = to_arrow(synthetic), None if real is None else to_arrow(real)
    if known is not None and known.num_rows and not made.num_rows:
        return DatasetViews({}, empty={"": known.num_rows}, extras=question.extras)
    views = Views(
        known, made, None if holdout is None else to_arrow(holdout), target=question.target, schema=question.schema,
        seed=question.seed, protected=question.protected, extras=question.extras,
    )  # fmt: skip
    return DatasetViews({"": views}, extras=question.extras)


def is_set(real: Any) -> bool:
    """Whether this is a mapping of names to tables, and not one table as a mapping of names to columns."""
    return isinstance(real, Mapping) and bool(real) and all(value is None or _is_table(value) for value in real.values())


def _is_table(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and isinstance(value[0], Mapping)
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return False
    try:
        frame_kind(value)
    except LookalikeError:
        return False
    return True


def _several(
    real: Mapping[str, Any], synthetic: Mapping[str, Any], holdout: Mapping[str, Any], question: Asked
) -> DatasetViews:
    names = [name for name in real if name in synthetic]
    if not names:
        raise MetricError(
            what="the two sets share no table",
            where=f"real: {', '.join(real)}; synthetic: {', '.join(synthetic)}",
            fix="use the same names",
        )
    known = {name: None if real[name] is None else to_arrow(real[name]) for name in names}
    made = {name: to_arrow(synthetic[name]) for name in names}
    schemas, relations = _declared(question)
    _check_names(question, relations, names)
    _check_ends(relations, known, made)
    empty = {n: t.num_rows for n, t in known.items() if t is not None and t.num_rows and not made[n].num_rows}
    target = [question.target] if question.target else []
    views = {
        name: Views(
            known[name], made[name], to_arrow(holdout[name]) if name in holdout else None, target=next(iter(_inside(name, target)), None),
            schema=schemas.get(name), seed=question.seed, protected=_inside(name, question.protected), name=name,
            extras=question.extras, keys=[c for r in relations for t, cs in _sides(r) if t == name for c in cs],
        )
        for name in names if name not in empty
    }  # fmt: skip
    between = tuple(RelationViews(r, views[r.child], views[r.parent]) for r in relations if {r.child, r.parent} <= views.keys())
    notes = tuple(f"Table {name} is missing in the synthetic set." for name in real if name not in synthetic)
    return DatasetViews(views, between, notes, empty, question.extras)


def _declared(question: Asked) -> tuple[Mapping[str, TableSchema], tuple[Relation, ...]]:
    """Each table's schema, and the relations: those given by name, else those that the schemas declare."""
    schema = question.schema
    if isinstance(schema, TableSchema):
        raise UsageError(what="one table's schema was given for a set of tables", fix="give a mapping of names to schemas")
    declared = schema.relations if isinstance(schema, DatasetSchema) else ()
    schemas: Mapping[str, TableSchema] = schema.tables if isinstance(schema, DatasetSchema) else schema or {}
    keys = dict(question.foreign_keys)
    if not keys and not declared:
        keys = {f"{table}.{column}": parent for table, of in schemas.items() for column, parent in of.foreign_keys.items()}
    parts = [(*child.partition(".")[::2], *parent.partition(".")[::2]) for child, parent in keys.items()]
    return schemas, tuple(Relation(a, (b,), c, (d,)) for a, b, c, d in parts) or declared


def _sides(relation: Relation) -> tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]]:
    return (relation.child, relation.columns), (relation.parent, relation.keys)


def _check_names(question: Asked, relations: Sequence[Relation], names: Sequence[str]) -> None:
    told = {word: word.partition(".")[0] for word in [*([question.target] if question.target else []), *question.protected]}
    told |= {_end(table, columns): table for relation in relations for table, columns in _sides(relation)}
    for word, table in told.items():
        if table not in names:
            fix = did_you_mean(table, names, label="write table.column; tables")
            raise UsageError(what=f"{word!r} names no table", fix=fix)


def _check_ends(relations: Sequence[Relation], real: Mapping[str, pa.Table | None], made: Mapping[str, pa.Table]) -> None:
    for table, columns in [side for relation in relations for side in _sides(relation)]:
        known = real[table]
        if known is None:
            what = f"foreign key {_end(table, columns)!r} is of a table without real rows"
            raise UsageError(what=what, fix="give them, or leave the key out")
        for column in columns:
            for names in (known.column_names, made[table].column_names):
                if column not in names:
                    fix = did_you_mean(column, names, label="columns")
                    raise UsageError(what=f"foreign key {_end(table, columns)!r} names no column", fix=fix)


def _inside(table: str, words: Sequence[str]) -> list[str]:
    return [w.partition(".")[2] for w in words if w.partition(".")[0] == table]
