"""Learning: children first, as what they are like is a part of their parents' rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.errors import SchemaError
from lookalike.schema.relations import DatasetSchema, Orphans, Relation
from lookalike.schema.semantics import ANEW
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.relational import across, families, graph, matching, sequence
from lookalike.synthesizers.relational.across import After, Copy, Total
from lookalike.synthesizers.relational.families import Hidden
from lookalike.synthesizers.relational.graph import Links, Places
from lookalike.synthesizers.relational.matching import KdTree
from lookalike.synthesizers.relational.sequence import SiblingOrder

NOTHING = "#"


@dataclass
class Fitted:
    """What was learned of one table.

    Attributes:
        schema: its columns.
        arrow: their Arrow types.
        rows: real rows.
        links: its references.
        kept: the table itself, when it is a code list or has no row.
        seen: of a kept table, what its children are drawn by; else no rows.
        order: how siblings stand in order.
        afters: moments learned as times since a parent's.
        copies: columns that repeat a parent's.
        loose: share of rows that have no driving parent.
        cells: of each matched relation's parents.
        framer: draws what the rest hangs on: steps from the sibling before, and cells; None: there is neither.
        maker: draws the rest; None: the table is kept.
        depths: for each reference to the table itself, int64, how far its real rows stand below the top.
        absent: share of null references, of each late relation.
    """

    schema: TableSchema
    arrow: pa.Schema
    rows: int
    links: Links
    kept: pa.Table | None = None
    seen: pa.Table | None = None
    order: SiblingOrder | None = None
    afters: tuple[After, ...] = ()
    copies: tuple[Copy, ...] = ()
    loose: float = 0.0
    cells: dict[str, KdTree] = field(default_factory=dict)
    framer: Forest | None = None
    maker: Synthesizer | None = None
    depths: dict[str, Places] = field(default_factory=dict)
    absent: dict[str, float] = field(default_factory=dict)

    @property
    def moments(self) -> tuple[After, ...]:
        """The rules that keep its moments after its parents'."""
        return (*self.afters, *((self.order.after,) if self.order is not None and self.order.after is not None else ()))


@dataclass(frozen=True)
class LearnedDataset:
    """All tables, and the totals between them."""

    tables: dict[str, Fitted]
    totals: tuple[Total, ...]


def fit(
    tables: Mapping[str, pa.Table], schema: DatasetSchema, methods: Mapping[str, Synthesizer], orphans: Orphans, seed: int,
    budget_s: float | None,
) -> LearnedDataset:  # fmt: skip
    """Learn all tables of a dataset."""
    places = {r.name: graph.places_of(tables[r.child], r, tables[r.parent]) for r in schema.relations}
    check(tables, schema, places, orphans)
    links = graph.links(schema, tables, places)
    learner = _Learner(tables, schema, places, links, methods, seed)
    learner.totals = tuple(learner.find_totals())
    for name in reversed(schema.order()):
        learner.look_at(name)
    work = sum(table.num_rows * table.num_columns for table in tables.values())
    for name in schema.order():
        share = None if budget_s is None else budget_s * tables[name].num_rows * tables[name].num_columns / work
        learner.learn(name, share)
    return LearnedDataset({name: learner.fitted[name] for name in tables}, learner.totals)


def check(tables: Mapping[str, pa.Table], schema: DatasetSchema, places: Mapping[str, Places], orphans: Orphans) -> None:
    """Refuse keys and references that are none.

    Raises:
        SchemaError: names the table, the column and how many rows.
    """
    for name, key in schema.keys.items():
        nulls = max((tables[name][column].null_count for column in key), default=0)
        again = int(graph.duplicates(tables[name], key).sum()) if key and tables[name].num_rows else 0
        if nulls or again:
            what = f"{nulls:,} rows have no key" if nulls else f"{again:,} rows repeat the key of another"
            raise SchemaError(
                what=f"{', '.join(key)} is no primary key of {name!r}: {what}",
                fix="correct these rows, or name another key in the schema",
            )
    if orphans != "refuse":
        return
    for relation in schema.relations:
        lost = int((places[relation.name] < 0).sum()) - _nulls(tables[relation.child], relation)
        if lost:
            raise SchemaError(
                what=f"{lost:,} rows of {relation.child!r} refer to rows of {relation.parent!r} that are not there ({relation})",
                fix="correct them, or ask for `orphans: null`",
            )


def _nulls(table: pa.Table, relation: Relation) -> int:
    missing = np.zeros(table.num_rows, bool)
    for column in relation.columns:
        missing |= pc.is_null(table[column]).to_numpy()
    return int(missing.sum())


