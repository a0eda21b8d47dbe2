"""The contract of sources: real data that comes in."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from lookalike.errors import SourceError
from lookalike.spec import Spec


@dataclass(frozen=True, slots=True)
class Outline:
    """What a plan must know of a source: its columns in order, and how many rows there are."""

    columns: tuple[str, ...]
    rows: int


class OutsideFolder(SourceError):  # what happened, like its kin in errors.py
    """A relative path of a recipe leaves the recipe's folder."""


class Source(Spec):
    """Real rows, read on demand."""

    group: ClassVar[str] = "source"

    @abstractmethod
    def read(self, root: Path) -> pa.Table:
        """All rows. `root` is the recipe's folder: relative paths start there and stay under it.

        Raises:
            SourceError: missing, unreadable, empty or ragged data, or a path outside the folder.
        """

    def outline(self, root: Path) -> Outline:
        """Columns and size; sources that know them without reading every row say so here.

        Raises:
            SourceError: as `read`.
        """
        table = self.read(root)
        return Outline(tuple(table.column_names), table.num_rows)

    @abstractmethod
    def version(self, root: Path) -> str:
        """A string that changes when the data does (size and time of files, content of frames), for fingerprints."""


def under(root: Path, path: str) -> Path:
    """A path of a recipe, inside the recipe's folder. Absolute paths are taken as they are: the user wrote them out.

    Raises:
        OutsideFolder: a relative path that leaves the folder.
    """
    given = Path(path).expanduser()
    if given.is_absolute():
        return given
    found = (root / given).resolve()
    if not found.is_relative_to(root.resolve()):
        raise OutsideFolder(
            what=f"the path {path!r} leaves the recipe's folder",
            where=str(root),
            fix="move the data below it, or write the path out in full",
        )
    return found


def filled(text: str, where: str) -> str:
    """The text with each `${NAME}` read from the environment: when a source is opened, and never written down.

    Raises:
        SourceError: the environment has no such variable.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise SourceError(what=f"the environment has no {match[1]}", where=where, fix=f"export {match[1]}=...")
        return os.environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, text)


def stamp(path: Path) -> str:
    """Size and time of a file, as its version.

    Raises:
        SourceError: it is not there.
    """
    try:
        found = path.stat()
    except OSError as exc:
        raise SourceError(what=f"cannot read: {exc.strerror}", where=str(path), fix="check the path") from exc
    return f"{found.st_size}-{found.st_mtime_ns}"


def checked(table: pa.Table, where: str) -> pa.Table:
    """The table, if its columns have distinct names and types that can be worked with.

    Raises:
        SourceError: no column, an empty or doubled name, or a type that nobody knows.
    """
    names = table.column_names
    if not names:
        raise SourceError(what="there is no column", where=where, fix="give data with a header")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SourceError(what=f"duplicate column names: {', '.join(doubled)}", where=where, fix="rename them")
    if any(not name.strip() for name in names):
        raise SourceError(what="a column has an empty name", where=where, fix="name every column in the header")
    columns = []
    for name in names:
        column = table[name]
        if isinstance(column.type, pa.BaseExtensionType):
            column = column.cast(column.type.storage_type)
        if pa.types.is_dictionary(column.type) and not column.type.ordered:  # an order is more than its values say
            column = column.cast(column.type.value_type)
        if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
            column = column.cast(pa.string())
        if pa.types.is_run_end_encoded(column.type):
            import pyarrow.compute as pc  # seldom needed here, and 40 ms of a start

            column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], column.type.value_type)
        if pa.types.is_union(column.type) or pa.types.is_interval(column.type):
            raise SourceError(
                what=f"column {name!r} has type {column.type}, which is not supported", where=where, fix="drop or convert it"
            )
        columns.append(column)
    return pa.table(dict(zip(names, columns, strict=True)))
