"""Tables: read, learned, drawn, by themselves and together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from lookalike import databases, frames
from lookalike.errors import UsageError
from lookalike.registry import resolve
from lookalike.store import check_writable, put_bytes

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.schema.relations import DatasetSchema
    from lookalike.schema.types import TableSchema
    from lookalike.synthesizers.base import Given, Synthesizer

HELD_ROWS = 1_000_000  # more are drawn and written a few at a time


def read(data: Any) -> Any:
    """A frame as it is; a path or a URL as an Arrow table.

    Raises:
        SourceError: it cannot be read.
    """
    if not isinstance(data, (str, Path)):
        return data
    from lookalike.sources.open import read as read_source

    return read_source(str(data))


def fit(
    data: Any,
    *,
    synthesizer: str | Synthesizer | type[Synthesizer] = "forest",
    schema: TableSchema | str | Path | None = None,
    seed: int = 0,
    budget_s: float | None = None,
) -> Synthesizer:
    """Learn a table.

    Args:
        data: a frame, a file, or a database URL.
        synthesizer: a kind, or a configured synthesizer.
        schema: semantic types, or a file that corrects them (see `look`); inferred when not given.
        seed: the same data and seed give the same model.
        budget_s: seconds that the fit may take.
    """
    return _unfitted(synthesizer).fit(read(data), schema, seed=seed, budget_s=budget_s)


def _unfitted(synthesizer: str | Synthesizer | type[Synthesizer]) -> Synthesizer:
    """A synthesizer by its kind, its class, or itself."""
    made = resolve("synthesizer", synthesizer) if isinstance(synthesizer, str) else synthesizer
    return made() if isinstance(made, type) else made


def relations(tables: Mapping[str, Any]) -> DatasetSchema:
    """Find the keys of some tables, how they refer to each other, and which are code lists, before anything is learned.

    Args:
        tables: name -> pandas, polars or Arrow.

    Returns:
        The schema; printed, it is a tree with the evidence for each relation. A corrected one goes into `Relational().fit` and `mimic`.
    """
    from lookalike.schema.keys import find_relations

    return find_relations({str(name): frames.to_arrow(table) for name, table in tables.items()})


def mimic(
    data: Any,
    n: int | None = None,
    *,
    synthesizer: str | Synthesizer | type[Synthesizer] = "forest",
    given: Given | None = None,
    constraints: Sequence[Any] = (),
    schema: TableSchema | DatasetSchema | str | Path | None = None,
    scale: float = 1.0,
    holdout: float = 0.2,
    seed: int = 0,
) -> Any:
    """Learn a table and sample it, or several related ones: pandas, polars or Arrow in, the same out.

    Args:
        data: a frame, a file, or a database URL (then Arrow comes out); or a mapping of names to frames, which are learned together
            as `Relational` does. The index of a pandas frame is not learned: call its `reset_index()` first where it says something.
        n: rows; as many as the data has when not given. Of several tables `scale` says how many.
        synthesizer: a kind, or a configured synthesizer.
        given: conditions that every row holds: column -> value, list, {"min", "max"}, {"shares"}; "where" -> SQL. Of several tables
            by table.
        constraints: what every row of one table keeps: `net <= gross`, an SQL condition, or a mapping with its kind, as recipes
            write them.
        schema: semantic types, or a file that corrects them (`lookalike.look`); of several tables their keys and relations too
            (`lookalike.relations`). Inferred when not given.
        scale: rows as a multiple of the data's.
        holdout: share of one table's rows that is not learned, as in a recipe's `like`: `lookalike.schema.holdout.split` tells which;
            the same recipe gives the same rows. Fewer than 50 rows are all learned.
        seed: the same data and seed give the same rows.

    Raises:
        UsageError: `n` or a schema of one table beside several tables.
    """
    if frames.is_dataset(data):
        if n is not None or synthesizer != "forest" or constraints:
            fix = "say `scale=` instead of `n=`, and methods with `Relational(tables=...)`"
            raise UsageError(what="several tables are learned together", fix=fix)
        return databases.mimic_tables(data, schema=schema, scale=scale, given=given, seed=seed)
    from lookalike.one_table import mimic_frame
    from lookalike.synthesizers.constraints.constrained import constrained

    frame = read(data)
    if n is None and scale != 1:
        n = round(len(frames.to_arrow(frame)) * scale)
    model = constrained(_unfitted(synthesizer), constraints)
    return mimic_frame(frame, n, model, given=given, schema=schema, holdout=holdout, seed=seed)  # type: ignore[arg-type]  # of one table


def is_dataset(data: str) -> bool:
    """Whether a text names several tables: a folder, a SQLite file, a database's URL without a table."""
    from lookalike.sources.dataset import is_dataset as names_several

    return names_several(data)


def mimic_file(data: str, to: str | Path, **options: Any) -> Report | None:
    """Learn a table, write a sample of it, and say what the sample is worth; see `one_table.mimic_file`."""
    from lookalike.one_table import mimic_file as make

    return make(data, Path(to), **options)


@overload
def sample(model: str | Path | Synthesizer, n: int, to: None = None, *, given: Given | None = None, seed: int = 0) -> Any: ...
@overload
def sample(model: str | Path | Synthesizer, n: int, to: str | Path, *, given: Given | None = None, seed: int = 0) -> int: ...
def sample(
    model: str | Path | Synthesizer, n: int, to: str | Path | None = None, *, given: Given | None = None, seed: int = 0
) -> Any:
    """Draw rows from a saved or fitted model.

    Args:
        model: a fitted synthesizer, or the folder of a saved one.
        n: rows.
        to: a csv, parquet or jsonl file to write, above a million rows a few at a time where the method can; without it the rows
            are returned, in the kind of frame that was fitted.
        given: conditions that every row holds; see `mimic`.
        seed: the same model and seed give the same rows.

    Returns:
        The rows, or how many were written to the file.
    """
    from lookalike.export.tables import check_ending, write_batches
    from lookalike.synthesizers.base import Synthesizer as Base
    from lookalike.synthesizers.watch import tell

    if to is not None:
        check_ending(Path(to))
        check_writable(Path(to))
    loaded = Base.load(model) if isinstance(model, (str, Path)) else model
    if to is None:
        return loaded.sample(n, given=given, seed=seed)
    whole = n <= HELD_ROWS
    tables = (
        iter([loaded.sample_arrow(n, given=given, seed=seed)]) if whole else loaded.sample_batches(n, given=given, seed=seed)
    )
    return write_batches(tables, Path(to), lambda done: tell(f"{done:,} rows", done / max(n, 1)))


def look(data: Any, *, schema: str | Path | None = None, to: str | Path | None = None) -> TableSchema:
    """What each column of a table is taken for, and why; printed, one line a column.

    Args:
        data: a frame, a file, or a database URL.
        schema: a file that corrects what is found.
        to: where to write it as YAML, to be corrected and given as `schema` to `fit`, `mimic` and `evaluate`.

    Raises:
        SchemaError: the file says what cannot be.
    """
    from lookalike.schema.described import described, written

    found = described(frames.to_arrow(read(data)), schema)
    if to is not None:
        put_bytes(Path(to), written(found).encode())
    return found