class _Learner:
    """The state of one fit: what is known of each table so far."""

    def __init__(
        self, tables: Mapping[str, pa.Table], schema: DatasetSchema, places: Mapping[str, Places], links: Mapping[str, Links],
        methods: Mapping[str, Synthesizer], seed: int,
    ) -> None:  # fmt: skip
        self.tables, self.schema, self.places, self.links = tables, schema, places, links
        self.methods, self.seed = methods, seed
        self.fitted: dict[str, Fitted] = {}
        self.own: dict[str, pa.Table] = {}  # learned columns of a table, moments as times since
        self.columns: dict[str, TableSchema] = {}  # of these
        self.hidden: dict[str, list[Hidden]] = {name: [] for name in tables}
        self.totals: tuple[Total, ...] = ()

    # --- what a table's own columns are, children first ---

    def look_at(self, name: str) -> None:
        """Which columns are learned and how; and what the table's parents' rows say of it."""
        table, links, whole = self.tables[name], self.links[name], self.schema.tables[name]
        fitted = Fitted(whole, table.schema, table.num_rows, links)
        self.fitted[name] = fitted
        keys = {column for relation in self.schema.parents(name) for column in relation.columns}
        names = [column.name for column in whole.columns if column.name not in keys]
        own = table.select(names)
        for relation in links.followed:
            parent = self.tables[relation.parent]
            found = across.copies(name, relation.name, own, parent, self.places[relation.name])
            fitted.copies += tuple(copy for copy in found if copy.column not in {c.column for c in fitted.copies})
        own = own.drop_columns([copy.column for copy in fitted.copies])
        if links.driving is not None:
            driving = links.driving
            parent, places = self.tables[driving.parent], self.places[driving.name]
            fitted.loose = float((places < 0).mean()) if len(places) else 0.0
            if not fitted.loose:
                afters = tuple(across.afters(name, driving.name, own, parent, places))
                fitted.order = sequence.find(own, places, self.schema.keys.get(name, ()), afters)
                fitted.afters = tuple(rule for rule in afters if fitted.order is None or rule.column != fitted.order.column)
            own = own if fitted.order is None else own.drop_columns([fitted.order.column])
        self.own[name], self.columns[name] = self._with_gaps(name, own)
        for relation in links.followed:
            self._tell(relation, like=relation is links.driving)

    def _with_gaps(self, name: str, own: pa.Table) -> tuple[pa.Table, TableSchema]:
        """The columns as they are learned, and what they are."""
        fitted = self.fitted[name]
        columns = {column.name: column for column in fitted.schema.columns if column.name in own.column_names}
        key = self.schema.keys.get(name, ())
        if len(key) == 1 and key[0] in columns and columns[key[0]].semantic not in ANEW:
            columns[key[0]] = replace(columns[key[0]], semantic="id", unique=True)
        for rule in fitted.afters:
            driving = self.links[name].driving
            assert driving is not None
            gaps = across.gap_of(rule, own, self.tables[driving.parent], self.places[driving.name])
            own = own.set_column(own.column_names.index(rule.column), rule.column, gaps)
            columns[rule.column] = ColumnSchema(rule.column, "integer", "int64", nullable=gaps.null_count > 0, decimals=0)
        rules = tuple(rule for rule in fitted.schema.rules if not any(after.column in rule for after in fitted.afters))
        return own, TableSchema(tuple(columns.values()), rules=rules)

    def _tell(self, relation: Relation, *, like: bool) -> None:
        """Let the parent's rows say what they know of this table's."""
        name, parent = relation.child, self.tables[relation.parent]
        fitted, places = self.fitted[name], self.places[relation.name]
        own, columns = self.own[name], self.columns[name]
        copied = [copy.column for copy in fitted.copies if copy.relation != relation.name]
        own, columns = _beside(own, columns, self.tables[name].select(copied), fitted.schema)
        columns = TableSchema(tuple(column for column in columns.columns if column.name in own.column_names))
        told = families.hidden(relation.name, own, columns, places, parent.num_rows, like=like)
        self.hidden[relation.parent].append(told)
        if like and fitted.order is not None:
            values = across.ticks(self.tables[name][fitted.order.column]).to_numpy()
            start = None if fitted.order.after is None else across.ticks(parent[fitted.order.after.of]).to_numpy()
            table, kinds = sequence.told(fitted.order, values, places, start, parent.num_rows)
            named = [f"{families.count_name(relation.name)}.{column}" for column in table.column_names]
            kinds = tuple(replace(column, name=title) for column, title in zip(kinds, named, strict=True))
            self.hidden[relation.parent].append(Hidden(table.rename_columns(named), kinds))

    def find_totals(self) -> list[Total]:
        """Totals over children, parents of parents last."""
        found: list[Total] = []
        for name in self.schema.order():
            taken = {column for key in (self.schema.keys.get(name, ()),) for column in key}
            taken |= {column for relation in self.schema.parents(name) for column in relation.columns}
            for relation in self.schema.children(name):
                if relation.child == name:
                    continue
                keys = {column for other in self.schema.parents(relation.child) for column in other.columns}
                keys |= set(self.schema.keys.get(relation.child, ()))
                children = self.tables[relation.child]
                children = children.select([column for column in children.column_names if column not in keys])
                table, places = self.tables[name], self.places[relation.name]
                repeated = {copy.of for copy in across.copies(relation.child, relation.name, children, table, places)}
                skip = sorted(taken | repeated)  # what children repeat is no total of theirs
                for total in across.totals(name, relation.name, table, children, places, skip):
                    found.append(total)
                    taken.add(total.column)
        return found

    # --- learning, parents first ---

    def learn(self, name: str, budget_s: float | None) -> None:
        """Fit what draws the table's rows."""
        fitted, table = self.fitted[name], self.tables[name]
        if self._kept(name):
            fitted.kept, fitted.seen = table, self.seen(name)
            return
        own, columns = self._whole(name)
        fitted.depths = {r.name: _depths(self.places[r.name]) for r in fitted.links.late if r.parent == name}
        fitted.absent = {r.name: float((self.places[r.name] < 0).mean()) for r in fitted.links.late}
        if fitted.links.driving is None and not fitted.links.matched:
            method = self.methods.get(name, Forest())
            fitted.maker = method.model_copy().fit(own, columns, seed=rng.key(self.seed, name) >> 1, budget_s=budget_s)
            return
        if name in self.methods:
            raise SchemaError(what=f"{name!r} refers to other tables, and {self.methods[name].kind!r} learns single ones", fix=f"leave {name!r} out of `tables`")  # fmt: skip
        context, known = self._context(name)
        frame, columns_of = self._frame(name)
        if frame.num_columns:
            forest = Forest(context=tuple(context.column_names), k=1 if fitted.order is None else None)  # a cell is no person's
            whole, all_columns = _beside(context, known, frame, columns_of)
            fitted.framer = forest.fit(whole, all_columns, seed=rng.key(self.seed, name, "frame") >> 1)
        if fitted.order is not None:
            values = self.tables[name][fitted.order.column].combine_chunks()
            context, known = _beside(context, known, *sequence.beside(fitted.order, values, self._stand(name)))
        for relation in fitted.links.matched:
            context, known = _beside(context, known, *self._parent(relation, self.places[relation.name]))
        forest = Forest(context=tuple(context.column_names))
        whole, all_columns = _beside(context, known, own, columns)
        fitted.maker = forest.fit(whole, all_columns, seed=rng.key(self.seed, name) >> 1, budget_s=budget_s)

    def _kept(self, name: str) -> bool:
        """Whether a table is kept as it is: a code list, or one without rows."""
        return name in self.schema.lists or not self.tables[name].num_rows

    def _stand(self, name: str) -> sequence.Stand:
        fitted, driving = self.fitted[name], self.links[name].driving
        assert fitted.order is not None
        assert driving is not None
        return sequence.of(self.places[driving.name], across.ticks(self.tables[name][fitted.order.column]).to_numpy())

    def _frame(self, name: str) -> tuple[pa.Table, TableSchema]:
        """What is drawn first: steps from the sibling before, and the cells of the parents that are matched."""
        fitted = self.fitted[name]
        arrays: list[pa.Array] = []
        columns: list[ColumnSchema] = []
        if fitted.order is not None:
            values = across.ticks(self.tables[name][fitted.order.column]).to_numpy()
            arrays.append(sequence.steps(fitted.order, values, self._stand(name)))
            columns.append(ColumnSchema(sequence.STEP, "integer", "int64", nullable=True, decimals=0))
        for relation in fitted.links.matched:
            places, seen = self.places[relation.name], self.seen(relation.parent)
            cell = places
            if not self._kept(relation.parent):
                copied = [copy.of for copy in fitted.copies if copy.relation == relation.name]
                cells = fitted.cells[relation.name] = matching.learn(seen, copied, rng.key(self.seed, relation.name))
                cell = np.where(places >= 0, cells.of(seen)[np.maximum(places, 0)], -1)
            texts = pa.array(cell, mask=cell < 0).cast(pa.string())
            arrays.append(texts)
            columns.append(ColumnSchema(relation.name, "category", "string", nullable=texts.null_count > 0))
        return pa.table(arrays, names=[column.name for column in columns]), TableSchema(tuple(columns))

    def _whole(self, name: str) -> tuple[pa.Table, TableSchema]:
        """A table's own columns and what its rows say of its children."""
        own, columns = self.own[name], self.columns[name]
        for told in self.hidden[name]:
            own, columns = _beside(own, columns, told.table, TableSchema(told.columns))
        if not own.num_columns:  # a table of references alone still has rows
            nothing = pa.array(np.zeros(self.tables[name].num_rows, np.int64))
            return pa.table({NOTHING: nothing}), TableSchema((ColumnSchema(NOTHING, "constant", "int64"),))
        return own, columns

    def seen(self, name: str) -> pa.Table:
        """What a table's children and those that are matched to it may look at: values that are learned, and what is hidden."""
        return seen_of(
            self.tables[name],
            self.fitted[name].schema,
            self.schema.keys.get(name, ()),
            [told.table for told in self.hidden[name]],
        )

    def _parent(self, relation: Relation, places: Places) -> tuple[pa.Table, TableSchema]:
        hidden = [column for told in self.hidden[relation.parent] for column in told.columns]
        seen = self.seen(relation.parent)
        columns = {column.name: column for column in (*self.fitted[relation.parent].schema.columns, *hidden)}
        named = tuple(replace(columns[n], name=context_name(relation, n), nullable=True) for n in seen.column_names)
        return taken(seen, relation, places), TableSchema(named)

    def _context(self, name: str) -> tuple[pa.Table, TableSchema]:
        """What a table's rows are drawn given: its driving parent's row, that one's parents', and their place among siblings."""
        fitted, driving = self.fitted[name], self.links[name].driving
        rows = self.tables[name].num_rows
        if driving is None:
            return pa.table({"@": pa.array(np.zeros(rows, np.int64))}), TableSchema((ColumnSchema("@", "integer", "int64"),))
        places = self.places[driving.name]
        table, schema = self._parent(driving, places)
        for relation in self.links[driving.parent].followed:
            further = self.places[relation.name]
            there = np.where(places >= 0, further[np.maximum(places, 0)], -1) if len(further) else places
            table, schema = _beside(table, schema, *self._parent(relation, there))
        if fitted.order is not None:
            table, schema = _beside(table, schema, *stood(self._stand(name)))
        return table, schema


