"""`Relational`: several related tables learned together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike import frames, rng
from lookalike.errors import NotFitted, SynthesizerError, did_you_mean
from lookalike.schema.keys import find_relations
from lookalike.schema.relations import DatasetSchema, Orphans
from lookalike.spec import Kind, Spec
from lookalike.synthesizers.base import Given, Synthesizer
from lookalike.synthesizers.relational import across, learn, store
from lookalike.synthesizers.relational.graph import Places
from lookalike.synthesizers.relational.learn import Fitted
from lookalike.synthesizers.relational.make import DrawnTable, circle, make
from lookalike.synthesizers.relational.typed import typed, written


class Relational(Spec):
    """Whole databases: any number of tables, keys and references of any shape, learned together.

    A table's rows are drawn by a forest given their parent's, and its parents' parents'. What a family is like (how many children a
    row has, and what they are like) is learned with the parent, so that siblings resemble each other. Further parents are matched: a
    row takes one of those that suit it and still want a child. Rules that hold in every real row (totals over children, values that
    repeat a parent's, dates in order) hold in every made row. Keys are made anew and always valid.

    Short tables that others refer to and that hold nothing personal (`lists` of the schema) are kept as they are.

    Use it for databases and folders of related files. Do not use it for one table: `forest` also thins what it draws.

    Source:
        Patki et al. 2016, "The Synthetic Data Vault" (children given their parents); Pang et al. 2024, "ClavaDDPM" (families).
    """

    group: ClassVar[str] = "dataset"
    kind: ClassVar[str] = "relational"

    tables: Mapping[str, Annotated[Synthesizer, Kind("synthesizer")]] = Field(
        default_factory=dict, description="Methods for single tables that refer to no other; `forest` where none is named."
    )
    orphans: Orphans = Field(
        default="null",
        description="References to rows that are not there: `null` leaves them out, `refuse` is an error, `keep` has as many.",
    )

    _schema: DatasetSchema | None = PrivateAttr(default=None)
    _frames: dict[str, frames.FrameKind] = PrivateAttr(default_factory=dict)
    _fitted: dict[str, Fitted] = PrivateAttr(default_factory=dict)
    _totals: tuple[across.Total, ...] = PrivateAttr(default=())

    @property
    def schema_(self) -> DatasetSchema:
        """The schema that was learned.

        Raises:
            NotFitted: before `fit`.
        """
        if self._schema is None:
            raise NotFitted(what="this Relational has learned nothing", fix="call fit(tables) first")
        return self._schema

    @property
    def rules_(self) -> tuple[str, ...]:
        """The rules between tables that hold in every real row, and in every made one, in words."""
        found = [rule for fitted in self._fitted.values() for rule in (*fitted.copies, *fitted.moments)]
        return tuple(map(str, (*self._totals, *found)))

    @property
    def roots_(self) -> tuple[str, ...]:
        """The tables that count their own rows; the others follow them."""
        return tuple(name for name, fitted in self._fitted.items() if fitted.links.driving is None and fitted.kept is None)

    def fit(
        self, data: Mapping[str, Any], schema: DatasetSchema | None = None, *, seed: int = 0, budget_s: float | None = None
    ) -> Self:
        """Learn tables together.

        Args:
            data: table name -> pandas, polars or Arrow.
            schema: keys, relations and code lists; found by `lookalike.relations` when not given.
            seed: the same tables and seed give the same model.
            budget_s: shared among the tables by their size.

        Raises:
            SchemaError: a key that is null or repeats, an orphan with `orphans: refuse`, or a schema that does not fit the tables.
            SynthesizerError: no table, or no row in any.
        """
        if not isinstance(data, Mapping) or not data:
            raise SynthesizerError(what="there are no tables", fix="give a mapping of names to tables")
        arrow = {str(name): frames.to_arrow(table) for name, table in data.items()}
        if not any(table.num_rows for table in arrow.values()):
            raise SynthesizerError(what="no table has a row", fix="give at least one row")
        for name in self.tables:
            if name not in arrow:
                raise SynthesizerError(what=f"a method is named for {name!r}", fix=did_you_mean(name, arrow, label="tables"))
        found = schema or find_relations(arrow)
        learned = learn.fit(*typed(arrow, found), dict(self.tables), self.orphans, seed, budget_s)
        self._fitted, self._totals = learned.tables, learned.totals
        self._frames = {str(name): frames.frame_kind(table) for name, table in data.items()}
        self._schema = found
        return self

    def sample(
        self,
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        given: Mapping[str, Given] | None = None,
        seed: int = 0,
    ) -> dict[str, Any]:
        """Draw a database, each table in the kind of frame that was fitted.

        Args:
            scale: rows of the tables that refer to no other, as a multiple of the real ones; the others follow.
            rows: rows of such tables by name, instead.
            given: conditions on such tables by name, as for `Synthesizer.sample`.
            seed: the same model and seed give the same tables.

        Raises:
            NotFitted: before `fit`.
            SynthesizerError: a scale below 0, or rows or conditions for a table that follows its parent.
        """
        made = self.sample_arrow(scale=scale, rows=rows, given=given, seed=seed)
        return {name: frames.from_arrow(table, self._frames[name]) for name, table in made.items()}

    def sample_arrow(
        self,
        *,
        scale: float = 1.0,
        rows: Mapping[str, int] | None = None,
        given: Mapping[str, Given] | None = None,
        seed: int = 0,
    ) -> dict[str, pa.Table]:
        """`sample` as Arrow tables, whatever was fitted."""
        schema = self.schema_
        if not scale >= 0:
            raise SynthesizerError(
                what=f"scale is {scale!r}", fix="give a number, 0 or more; 1 is as many rows as the real tables have"
            )
        self._check_asked(rows or {}, given or {})
        made: dict[str, DrawnTable] = {}
        for name in schema.order():
            fitted = self._fitted[name]
            count = (rows or {}).get(name, round(fitted.rows * scale))
            made[name] = make(schema, self._fitted, name, made, count, scale, (given or {}).get(name), rng.key(seed, name) >> 1)
        circle(schema, self._fitted, made, rng.key(seed, "circles") >> 1)
        tables = {name: made[name].table for name in self._fitted}
        for total in reversed(self._totals):  # of children first: a total may be summed up again
            tables[total.parent] = self._added_up(total, tables, made)
        return {name: written(table, schema.tables[name], rng.key(seed, name)) for name, table in tables.items()}

    def _check_asked(self, rows: Mapping[str, int], given: Mapping[str, Given]) -> None:
        """Only tables that count their own rows can be asked for."""
        for name in (*rows, *given):
            if name not in self._fitted:
                raise SynthesizerError(what=f"there is no table {name!r}", fix=did_you_mean(name, self._fitted, label="tables"))
            driving = self._fitted[name].links.driving
            if name not in self.roots_:
                why = (
                    "is a code list and kept as it is"
                    if driving is None
                    else f"has as many rows as {driving.parent!r} gives it"
                )
                raise SynthesizerError(what=f"{name!r} {why}", fix="ask for rows of the tables that it hangs on")

    def _added_up(self, total: across.Total, tables: Mapping[str, pa.Table], made: Mapping[str, DrawnTable]) -> pa.Table:
        table = tables[total.parent]
        relation = next(relation for relation in self.schema_.relations if relation.name == total.relation)
        places: Places = made[relation.child].places[relation.name]
        kind = table.schema.field(total.column).type
        values = across.total_of(total, tables[relation.child], places, table.num_rows, kind)
        return table.set_column(table.column_names.index(total.column), table.schema.field(total.column), values)

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder: one model a table, and what ties them.

        Raises:
            NotFitted: before `fit`.
        """
        return store.write(Path(folder), self.dump(), self.schema_, self._frames, self._fitted, self._totals)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The model that `save` wrote; runs no code from the folder.

        Raises:
            SynthesizerError: the folder is missing or damaged.
        """
        saved = store.read(Path(folder))
        model = cls.parse(saved.spec)
        model._schema, model._frames = saved.schema, saved.frames  # noqa: SLF001  # this class's own constructor
        model._fitted, model._totals = saved.tables, saved.totals  # noqa: SLF001  # likewise
        return model
