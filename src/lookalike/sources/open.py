"""Data by one text: a file, a database URL with its table (`sqlite:///clinic.sqlite#visits`), `package:name`, or `hub:owner/name#split`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from lookalike.errors import SourceError, did_you_mean
from lookalike.sources.base import Source


def source(text: str) -> Source:
    """The source that a text names.

    Raises:
        SourceError: a database without a table, a web address, a packaged table that nobody knows, or no dataset's name.
    """
    from lookalike.sources.file import File
    from lookalike.sources.package import Package, catalogue
    from lookalike.sources.sql import SqlSource

    if text.startswith("package:"):
        name = text.removeprefix("package:")
        if name not in catalogue():
            raise SourceError(what="no such table", where=text, fix=did_you_mean(name, catalogue(), label="tables"))
        return Package(name=name)
    if text.startswith("hub:"):
        from lookalike.sources.hub import Hub

        repo, _, split = text.removeprefix("hub:").partition("#")
        try:
            return Hub(repo=repo, split=split or "train")
        except ValueError as exc:
            raise SourceError(
                what="no dataset is named so", where=text, fix="write hub:owner/name or hub:owner/name#split"
            ) from exc
    if text.startswith(("http://", "https://")):
        raise SourceError(what="web addresses are not fetched", where=text, fix="download the file and name it by its path")
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
    return named(text).read(Path())


def named(text: str) -> Source:
    """The source that a text names, from whatever folder it is read."""
    from lookalike.sources.file import File

    found = source(text)
    if isinstance(found, File):  # a path on the command line may be anywhere: the user wrote it
        return found.model_copy(update={"path": str(Path(text).expanduser().resolve())})
    return found
