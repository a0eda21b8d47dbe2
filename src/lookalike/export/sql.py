"""SQL databases: one SQLite file, or tables of a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from lookalike.errors import RunError
from lookalike.export.base import Exporter, FinishedTables
from lookalike.export.flat import flat
from lookalike.optional import require
from lookalike.sources.database import connected


class Sql(Exporter):
    """All tables in one SQLite file, nested cells as JSON text and times in ISO 8601; or, with a URL, in a database server.

    On a server numbers, dates, times and booleans keep their types; all tables arrive, or none (PostgreSQL). A table that is
    there already is an error, unless `replace: true`. `${NAME}` in the URL is read from the environment.

    Example:
        ```console
        lookalike export runs/clinic --to sql -o clinic.sqlite
        lookalike export runs/clinic --to sql -o 'postgresql://me:${PG_PASSWORD}@localhost/clinic'
        ```
    """

    kind: ClassVar[str] = "sql"
    suffix: ClassVar[str] = ".sqlite"

    url: str = ""  # a database server, dialect://user@host/database; empty: a file
    replace: bool = False  # drop tables of the same names on the server first

    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """Write the tables; the file, or nothing where a server took them."""
        if self.url:
            with connected(self.url, RunError) as connection:
                for table in self.chosen(run):
                    _insert(connection, run, table, self.replace)
            return []
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


def _write(database: sqlite3.Connection, run: FinishedTables, table: str) -> None:
    quoted = '"' + table.replace('"', '""') + '"'
    created = False
    for batch in run.batches(table, 8192):
        cells = flat(batch)
        if not created:
            columns = ", ".join(f'"{f.name.replace(chr(34), chr(34) * 2)}" {affinity(f.type)}' for f in cells.schema)
            database.execute(f"CREATE TABLE {quoted} ({columns})")
            created = True
        marks = ", ".join("?" * cells.num_columns)
        rows = zip(*(map(plain, column.to_pylist()) for column in cells.columns), strict=True)
        database.executemany(f"INSERT INTO {quoted} VALUES ({marks})", rows)  # noqa: S608  # names are quoted above


def _insert(connection: Any, run: FinishedTables, table: str, replace: bool) -> None:
    """Create a table on a server and fill it, a batch at a time."""
    alchemy = require("sqlalchemy", extra="sql")
    target = None
    for batch in run.batches(table, 8192):
        cells = flat(batch)
        if target is None:
            columns = (alchemy.Column(field.name, sql_type(alchemy, field.type)) for field in cells.schema)
            target = alchemy.Table(table, alchemy.MetaData(), *columns)
            if replace:
                target.drop(connection, checkfirst=True)
            target.create(connection)
        if cells.num_rows:
            connection.execute(target.insert(), [dict(zip(cells.schema.names, row, strict=True)) for row in rows_of(cells)])


def rows_of(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    """The rows as Python values; nanoseconds, which Python has not, are cut to microseconds."""
    columns = (
        column.cast(pa.timestamp("us", column.type.tz), safe=False) if pa.types.is_timestamp(column.type) else column
        for column in batch.columns
    )
    return zip(*(column.to_pylist() for column in columns), strict=True)


def sql_type(alchemy: Any, kind: pa.DataType) -> Any:
    """The SQL type of an Arrow type."""
    tests = (
        (pa.types.is_boolean, alchemy.Boolean()),
        (pa.types.is_integer, alchemy.BigInteger()),
        (pa.types.is_floating, alchemy.Double()),
        (pa.types.is_decimal, alchemy.Numeric(getattr(kind, "precision", None), getattr(kind, "scale", None))),
        (pa.types.is_date, alchemy.Date()),
        (pa.types.is_time, alchemy.Time()),
        (pa.types.is_timestamp, alchemy.DateTime(timezone=getattr(kind, "tz", None) is not None)),
        (pa.types.is_duration, alchemy.Interval()),
        (lambda found: pa.types.is_binary(found) or pa.types.is_large_binary(found), alchemy.LargeBinary()),
    )
    return next((sql for holds, sql in tests if holds(kind)), alchemy.Text())


def affinity(kind: pa.DataType) -> str:
    """SQLite's word for a type."""
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


def plain(value: object) -> object:
    """A value as SQLite holds it: what it has no type for is text."""
    return value if value is None or isinstance(value, (int, float, str, bytes)) else str(value)
