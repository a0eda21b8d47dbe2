"""Tables into files: each format reads back as what was written, with rows and without."""

from __future__ import annotations

import csv

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.export.base import FileExporter
from lookalike.export.tables import WRITERS, write_table
from lookalike.registry import kinds, resolve

ROWS = [{"n": 1, "text": 'say "hi",\nthen', "tags": ["a", "b"]}, {"n": None, "text": None, "tags": None}]
SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string()), ("tags", pa.list_(pa.string()))])
FILES = [kind for kind in kinds("exporter") if issubclass(resolve("exporter", kind), FileExporter)]


class Run:
    name, tables, manifest = "r", ("t", "u"), {}

    def __init__(self, rows):
        self.rows = pa.Table.from_pylist(rows, SCHEMA)

    def batches(self, table, rows=65_536):
        yield from self.rows.to_batches(1) if len(self.rows) else ()

    def table(self, table):
        return self.rows


def read(path):
    """What a file holds: its columns and rows."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return table.column_names, table.to_pylist()
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines)
        return header, rows
    return None, [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("kind", FILES)
def test_every_row_is_written_once(kind, tmp_path):
    """Batch after batch in one file, under one header, for each table."""
    paths = resolve("exporter", kind)().export(Run(ROWS), tmp_path)
    assert [path.stem for path in paths] == ["t", "u"]
    _, rows = read(paths[0])
    assert rows == ROWS if kind != "csv" else rows == [["1", 'say "hi",\nthen', '["a","b"]'], ["", "", ""]]


@pytest.mark.parametrize("kind", FILES)
def test_a_table_without_rows_has_its_columns(kind, tmp_path):
    """Filters may leave nothing: the file can still be read, and says which columns there are."""
    (path,) = resolve("exporter", kind)(tables="t").export(Run([]), tmp_path)
    columns, rows = read(path)
    assert rows == []
    assert columns in (None, SCHEMA.names)


@pytest.mark.parametrize("ending", WRITERS)
def test_one_table_by_its_ending(ending, tmp_path):
    """A frame goes into the file that its name asks for, empty or not."""
    for rows in (ROWS, []):
        write_table(Run(rows).rows, tmp_path / f"a{ending}")
        columns, found = read(tmp_path / f"a{ending}")
        assert len(found) == len(rows)
        assert columns in (None, SCHEMA.names)


def test_parquet_is_marked_as_synthetic(tmp_path):
    """The file's metadata says so, beside the columns."""
    (path,) = resolve("exporter", "parquet")(tables="t").export(Run(ROWS), tmp_path / "a.parquet")
    assert pq.read_schema(path).metadata[b"lookalike.synthetic"] == b"true"
