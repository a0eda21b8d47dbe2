"""Making one table of a database, its parents being there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike import rng
from lookalike.errors import Unsatisfiable
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.synthesizers.base import Given
from lookalike.synthesizers.forest.model import Forest
from lookalike.synthesizers.relational import across, families, graph, matching, sequence
from lookalike.synthesizers.relational.graph import Places
from lookalike.synthesizers.relational.learn import Fitted, beside, seen_of, stood, taken

ROUNDS = 30  # times that rows are drawn again whose keys repeat


@dataclass
class DrawnTable:
    """A made table.

    Attributes:
        table: its rows, with the fitted columns and types.
        seen: what other tables' rows are drawn by.
        places: of each relation, where the rows' parents stand.
    """

    table: pa.Table
    seen: pa.Table
    places: dict[str, Places] = field(default_factory=dict)


def make(
    schema: DatasetSchema, model: Mapping[str, Fitted], name: str, made: Mapping[str, DrawnTable], count: int, scale: float,
    given: Given | None, key: int,
) -> DrawnTable:  # fmt: skip
    """The rows of one table."""
    return _Maker(schema, model, name, made, key).make(count, scale, given)


class _Maker:
    """The state of one table's making."""

    def __init__(
        self, schema: DatasetSchema, model: Mapping[str, Fitted], name: str, made: Mapping[str, DrawnTable], key: int
    ) -> None:
        self.schema, self.model, self.name, self.made, self.key = schema, model, name, made, key
        self.fitted = model[name]

    def make(self, count: int, scale: float, given: Given | None) -> DrawnTable:
        """All rows."""
        fitted = self.fitted
        places: dict[str, Places] = {}
        if fitted.kept is not None:
            assert fitted.seen is not None
            for relation in fitted.links.followed:
                places[relation.name] = graph.places_of(fitted.kept, relation, self.made[relation.parent].table)
            return DrawnTable(fitted.kept, fitted.seen, places)
        assert fitted.maker is not None
        if fitted.links.driving is None and not fitted.links.matched:
            drawn = fitted.maker.sample_arrow(count, given=given, seed=self.key)
        else:
            driving = fitted.links.driving
            if driving is not None:
                places[driving.name] = self._families(driving, scale)
                count = len(places[driving.name])
            drawn, places = self._drawn(count, places)
        table, drawn = self._unique(self._table(drawn, places), drawn, places)
        for relation in fitted.links.late:
            table, places[relation.name] = self._refer(table, relation)
        hidden = drawn.select(
            [column for column in drawn.column_names if column.startswith("#") and column not in fitted.arrow.names]
        )
        seen = seen_of(table, fitted.schema, self.schema.keys.get(self.name, ()), [hidden])
        return DrawnTable(table, seen, places)

    # --- who the parents are ---

    def _families(self, driving: Relation, scale: float) -> Places:
        """The driving parent of each row: so many rows for each as its count says; and rows without one."""
        seen = self.made[driving.parent].seen
        counts = _counts(seen, driving.name)
        if self.model[driving.parent].kept is not None:  # a code list does not grow: its rows have more children
            coins = rng.generator(self.key, "counts").random(len(counts))
            counts = np.floor(counts * scale + coins).astype(np.int64)
        places = np.repeat(np.arange(len(counts)), counts)
        loose = self.fitted.loose
        without = round(len(places) * loose / (1 - loose)) if loose < 1 else 0
        return np.concatenate([places, np.full(without, -1, np.int64)])

    def _drawn(
        self, count: int, places: Mapping[str, Places], moments: pa.Array | None = None, again: int = 0
    ) -> tuple[pa.Table, dict[str, Places]]:
        """Own and hidden columns of rows whose driving parent is known, and their matched parents.

        Args:
            count: rows.
            places: their driving parents.
            moments: how rows stand in order, where that is known from an earlier draw.
            again: the number of this try.
        """
        fitted, key = self.fitted, rng.key(self.key, "again", again) if again else self.key
        found = dict(places)
        context = self._context(count, found)
        stand = None
        if fitted.order is not None:
            stand = sequence.of(places[self._driving.name])
            context = beside(context, stood(stand)[0])
        frame = None if fitted.framer is None else fitted.framer.draw(context, seed=rng.key(key, "frame") >> 1)
        if fitted.order is not None:
            assert frame is not None
            assert stand is not None
            values = self._moments(fitted.order, frame, stand, places) if moments is None else moments
            context = beside(context, sequence.beside(fitted.order, values, stand)[0])
        for relation in fitted.links.matched:
            assert frame is not None
            chosen = self._matched(relation, frame[relation.name], rng.key(key, "match", relation.name))
            if again > ROUNDS // 2:  # those that suit are taken: any will do
                anyone = rng.generator(key, "any", relation.name).integers(0, self.made[relation.parent].table.num_rows, count)
                chosen = np.where(chosen >= 0, anyone, -1)
            found[relation.name] = chosen
            context = beside(context, taken(self.made[relation.parent].seen, relation, chosen))
        assert isinstance(fitted.maker, Forest)
        drawn = fitted.maker.draw(context, seed=key >> 1)
        if fitted.order is not None:
            drawn = drawn.append_column(fitted.order.column, context[f"@{fitted.order.column}"])
        return drawn, found

    @property
    def _driving(self) -> Relation:
        assert self.fitted.links.driving is not None
        return self.fitted.links.driving

    def _moments(
        self, order: sequence.SiblingOrder, frame: pa.Table, stand: sequence.Stand, places: Mapping[str, Places]
    ) -> pa.Array:
        """The column by which siblings stand in order."""
        family, parent = places[self._driving.name], self.made[self._driving.parent]
        name = families.count_name(self._driving.name)
        start, span = (
            pc.fill_null(parent.seen[f"{name}.{part}"].cast(pa.int64()), 0).to_numpy()
            for part in (sequence.FIRST, sequence.SPAN)
        )
        if order.after is not None:
            start = np.maximum(start, 0) + across.ticks(parent.table[order.after.of]).to_numpy()
        step = frame[sequence.STEP].combine_chunks().cast(pa.int64())
        values = sequence.values_of(order, start[family], span[family], step, stand)
        return across.as_moments(pa.array(values), self.fitted.arrow.field(order.column).type)

    def _context(self, count: int, places: Mapping[str, Places]) -> pa.Table:
        driving = self.fitted.links.driving
        if driving is None:
            return pa.table({"@": pa.array(np.zeros(count, np.int64))})
        family = places[driving.name]
        parent = self.made[driving.parent]
        table = taken(parent.seen, driving, family)
        for relation in self.model[driving.parent].links.followed:
            further = parent.places[relation.name]
            there = np.where(family >= 0, further[np.maximum(family, 0)], -1) if len(further) else family
            table = beside(table, taken(self.made[relation.parent].seen, relation, there))
        return table

    def _matched(self, relation: Relation, cells: pa.ChunkedArray, key: int) -> Places:
        """Rows of a parent, by the cells that were drawn."""
        wanted = pc.fill_null(cells.cast(pa.int64()), -1).to_numpy()
        if self.model[relation.parent].kept is not None:
            return np.array(wanted, np.int64)
        seen = self.made[relation.parent].seen
        of = self.fitted.cells[relation.name].of(seen)
        return matching.match(np.asarray(wanted, np.int64), of, _counts(seen, relation.name), key)

    def _refer(self, table: pa.Table, relation: Relation) -> tuple[pa.Table, Places]:
        """Fill a reference to rows that are all there now."""
        draws = rng.generator(self.key, "late", relation.name)
        n = table.num_rows
        if relation.parent == self.name:
            places = _below(self.fitted.depths[relation.name], n, draws)
            keys = graph.keyed(table, relation, places, self.fitted.arrow)
        else:
            return table, np.full(n, -1, np.int64)  # filled by `circle`, when the other table is there
        for column, values in keys.items():
            table = table.set_column(table.column_names.index(column), self.fitted.arrow.field(column), values)
        return table, places

    # --- what a row is ---

    def _table(self, drawn: pa.Table, places: Mapping[str, Places]) -> pa.Table:
        """The rows with the fitted columns and types: keys, copies, moments, and what was drawn."""
        fitted, n = self.fitted, drawn.num_rows
        columns: dict[str, pa.Array | pa.ChunkedArray] = {name: drawn[name] for name in drawn.column_names}
        for rule in fitted.afters:
            assert fitted.links.driving is not None
            parent = self.made[fitted.links.driving.parent].table
            kind = fitted.arrow.field(rule.column).type
            columns[rule.column] = across.moment_of(rule, drawn[rule.column], parent, places[rule.relation], kind)
        by_name = {relation.name: relation for relation in fitted.links.followed}
        for copy in fitted.copies:
            place = places[copy.relation]
            index = pa.array(np.maximum(place, 0), mask=place < 0)
            columns[copy.column] = self.made[by_name[copy.relation].parent].table[copy.of].take(index)
        for relation in reversed(fitted.links.followed):  # the driving one last: where keys share a column, its value stands
            columns |= graph.keyed(self.made[relation.parent].table, relation, places[relation.name], fitted.arrow)
        arrays = [
            graph.in_type(_whole(columns[f.name]), f.type) if f.name in columns else pa.nulls(n, f.type) for f in fitted.arrow
        ]
        return pa.table(arrays, schema=pa.schema([f.with_nullable(True) for f in fitted.arrow]))

    def _unique(self, table: pa.Table, drawn: pa.Table, places: dict[str, Places]) -> tuple[pa.Table, pa.Table]:
        """The same rows, those drawn again whose key another row has; `places` follows, in place.

        Raises:
            Unsatisfiable: there are not as many different keys as rows.
        """
        key, driving = self.schema.keys.get(self.name, ()), self.fitted.links.driving
        if len(key) < 2:
            return table, drawn
        for attempt in range(1, ROUNDS + 1):
            rows = np.flatnonzero(graph.duplicates(table, key))
            if not len(rows):
                return table, drawn
            fixed = {driving.name: places[driving.name][rows]} if driving else {}
            order = self.fitted.order
            moments = None if order is None else drawn[order.column].combine_chunks().take(pa.array(rows))
            new, found = self._drawn(len(rows), fixed, moments, attempt)
            drawn, table = _replaced(drawn, rows, new), _replaced(table, rows, self._table(new, found))
            for name, values in found.items():
                places[name][rows] = values
        raise Unsatisfiable(
            what=f"{len(rows):,} rows of {self.name!r} find no key ({', '.join(key)}) that no other row has",
            fix="ask for fewer rows: a smaller scale, or fewer rows of the tables that it refers to",
        )


