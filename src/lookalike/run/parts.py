"""A partition on disk: its rows, what was dropped and why, and which replies made its cells.

tables/<table>/part-00000.parquet     the rows; the same bytes for the same recipe
dropped/<table>/part-00000.parquet    ids, outcomes and reasons of rows that are not in it
lineage/<table>/part-00000.parquet    one row a model call: column, model, try, seed, tokens, milliseconds, money
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lookalike.errors import RunError
from lookalike.models.base import Reply
from lookalike.rows.batch import Batch
from lookalike.run.events import Counts
from lookalike.run.journal import Entry
from lookalike.store import put

_META = b"lookalike"
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
class Part:
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

    def candidates(self) -> np.ndarray[Any, np.dtype[np.int64]]:
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


def part_path(folder: Path, what: str, table: str, index: int) -> Path:
    """Where a partition's file lies."""
    return folder / what / table / f"part-{index:05d}.parquet"


def read_part(path: Path) -> Part:
    """What a finished partition says of itself; only the footer is read.

    Raises:
        RunError: the file is not one of ours, or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            body = orjson.loads((file.metadata.metadata or {})[_META])
        counts = dict(body["counts"])
        counts.pop("attempted")
        ids = tuple(body["ids"]) if "ids" in body else None
        return Part(body["index"], body["start"], body["stop"], body["fingerprint"], Counts(**counts), ids)
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as exc:
        raise RunError(
            what=f"the partition is damaged: {exc}", where=str(path), fix="delete this file and run again; only it is made anew"
        ) from exc


def write_part(
    folder: Path, table: str, part: Part, rows: pa.Table, dropped: Sequence[Dropped], lineage: Iterable[Entry]
) -> None:
    """Put a partition in place; the table's own file comes last, so a part that exists is complete."""
    entries = sorted(lineage, key=lambda entry: (entry.row, entry.column, entry.call))
    if entries:
        _put(part_path(folder, "lineage", table, part.index), lineage_table(entries))
    aside = part_path(folder, "dropped", table, part.index)
    if dropped:
        _put(aside, dropped_table(table, dropped))
    else:
        aside.unlink(missing_ok=True)
    _put(part_path(folder, "tables", table, part.index), rows.replace_schema_metadata(part.meta()))


def _put(path: Path, table: pa.Table) -> None:
    texts = [
        field.name for field in table.schema if pa.types.is_string(field.type)
    ]  # dictionaries of numbers cost more than they save
    put(path, lambda file: pq.write_table(table, file, compression="zstd", compression_level=1, use_dictionary=texts))


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
    tables = []
    for path in paths:
        with pq.ParquetFile(path) as file:
            tables.append(file.read())
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def dropped_ids(folder: Path, table: str, index: int, outcome: str = "") -> np.ndarray[Any, np.dtype[np.int64]]:
    """Ids of a partition's candidates that are not in its rows; with `outcome` only those that ended so."""
    path = part_path(folder, "dropped", table, index)
    if not path.exists():
        return np.empty(0, np.int64)
    with pq.ParquetFile(path) as file:
        rows = file.read(columns=["id", "outcome"])
    ids = np.array(rows["id"].to_pylist(), np.int64)
    return ids[[found == outcome for found in rows["outcome"].to_pylist()]] if outcome else ids


def dropped_reasons(folder: Path, table: str, index: int) -> list[str]:
    """Why each of a partition's dropped rows is not in it."""
    path = part_path(folder, "dropped", table, index)
    if not path.exists():
        return []
    with pq.ParquetFile(path) as file:
        return [str(reason) for reason in file.read(columns=["reason"])["reason"].to_pylist()]


def row_ids(folder: Path, table: str, part: Part) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Row ids of a partition's rows, in order."""
    return np.setdiff1d(part.candidates(), dropped_ids(folder, table, part.index), assume_unique=True)


def load_part(folder: Path, table: str, part: Part) -> Batch:
    """A finished partition's rows with their ids."""
    with pq.ParquetFile(part_path(folder, "tables", table, part.index)) as file:
        rows = file.read()
    columns: Mapping[str, pa.Array] = {name: rows[name].combine_chunks() for name in rows.column_names}
    columns = {n: (c.combine_chunks() if isinstance(c, pa.ChunkedArray) else c) for n, c in columns.items()}
    return Batch(table, row_ids(folder, table, part), columns)
