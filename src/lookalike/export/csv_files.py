"""CSV: one file a table."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.csv as pc

from lookalike.export.base import Exporter, Tables
from lookalike.export.flat import flat
from lookalike.store import put


class Csv(Exporter):
    """One CSV file a table: UTF-8, a header, nested cells as JSON text.

    Example:
        ```console
        lookalike export runs/clinic --to csv -o clinic/
        ```
    """

    kind: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".csv"

    delimiter: str = ","

    def export(self, run: Tables, to: Path) -> list[Path]:
        """Write the tables."""
        paths = []
        for table in self.chosen(run):
            path = self.target(run, to, table)
            put(path, lambda file, table=table: self._write(run, table, file))  # type: ignore[misc]
            paths.append(path)
        return paths

    def _write(self, run: Tables, table: str, file: BinaryIO) -> None:
        header = True
        for batch in run.batches(table):
            options = pc.WriteOptions(include_header=header, delimiter=self.delimiter)
            pc.write_csv(pa.Table.from_batches([flat(batch)]), file, options)
            header = False
