"""Parquet: one file a table."""

# pyright: reportOptionalMemberAccess=false
# pyarrow is untyped: pyright loses the type of the writer in the loop; mypy checks this file

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from lookalike.export.base import FileExporter

MARK = {b"synthetic": b"true", b"lookalike.synthetic": b"true"}


class Parquet(FileExporter):
    """One Parquet file a table, zstd, marked as synthetic in its metadata.

    Example:
        ```console
        lookalike export runs/clinic --to parquet -o clinic/
        ```
    """

    kind: ClassVar[str] = "parquet"
    suffix: ClassVar[str] = ".parquet"

    def write(self, batches: Iterator[pa.RecordBatch], file: BinaryIO) -> None:
        """One row group a batch, with the types of the first."""
        writer: pq.ParquetWriter | None = None
        try:
            for batch in batches:
                if writer is None:
                    writer = pq.ParquetWriter(file, batch.schema.with_metadata(MARK), compression="zstd")
                table = pa.Table.from_batches([batch]).cast(writer.schema.remove_metadata())
                writer.write_table(table.replace_schema_metadata(MARK))
        finally:
            if writer is not None:
                writer.close()
