"""A partition on disk: its rows, what was dropped and why, and which replies made its cells.

tables/<table>/part-00000.parquet     the rows; the same bytes for the same recipe
dropped/<table>/part-00000.parquet    ids, outcomes and reasons of rows that are not in it
links/<table>/part-00000.parquet      ids and hidden columns of the rows, where the table has any: children and steps read them
lineage/<table>/part-00000.parquet    one row a model call: column, model, try, seed, tokens, milliseconds, money

Each file carries a checksum of all its bytes; nothing is read from one that does not fit it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from lookalike.errors import RunError
from lookalike.models.base import Reply
from lookalike.origins.base import IdRange
from lookalike.rng import Ids
from lookalike.rows.batch import Batch, flat
from lookalike.run.events import Counts
from lookalike.run.journal import Entry
from lookalike.store import BLANK, STAMP, check, disk_errors, put_bytes, read_whole, reading, stamped

ROW_ID = "_id"
_META = b"lookalike"
_FIX = "delete this file and run again; only this partition is made anew, and no reply is asked for twice"


class _Told(BaseModel):
    """What a partition says of itself."""

    index: int
    start: int
    stop: int
    fingerprint: str
    counts: dict[str, int]
    ids: list[int] | None = None


DROPPED = pa.schema(
    [
        ("table", pa.string()),
        ("id", pa.int64()),
        ("outcome", pa.string()),
        ("column", pa.string()),
        ("reason", pa.string()),
        ("row", pa.string()),
    ]
)
LINEAGE = pa.schema(
    [
        ("id", pa.int64()),
        ("column", pa.string()),
        ("call", pa.int32()),
        ("model", pa.string()),
        ("served_by", pa.string()),
        ("tries", pa.int32()),
        ("seed", pa.int64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("ms", pa.float64()),
        ("usd", pa.float64()),
        ("failure", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that is not in the table."""

    id: int
    outcome: str  # filtered, duplicate, failed
    reason: str
    column: str = ""
    row: str = ""  # JSON of a failed row's cells, so that nothing that was made is lost


@dataclass(frozen=True, slots=True)
class FinishedPart:
    """A finished partition: candidate rows `start` to `stop`, and what became of them.

    Attributes:
        ids: the candidates, where they are not all of the range: rows that replace others of their kind.
    """

    index: int
    start: int
    stop: int
    fingerprint: str
    counts: Counts
    ids: tuple[int, ...] | None = None

    def candidates(self) -> Ids:
        """Row ids of all candidates."""
        return np.arange(self.start, self.stop) if self.ids is None else np.array(self.ids, np.int64)

    def meta(self) -> dict[bytes, bytes]:
        """The Parquet key-value metadata."""
        body = {
            "synthetic": True,
            "index": self.index,
            "start": self.start,
            "stop": self.stop,
            "fingerprint": self.fingerprint,
            "counts": self.counts.dump(),
        }
        if self.ids is not None:
            body["ids"] = self.ids
        return {_META: orjson.dumps(body), b"synthetic": b"true", b"lookalike.synthetic": b"true"}


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition that is to be made: its number, and its candidates."""

    index: int
    range: IdRange


@dataclass(frozen=True, slots=True)
class PartOutcome:
    """What came of a partition: the rows that stay, the others with their reasons, and the calls behind both."""

    part: FinishedPart
    batches: Sequence[Batch]
    dropped: Sequence[Dropped]
    entries: Sequence[Entry] = ()


def part_path(folder: Path, what: str, table: str, index: int) -> Path:
    """Where a partition's file lies."""
    return folder / what / table / f"part-{index:05d}.parquet"


def read_part(path: Path) -> FinishedPart:
    """What a finished partition says of itself; only the footer is read.

    Raises:
        RunError: the file is not one of ours, or damaged.
    """
    with reading(path, fix=_FIX), pq.ParquetFile(path) as file:
        return _told(file)


def check_part(folder: Path, table: str, index: int, *, linked: bool) -> FinishedPart:
    """The same, with every byte of the partition's files held against its checksum.

    Args:
        folder: the run.
        table: its name.
        index: the partition's number.
        linked: the table has hidden columns.

    Raises:
        RunError: one of them is damaged, or missing; it is named.
    """
    path = part_path(folder, "tables", table, index)
    with _opened(path) as file:
        part, rows = _told(file), file.metadata.num_rows
    lost = dropped_ids(folder, table, index)
    if (rows, len(lost)) != (part.counts.kept, part.counts.attempted - part.counts.kept):
        raise RunError(
            what=f"the partition has {rows} rows and {len(lost)} dropped ones, and says otherwise: {part.counts.dump()}",
            where=str(path),
            fix=_FIX,
        )
    read_rows(part_path(folder, "lineage", table, index), columns=[])
    links = part_path(folder, "links", table, index)
    if read_rows(links, columns=[]) is None and linked:
        raise RunError(what="the file is gone", where=str(links), fix=_FIX)
    return part


