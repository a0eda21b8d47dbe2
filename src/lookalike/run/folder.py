"""A run is a folder: the only interface between making, measuring, exporting and showing.

The CLI, evaluation, export and the studio read it and share no memory with the run, so any run can be shown: alive, dead, or
from another machine.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from pydantic import BaseModel, Field

from lookalike.errors import ModelError, RunError, did_you_mean
from lookalike.run.parts import DROPPED, FinishedPart, batches, read_all, read_part, read_rows
from lookalike.schema.names import Name
from lookalike.store import read_json


class PlannedTable(BaseModel):
    """What readers of a plan need of a table."""

    name: Name


class PlanFile(BaseModel):
    """What readers of `plan.json` need of it."""

    name: str
    tables: list[PlannedTable]


class MadePart(BaseModel):
    """A partition in `manifest.json`."""

    path: str
    rows: int
    sha256: str


class MadeTable(BaseModel):
    """A table in `manifest.json`."""

    rows: int
    outcomes: dict[str, int]
    table_schema: dict[str, str] = Field(alias="schema")
    parts: list[MadePart]


class Calls(BaseModel):
    """What a model column has cost, in `manifest.json`."""

    model: str
    served_by: list[str]
    calls: int
    tries: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None


class ManifestFile(BaseModel):
    """What readers of `manifest.json` need of it."""

    name: str
    seed: int
    created: str
    seconds: float
    tables: dict[str, MadeTable]
    calls: dict[str, Calls]
    models: dict[str, str]
    sources: dict[str, dict[str, Any]]


REWRITTEN = "delete this file and run the recipe's file again with -o and this folder: nothing else is lost"


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan of a run folder.

    Raises:
        RunError: it is damaged.
    """
    return read_json(folder / "plan.json", PlanFile, fix=REWRITTEN)


@dataclass(frozen=True)
class RunFolder:
    """A run, read from its folder."""

    path: Path

    def __post_init__(self) -> None:
        if not (self.path / "plan.json").is_file():
            raise RunError(
                what="this is not a run folder", where=str(self.path), fix="name a folder that `lookalike run` wrote"
            )

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The plan as JSON."""
        return read_plan(self.path)

    @property
    def manifest(self) -> dict[str, Any]:
        """What was made; empty while the run is not finished."""
        path = self.path / "manifest.json"
        return read_json(path, ManifestFile, fix=REWRITTEN) if os.path.lexists(path) else {}

    def check_made(self) -> None:
        """That each table has rows, or none for a better reason than failure.

        Raises:
            ModelError: every row of a table failed; says why most of them did, and where all reasons are.
        """
        for name, table in self.manifest.get("tables", {}).items():
            outcomes = table["outcomes"]
            if outcomes["failed"] and outcomes["failed"] == outcomes["attempted"]:
                failures = read_rows(self.path / "failures.parquet", ["table", "reason"])
                rows = [] if failures is None else failures.to_pylist()
                reason, times = Counter(row["reason"] for row in rows if row["table"] == name).most_common(1)[0]
                raise ModelError(
                    what=f"every row of table {name!r} failed ({outcomes['failed']:,}); most often ({times:,} times): {reason}",
                    where=str(self.path / "failures.parquet"),
                    fix="mend the cause and run again with --retry-failed: what was answered is kept",
                )

    @property
    def name(self) -> str:
        """The recipe's name."""
        return str(self.plan["name"])

    @property
    def tables(self) -> tuple[str, ...]:
        """Table names in making order."""
        return tuple(table["name"] for table in self.plan["tables"])

    def paths(self, table: str) -> list[Path]:
        """The files of a table's finished partitions, in order.

        Raises:
            RunError: the run has no such table.
        """
        if table not in self.tables:
            raise RunError(what=f"the run has no table {table!r}", where=str(self.path), fix=did_you_mean(table, self.tables))
        return sorted((self.path / "tables" / table).glob("part-*.parquet"))

    def parts(self, table: str) -> list[FinishedPart]:
        """What the finished partitions say of themselves."""
        return [read_part(path) for path in self.paths(table)]

    def dataset(self, table: str) -> pa.dataset.Dataset:
        """The finished rows, for scanning without loading them.

        Raises:
            RunError: no partition is finished yet.
        """
        import pyarrow.dataset as ds  # it loads pandas where that is installed: a second that most readers need not pay

        paths = self.paths(table)
        if not paths:
            raise RunError(
                what=f"table {table!r} has no finished partition", where=str(self.path), fix="run the recipe to its end"
            )
        return ds.dataset([str(path) for path in paths], format="parquet")

    def batches(self, table: str, rows: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The finished rows in order, a bounded number at a time."""
        for path in self.paths(table):
            yield from batches(path, rows)

    def table(self, table: str) -> pa.Table:
        """All finished rows of a table."""
        if not self.paths(table):
            self.dataset(table)
        rows = read_all(self.paths(table))
        assert rows is not None
        return rows.replace_schema_metadata(None).combine_chunks()

    def dropped(self) -> pa.Table:
        """Rows that are in no table: filtered, duplicate and failed, with their reasons."""
        rows = read_all(sorted((self.path / "dropped").rglob("part-*.parquet")))
        return DROPPED.empty_table() if rows is None else rows

    def lineage(self, table: str) -> pa.Table | None:
        """One row a model call; None when the table has none."""
        return read_all(sorted((self.path / "lineage" / table).glob("part-*.parquet")))

    def events(self) -> Iterator[dict[str, Any]]:
        """What happened, in order."""
        path = self.path / "events.jsonl"
        if path.is_file():
            for line in path.read_bytes().splitlines():
                try:
                    event = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue  # the torn last line of a killed run
                if isinstance(event, dict):
                    yield event
