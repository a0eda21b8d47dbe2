"""JSON Lines: one file a table, one object a row."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, ClassVar

import orjson

from lookalike.export.base import Exporter, Tables
from lookalike.store import put


class Jsonl(Exporter):
    """One JSON Lines file a table: UTF-8, one object a row, nested cells as they are, times in ISO 8601.

    Example:
        ```console
        lookalike export runs/clinic --to jsonl -o clinic/
        ```
    """

    kind: ClassVar[str] = "jsonl"
    suffix: ClassVar[str] = ".jsonl"

    def export(self, run: Tables, to: Path) -> list[Path]:
        """Write the tables."""
        paths = []
        for table in self.chosen(run):
            path = self.target(run, to, table)
            put(path, lambda file, table=table: _write(run, table, file))  # type: ignore[misc]
            paths.append(path)
        return paths


def _write(run: Tables, table: str, file: BinaryIO) -> None:
    file.writelines(
        b"".join(orjson.dumps(row, default=str) + b"\n" for row in batch.to_pylist()) for batch in run.batches(table, 8192)
    )
