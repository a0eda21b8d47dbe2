"""Whole databases from end to end: SQLite, folders, a real PostgreSQL; what is refused leaves nothing behind."""

import sqlite3
import warnings
from contextlib import closing

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from typer.testing import CliRunner

from lookalike import databases
from lookalike.cli.app import app
from lookalike.errors import LookalikeError, RunError, SchemaError, SourceError, UsageError
from lookalike.export.dataset import write_dataset
from lookalike.schema.infer import infer
from lookalike.schema.relations import DatasetSchema, Relation
from lookalike.sources.dataset import is_dataset, read_dataset
from lookalike.synthesizers.relational.holdout import split


@pytest.fixture(scope="module")
def tables():
    """Customers and their orders: an odd name, a null, an empty text, a moment."""
    g = np.random.default_rng(0)
    customers = pa.table({"id": np.arange(120), "city": g.choice(["Rome", "O'Slo", ""], 120), "age": pa.array(g.integers(18, 90, 120), mask=g.random(120) < 0.1)})  # fmt: skip
    owner = np.sort(g.integers(0, 120, 400))
    day = pa.array(np.datetime64("2024-01-01") + g.integers(0, 300, 400)).cast(pa.date32())
    orders = pa.table({"id": np.arange(400), "customer_id": owner, 'the "day"': day, "amount": g.integers(1, 9999, 400) / 100})
    return {"customers": customers, "Orders": orders}


@pytest.fixture(scope="module")
def schema(tables):
    relation = Relation("Orders", ("customer_id",), "customers", ("id",))
    return DatasetSchema({n: infer(t) for n, t in tables.items()}, {"customers": ("id",), "Orders": ("id",)}, (relation,))


def same(a, b):
    return all(pa.table(a[name]).to_pylist() == b[name].to_pylist() for name in a)


