"""Several tables by one text: a folder of files, a workbook, a SQLite file, or a database's URL without a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from lookalike.errors import SourceError, did_you_mean
from lookalike.optional import require
from lookalike.rows.sql import sql_name
from lookalike.schema.infer import infer
from lookalike.schema.keys import find_relations
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.sources.base import checked
from lookalike.sources.database import connected, shown
from lookalike.sources.file import File
from lookalike.sources.sql import as_table

FILES = (".parquet", ".csv", ".tsv", ".jsonl", ".json", ".xlsx")
SQLITE = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Database:
    """Tables, and what their database says of them.

    Attributes:
        tables: name -> rows.
        keys: primary keys that are declared.
        relations: foreign keys that are declared.
        declares: whether it is a database that declares such things; else they are found.
    """

    tables: Mapping[str, pa.Table]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    declares: bool = False

    def schema(self) -> DatasetSchema:
        """What the tables are; a database that declares neither keys nor relations is looked at like files are."""
        if not self.declares or not (self.keys or self.relations):
            return find_relations(self.tables)
        found = find_relations(self.tables)
        known = {name: infer(table) for name, table in self.tables.items()}
        lists = frozenset(name for name in found.lists if any(relation.parent == name for relation in self.relations))
        return DatasetSchema(known, self.keys, self.relations, lists)


def is_dataset(text: str) -> bool:
    """Whether a text names several tables, as opposed to one."""
    if text.startswith(("package:", "hub:", "http://", "https://")):
        return False
    if "://" in text:
        return "#" not in text
    path = Path(text).expanduser()
    return path.is_dir() or path.suffix.lower() in SQLITE


def read_dataset(text: str, only: Sequence[str] = ()) -> Database:
    """All tables of what a text names, or some; a database is opened for reading alone, and read as of one moment.

    Raises:
        SourceError: nothing is there, it cannot be read, or it has no table of a name in `only`.
    """
    if "://" in text and not text.startswith("sqlite:///"):
        return _server(text, only)
    path = Path(text.removeprefix("sqlite:///")).expanduser()
    return _folder(path, only) if path.is_dir() else _sqlite(path, only)


def _chosen(names: Sequence[str], only: Sequence[str], where: str) -> list[str]:
    for name in only:
        if name not in names:
            raise SourceError(what=f"there is no table {name!r}", where=where, fix=did_you_mean(name, names, label="tables"))
    found = [name for name in names if not only or name in only]
    if not found:
        raise SourceError(
            what="there is no table", where=where, fix=f"name a database, or a folder with {', '.join(FILES)} files"
        )
    return found


def _folder(path: Path, only: Sequence[str]) -> Database:
    files = {
        file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in FILES and not file.name.startswith(".")
    }
    names = _chosen(list(files), only, str(path))
    return Database({name: File(path=str(files[name].resolve())).read(Path()) for name in names})


def _within(names: Sequence[str], relations: Iterator[Relation]) -> tuple[Relation, ...]:
    """Relations between tables that were read."""
    return tuple(relation for relation in relations if relation.child in names and relation.parent in names)


# --- SQLite, by the standard library ---


def _sqlite(path: Path, only: Sequence[str]) -> Database:
    if not path.is_file():
        raise SourceError(what="there is no such database or folder", where=str(path), fix="check the path")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("BEGIN")  # one snapshot for all tables
            listed = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            names = _chosen([name for (name,) in listed], only, str(path))
            tables = {name: _sqlite_table(connection, name, str(path)) for name in names}
            keys = {name: key for name in names if (key := _sqlite_key(connection, name))}
            relations = _within(names, (r for name in names for r in _sqlite_relations(connection, name, keys)))
    except sqlite3.Error as exc:
        raise SourceError(what=f"the database refused: {exc}", where=str(path), fix="check that it is a SQLite file") from exc
    return Database(tables, keys, relations, declares=True)


def _sqlite_table(connection: sqlite3.Connection, name: str, where: str) -> pa.Table:
    found = connection.execute(f"SELECT * FROM {sql_name(name)}")  # noqa: S608  # quoted
    return checked(as_table([column[0] for column in found.description], found.fetchall()), f"{where}#{name}")


def _sqlite_key(connection: sqlite3.Connection, name: str) -> tuple[str, ...]:
    rows = connection.execute(f"PRAGMA table_info({sql_name(name)})").fetchall()
    return tuple(row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5])


def _sqlite_relations(connection: sqlite3.Connection, name: str, keys: Mapping[str, tuple[str, ...]]) -> Iterator[Relation]:
    nullable = {row[1]: not row[3] for row in connection.execute(f"PRAGMA table_info({sql_name(name)})")}
    declared: dict[int, list[Any]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({sql_name(name)})"):
        declared.setdefault(row[0], []).append(row)
    for rows in declared.values():
        rows.sort(key=lambda row: row[1])
        parent, columns = rows[0][2], tuple(row[3] for row in rows)
        to = tuple(row[4] for row in rows) if all(row[4] for row in rows) else keys.get(parent, ())
        yield Relation(name, columns, parent, to, any(nullable[column] for column in columns), "declared by the database")


# --- servers, by SQLAlchemy ---


def _server(url: str, only: Sequence[str]) -> Database:
    alchemy = require("sqlalchemy", extra="sql")
    with connected(url) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(alchemy.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        inspector = alchemy.inspect(connection)
        names = _chosen(inspector.get_table_names(), only, shown(url))
        quote = connection.dialect.identifier_preparer.quote
        tables = {}
        for name in names:
            result = connection.execute(alchemy.text(f"SELECT * FROM {quote(name)}"))  # noqa: S608  # quoted
            tables[name] = checked(as_table(list(result.keys()), result.fetchall()), f"{shown(url)}#{name}")
        keys = {name: tuple(key) for name in names if (key := inspector.get_pk_constraint(name)["constrained_columns"])}
        relations = _within(names, (r for name in names for r in _reflected(inspector, name)))
    return Database(tables, keys, relations, declares=True)


def _reflected(inspector: Any, name: str) -> Iterator[Relation]:
    nullable = {column["name"]: column["nullable"] for column in inspector.get_columns(name)}
    for declared in inspector.get_foreign_keys(name):
        columns = tuple(declared["constrained_columns"])
        loose = any(nullable[column] for column in columns)
        yield Relation(
            name, columns, declared["referred_table"], tuple(declared["referred_columns"]), loose, "declared by the database"
        )
