"""The contract of exporters: a finished run, handed over in a format that others read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

import pyarrow as pa

from lookalike.spec import Names, Spec
from lookalike.store import put


class FinishedTables(Protocol):
    """A run's finished tables, as exporters see them."""

    @property
    def name(self) -> str:
        """The recipe's name."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """Table names."""
        ...

    @property
    def manifest(self) -> dict[str, Any]:
        """What was made; see `run/manifest.py`."""
        ...

    def batches(self, table: str, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The rows in order, a bounded number at a time."""
        ...

    def table(self, table: str) -> pa.Table:
        """All rows of a table."""
        ...


class Exporter(Spec):
    """Writes a run's tables somewhere else; streams partition by partition, never holds a table."""

    group: ClassVar[str] = "exporter"
    suffix: ClassVar[str] = ""

    tables: Names = ()  # the tables to write; none: all of them

    def chosen(self, run: FinishedTables) -> tuple[str, ...]:
        """The tables to write, in the run's order."""
        return tuple(name for name in run.tables if not self.tables or name in self.tables)

    def target(self, run: FinishedTables, to: Path, table: str) -> Path:
        """The file of a table: `to` itself when it names one file, else a file in the folder `to`."""
        if to.suffix == self.suffix and len(self.chosen(run)) == 1:
            return to
        return to / f"{table}{self.suffix}"

    @abstractmethod
    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """The files written, each complete or not there at all.

        Raises:
            RunError: the run has no finished partition, or the target cannot be written.
        """


class FileExporter(Exporter):
    """One file a table."""

    rows_at_once: ClassVar[int] = 65_536

    @abstractmethod
    def write(self, batches: Iterator[pa.RecordBatch], file: BinaryIO) -> None:
        """The batches of one table, into its open file; at least one, which may have no rows."""

    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """Write the chosen tables."""
        paths = []
        for table in self.chosen(run):
            path = self.target(run, to, table)

            def fill(file: BinaryIO, table: str = table) -> None:
                self.write(_some(run.batches(table, self.rows_at_once), run, table), file)

            put(path, fill)
            paths.append(path)
        return paths


def _some(batches: Iterator[pa.RecordBatch], run: FinishedTables, table: str) -> Iterator[pa.RecordBatch]:
    """The batches; one without rows where there are none, because a file has its columns all the same."""
    first = next(batches, None)
    yield pa.RecordBatch.from_pylist([], run.table(table).schema) if first is None else first
    yield from batches