def command(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def test_a_text_says_whether_it_names_one_table_or_several(tmp_path):
    """Folders, SQLite files and URLs without a table are several; files, URLs with one and packages are one."""
    assert [is_dataset(t) for t in (str(tmp_path), "shop.db", "x.sqlite", "postgresql://me@host/shop")] == [True] * 4
    assert [is_dataset(t) for t in ("a.csv", "sqlite:///x.db#t", "postgresql://h/d#t", "package:penguins", "hub:a/b")] == [
        False
    ] * 5


def test_sqlite_keeps_rows_keys_and_relations(tables, schema, tmp_path):
    """What was written reads back, with the keys and relations that the database now declares and enforces."""
    to = tmp_path / "shop.db"
    write_dataset(tables, schema, str(to))
    found = read_dataset(str(to))
    assert found.tables["customers"].equals(tables["customers"])
    assert found.schema().keys == schema.keys
    assert [str(r) for r in found.relations] == ["Orders(customer_id) -> customers(id)"]
    with closing(sqlite3.connect(to)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            database.execute('INSERT INTO "Orders" VALUES (9999, 5555, NULL, 1.0)')


def test_folders_of_files(tables, schema, tmp_path):
    """A folder holds a file a table; what is no table is left alone, and single tables can be chosen."""
    write_dataset(tables, schema, str(tmp_path / "out"))
    (tmp_path / "out" / "notes.txt").write_text("no table")
    assert same(read_dataset(str(tmp_path / "out")).tables, tables)
    assert list(read_dataset(str(tmp_path / "out"), ["customers"]).tables) == ["customers"]
    with pytest.raises(SourceError, match="no table 'customer'"):
        read_dataset(str(tmp_path / "out"), ["customer"])


def test_a_target_that_holds_something_is_refused_unless_told(tables, schema, tmp_path):
    """Neither files nor databases are overwritten by accident."""
    to = tmp_path / "shop.db"
    to.write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        write_dataset(tables, schema, str(to))
    assert to.read_text() == "mine"
    write_dataset(tables, schema, str(to), replace=True)
    assert read_dataset(str(to)).tables["customers"].num_rows == 120


def test_a_broken_reference_leaves_no_file(tables, schema, tmp_path):
    """Rows that refer to nothing are refused by name, and nothing is written."""
    orders = tables["Orders"].set_column(1, "customer_id", pa.array(np.full(400, 777)))
    with pytest.raises(RunError, match="'Orders' refers to no row of 'customers'"):
        write_dataset({**tables, "Orders": orders}, schema, str(tmp_path / "shop.db"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_database(tmp_path):
    """A missing file, a file of something else, an empty folder: one sentence each."""
    (tmp_path / "x.db").write_text("this is no database, and long enough to be read as one" * 10)
    (tmp_path / "empty").mkdir()
    for name, said in (("y.db", "no such database"), ("x.db", "refused"), ("empty", "there is no table")):
        with pytest.raises(SourceError, match=said):
            read_dataset(str(tmp_path / name))


def test_families_stay_together(tables, schema):
    """A customer is learned or held out with all their orders, and a fifth are held out."""
    learned, held = split(tables, schema, 0.2, seed=0)
    assert 10 < held["customers"].num_rows < 40
    for side in (learned, held):
        assert set(side["Orders"]["customer_id"].to_pylist()) <= set(side["customers"]["id"].to_pylist())
    assert learned["Orders"].num_rows + held["Orders"].num_rows == 400


def test_a_schema_is_written_corrected_and_read(schema, tmp_path):
    """YAML there and back; what is no schema is refused."""
    databases.write_schema(schema, tmp_path / "schema.yaml")
    assert databases.read_schema(tmp_path / "schema.yaml") == schema
    (tmp_path / "bad.yaml").write_text("tables: 3")
    with pytest.raises(SchemaError, match="no readable schema"):
        databases.read_schema(tmp_path / "bad.yaml")


def test_the_command_line_from_database_to_database(tables, schema, tmp_path):
    """`relations` shows the tree, `mimic` makes another database like it; options of one table are refused beside several."""
    write_dataset(tables, schema, str(tmp_path / "shop.db"))
    shown = command("relations", tmp_path / "shop.db", "-o", tmp_path / "schema.yaml")
    assert "  Orders (id) by customer_id: declared by the database" in shown.output
    args = [
        "mimic",
        tmp_path / "shop.db",
        "-o",
        tmp_path / "copy",
        "--schema",
        tmp_path / "schema.yaml",
        "--scale",
        "2",
        "--no-evaluate",
    ]
    assert command(*args).exit_code == 0
    assert read_dataset(str(tmp_path / "copy")).tables["customers"].num_rows == 240
    assert "several tables" in str(command(*args, "-n", "5").exception)


# --- a real server ---


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    pgserver = pytest.importorskip(
        "pgserver", reason="the package pgserver brings the server; it has no wheel for this machine"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about folders of the system
        server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.mark.slow
def test_postgresql_takes_a_made_database_with_all_its_constraints(tables, schema, url, tmp_path):
    """Written, reflected, learned, and written again beside itself: keys, types, nulls and empty texts stay."""
    write_dataset(tables, schema, url, replace=True)  # tests come in any order
    found = read_dataset(url)
    assert found.tables["customers"].sort_by("id").equals(tables["customers"].cast(found.tables["customers"].schema))
    assert [str(r) for r in found.relations] == ["Orders(customer_id) -> customers(id)"]
    report = databases.mimic_dataset(url, str(tmp_path / "copy.db"), seed=0)
    assert report["referential_integrity"].value == 1
    with pytest.raises(UsageError, match="there are tables called"):
        write_dataset(tables, schema, url)
    made = read_dataset(str(tmp_path / "copy.db")).tables
    made = {name: table.cast(tables[name].schema) if name == "customers" else table for name, table in made.items()}
    write_dataset({"customers": made["customers"], "Orders": made["Orders"]}, schema, url, replace=True)
    assert read_dataset(url).tables["customers"].num_rows == made["customers"].num_rows


@pytest.mark.slow
def test_a_server_that_refuses_keeps_what_it_had(tables, schema, url):
    """One transaction: where a reference is broken, the tables of before are there, untouched."""
    write_dataset(tables, schema, url, replace=True)
    orders = tables["Orders"].set_column(1, "customer_id", pa.array(np.full(400, 777)))
    with pytest.raises(LookalikeError, match="refused"):
        write_dataset({**tables, "Orders": orders}, schema, url, replace=True)
    assert read_dataset(url).tables["Orders"].num_rows == 400


def test_csv_files_are_looked_at_for_keys(tables, tmp_path):
    """Files declare nothing, so keys are found."""
    for name, table in tables.items():
        pa_csv.write_csv(table, tmp_path / f"{name}.csv")
    assert [str(r) for r in databases.relations_of(str(tmp_path)).relations] == ["Orders(customer_id) -> customers(id)"]
