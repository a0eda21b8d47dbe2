"""Tables of SQL databases."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import model_validator

from lookalike.errors import SourceError
from lookalike.optional import require
from lookalike.sources.base import Source, checked, under


class SqlSource(Source):
    """A table or a query of a database: SQLite by a path or URL, PostgreSQL and others by a SQLAlchemy URL.

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

    def _engine(self, root: Path) -> Any:
        alchemy = require("sqlalchemy", extra="sql")
        url = self.url
        if url.startswith("sqlite:///"):
            path = under(root, url.removeprefix("sqlite:///"))
            if not path.is_file():
                raise SourceError(what="there is no such database", where=str(path), fix="check the path")
            url = f"sqlite:///{path}"
        url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
        return alchemy.create_engine(url)

    def read(self, root: Path) -> pa.Table:
        """All rows."""
        alchemy = require("sqlalchemy", extra="sql")
        engine = self._engine(root)
        try:
            with engine.connect() as connection:
                if self.table is not None:
                    quote = engine.dialect.identifier_preparer.quote
                    name = ".".join(quote(part) for part in self.table.split("."))
                    result = connection.execute(alchemy.text(f"SELECT * FROM {name}"))  # noqa: S608  # quoted by the dialect
                else:
                    result = connection.execute(alchemy.text(self.query or ""))
                names = list(result.keys())
                rows = result.fetchall()
        except alchemy.exc.SQLAlchemyError as exc:
            reason = str(getattr(exc, "orig", exc)).splitlines()[0]
            raise SourceError(what=f"the database refused: {reason}", where=self._shown, fix="check the URL, the table and your rights") from exc
        finally:
            engine.dispose()
        return checked(_columns(names, rows), self._shown)

    @property
    def _shown(self) -> str:
        """The URL without its password."""
        return re.sub(r"//([^:/@]+):[^@]*@", r"//\1:***@", self.url)

    def version(self, root: Path) -> str:
        """A digest of the rows: databases have no other version."""
        digest = blake2b(digest_size=16)
        for batch in self.read(root).to_batches():
            digest.update(batch.serialize())
        return digest.hexdigest()


def _columns(names: list[str], rows: list[Any]) -> pa.Table:
    columns = {}
    for number, name in enumerate(names):
        cells = [row[number] for row in rows]
        try:
            columns[name] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            columns[name] = pa.array([None if cell is None else str(cell) for cell in cells])
    return pa.table(columns)