def _told(file: pq.ParquetFile) -> FinishedPart:
    body = orjson.loads((file.metadata.metadata or {})[_META])
    check(_Told, body)
    counts = {name: number for name, number in body["counts"].items() if name != "attempted"}
    ids = tuple(body["ids"]) if "ids" in body else None
    return FinishedPart(body["index"], body["start"], body["stop"], body["fingerprint"], Counts(**counts), ids)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file of the run, whole."""
    with reading(path, fix=_FIX), pq.ParquetFile(pa.BufferReader(read_whole(path))) as file:
        yield file


def batches(path: Path, rows: int) -> Iterator[pa.RecordBatch]:
    """The rows of a partition's file, so many at a time.

    Raises:
        RunError: the file is damaged.
    """
    with _opened(path) as file:
        yield from file.iter_batches(rows)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> pa.Table | None:
    """The rows of a partition's file, or some of its columns; None when there is no such file.

    Raises:
        RunError: the file is damaged.
    """
    if not os.path.lexists(path):
        return None
    with _opened(path) as file:
        return file.read(columns=columns)


def write_part(folder: Path, table: str, made: PartOutcome, rows: pa.Table, links: pa.Table | None) -> None:
    """Put a partition in place; the table's own file comes last, so a part that exists is complete."""
    part, dropped = made.part, made.dropped
    if links is not None:
        put_rows(part_path(folder, "links", table, part.index), links)
    entries = sorted(made.entries, key=lambda entry: (entry.row, entry.column, entry.call))
    if entries:
        put_rows(part_path(folder, "lineage", table, part.index), lineage_table(entries))
    aside = part_path(folder, "dropped", table, part.index)
    if dropped:
        put_rows(aside, dropped_table(table, dropped))
    else:
        with disk_errors(aside):
            aside.unlink(missing_ok=True)
    put_rows(part_path(folder, "tables", table, part.index), rows.replace_schema_metadata(part.meta()))


def put_rows(path: Path, table: pa.Table) -> None:
    """Put a Parquet file with its checksum in place."""
    texts = [
        field.name for field in table.schema if pa.types.is_string(field.type)
    ]  # dictionaries of numbers cost more than they save
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", compression_level=1, use_dictionary=texts) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({STAMP: BLANK})
    put_bytes(path, stamped(sink.getvalue().to_pybytes()))


def dropped_table(table: str, dropped: Sequence[Dropped]) -> pa.Table:
    """Dropped rows as Arrow, in the order of their ids."""
    ordered = sorted(dropped, key=lambda row: row.id)
    rows = [
        {"table": table, "id": d.id, "outcome": d.outcome, "column": d.column, "reason": d.reason, "row": d.row}
        for d in ordered
    ]
    return pa.Table.from_pylist(rows, schema=DROPPED)


def lineage_table(entries: Sequence[Entry]) -> pa.Table:
    """Calls as Arrow: which model, attempt, seed, tokens, milliseconds and money made each cell."""
    rows = [
        (e.row, e.column, e.call, e.model, *_NO_REPLY, e.failure) if e.reply is None
        else (e.row, e.column, e.call, e.model, *_of_reply(e.reply), None)
        for e in entries
    ]  # fmt: skip
    columns = zip(*rows, strict=True) if rows else ((),) * len(LINEAGE)
    return pa.table([pa.array(values, field.type) for values, field in zip(columns, LINEAGE, strict=True)], LINEAGE)


_NO_REPLY = (None,) * 7


def _of_reply(reply: Reply) -> tuple[Any, ...]:
    usage = reply.usage
    return (
        reply.served_by, reply.tries, reply.seed, usage.prompt_tokens, usage.completion_tokens, reply.ms, usage.usd
    )  # fmt: skip


def read_all(paths: Sequence[Path]) -> pa.Table | None:
    """The rows of some partition files, in order; None when there is no file."""
    tables = [rows for path in paths if (rows := read_rows(path)) is not None]
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def dropped_ids(folder: Path, table: str, index: int, outcome: str = "") -> Ids:
    """Ids of a partition's candidates that are not in its rows; with `outcome` only those that ended so."""
    path = part_path(folder, "dropped", table, index)
    rows = read_rows(path, ["id", "outcome"])
    if rows is None:
        return np.empty(0, np.int64)
    with reading(path, fix=_FIX):
        ids = np.array(rows["id"].to_pylist(), np.int64)
        return ids[[found == outcome for found in rows["outcome"].to_pylist()]] if outcome else ids


def dropped_reasons(folder: Path, table: str, index: int) -> list[str]:
    """Why each of a partition's dropped rows is not in it."""
    rows = read_rows(part_path(folder, "dropped", table, index), ["reason"])
    return [] if rows is None else [str(reason) for reason in rows["reason"].to_pylist()]


def row_ids(folder: Path, table: str, part: FinishedPart) -> Ids:
    """Row ids of a partition's rows, in order."""
    return np.setdiff1d(part.candidates(), dropped_ids(folder, table, part.index), assume_unique=True)


def load_part(folder: Path, table: str, part: FinishedPart) -> Batch:
    """A finished partition's rows with their ids, hidden columns included.

    Raises:
        RunError: one of its files is damaged or missing.
    """
    path = part_path(folder, "tables", table, part.index)
    with reading(path, fix=_FIX):
        rows = read_rows(path)
        if rows is None:
            raise ValueError("it is gone")
        columns = {name: flat(rows[name]) for name in rows.column_names}
    links = read_rows(part_path(folder, "links", table, part.index))
    if links is not None:
        columns |= {name: flat(links[name]) for name in links.column_names if name != ROW_ID}
    return Batch(table, row_ids(folder, table, part), columns)
