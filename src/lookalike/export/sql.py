"""SQLite: all tables in one database file."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from lookalike.errors import RunError
from lookalike.export.base import Exporter, Tables
from lookalike.export.flat import flat


class Sql(Exporter):
    """All tables in one SQLite file; nested cells as JSON text, times in ISO 8601.

    Example:
        ```console
        lookalike export runs/clinic --to sql -o clinic.sqlite
        ```
    """

    kind: ClassVar[str] = "sql"
    suffix: ClassVar[str] = ".sqlite"

    def export(self, run: Tables, to: Path) -> list[Path]:
        """Write the tables."""
        path = to if to.suffix else to / f"{run.name}{self.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.part")
        aside.unlink(missing_ok=True)
        try:
            with sqlite3.connect(aside) as database:
                for table in self.chosen(run):
                    _write(database, run, table)
            database.close()
            aside.replace(path)
        except sqlite3.Error as exc:
            raise RunError(what=f"SQLite refused: {exc}", where=str(path), fix="check the path and the disk") from exc
        finally:
            aside.unlink(missing_ok=True)
        return [path]


def _write(database: sqlite3.Connection, run: Tables, table: str) -> None:
    quoted = '"' + table.replace('"', '""') + '"'
    created = False
    for batch in run.batches(table, 8192):
        plain = flat(batch)
        if not created:
            columns = ", ".join(f'"{f.name.replace(chr(34), chr(34) * 2)}" {_affinity(f.type)}' for f in plain.schema)
            database.execute(f"CREATE TABLE {quoted} ({columns})")
            created = True
        marks = ", ".join("?" * plain.num_columns)
        rows = zip(*(map(_plain, column.to_pylist()) for column in plain.columns), strict=True)
        database.executemany(f"INSERT INTO {quoted} VALUES ({marks})", rows)  # noqa: S608  # names are quoted above


def _affinity(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float, str, bytes)) else str(value)