def circle(schema: DatasetSchema, model: Mapping[str, Fitted], made: dict[str, DrawnTable], key: int) -> None:
    """Fill the references that open circles of tables, in place: some row of the parent, or none, as often as in the real rows."""
    for relation in schema.broken():
        if relation.child == relation.parent or model[relation.child].kept is not None:
            continue
        child, parent = made[relation.child], made[relation.parent]
        draws = rng.generator(key, "circle", relation.name)
        n, m = child.table.num_rows, parent.table.num_rows
        places = draws.integers(0, m, n) if m else np.full(n, -1, np.int64)
        places[draws.random(n) < model[relation.child].absent[relation.name]] = -1
        table = child.table
        for column, values in graph.keyed(parent.table, relation, places, model[relation.child].arrow).items():
            table = table.set_column(table.column_names.index(column), table.schema.field(column), values)
        made[relation.child] = DrawnTable(table, child.seen, {**child.places, relation.name: places})


def _counts(seen: pa.Table, relation: str) -> Places:
    counts = seen[families.count_name(relation)].cast(pa.float64())
    return np.round(np.maximum(np.nan_to_num(pc.fill_null(counts, 0).to_numpy()), 0)).astype(np.int64)


def _below(depths: Places, n: int, draws: np.random.Generator) -> Places:
    """A row above each, at depths as the real rows have; rows stand below rows of the depth above, so there is no circle."""
    if not len(depths) or not n:
        return np.full(n, -1, np.int64)
    depth = np.sort(depths)[(np.arange(n) * len(depths)) // n]
    depth = depth[draws.permutation(n)]
    places = np.full(n, -1, np.int64)
    for level in range(1, int(depth.max()) + 1):
        above, here = np.flatnonzero(depth == level - 1), np.flatnonzero(depth == level)
        if len(above):
            places[here] = above[draws.integers(0, len(above), len(here))]
    return places


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _replaced(table: pa.Table, rows: npt.NDArray[np.int64], new: pa.Table) -> pa.Table:
    """The table with some rows exchanged."""
    index = np.arange(table.num_rows)
    index[rows] = table.num_rows + np.arange(len(rows))
    return pa.concat_tables([table, new.select(table.column_names).cast(table.schema)]).take(pa.array(index)).combine_chunks()
