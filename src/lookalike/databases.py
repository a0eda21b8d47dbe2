"""Several related tables from end to end: read, learned, drawn, written, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import SchemaError, UsageError
from lookalike.schema.relations import DatasetSchema

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report

HELD_OUT = 0.2  # share of the families


def mimic_tables(
    data: Mapping[str, Any], *, schema: Any = None, scale: float = 1.0, given: Any = None, seed: int = 0
) -> dict[str, Any]:
    """Learn tables together and sample them; see `lookalike.mimic`.

    Raises:
        UsageError: a schema of one table beside several.
    """
    from lookalike.synthesizers.relational.model import Relational

    if schema is not None and not isinstance(schema, DatasetSchema):
        raise UsageError(
            what="the schema is of one table, and there are several", fix="correct what `lookalike.relations` finds"
        )
    return Relational().fit(data, schema, seed=seed).sample(scale=scale, given=given, seed=seed)


def read_schema(path: Path) -> DatasetSchema:
    """A schema that was written as YAML, perhaps corrected since.

    Raises:
        SchemaError: it cannot be read, or is none.
    """
    import yaml  # here: few commands read a schema

    try:
        return DatasetSchema.parse(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as exc:
        raise SchemaError(
            what=f"no readable schema: {exc}", where=str(path), fix="write one with `lookalike relations DATA -o FILE`"
        ) from exc


def write_schema(schema: DatasetSchema, path: Path) -> None:
    """Write a schema as YAML, to be corrected and read back."""
    import yaml  # likewise

    path.write_text(yaml.safe_dump(schema.dump(), sort_keys=False, allow_unicode=True), encoding="utf-8")


def relations_of(data: str, *, only: Sequence[str] = ()) -> DatasetSchema:
    """What a folder, workbook or database holds, and how its tables hang together.

    Raises:
        SourceError: it cannot be read.
    """
    from lookalike.sources.dataset import read_dataset

    return read_dataset(data, only).schema()


def mimic_dataset(
    data: str,
    to: str,
    *,
    only: Sequence[str] = (),
    schema: Path | None = None,
    scale: float = 1.0,
    seed: int = 0,
    replace: bool = False,
    measure: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> Report | None:
    """Learn a database, write another like it, and say what it is worth.

    Args:
        data: a folder of files, a SQLite file, or a database's URL.
        to: a folder, a `.db` file, or a database's URL.
        only: tables to take; none: all.
        schema: a YAML file with keys and relations; those that the database declares, or that are found, when not given.
        scale: rows as a multiple of the data's.
        seed: the same data and seed give the same rows.
        replace: whether what is at the target may be overwritten.
        measure: whether to hold a fifth of the families out and measure; else all are learned.
        say: told what is going on.

    Returns:
        The report; None when nothing was measured.
    """
    from lookalike.export.dataset import check_target, write_dataset
    from lookalike.sources.dataset import read_dataset
    from lookalike.synthesizers.relational.holdout import split
    from lookalike.synthesizers.relational.model import Relational

    check_target(to, replace=replace)
    dataset = read_dataset(data, only)
    known = dataset.schema() if schema is None else read_schema(schema)
    say(str(known))
    learned, holdout = split(dataset.tables, known, HELD_OUT if measure else 0.0, seed)
    rows = sum(table.num_rows for table in learned.values())
    say(f"learning {rows:,} rows of {len(learned)} tables")
    model = Relational().fit(learned, known, seed=seed)
    for rule in model.rules_:
        say(f"in every row: {rule}")
    counted = {
        name: round(dataset.tables[name].num_rows * scale) for name in model.roots_
    }  # of all that is there, not of what was learned
    made = model.sample_arrow(scale=scale, rows=counted, seed=seed)
    say(f"writing {sum(table.num_rows for table in made.values()):,} rows")
    write_dataset(made, known, to, replace=replace)
    if not measure:
        return None
    from lookalike.evaluate.evaluate import evaluate  # here: it takes a while to load

    say("measuring")
    return evaluate(learned, made, holdout=holdout, schema=known, seed=seed)
