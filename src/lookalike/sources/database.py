"""Connections to database servers, for reading and for writing, by SQLAlchemy; errors that never say a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lookalike.errors import LookalikeError, SourceError
from lookalike.optional import require
from lookalike.sources.base import filled


def shown(url: str) -> str:
    """The URL without its password."""
    return re.sub(r"//([^:/@]+):[^@]*@", r"//\1:***@", url)


@contextmanager
def connected(url: str, error: type[LookalikeError] = SourceError) -> Iterator[Any]:
    """A SQLAlchemy connection in one transaction: kept when the block ends, undone when it fails.

    `${NAME}` in the URL is read from the environment.

    Args:
        url: dialect://user@host/database.
        error: what to raise where the server refuses.

    Raises:
        SourceError: the URL cannot be used.
        MissingExtra: SQLAlchemy is not installed.
    """
    alchemy = require("sqlalchemy", extra="sql")
    where = shown(url)
    try:
        engine = alchemy.create_engine(re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", filled(url, where)))
    except (alchemy.exc.ArgumentError, ImportError) as exc:
        raise SourceError(what=f"the URL cannot be used: {exc}", where=where, fix="write dialect://user@host/database") from exc
    try:
        with engine.begin() as connection:
            yield connection
    except alchemy.exc.SQLAlchemyError as exc:
        reason = str(getattr(exc, "orig", exc)).splitlines()[0]
        raise error(
            what=f"the database refused: {reason}", where=where, fix="check the URL, the table and your rights"
        ) from exc
    finally:
        engine.dispose()
