"""Tables of SQL databases."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pyarrow as pa
from pydantic import model_validator

from lookalike.errors import SourceError
from lookalike.optional import require
from lookalike.sources.base import Source, checked, filled, under
from lookalike.sources.database import connected, shown


class SqlSource(Source):
    """A table or a query of a database: SQLite by its file, PostgreSQL and others by a SQLAlchemy URL.

    `${NAME}` in the URL is read from the environment when the source is opened.

    Example:
        ```yaml
        sources:
          visits: {kind: sql, url: "sqlite:///clinic.sqlite", table: visits}
        ```
    """

    kind: ClassVar[str] = "sql"

    url: str
    table: str | None = None
    query: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SqlSource:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table or query")
        return self

    def read(self, root: Path) -> pa.Table:
        """All rows."""
        where = shown(self.url)
        url = filled(self.url, where)
        names, rows = self._sqlite(url, root) if url.startswith("sqlite:///") else self._server(self.url)
        if not names:
            raise SourceError(what="the query gives no columns", where=where, fix="write a SELECT")
        return checked(as_table(names, rows), where)

    def _sqlite(self, url: str, root: Path) -> tuple[list[str], list[Any]]:
        """Read with the standard library, which needs no extra; the database is opened for reading alone."""
        path = under(root, url.removeprefix("sqlite:///"))
        if not path.is_file():
            raise SourceError(what="there is no such database", where=str(path), fix="check the path")
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (self.table or "").split("."))
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                found = connection.execute(self.query or f"SELECT * FROM {quoted}")  # noqa: S608  # quoted
                return [column[0] for column in found.description or ()], found.fetchall()
        except sqlite3.Error as exc:
            raise SourceError(what=f"the database refused: {exc}", where=str(path), fix="check the table or the query") from exc

    def _server(self, url: str) -> tuple[list[str], list[Any]]:
        text = require("sqlalchemy", extra="sql").text
        with connected(url) as connection:
            quote = connection.dialect.identifier_preparer.quote
            name = ".".join(quote(part) for part in (self.table or "").split("."))
            asked = self.query or f"SELECT * FROM {name}"  # noqa: S608  # quoted
            result = connection.execute(text(re.sub(r"(?<!:):(?=\w)", r"\:", asked)))  # a colon is no parameter of ours
            return list(result.keys()), result.fetchall()

    def version(self, root: Path) -> str:
        """A digest of the rows: databases have no other version."""
        digest = blake2b(digest_size=16)
        for batch in self.read(root).to_batches():
            digest.update(batch.serialize())
        return digest.hexdigest()


def as_table(names: list[str], rows: Sequence[Any]) -> pa.Table:
    """Rows of a cursor as a table; columns of mixed types as text."""
    columns = {}
    for number, name in enumerate(names):
        cells = [str(row[number]) if isinstance(row[number], UUID) else row[number] for row in rows]  # Arrow would keep bytes
        try:
            columns[name] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns[name] = pa.array([None if cell is None else str(cell) for cell in cells])
    return pa.table(columns)
