"""A recipe becomes a plan: graph, order, stages, fingerprints, estimates; or every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from lookalike import rng
from lookalike.errors import RecipeError, RecipeProblems
from lookalike.generators.base import Generator, ModelColumn
from lookalike.models.base import NO_IDENTITY, Model
from lookalike.models.default import default_model
from lookalike.origins.base import Learning
from lookalike.plan.check import Checker
from lookalike.plan.estimate import ColumnEstimate, estimate
from lookalike.plan.forms import Plan
from lookalike.plan.model import TablePlan
from lookalike.plan.stages import stages
from lookalike.recipe.document import Document, place
from lookalike.recipe.model import Recipe, Table
from lookalike.rows.sql import sql_columns

BLOCK_ROWS = 100_000  # rows of a partition without model calls
STREAM_ROWS = 1_000  # rows of a partition with model calls

_OPERATIONAL = NO_IDENTITY | {"base_url"}  # not part of a column's fingerprint: a model may move to another server


def compile_plan(
    recipe: Recipe,
    root: Path = Path(),
    *,
    rows: int | None = None,
    first: int | None = None,
    partition_rows: int | None = None,
    allow_code: bool = False,
    document: Document | None = None,
) -> Plan:
    """The plan of a recipe.

    Args:
        recipe: what is asked for.
        root: the recipe's folder: relative paths start there and stay under it.
        rows: overrides every count of rows.
        first: makes no more than so many rows of a table, the first ones, also of those that have no count to override.
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
        if first is not None:
            checker.brought[name] = checker.brought[name].first(first)
        made[name] = _table(recipe, name, checker, made, partition_rows)
    return Plan(recipe, root, tuple(made.values()))


def _with_rows(recipe: Recipe, rows: int) -> Recipe:
    tables = {}
    for name, table in recipe.tables.items():
        tables[name] = table.model_copy(update={"rows": table.rows.counted(rows)})
    return recipe.model_copy(update={"tables": tables})


def _digest(*parts: object) -> str:
    return blake2b(orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def needs(column: Generator) -> frozenset[str]:
    """Columns that a cell reads, its condition included."""
    return column.needs() | (sql_columns(column.when) if column.when else frozenset())


def _table(recipe: Recipe, name: str, checker: Checker, made: Mapping[str, TablePlan], partition_rows: int | None) -> TablePlan:
    table = recipe.tables[name]
    order = checker.orders[name]
    brought = checker.brought[name]
    incoming = tuple(column for column in brought.columns if column not in table.columns)
    wanted = {column: needs(spec) for column, spec in table.columns.items()}
    fit = _fit(recipe, table.rows.learns(), checker)
    alike = fit and any(other.fit == fit for other in made.values())
    draws = rng.key(recipe.seed, name) >> 1 if alike else recipe.seed
    prints = _brought(recipe, name, brought.columns, [fit, draws], checker, made)
    for column in order:
        spec = table.columns[column]
        inputs = [prints[other] for other in sorted(wanted[column])]
        versions = [checker.version(source) for source in sorted(spec.sources())]
        prints[column] = _digest(recipe.seed, name, column, spec.dump(), inputs, versions, _models(recipe, spec))
    streams = any(isinstance(spec, ModelColumn) for spec in table.columns.values())
    size = partition_rows or (STREAM_ROWS if streams else BLOCK_ROWS)
    hidden = brought.hidden | {column for column, spec in table.columns.items() if spec.hidden}
    output = tuple(column for column in (*incoming, *table.columns) if column not in hidden)
    linked = (column for column in table.columns if column in hidden)  # not written, and kept for children and steps
    steps = [step.dump() for step in table.steps]
    expected = checker.expected(name)
    return TablePlan(
        name=name,
        table=table,
        n_rows=brought.rows,
        parents=table.rows.parents(),
        incoming=incoming,
        columns=output,
        order=order,
        stages=stages(order, table.columns, wanted),
        needs=wanted,
        fingerprints=prints,
        fingerprint=_digest([prints[column] for column in (*output, *linked)], list(table.keep), steps, size, list(output)),
        fit=fit,
        draws=draws,
        partition_rows=size,
        n_expected=expected,
        estimates=_estimates(recipe, name, table, expected),
    )


def _fit(recipe: Recipe, learning: Learning | None, checker: Checker) -> str:
    """The fingerprint of what must be learned; empty where nothing is."""
    if learning is None:
        return ""
    return _digest(recipe.seed, _real(recipe, learning.source, checker), learning.synthesizer.dump(), learning.holdout)


def _brought(
    recipe: Recipe, name: str, columns: Sequence[str], fit: list[Any], checker: Checker, made: Mapping[str, TablePlan]
) -> dict[str, str]:
    """The fingerprints of the columns that rows bring along."""
    rows = recipe.tables[name].rows
    if parents := rows.parents():  # their fingerprints stand for everything that is in them
        return dict.fromkeys(columns, _digest(*(made[parent].fingerprint for parent in parents), rows.identity()))
    parts = (
        fit
        if rows.learns() is not None
        else [part for source in sorted(rows.sources()) for part in _real(recipe, source, checker)]
    )
    origin = _digest(*parts, rows.identity())
    return {column: _digest(recipe.seed, name, origin, column) for column in columns}


def _real(recipe: Recipe, source: str, checker: Checker) -> tuple[dict[str, object], str]:
    """A source and its version."""
    return recipe.sources[source].dump(), checker.version(source)


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


def _estimates(recipe: Recipe, name: str, table: Table, cells: int) -> tuple[ColumnEstimate, ...]:
    found = []
    for column, spec in table.columns.items():
        if isinstance(spec, ModelColumn):
            lane = min(spec.models())
            found.append(estimate(name, column, spec, model_of(recipe, lane), model_name=lane, cells=cells))
    return tuple(found)
