"""Tables in files: what is read, and one clear error for what cannot be."""

import datetime as dt
import gzip
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lookalike.errors import SourceError
from lookalike.sources.base import checked
from lookalike.sources.file import File


def read(folder, name, data, **fields):
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return File(path=name, **fields).read(folder)


def test_types_and_nulls_of_a_csv_are_found_out(tmp_path):
    """Whole numbers, numbers, dates, switches and texts have their types; NA and empty cells are null."""
    table = read(tmp_path, "a.csv", "n,x,day,on,t\n1,1.5,2024-01-31,true,a\n,NA,2024-02-01,false,\n")
    assert [str(t) for t in table.schema.types] == ["int64", "double", "date32[day]", "bool", "string"]
    assert table.to_pylist()[1] == {"n": None, "x": None, "day": dt.date(2024, 2, 1), "on": False, "t": None}


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path, sign):
    """Comma, semicolon, tab and bar are told apart by how evenly they cut the rows."""
    rows = [["name", "note", "n"], ["Ana", "tall; dark" if sign != ";" else "tall, dark", "1"], ["Bo", "x", "2"]]
    table = read(tmp_path, "a.csv", "\n".join(sign.join(row) for row in rows))
    assert table.column_names == ["name", "note", "n"]
    assert table["n"].to_pylist() == [1, 2]


def test_a_single_column_of_prose_is_not_cut(tmp_path):
    """Without a sign in the header there is one column, however many commas a quoted text has."""
    assert read(tmp_path, "a.csv", 'text\n"One, two, three."\n"Four; five."\n')["text"].to_pylist() == [
        "One, two, three.",
        "Four; five.",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found_out(tmp_path, encoding):
    """UTF-8 with and without mark, UTF-16 and Windows Latin give the same table."""
    table = read(tmp_path, "a.csv", "city,n\nKöln,1\nMálaga,2\n".encode(encoding))
    assert table.to_pydict() == {"city": ["Köln", "Málaga"], "n": [1, 2]}


def test_thousands_separators_and_decimal_commas_are_numbers(tmp_path):
    """`1,234.5` and `1.234,5` are 1234.5; a text among them keeps the column text."""
    assert read(tmp_path, "a.csv", 'a,b\n"1,234.5",x\n"12",y\n')["a"].to_pylist() == [1234.5, 12.0]
    assert read(tmp_path, "b.csv", "a;b\n1.234,5;x\n2,5;y\n")["a"].to_pylist() == [1234.5, 2.5]
    assert read(tmp_path, "c.csv", 'a,b\n"1,234",x\nabout ten,y\n')["a"].to_pylist() == ["1,234", "about ten"]


def test_codes_keep_their_leading_zeros(tmp_path):
    """A postal code is no number."""
    assert read(tmp_path, "a.csv", "zip,n\n02134,1\n90210,2\n")["zip"].to_pylist() == ["02134", "90210"]


def test_a_cell_of_ten_megabytes_is_read(tmp_path):
    """A cell may be longer than any block of the reader."""
    cell = "x" * 10_000_000
    assert read(tmp_path, "a.csv", f'n,t\n1,"{cell}"\n2,b\n')["t"].to_pylist() == [cell, "b"]


def test_a_type_that_only_late_rows_show_is_found(tmp_path):
    """A text below 20 MB of numbers makes the column text."""
    body = "\n".join(["123456789"] * 2_000_000)
    column = read(tmp_path, "a.csv", f"n\n{body}\nlate\n")["n"]
    assert (str(column.type), column[-1].as_py(), len(column)) == ("string", "late", 2_000_001)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "empty"),
        ("   \n\n", "empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, the header 2"),
        ("a,b\n1,2\n\n1\n", "line 4 has 1 cells, the header 2"),
        ("a,b,a\n1,2,3\n", "duplicate column names: a"),
        ("a,,b\n1,2,3\n", "a column has an empty name"),
    ],
)
def test_a_bad_csv_has_one_clear_error(tmp_path, data, said):
    """Empty, ragged, doubled and nameless: what is wrong, and in which line."""
    with pytest.raises(SourceError, match=said) as caught:
        read(tmp_path, "bad.csv", data)
    assert caught.value.exit_code == 4
    assert "bad.csv" in caught.value.where
    assert caught.value.fix


