"""One table into one file, by the file's ending."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from lookalike.errors import UsageError
from lookalike.export.base import FileExporter
from lookalike.export.csv_files import Csv
from lookalike.export.jsonl import Jsonl
from lookalike.export.parquet import Parquet
from lookalike.store import put

WRITERS: dict[str, type[FileExporter]] = {each.suffix: each for each in (Parquet, Csv, Jsonl)}


def check_ending(path: Path) -> FileExporter:
    """The writer of a file's ending: asked before long work, so that a typo costs nothing.

    Raises:
        UsageError: an ending that no writer has.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(what=f"no format is known by {path.suffix!r}", where=str(path), fix=f"use {', '.join(WRITERS)}")
    return writer()


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table; the file is complete or not there.

    Raises:
        UsageError: an ending that no writer has.
    """
    write_batches(iter([table]), path)


def write_batches(tables: Iterator[pa.Table], path: Path, progress: Callable[[int], None] = lambda done: None) -> int:
    """Write tables of one schema, at least one, as they come; the file is complete or not there. Gives the number of rows.

    Raises:
        UsageError: an ending that no writer has.
    """
    writer = check_ending(path)
    done = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal done
        for table in tables:
            # a table without rows may have no batch, and no file is of a format without its columns
            yield from table.to_batches(writer.rows_at_once) or [pa.RecordBatch.from_pylist([], table.schema)]
            done += table.num_rows
            progress(done)

    put(path, lambda file: writer.write(batches(), file))
    return done
