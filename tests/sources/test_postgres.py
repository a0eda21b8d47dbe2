"""PostgreSQL as a source and as a target: a real server that the test starts, from a package."""

import datetime as dt
import warnings

import pytest

import lookalike as la
from lookalike.errors import LookalikeError, RunError, SourceError
from lookalike.sources.database import connected
from lookalike.sources.open import read
from lookalike.sources.sql import SqlSource

pgserver = pytest.importorskip("pgserver", reason="the package pgserver brings the server; it has no wheel for this machine")
pytestmark = pytest.mark.slow

SCHEMA = """
CREATE TABLE visits (
  id serial PRIMARY KEY, sex char(1), age smallint, weight numeric(5, 2), seen timestamptz, born date, smoker boolean,
  note text, tags text[], coded jsonb, token uuid);
INSERT INTO visits (sex, age, weight, seen, born, smoker, note, tags, coded, token) VALUES
  ('F', 41, 61.25, '2024-03-01 10:00+02', '1983-01-02', true, 'naïve "quoted"', '{a,b}', '{"icd": "J45"}', '0b0bd0b6-7d0a-4bb4-8f59-0c3b5a1c1111'),
  ('M', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE SCHEMA clinic;
CREATE TABLE clinic."Odd ""one"" name" (x integer);
INSERT INTO clinic."Odd ""one"" name" VALUES (7);
CREATE TABLE people AS SELECT i AS id, (ARRAY['F', 'M'])[1 + i % 2] AS sex, 20 + i % 60 AS age FROM generate_series(1, 400) i;
CREATE TABLE empty (x integer, y text);
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own, about folders of the system
        server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
        server.psql(SCHEMA)
        yield server.get_uri()
        server.cleanup()


def test_a_table_is_read_with_its_types(url, tmp_path):
    """Numbers, times with zones, dates, booleans, arrays, JSON and nulls arrive as what they are."""
    rows = SqlSource(url=url, table="visits").read(tmp_path).to_pylist()
    assert rows[0]["age"] == 41
    assert float(rows[0]["weight"]) == 61.25
    assert rows[0]["seen"] == dt.datetime(2024, 3, 1, 8, tzinfo=dt.UTC)
    assert rows[0]["born"] == dt.date(1983, 1, 2)
    assert rows[0]["smoker"] is True
    assert rows[0]["note"] == 'naïve "quoted"'
    assert rows[0]["tags"] == ["a", "b"]
    assert rows[0]["coded"] == {"icd": "J45"}
    assert rows[0]["token"] == "0b0bd0b6-7d0a-4bb4-8f59-0c3b5a1c1111"
    assert {name for name, value in rows[1].items() if value is not None} == {"id", "sex"}


def test_queries_schemas_and_odd_names(url, tmp_path):
    """A query is run as it stands; a table may stand in a schema and have any name."""
    assert SqlSource(url=url, query="SELECT count(*) AS n FROM people").read(tmp_path).to_pylist() == [{"n": 400}]
    assert SqlSource(url=url, table='clinic.Odd "one" name').read(tmp_path).to_pylist() == [{"x": 7}]
    assert len(read(f"{url}#people")) == 400


def test_a_name_is_never_run_as_sql(url, tmp_path):
    """What looks like SQL in a table's name is a name that does not exist, and the data is unharmed."""
    with pytest.raises(SourceError, match="does not exist"):
        SqlSource(url=url, table='people"; DROP TABLE people; --').read(tmp_path)
    assert len(SqlSource(url=url, table="people").read(tmp_path)) == 400


def test_what_the_server_refuses_is_said_without_the_password(url, tmp_path, monkeypatch):
    """A missing table, a broken query, nobody listening: one clear error each; a password is in none."""
    with pytest.raises(SourceError, match="nothing"):
        SqlSource(url=url, table="nothing").read(tmp_path)
    with pytest.raises(SourceError, match="syntax"):
        SqlSource(url=url, query="SELEC 1").read(tmp_path)
    monkeypatch.setenv("PG_PASSWORD", "pg-secret-31")
    with pytest.raises(SourceError, match="refused") as error:
        SqlSource(url="postgresql://me:${PG_PASSWORD}@127.0.0.1:1/db", table="x").read(tmp_path)
    assert "pg-secret-31" not in str(error.value)


def test_a_table_is_learned_and_stands_in(url):
    """From the server to a synthetic table, as a user would do it."""
    made = la.mimic(read(f"{url}#people"), n=100, seed=1)
    assert made.num_rows == 100
    assert set(made["sex"].to_pylist()) == {"F", "M"}
    assert 20 <= min(made["age"].to_pylist()) <= max(made["age"].to_pylist()) <= 79


def test_an_empty_table_says_so(url, tmp_path):
    """It has its columns; nothing can be learned from no rows, and that is said."""
    empty = SqlSource(url=url, table="empty").read(tmp_path)
    assert (empty.num_rows, empty.column_names) == (0, ["x", "y"])
    with pytest.raises(LookalikeError, match="no rows"):
        la.mimic(empty, n=10)


COLUMNS = {
    "id": {"kind": "sequence", "start": 1},
    "plan": {"kind": "category", "values": {"free": 0.5, 'it\'s "pro"': 0.5}},
    "weight": {"kind": "normal", "mean": 60, "sd": 5},
    "joined": {"kind": "datetime", "start": "2024-01-01", "end": "2026-01-01"},
    "gift": {"kind": "bernoulli", "p": 0.5},
    "coded": {"kind": "constant", "value": {"icd": ["J45"]}},
}


@pytest.fixture
def made(url, tmp_path):
    with connected(url) as server:
        server.exec_driver_sql("DROP TABLE IF EXISTS guests; DROP TABLE IF EXISTS hosts")
    table = {"rows": 20, "columns": COLUMNS}
    return la.run({"name": "clinic", "tables": {"guests": table, "hosts": table}}, tmp_path / "run")


def test_a_run_is_handed_to_the_server(url, made, tmp_path):
    """Every table arrives with its types, and comes back as it was made; nested cells are JSON text."""
    assert la.export(made, to="sql", path=url) == []
    back = SqlSource(url=url, table="guests").read(tmp_path)
    rows = made.table("guests")
    for name in ("id", "plan", "weight", "gift", "joined"):
        assert back[name].to_pylist() == rows[name].to_pylist()
    assert back["coded"][0].as_py() == '{"icd":["J45"]}'
    assert len(SqlSource(url=url, table="hosts").read(tmp_path)) == 20


def test_a_table_that_is_there_stays_unless_replaced(url, made, tmp_path):
    """Without `replace` nothing is written, not even the tables before it; with it the new rows stand."""
    with connected(url) as server:
        server.exec_driver_sql("CREATE TABLE hosts (x integer)")
    with pytest.raises(RunError, match="already exists"):
        la.export(made, to="sql", path=url)
    with pytest.raises(SourceError, match="does not exist"):
        SqlSource(url=url, table="guests").read(tmp_path)
    la.export(made, to="sql", path=url, replace=True)
    assert len(SqlSource(url=url, table="hosts").read(tmp_path)) == 20


def test_a_colon_in_a_query_is_no_parameter(url, tmp_path):
    """Times, casts and slices in a query mean what they mean to the server."""
    query = "SELECT '12:30'::text AS t, (ARRAY[1,2,3])[1:2] AS a, 7 % 4 AS m"
    assert SqlSource(url=url, query=query).read(tmp_path).to_pylist() == [{"t": "12:30", "a": [1, 2], "m": 3}]
