"""One table into one file, by the file's ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lookalike.errors import UsageError
from lookalike.export.flat import flat
from lookalike.store import put


def _parquet(table: pa.Table, file: BinaryIO) -> None:
    marked = table.replace_schema_metadata({b"synthetic": b"true", b"lookalike.synthetic": b"true"})
    pq.write_table(marked, file, compression="zstd")


def _csv(table: pa.Table, file: BinaryIO) -> None:
    batches = [flat(batch) for batch in table.to_batches()]
    pc.write_csv(pa.Table.from_batches(batches) if batches else table, file)


def _jsonl(table: pa.Table, file: BinaryIO) -> None:
    file.writelines(
        b"".join(orjson.dumps(row, default=str) + b"\n" for row in batch.to_pylist()) for batch in table.to_batches(8192)
    )


WRITERS: dict[str, Callable[[pa.Table, BinaryIO], None]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}


def check_ending(path: Path) -> Callable[[pa.Table, BinaryIO], None]:
    """The writer of a file's ending: asked before long work, so that a typo costs nothing.

    Raises:
        UsageError: an ending that no writer has.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UsageError(what=f"no format is known by {path.suffix!r}", where=str(path), fix=f"use {', '.join(WRITERS)}")
    return writer


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table; the file is complete or not there.

    Raises:
        UsageError: an ending that no writer has.
    """
    writer = check_ending(path)
    put(path, lambda file: writer(table, file))