def test_parquet_keeps_its_types(tmp_path):
    """Lists, structs, dictionaries, an all-null column and timestamps come through; dictionaries as their values."""
    table = pa.table(
        {
            "l": pa.array([[1, 2], []]),
            "s": pa.array([{"a": 1}, {"a": 2}]),
            "d": pa.array(["x", "y"]).dictionary_encode(),
            "none": pa.nulls(2),
            "at": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    found = File(path="a.parquet").read(tmp_path)
    assert found.to_pylist() == table.to_pylist()
    assert str(found.schema.field("d").type) == "string"


def test_an_extension_type_is_read_as_what_it_stores(tmp_path):
    """Parquet with a type of another program gives the values beneath."""
    uuids = pa.array([bytes(range(16))], pa.binary(16))
    pq.write_table(pa.table({"id": pa.ExtensionArray.from_storage(pa.uuid(), uuids)}), tmp_path / "a.parquet")
    assert File(path="a.parquet").read(tmp_path)["id"].to_pylist() == [bytes(range(16))]


def test_a_type_that_nobody_knows_is_named(tmp_path):
    """A column that no one can work with is named with its type."""
    with pytest.raises(SourceError, match="column 'i' has type month_day_nano_interval"):
        checked(pa.table({"i": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), "x")


def test_an_unreadable_parquet_is_said_to_be_one(tmp_path):
    """Damage is an error of the source, for reading and for planning."""
    (tmp_path / "a.parquet").write_bytes(b"PAR1 this is not")
    for method in ("read", "outline"):
        with pytest.raises(SourceError, match="Parquet file cannot be read"):
            getattr(File(path="a.parquet"), method)(tmp_path)


def test_the_outline_is_what_reading_gives(tmp_path):
    """Columns and rows are known from a Parquet footer, and agree with the rows."""
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), tmp_path / "a.parquet")
    for source in (File(path="a.parquet"), File(path="a.parquet", columns=("b",))):
        table, outline = source.read(tmp_path), source.outline(tmp_path)
        assert (list(outline.columns), outline.rows) == (table.column_names, table.num_rows)


def test_json_has_many_shapes(tmp_path):
    """A list, one object a line, columns as lists, and one object around a list of rows give the same table."""
    wanted = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert read(tmp_path, "a.json", '[{"a": 1, "b": "x"}, {"a": 2}]').to_pylist() == wanted
    assert read(tmp_path, "a.jsonl", '{"a": 1, "b": "x"}\n\n{"a": 2}\n').to_pylist() == wanted
    assert read(tmp_path, "b.json", '{"a": [1, 2],\n "b": ["x", null]}').to_pylist() == wanted
    assert read(tmp_path, "c.json", '{"data": [{"a": 1, "b": "x"}, {"a": 2}], "version": 1}').to_pylist() == wanted
    assert read(tmp_path, "d.jsonl", '{"a": "one\u2028line"}\n').to_pylist() == [{"a": "one\u2028line"}]


def test_cells_of_mixed_types_are_text(tmp_path):
    """A column of numbers and objects is read as JSON text rather than not at all."""
    assert read(tmp_path, "a.json", '[{"a": 1}, {"a": {"b": 2}}, {"a": "t"}]')["a"].to_pylist() == ["1", '{"b": 2}', "t"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.json", "", "empty"),
        ("a.json", "[{]", "not JSON"),
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "a.jsonl:2:7: this is not JSON"),
        ("a.json", "[1, 2]", "not an object"),
        ("a.json", b"\xff\xfe\xfa", "not utf-16: truncated data at byte 2"),
        ("a.xyz", "x", "no format is known by '.xyz'"),
        ("a.csv.gz", "no gzip", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, data, said):
    """One clear error, with the line where there is one."""
    with pytest.raises(SourceError, match=said):
        read(tmp_path, name, data)


def test_packed_files_are_unpacked(tmp_path):
    """`.csv.gz` and `.jsonl.gz` read like what they hold."""
    assert read(tmp_path, "a.csv.gz", gzip.compress(b"a,b\n1,2\n")).to_pydict() == {"a": [1], "b": [2]}
    assert read(tmp_path, "a.jsonl.gz", gzip.compress(b'{"a": 1}\n')).to_pydict() == {"a": [1]}


def test_a_path_stays_under_the_recipes_folder(tmp_path):
    """A relative path that climbs out is refused; one that is written out in full is taken."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(SourceError, match="leaves the recipe's folder"):
        File(path="../a.csv").read(inner)
    (inner / "link.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="leaves the recipe's folder"):
        File(path="link.csv").read(inner)
    assert File(path=str(tmp_path / "a.csv")).read(inner)["a"].to_pylist() == [1]


def test_a_missing_file_is_named(tmp_path):
    """No such file: its whole path."""
    with pytest.raises(SourceError, match=r"ward\.csv.*No such file"):
        File(path="ward.csv").read(tmp_path)


def test_a_column_that_is_not_there_is_named(tmp_path):
    """`columns` picks, and says what there is."""
    assert read(tmp_path, "a.csv", "a,b\n1,2\n", columns=("b",)).column_names == ["b"]
    with pytest.raises(SourceError, match=r"no column 'c'.*columns: a, b"):
        read(tmp_path, "a.csv", "a,b\n1,2\n", columns=("c",))


def test_the_version_changes_with_the_file(tmp_path):
    """Other content, other version."""
    read(tmp_path, "a.csv", "a\n1\n")
    before = File(path="a.csv").version(tmp_path)
    read(tmp_path, "a.csv", "a\n1\n2\n")
    assert File(path="a.csv").version(tmp_path) != before


def test_reading_files_does_not_import_pandas(tmp_path):
    """CSV and Parquet are read by Arrow alone (`pa.array` of a Python list is what pulls pandas in where it is installed)."""
    read(tmp_path, "a.csv", "a\n1\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    code = (
        "import sys; from pathlib import Path; from lookalike.sources.file import File\n"
        "for name in ('a.csv', 'a.parquet'): File(path=name).read(Path())\n"
        "print([m for m in ('pandas', 'sklearn', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_workbook_is_read(tmp_path):
    """Excel: the first sheet or the named one; whole numbers stay whole."""
    pytest.importorskip("python_calamine")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["n", "t"])
    book.active.append([1, "a"])
    book.active.append([None, "b"])
    book.save(tmp_path / "a.xlsx")
    assert File(path="a.xlsx").read(tmp_path).to_pydict() == {"n": [1, None], "t": ["a", "b"]}
    with pytest.raises(SourceError, match=r"no sheet 'x'.*sheets: Sheet"):
        File(path="a.xlsx", sheet="x").read(tmp_path)


def test_a_damaged_workbook_is_said_to_be_one(tmp_path):
    """Not a workbook: an error of the source."""
    pytest.importorskip("python_calamine")
    with pytest.raises(SourceError, match="workbook cannot be read"):
        read(tmp_path, "a.xlsx", "no workbook")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks_of_any_system(tmp_path, end, mark):
    """Unix, Windows and old Mac line ends, with and without a byte order mark, are the same table."""
    (tmp_path / "d.csv").write_bytes(mark + end.join(["a,b", "1,x", "2,y", ""]).encode())
    assert File(path="d.csv").read(tmp_path).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_blanks_around_names_are_no_part_of_them(tmp_path):
    """`a, b` has the columns a and b; names that differ by blanks alone are duplicates."""
    (tmp_path / "d.csv").write_text("a, b\n1, 2\n")
    assert File(path="d.csv").read(tmp_path).column_names == ["a", "b"]
    (tmp_path / "e.csv").write_text("a, a\n1, 2\n")
    with pytest.raises(SourceError, match="duplicate column names: a"):
        File(path="e.csv").read(tmp_path)


def test_what_is_no_table_is_said_to_be_what_it_is(tmp_path):
    """A web page saved as CSV, and a folder, are named as such."""
    (tmp_path / "d.csv").write_text("<!DOCTYPE html><html>Login, please</html>\n<p>a,b</p>\n")
    with pytest.raises(SourceError, match="web page"):
        File(path="d.csv").read(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match="kind: folder"):
        File(path="folder").read(tmp_path)
