"""Folders, databases, frames, packaged tables, and data by one text."""

import sqlite3

import pandas as pd
import pyarrow as pa
import pytest

from lookalike.errors import RecipeError, SourceError
from lookalike.sources.folder import Folder
from lookalike.sources.frame import Frame
from lookalike.sources.open import read as read_text
from lookalike.sources.open import source
from lookalike.sources.package import Package, catalogue
from lookalike.sources.sql import SqlSource


def test_a_folder_is_a_row_a_file(tmp_path):
    """Name, path, text and size, sorted by path; encodings are found out."""
    (tmp_path / "notes" / "b").mkdir(parents=True)
    (tmp_path / "notes" / "z.txt").write_bytes("Köln".encode("cp1252"))
    (tmp_path / "notes" / "b" / "a.txt").write_bytes(b"\xef\xbb\xbfone")
    (tmp_path / "notes" / "skip.md").write_text("no")
    assert Folder(path="notes").read(tmp_path).to_pylist() == [
        {"name": "a", "path": "b/a.txt", "text": "one", "bytes": 6},
        {"name": "z", "path": "z.txt", "text": "Köln", "bytes": 4},
    ]
    assert Folder(path="notes", pattern="*.md").read(tmp_path)["text"].to_pylist() == ["no"]


def test_a_folder_that_cannot_be_read_says_why(tmp_path):
    """No folder, no file that fits, a file that is no text, an encoding that does not fit."""
    (tmp_path / "notes").mkdir()
    with pytest.raises(SourceError, match="no such folder"):
        Folder(path="note").read(tmp_path)
    with pytest.raises(SourceError, match=r"no file fits '\*\*/\*.txt'"):
        Folder(path="notes").read(tmp_path)
    (tmp_path / "notes" / "a.txt").write_bytes(b"a\0b")
    with pytest.raises(SourceError, match="null bytes"):
        Folder(path="notes").read(tmp_path)
    (tmp_path / "notes" / "a.txt").write_bytes(b"\xe9t\xe9")
    with pytest.raises(SourceError, match=r"not utf-8: .* at byte 0"):
        Folder(path="notes", encoding="utf-8").read(tmp_path)


def test_a_folders_version_changes_with_any_file(tmp_path):
    """One more file, another version."""
    (tmp_path / "a.txt").write_text("a")
    before = Folder(path=".").version(tmp_path)
    (tmp_path / "b.txt").write_text("b")
    assert Folder(path=".").version(tmp_path) != before


@pytest.mark.parametrize("pattern", ["../*.txt", "/etc/*.txt", "a/../../*.txt"])
def test_a_pattern_stays_under_its_folder(tmp_path, pattern):
    """A pattern that climbs out of the folder is refused."""
    (tmp_path / "out.txt").write_text("secret")
    (tmp_path / "in").mkdir()
    with pytest.raises(SourceError, match="pattern"):
        Folder(path="in", pattern=pattern).read(tmp_path)


@pytest.fixture
def database(tmp_path):
    with sqlite3.connect(tmp_path / "clinic.sqlite") as connection:
        connection.execute('CREATE TABLE "my visits" (id INTEGER, note TEXT, cost REAL)')
        connection.executemany('INSERT INTO "my visits" VALUES (?, ?, ?)', [(1, "a", 1.5), (2, None, 2.5)])
    connection.close()
    return tmp_path


def test_sqlite_needs_no_extra(database):
    """A table, whatever its name, or a query."""
    table = SqlSource(url="sqlite:///clinic.sqlite", table="my visits").read(database)
    assert table.to_pydict() == {"id": [1, 2], "note": ["a", None], "cost": [1.5, 2.5]}
    assert SqlSource(url="sqlite:///clinic.sqlite", query='SELECT max(cost) AS top FROM "my visits"').read(
        database
    ).to_pydict() == {"top": [2.5]}


def test_sqlite_is_opened_for_reading_alone(database):
    """A recipe's query cannot change the database."""
    with pytest.raises(SourceError, match="readonly"):
        SqlSource(url="sqlite:///clinic.sqlite", query='DELETE FROM "my visits"').read(database)
    assert SqlSource(url="sqlite:///clinic.sqlite", table="my visits").read(database).num_rows == 2


def test_a_database_that_refuses_says_why(database):
    """No file, no table, both or neither of table and query."""
    with pytest.raises(SourceError, match="no such database"):
        SqlSource(url="sqlite:///other.sqlite", table="t").read(database)
    with pytest.raises(SourceError, match="no such table: t"):
        SqlSource(url="sqlite:///clinic.sqlite", table="t").read(database)
    with pytest.raises(ValueError, match="either table or query"):
        SqlSource(url="sqlite:///clinic.sqlite")


