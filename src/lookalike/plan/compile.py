"""A recipe becomes a plan: graph, order, stages, fingerprints, estimates; or every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

import orjson

from lookalike.errors import RecipeError, RecipeProblems
from lookalike.generators.base import Generator, ModelColumn
from lookalike.models.base import NO_IDENTITY, Model
from lookalike.models.default import default_model
from lookalike.plan.check import Checker
from lookalike.plan.estimate import ColumnEstimate, estimate
from lookalike.plan.model import Plan, TablePlan
from lookalike.plan.stages import stages
from lookalike.recipe.document import Document, place
from lookalike.recipe.model import Count, From, Grid, Like, Per, Recipe, Table, Value
from lookalike.rows.sql import sql_columns

BLOCK_ROWS = 100_000  # rows of a partition without model calls
STREAM_ROWS = 1_000  # rows of a partition with model calls
CHILDREN = 3.0  # assumed children a parent, for the estimate only

_OPERATIONAL = NO_IDENTITY | {"base_url"}  # not part of a column's fingerprint: a model may move to another server


def compile_plan(
    recipe: Recipe,
    root: Path = Path(),
    *,
    rows: int | None = None,
    partition_rows: int | None = None,
    allow_code: bool = False,
    document: Document | None = None,
) -> Plan:
    """The plan of a recipe.

    Args:
        recipe: what is asked for.
        root: the recipe's folder: relative paths start there and stay under it.
        rows: overrides every count of rows.
        partition_rows: candidate rows of a partition; never changes the data.
        allow_code: accept kinds that run code which the recipe names.
        document: the text it came from, so that problems are placed; the recipe's own when not given.

    Raises:
        RecipeProblems: everything that is wrong with it.
        SourceError: nothing but a source is wrong.
    """
    if rows is not None:
        recipe = _with_rows(recipe, rows)
    checker = Checker(recipe, root, allow_code=allow_code, document=document)
    tables = checker.check()
    if checker.problems:
        problems = sorted(checker.problems, key=place)
        raise RecipeProblems([*problems, *(RecipeError(e.what, e.where, e.fix) for e in checker.broken.values())])
    for broken in checker.broken.values():
        raise broken
    made: dict[str, TablePlan] = {}
    for name in tables:
        made[name] = _table(recipe, name, checker, made, partition_rows)
    return Plan(recipe, root, tuple(made.values()))


def _with_rows(recipe: Recipe, rows: int) -> Recipe:
    tables = {}
    for name, table in recipe.tables.items():
        spec = table.rows
        if isinstance(spec, (Count, Like, From)):
            table = table.model_copy(update={"rows": spec.model_copy(update={"n": rows})})  # noqa: PLW2901
        tables[name] = table
    return recipe.model_copy(update={"tables": tables})


def _digest(*parts: object) -> str:
    return blake2b(orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def needs(column: Generator) -> frozenset[str]:
    """Columns that a cell reads, its condition included."""
    return column.needs() | (sql_columns(column.when) if column.when else frozenset())


def _table(recipe: Recipe, name: str, checker: Checker, made: Mapping[str, TablePlan], partition_rows: int | None) -> TablePlan:
    table = recipe.tables[name]
    order = checker.orders[name]
    incoming = tuple(column for column in checker.incoming[name] if column not in table.columns)
    wanted = {column: needs(spec) for column, spec in table.columns.items()}
    source_print = _source(recipe, table, checker)
    prints = {column: _digest(recipe.seed, name, source_print, column) for column in checker.incoming[name]}
    if isinstance(table.rows, Per):
        prints[table.rows.per] = _digest(made[table.rows.per].fingerprint, table.rows.model_dump(mode="json"))
        prints[f"{table.rows.per}_id"] = prints[table.rows.per]
    for column in order:
        spec = table.columns[column]
        inputs = [prints[other] for other in sorted(wanted[column])]
        versions = [recipe.sources[s].version(checker.root) for s in sorted(spec.sources())]
        prints[column] = _digest(recipe.seed, name, column, spec.dump(), inputs, versions, _models(recipe, spec))
    streams = any(isinstance(spec, ModelColumn) for spec in table.columns.values())
    size = partition_rows or (STREAM_ROWS if streams else BLOCK_ROWS)
    visible = [
        column for column in (*incoming, *table.columns) if not (column in table.columns and table.columns[column].hidden)
    ]
    if isinstance(table.rows, Per):
        visible.remove(table.rows.per)
    output = tuple(visible)
    steps = [step.dump() for step in table.steps]
    n_rows = _n_rows(name, table, checker)
    return TablePlan(
        name=name,
        table=table,
        n_rows=n_rows,
        parent=table.rows.per if isinstance(table.rows, Per) else None,
        incoming=incoming,
        columns=output,
        order=order,
        stages=stages(order, table.columns, wanted),
        needs=wanted,
        fingerprints=prints,
        fingerprint=_digest([prints[column] for column in output], list(table.keep), steps, size, list(output)),
        source_fingerprint=source_print,
        partition_rows=size,
        n_expected=n_rows if n_rows is not None else _children(table, made),
        estimates=_estimates(recipe, name, table, n_rows if n_rows is not None else _children(table, made)),
    )


def _source(recipe: Recipe, table: Table, checker: Checker) -> str:
    """The fingerprint of what rows are learned from, read from or made by."""
    rows = table.rows
    if isinstance(rows, Like):
        version = recipe.sources[rows.like].version(checker.root)
        return _digest(
            recipe.seed, recipe.sources[rows.like].dump(), version, rows.synthesizer.dump(), _plain(rows, "n", "target")
        )
    if isinstance(rows, From):
        version = recipe.sources[rows.source].version(checker.root)
        return _digest(recipe.sources[rows.source].dump(), version, _plain(rows, "n"))
    return _digest(_plain(rows, "n", "exact"))


def _plain(rows: Value, *without: str) -> dict[str, object]:
    return {key: value for key, value in rows.model_dump(mode="json", by_alias=True).items() if key not in without}


def _models(recipe: Recipe, spec: Generator) -> list[object]:
    if not isinstance(spec, ModelColumn):
        return []
    found: list[object] = []
    for name in sorted(spec.models()):
        dumped = model_of(recipe, name).dump()
        found.append({key: value for key, value in dumped.items() if key not in _OPERATIONAL})
    return found


def model_of(recipe: Recipe, name: str) -> Model:
    """A model by name; `default` always exists."""
    return recipe.models[name] if name in recipe.models else default_model()


def _n_rows(name: str, table: Table, checker: Checker) -> int | None:
    rows = table.rows
    if isinstance(rows, (Count, Like)) or (isinstance(rows, From) and rows.n is not None):
        return rows.n
    if isinstance(rows, From):
        found = checker.outline(rows.source)
        return found.rows if found is not None else 0
    if isinstance(rows, Grid):
        return checker.designs[name] * rows.repeat
    return None


def _children(table: Table, made: Mapping[str, TablePlan]) -> int:
    rows = table.rows
    if not isinstance(rows, Per):
        return 0
    parents = made[rows.per].n_expected
    each = rows.count if isinstance(rows.count, int) else getattr(rows.count, "mean", CHILDREN)
    return round(parents * float(each))


def _estimates(recipe: Recipe, name: str, table: Table, cells: int) -> tuple[ColumnEstimate, ...]:
    found = []
    for column, spec in table.columns.items():
        if isinstance(spec, ModelColumn):
            lane = min(spec.models())
            found.append(estimate(name, column, spec, model_of(recipe, lane), model_name=lane, cells=cells))
    return tuple(found)
