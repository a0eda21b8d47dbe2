"""JSON Lines: one file a table, one object a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

import orjson
import pyarrow as pa

from lookalike.export.base import FileExporter
from lookalike.export.flat import text_of


class Jsonl(FileExporter):
    """One JSON Lines file a table: UTF-8, one object a row, nested cells as they are, times and durations in ISO 8601.

    Example:
        ```console
        lookalike export runs/clinic --to jsonl -o clinic/
        ```
    """

    kind: ClassVar[str] = "jsonl"
    suffix: ClassVar[str] = ".jsonl"
    rows_at_once: ClassVar[int] = 8192

    def write(self, batches: Iterator[pa.RecordBatch], file: BinaryIO) -> None:
        """One object a row."""
        file.writelines(
            orjson.dumps(row, default=text_of, option=orjson.OPT_APPEND_NEWLINE)
            for batch in batches
            for row in batch.to_pylist()
        )