def test_a_password_is_never_shown(database, monkeypatch):
    """An error shows a URL without its password, and `${NAME}` is read when the source is opened."""
    pytest.importorskip("sqlalchemy")
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    with pytest.raises(SourceError) as caught:
        SqlSource(url="nodb://me:${DB_PASSWORD}@localhost/x", table="t").read(database)
    assert "s3cret" not in str(caught.value)
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(SourceError, match="no DB_PASSWORD"):
        SqlSource(url="postgresql://me:${DB_PASSWORD}@localhost/x", table="t").read(database)


@pytest.mark.parametrize("make", [pa.table, pd.DataFrame], ids=["arrow", "pandas"])
def test_a_frame_is_a_source(tmp_path, make):
    """pandas and Arrow frames read as one table; its version follows the content, not the object."""
    data = {"age": [31, 44], "sex": ["F", "M"]}
    assert Frame(data=make(data)).read(tmp_path).to_pydict() == data
    assert Frame(data=make(data)).version(tmp_path) == Frame(data=make(data)).version(tmp_path)
    assert Frame(data=make({**data, "age": [31, 45]})).version(tmp_path) != Frame(data=make(data)).version(tmp_path)


def test_doubled_names_of_a_frame_are_an_error(tmp_path):
    """A frame with two columns of one name is refused."""
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(SourceError, match="duplicate column names: a"):
        Frame(data=frame).read(tmp_path)


def test_every_catalogued_table_is_pinned():
    """Each packaged table names its package, version and member, its hash and its size."""
    for name, entry in catalogue().items():
        assert len(entry["sha256"]) == 64, name
        assert entry["size"] > 0, name
        assert all(set(part) == {"package", "version", "member"} for part in entry["parts"]), name
        assert name in Package.__doc__
    with pytest.raises(ValueError, match=r"did you mean 'diamonds'"):
        Package(name="diamond")


@pytest.mark.parametrize(("name", "rows", "columns"), [("penguins", 344, 8), ("reviews", 4000, 3), ("adult", 48842, 15)])
def test_a_packaged_table_is_whole(tmp_path, name, rows, columns):
    """What was fetched has the rows and columns that its publisher states."""
    from lookalike.packaged import cached

    if cached(f"{name}.raw") is None:
        pytest.skip(f"{name} is not fetched: `lookalike demo` or Package(name={name!r}).read(...) does it once")
    table = Package(name=name).read(tmp_path)
    assert (table.num_rows, table.num_columns) == (rows, columns)
    if name == "adult":
        assert set(table["income"].to_pylist()) == {"<=50K", ">50K"}
        assert table["workclass"].null_count == 2799


def test_data_is_named_by_one_text(database, monkeypatch):
    """A path, a database with #table, `package:name`."""
    monkeypatch.chdir(database)
    assert read_text("sqlite:///clinic.sqlite#my visits").num_rows == 2
    assert source("package:penguins") == Package(name="penguins")
    (database / "a.csv").write_text("a\n1\n")
    (database / "x").mkdir()
    monkeypatch.chdir(database / "x")
    assert read_text("../a.csv")["a"].to_pylist() == [1]
    with pytest.raises(SourceError, match="needs a table"):
        read_text("sqlite:///clinic.sqlite")


def test_a_pickled_frame_runs_no_code():
    """A file that names anything but a plain frame's parts is refused before it is built."""
    import lzma
    import os
    import pickle

    from lookalike.sources.pickled_frame import read_xz

    class Evil:
        def __reduce__(self):
            return os.system, ("touch /tmp/lookalike-was-here",)

    with pytest.raises(SourceError, match="which is not read"):
        read_xz(lzma.compress(pickle.dumps(Evil())))
    with pytest.raises(SourceError, match="cannot be read"):
        read_xz(b"no xz")


def test_a_frame_without_data_cannot_be_written():
    """A frame needs its data."""
    with pytest.raises(RecipeError, match="no data"):
        Frame(data=None).dump()


@pytest.mark.parametrize(
    ("text", "said"), [("package:adlt", "did you mean 'adult'"), ("https://example.org/d.csv", "download")]
)
def test_a_text_that_names_no_data_says_what_would(text, said):
    """A mistyped packaged table and a web address are source errors with the fix."""
    with pytest.raises(SourceError, match=said):
        read_text(text)
