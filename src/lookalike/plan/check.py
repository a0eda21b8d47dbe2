"""Find everything that is wrong with a recipe before anything is made: names, cycles, paths, code, environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from lookalike.errors import LookalikeError, RecipeError, SourceError, UnknownColumn, did_you_mean
from lookalike.generators.base import Generator, ModelColumn
from lookalike.generators.lookup import Lookup
from lookalike.origins.base import Brings
from lookalike.recipe.document import Document, Path_
from lookalike.recipe.model import Recipe, Table
from lookalike.registry import kinds
from lookalike.rows.paths import Paths, readers
from lookalike.rows.sql import sql_columns, sql_paths
from lookalike.schema.names import quoting
from lookalike.sources.base import Outline, OutsideFolder
from lookalike.steps.base import Step

ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
CODE = frozenset({"function"})


class Checker:
    """Checks one recipe.

    Attributes:
        problems: everything found.
        broken: what is wrong with sources, by source; it has an exit code of its own.
        brought: by table: what its rows bring along.
        orders: by table: made columns in topological order.
    """

    def __init__(self, recipe: Recipe, root: Path, *, allow_code: bool, document: Document | None) -> None:
        self.recipe, self.root, self.allow_code = recipe, root, allow_code
        self.document = document or recipe.document
        self.problems: list[RecipeError] = []
        self.brought: dict[str, Brings] = {}
        self.orders: dict[str, tuple[str, ...]] = {}
        self.broken: dict[str, SourceError] = {}
        self._outlines: dict[str, Outline | None] = {}
        self._versions: dict[str, str] = {}

    def check(self) -> tuple[str, ...]:
        """Table names in making order; problems are collected."""
        self._environment()
        for name in self.recipe.sources:
            self.outline(name)
        order = self._tables()
        for name in order:
            self._table(name, self.recipe.tables[name])
        self._gates()
        return order

    def add(self, path: Path_, what: str, fix: str = "", kind: Callable[..., RecipeError] = RecipeError) -> None:
        """Note a problem."""
        self.problems.append(kind(what=what, where=self.document.where(path), fix=fix))

    def outline(self, name: str) -> Outline | None:
        """A source's columns and size; None when it is broken."""
        if name not in self._outlines:
            self._outlines[name] = None
            try:
                self._outlines[name] = self.recipe.sources[name].outline(self.root)
            except OutsideFolder as exc:  # a mistake in the recipe's text: its line says more than the folder
                place = self.document.where(("sources", name, "path"))
                self.broken[name] = OutsideFolder(exc.what, place, exc.fix)
            except SourceError as exc:
                self.broken[name] = exc
        return self._outlines[name]

    def version(self, name: str) -> str:
        """A source's version, asked for once: some read all rows for it."""
        if name not in self._versions:
            self._versions[name] = self.recipe.sources[name].version(self.root)
        return self._versions[name]

    def expected(self, table: str) -> int:
        """Rows expected of a table that was looked at before."""
        found = self.brought[table]
        return found.expected if found.rows is None else found.rows

    def readable(self, table: str) -> tuple[str, ...] | None:
        """The columns of a table that was looked at before, as its children read them; None when not all are known."""
        brought = self.brought[table]
        return None if brought.open else tuple(dict.fromkeys((*brought.columns, *self.recipe.tables[table].columns)))

    def _environment(self) -> None:
        for part, things in (("models", self.recipe.models), ("sources", self.recipe.sources)):
            for name, thing in things.items():
                for variable in sorted(set(ENVIRONMENT.findall(str(thing.dump())))):
                    if variable not in os.environ:
                        self.add((part, name), f"the environment has no {variable}", f"export {variable}=...")

    def _tables(self) -> tuple[str, ...]:
        parents = {
            name: {parent for parent in table.rows.parents() if parent in self.recipe.tables}
            for name, table in self.recipe.tables.items()
        }
        try:
            return tuple(TopologicalSorter(parents).static_order())
        except CycleError as exc:
            cycle = " -> ".join(map(str, reversed(exc.args[1])))
            self.add(("tables",), f"tables hang on each other in a circle: {cycle}", "one of them must count its own rows")
            return ()

    def _table(self, name: str, table: Table) -> None:
        path: Path_ = ("tables", name)
        brought = self.brought[name] = self._brings(name, table)
        known = {*brought.columns, *table.columns}
        if not known and not brought.open:
            self.add(path, f"table {name!r} has no columns", "add `columns:`")
        self._names(name, table)
        self._compared(name, table)
        for column, spec in table.columns.items():
            self._column(name, column, spec, known)
            self._texts((*path, "columns", column), spec, f"column {column!r}", name)
        self._order(name, table)
        if table.key is not None and table.key not in known:
            self._missing((*path, "key"), table.key, "the key", name, known)
        for number, condition in enumerate(table.keep):
            self._sql((*path, "keep", number), condition, "the condition", name, known)
        for number, step in enumerate(table.steps):
            for column in sorted(step.needs() - known):
                self._missing((*path, "steps", number), column, f"the step {step.kind}", name, known)
            self._texts((*path, "steps", number), step, f"the step {step.kind}", name)

    def _names(self, name: str, table: Table) -> None:
        """SQL does not tell `Age` from `age`; a parent's row goes by its table's name."""
        seen: dict[str, str] = {}
        brought = self.brought[name]
        for column in dict.fromkeys((*brought.columns, *table.columns)):
            other = seen.setdefault(column.lower(), column)
            if other != column:
                path = ("tables", name, "columns", column if column in table.columns else other)
                self.add(
                    path, f"columns {other!r} and {column!r} differ in case alone", "rename one: SQL does not tell them apart"
                )
        for column in sorted(brought.fixed & set(table.columns)):
            self.add(("tables", name, "columns", column), f"the name {column!r} is taken by the parent", "rename the column")

    def _brings(self, name: str, table: Table) -> Brings:
        """What the rows bring along; nothing is known of it where a source or a parent is missing."""
        rows, path = table.rows, ("tables", name, "rows")
        missing = False
        for what, label, wanted, known in (
            ("source", "sources", sorted(rows.sources()), self.recipe.sources),
            ("table", "tables", rows.parents(), self.recipe.tables),
        ):
            for other in wanted:
                if other not in known:
                    missing = True
                    fix = did_you_mean(other, known, label=label)
                    self.add((*path, rows.kind), f"there is no {what} {other!r}", fix)
        if missing:
            return Brings(open=True)
        brought = rows.brings(self)
        for problem in brought.problems:
            self.add((*path, *problem.field), problem.what, problem.fix, problem.kind)
        return brought

    def _column(self, table: str, column: str, spec: Generator, known: set[str]) -> None:
        path: Path_ = ("tables", table, "columns", column)
        for other in sorted(spec.needs() - known):
            self._missing(path, other, f"column {column!r}", table, known)
        if spec.when is not None:
            self._sql((*path, "when"), spec.when, f"`when` of column {column!r}", table, known)
        for source in sorted(spec.sources()):
            if source not in self.recipe.sources:
                fix = did_you_mean(source, self.recipe.sources, label="sources")
                self.add(path, f"column {column!r} reads source {source!r}, which there is none of", fix)
        if isinstance(spec, Lookup):
            self._lookup(path, spec)
        if isinstance(spec, ModelColumn):
            for model in sorted(spec.models()):
                if model not in self.recipe.models and model != "default":
                    fix = did_you_mean(model, [*self.recipe.models, "default"], label="models")
                    self.add((*path, "model"), f"there is no model {model!r}", fix)
        if not self.allow_code and getattr(spec, "runs_code", spec.kind in CODE):
            self.add(path, f"column {column!r} runs code that the recipe names", "look at that code, then add --allow-code")

    def _lookup(self, path: Path_, spec: Lookup) -> None:
        found = self.outline(spec.source) if spec.source in self.recipe.sources else None
        wanted = [spec.column] if isinstance(spec.column, str) else [*spec.column]
        for column in (*wanted, *filter(None, (spec.key or spec.by, spec.weights))):
            if found is not None and column not in found.columns:
                fix = did_you_mean(column, found.columns, label="columns")
                self.add(path, f"the source {spec.source!r} has no column {column!r}", fix, UnknownColumn)

    def _order(self, name: str, table: Table) -> None:
        made = table.columns
        graph: dict[str, set[str]] = {}
        for column, spec in made.items():
            wanted = set(spec.needs())
            if spec.when is not None:
                wanted |= self._columns_of(spec.when)
            graph[column] = {other for other in wanted if other in made}
        try:
            self.orders[name] = _stable(graph)
        except CycleError as exc:
            cycle = " -> ".join(map(str, reversed(exc.args[1])))
            alone = len(exc.args[1]) == 2 and exc.args[1][0] in self.brought[name].columns
            fix = "give the new column another name" if alone else "break it at one of them"
            self.add(("tables", name, "columns", exc.args[1][0]), f"columns hang on each other in a circle: {cycle}", fix)
            self.orders[name] = tuple(made)

    def _columns_of(self, sql: str) -> frozenset[str]:
        try:
            return sql_columns(sql)
        except LookalikeError:
            return frozenset()  # `_sql` reports it with its place

    def _sql(self, path: Path_, sql: str, who: str, table: str, known: set[str]) -> None:
        try:
            used = sql_columns(sql)
        except LookalikeError as exc:
            self.add(path, exc.what, exc.fix)
            return
        for column in sorted(used - known):
            self._missing(path, column, who, table, known)
        self._fields(path, sql_paths(sql), who, table)

    def _texts(self, path: Path_, spec: Generator | Step, who: str, table: str) -> None:
        for place, text in readers(spec):
            self._fields((*path, *place), text.paths, who, table)

    def _fields(self, path: Path_, read: Paths, who: str, table: str) -> None:
        """Fields inside cells that a text reads, where it is known which there are: `score.faithful`."""
        for column, field, *_ in sorted(each for each in read if len(each) > 1):
            fields = self._inside(table, column)
            if fields and field.lower() not in {each.lower() for each in fields}:
                what = f"{who} uses {f'{column}.{field}'!r}, a field that {column!r} of {table!r} does not have"
                fix = did_you_mean(f"{column}.{field}", [f"{column}.{each}" for each in fields], label="fields")
                self.add(path, what, fix, UnknownColumn)

    def _inside(self, table: str, column: str) -> tuple[str, ...]:
        """The fields of a column's cells, or of a parent's row; empty where they are not known."""
        declared = self.recipe.tables[table]
        if column in declared.columns:
            return declared.columns[column].inside()
        if column not in declared.rows.parents() or self.brought[column].open:
            return ()
        return self.readable(column) or ()

    def _missing(self, path: Path_, column: str, who: str, table: str, known: Iterable[str]) -> None:
        if self.brought[table].open:
            return
        fix = quoting(column, known) or did_you_mean(column, known, label="columns")
        self.add(path, f"{who} uses {column!r}, which {table!r} does not have", fix, UnknownColumn)

    def _compared(self, name: str, table: Table) -> None:
        """A table is held against a source with columns in common, and a learned one against what it learned."""
        source, path = table.compare, ("tables", name, "compare")
        if source is None:
            return
        if (learning := table.rows.learns()) is not None:
            self.add(path, f"{name!r} is measured against {learning.source!r}, which it learns", "take `compare:` out")
        elif source not in self.recipe.sources:
            self.add(path, f"there is no source {source!r}", did_you_mean(source, self.recipe.sources, label="sources"))
        elif (outline := self.outline(source)) and not {*self.brought[name].columns, *table.columns} & set(outline.columns):
            self.add(path, f"{name!r} has no column of {source!r}", f"call one like those: {', '.join(outline.columns[:8])}")

    def _gates(self) -> None:
        measured = [name for name, table in self.recipe.tables.items() if table.measured]
        for number, gate in enumerate(self.recipe.gates):
            table = gate.get("table")
            if table is not None and table not in self.recipe.tables:
                fix = did_you_mean(str(table), self.recipe.tables, label="tables")
                self.add(("gates", number, "table"), f"there is no table {table!r}", fix)
            elif table not in measured if table else not measured:
                what = f"nothing of {table!r} is measured" if table else "no table is measured"
                self.add(("gates", number), what, "learn it (`rows: {like: SOURCE}`), or name a source under `compare:`")
            if "metric" not in gate:
                self.add(("gates", number), "a gate needs `metric:`", f"one of {', '.join(kinds('metric')[:8])} ...")
                continue
            head = str(gate["metric"]).partition(".")[0]  # the same rule as the gates of `evaluate`
            if head not in kinds("metric") and not any(fnmatchcase(kind, head) for kind in kinds("metric")):
                fix = did_you_mean(head, kinds("metric"), label="metrics")
                self.add(("gates", number, "metric"), f"there is no metric {gate['metric']!r}", fix)
            if not {"min", "max", "max_drop"} & set(gate):
                self.add(("gates", number), f"the gate on {gate['metric']} has no bound", "add `min:`, `max:` or `max_drop:`")


def _stable(graph: Mapping[str, set[str]]) -> tuple[str, ...]:
    """A topological order that keeps the declared order where it can."""
    sorter: TopologicalSorter[Any] = TopologicalSorter(graph)
    sorter.prepare()
    place = {name: number for number, name in enumerate(graph)}
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=place.__getitem__)
        first, *ready = ready
        order.append(first)
        sorter.done(first)
    return tuple(order)
