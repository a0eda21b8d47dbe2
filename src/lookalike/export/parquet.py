"""Parquet: one file a table."""

# pyright: reportOptionalMemberAccess=false
# pyarrow is untyped: pyright loses the type of the writer in the loop; mypy checks this file

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from lookalike.export.base import Exporter, Tables
from lookalike.store import put


class Parquet(Exporter):
    """One Parquet file a table, zstd, marked as synthetic in its metadata.

    Example:
        ```console
        lookalike export runs/clinic --to parquet -o clinic/
        ```
    """

    kind: ClassVar[str] = "parquet"
    suffix: ClassVar[str] = ".parquet"

    def export(self, run: Tables, to: Path) -> list[Path]:
        """Write the tables."""
        paths = []
        for table in self.chosen(run):
            path = self.target(run, to, table)
            put(path, lambda file, table=table: _write(run, table, file))  # type: ignore[misc]
            paths.append(path)
        return paths


def _write(run: Tables, table: str, file: BinaryIO) -> None:
    writer: pq.ParquetWriter | None = None
    try:
        for batch in run.batches(table):
            if writer is None:
                schema = batch.schema.with_metadata({b"synthetic": b"true", b"lookalike.synthetic": b"true"})
                writer = pq.ParquetWriter(file, schema, compression="zstd")
            writer.write_table(
                pa.Table.from_batches([batch]).cast(writer.schema).replace_schema_metadata(writer.schema.metadata)
            )
    finally:
        if writer is not None:
            writer.close()
