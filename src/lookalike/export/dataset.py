"""Several tables with their keys: into a folder of files, a SQLite file, or a database server.

On a server everything happens in one transaction: tables are created with their types and keys, filled by its fast path in an order in
which parents come first, and only then tied by foreign keys, which checks them set by set. What fails leaves nothing behind.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from lookalike.errors import RunError, UsageError
from lookalike.export.flat import flat
from lookalike.export.sql import affinity, plain, rows_of, sql_type
from lookalike.export.tables import WRITERS, write_table
from lookalike.optional import require
from lookalike.rows.sql import sql_name
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.sources.database import connected, shown

SQLITE = (".db", ".sqlite", ".sqlite3")


def write_dataset(
    tables: Mapping[str, pa.Table], schema: DatasetSchema, to: str, *, replace: bool = False, ending: str = ".parquet"
) -> list[Path]:
    """Write tables where a text says; gives the files, none for a server.

    Args:
        tables: name -> rows.
        schema: keys and relations, which a database is told.
        to: a folder, a `.db` or `.sqlite` file, or `dialect://user@host/database`.
        replace: whether tables that are there may be dropped, and files overwritten.
        ending: of the files in a folder.

    Raises:
        UsageError: the target is not empty and `replace` was not said, or no format is known by the ending.
        RunError: a server refused; nothing was changed.
    """
    ordered = {name: tables[name] for name in schema.order()}
    if "://" in to and not to.startswith("sqlite:///"):
        _to_server(ordered, schema, to, replace=replace)
        return []
    path = Path(to.removeprefix("sqlite:///")).expanduser()
    if path.suffix.lower() in SQLITE:
        return [_to_sqlite(ordered, schema, path, replace=replace)]
    return _to_folder(ordered, path, ending, replace=replace)


def check_target(to: str, *, replace: bool) -> None:
    """Refuse a file or folder that is not empty, before the work and not after it.

    Raises:
        UsageError: it holds something, and `replace` was not said.
    """
    if "://" in to and not to.startswith("sqlite:///"):
        return
    path = Path(to.removeprefix("sqlite:///")).expanduser()
    held = any(path.iterdir()) if path.is_dir() else path.exists()
    if held and not replace:
        raise UsageError(what="the target is not empty", where=str(path), fix="name another one, or add --replace")


def _to_folder(tables: Mapping[str, pa.Table], path: Path, ending: str, *, replace: bool) -> list[Path]:
    check_target(str(path), replace=replace)
    if ending not in WRITERS:
        raise UsageError(what=f"no format is known by {ending!r}", where=str(path), fix=f"use {', '.join(WRITERS)}")
    path.mkdir(parents=True, exist_ok=True)
    files = [path / f"{name}{ending}" for name in tables]
    for file, table in zip(files, tables.values(), strict=True):
        write_table(table, file)
    return files


def _key_columns(schema: DatasetSchema, table: str, relations: tuple[Relation, ...]) -> set[str]:
    """Columns that may not be null."""
    strict = {column for relation in relations if not relation.nullable for column in relation.columns}
    return set(schema.keys.get(table, ())) | strict


# --- SQLite ---


def _to_sqlite(tables: Mapping[str, pa.Table], schema: DatasetSchema, path: Path, *, replace: bool) -> Path:
    check_target(str(path), replace=replace)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(aside)) as database, database:
            for name, table in tables.items():
                _create(database, name, table, schema)
            for name, table in tables.items():
                for batch in table.to_batches(8192):
                    rows = zip(*(map(plain, column.to_pylist()) for column in flat(batch).columns), strict=True)
                    database.executemany(f"INSERT INTO {sql_name(name)} VALUES ({', '.join('?' * batch.num_columns)})", rows)  # noqa: S608
            broken = database.execute("PRAGMA foreign_key_check").fetchone()
            if broken:
                raise RunError(what=f"a row of {broken[0]!r} refers to no row of {broken[2]!r}", where=str(path))
        aside.replace(path)
    except sqlite3.Error as exc:
        raise RunError(
            what=f"SQLite refused: {exc}", where=str(path), fix="nothing was written; check the path and the schema"
        ) from exc
    finally:
        aside.unlink(missing_ok=True)
    return path


def _create(database: sqlite3.Connection, name: str, table: pa.Table, schema: DatasetSchema) -> None:
    relations = schema.parents(name)
    strict = _key_columns(schema, name, relations)
    parts = [f"{sql_name(f.name)} {affinity(f.type)}{' NOT NULL' if f.name in strict else ''}" for f in table.schema]
    if key := schema.keys.get(name):
        parts.append(f"PRIMARY KEY ({_listed(key)})")
    parts += [f"FOREIGN KEY ({_listed(r.columns)}) REFERENCES {sql_name(r.parent)} ({_listed(r.keys)})" for r in relations]
    database.execute(f"CREATE TABLE {sql_name(name)} ({', '.join(parts)})")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(sql_name, names))


# --- servers ---


def _to_server(tables: Mapping[str, pa.Table], schema: DatasetSchema, url: str, *, replace: bool) -> None:
    alchemy = require("sqlalchemy", extra="sql")
    with connected(url, RunError) as connection:
        there = set(alchemy.inspect(connection).get_table_names()) & set(tables)
        if there and not replace:
            raise UsageError(
                what=f"there are tables called {', '.join(sorted(there))}",
                where=shown(url),
                fix="name another database, or add --replace",
            )
        metadata = alchemy.MetaData()
        made = {name: _table(alchemy, metadata, name, table, schema) for name, table in tables.items()}
        _drop(alchemy, connection, there)
        metadata.create_all(connection)
        for name, table in tables.items():
            _fill(connection, made[name], table)
        for relation in schema.relations:
            constraint = alchemy.ForeignKeyConstraint(
                [made[relation.child].c[column] for column in relation.columns],
                [made[relation.parent].c[column] for column in relation.keys],
                name=f"fk_{relation.child}_{'_'.join(relation.columns)}"[:60],
            )
            made[relation.child].append_constraint(constraint)
            connection.execute(alchemy.schema.AddConstraint(constraint))


def _drop(alchemy: Any, connection: Any, names: set[str]) -> None:
    """Drop tables of these names, those that refer to others first."""
    if names:
        old = alchemy.MetaData()
        old.reflect(connection, only=sorted(names))
        old.drop_all(connection, tables=[table for table in old.sorted_tables if table.name in names])


def _table(alchemy: Any, metadata: Any, name: str, table: pa.Table, schema: DatasetSchema) -> Any:
    strict = _key_columns(schema, name, schema.parents(name))
    columns = [
        alchemy.Column(f.name, sql_type(alchemy, f.type), nullable=f.name not in strict, autoincrement=False)
        for f in table.schema
    ]
    key = schema.keys.get(name)
    return alchemy.Table(name, metadata, *columns, *([alchemy.PrimaryKeyConstraint(*key)] if key else []))


def _fill(connection: Any, target: Any, table: pa.Table) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, target, table)
        return
    for batch in table.to_batches(8192):
        plain_rows = flat(batch)
        if plain_rows.num_rows:
            connection.execute(
                target.insert(), [dict(zip(plain_rows.schema.names, row, strict=True)) for row in rows_of(plain_rows)]
            )


def _copy(connection: Any, target: Any, table: pa.Table) -> None:
    """PostgreSQL's fast path: CSV, in which an unquoted empty cell is null and a quoted one an empty text."""
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in target.columns)
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(target.name)} ({names}) FROM STDIN (FORMAT csv)") as copy,
    ):
        for batch in table.to_batches(65_536):
            buffer = io.BytesIO()
            pa_csv.write_csv(flat(batch), buffer, pa_csv.WriteOptions(include_header=False, quoting_style="needed"))
            copy.write(buffer.getvalue())