def context_name(relation: Relation, column: str) -> str:
    """How a parent's column is called in a child's context."""
    return f"{relation.name}:{column}"


def taken(seen: pa.Table, relation: Relation, places: Places) -> pa.Table:
    """A parent's columns, one row for each child."""
    index = pa.array(np.maximum(places, 0), mask=places < 0)
    return seen.take(index).rename_columns([context_name(relation, name) for name in seen.column_names])


def seen_of(table: pa.Table, schema: TableSchema, key: Sequence[str], hidden: Sequence[pa.Table]) -> pa.Table:
    """The columns of a table that say something about those that refer to it."""
    names = [c.name for c in schema.columns if c.semantic not in ANEW | {"constant", "empty"} and tuple(key) != (c.name,)]
    out = table.select(names)
    for told in hidden:
        for name in told.column_names:
            out = out.append_column(name, told[name])
    return out


def stood(stand: sequence.Stand) -> tuple[pa.Table, TableSchema]:
    """A row's place among its siblings, as context."""
    table = pa.table({sequence.PLACE: pa.array(stand.place), sequence.SIBLINGS: pa.array(stand.siblings)})
    return table, TableSchema(tuple(ColumnSchema(name, "integer", "int64") for name in table.column_names))


def beside(table: pa.Table, other: pa.Table) -> pa.Table:
    """A table with the columns of another that it does not have yet."""
    for name in other.column_names:
        if name not in table.column_names:
            table = table.append_column(name, other[name])
    return table


def _beside(table: pa.Table, schema: TableSchema, other: pa.Table, more: TableSchema) -> tuple[pa.Table, TableSchema]:
    table = beside(table, other)
    fresh = tuple(column for column in more.columns if column.name not in schema.names)
    return table, TableSchema((*schema.columns, *fresh), rules=(*schema.rules, *more.rules))


def _depths(places: Places) -> Places:
    """How far each row stands below one that refers to none, int64 [n]; a circle counts as its entry."""
    depth = np.zeros(len(places), np.int64)
    for _ in range(64):
        deeper = np.where(places >= 0, depth[np.maximum(places, 0)] + 1, 0)
        if (deeper == depth).all():
            break
        depth = deeper
    return np.minimum(depth, 64)
