"""CSV: one file a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.csv as pc

from lookalike.export.base import FileExporter
from lookalike.export.flat import flat


class Csv(FileExporter):
    """One CSV file a table: UTF-8, a header, nested cells as JSON text.

    Example:
        ```console
        lookalike export runs/clinic --to csv -o clinic/
        ```
    """

    kind: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".csv"

    delimiter: str = ","

    def write(self, batches: Iterator[pa.RecordBatch], file: BinaryIO) -> None:
        """The header once, then rows."""
        for number, batch in enumerate(batches):
            options = pc.WriteOptions(include_header=number == 0, delimiter=self.delimiter)
            pc.write_csv(pa.Table.from_batches([flat(batch)]), file, options)
