"""Data by one text: a file, a database URL with its table (`sqlite:///clinic.sqlite#visits`), or `package:name`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from lookalike.errors import SourceError
from lookalike.sources.base import Source


def source(text: str) -> Source:
    """The source that a text names.

    Raises:
        SourceError: a database without a table.
    """
    from lookalike.sources.file import File
    from lookalike.sources.package import Package
    from lookalike.sources.sql import SqlSource

    if text.startswith("package:"):
        return Package(name=text.removeprefix("package:"))
    if "://" in text:
        url, mark, table = text.rpartition("#")
        if not mark:
            raise SourceError(
                what="a database URL needs a table", where=text.rsplit("@", maxsplit=1)[-1], fix="write URL#table"
            )
        return SqlSource(url=url, table=table)
    return File(path=text)


def read(text: str) -> pa.Table:
    """All rows of what a text names, read from the current folder.

    Raises:
        SourceError: it cannot be read.
    """
    from lookalike.sources.file import File

    found = source(text)
    if isinstance(found, File):  # a path on the command line may be anywhere: the user wrote it
        found = found.model_copy(update={"path": str(Path(text).expanduser().resolve())})
    return found.read(Path())
