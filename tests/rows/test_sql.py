"""SQL conditions on one row and on many."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import RecipeError, UnknownColumn
from lookalike.rows import sql as conditions
from lookalike.rows.batch import Batch
from lookalike.rows.sql import row_where, rows_where

TYPES = {
    "age": pa.int32(),
    "note": pa.string(),
    "paid": pa.bool_(),
    "seen": pa.timestamp("us"),
    "score": pa.struct([("clear", pa.int64()), ("why", pa.string())]),
    "tags": pa.list_(pa.string()),
    'a "b"': pa.float64(),
}
ROWS = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(-5, 90),
        "note": st.none() | st.text(max_size=8),
        "paid": st.none() | st.booleans(),
        "seen": st.none() | st.datetimes(),
        "score": st.none()
        | st.fixed_dictionaries({"clear": st.none() | st.integers(0, 5), "why": st.none() | st.text(max_size=3)}),
        "tags": st.none() | st.lists(st.sampled_from("abc"), max_size=3),
        'a "b"': st.none() | st.floats(allow_nan=False, width=32),
    }
)
CONDITIONS = (
    "age > 30 and note <> 'x'",
    "length(note) > 3 or paid",
    "seen < TIMESTAMP '2010-01-01'",
    "score.clear >= 3",
    "list_contains(tags, 'a')",
    '"a ""b""" > 0.5',
    "_id % 2 = 0",
    "age / 2 > 10",
    "null",
)


@given(ROWS, st.sampled_from(CONDITIONS), st.integers(0, 2**62))
def test_one_row_is_judged_as_in_a_batch(row, sql, row_id):
    """Any row, any type, nulls too: alone or in a batch, a condition says the same."""
    batch = Batch("t", np.array([row_id]), {name: pa.array([row[name]], kind) for name, kind in TYPES.items()})
    assert row_where(sql, {**row, "_id": row_id}, TYPES) == rows_where(sql, batch)[0]


def test_what_is_no_condition_and_what_is_not_there_is_said():
    """One clear error names the condition and what is wrong with it."""
    row = {"_id": 0, "age": 3, "note": "many"}
    with pytest.raises(RecipeError, match="not true or false"):
        row_where("age + 1", row, TYPES)
    with pytest.raises(UnknownColumn, match="'height'"):
        row_where("height > 3", row, TYPES)
    with pytest.raises(RecipeError, match="cannot be computed"):
        row_where("CAST(note AS INTEGER) > 3", row, TYPES)


def test_functions_that_are_not_looked_up_are_plain():
    """What is taken for a plain function without asking DuckDB is one that it has and that no rule forbids."""
    rows = conditions._connection().execute("SELECT DISTINCT function_name FROM duckdb_functions()").fetchall()
    assert {name for (name,) in rows} >= conditions.PLAIN
    assert not any(conditions.refused(name) for name in conditions.PLAIN)


REFUSED = (
    "random() < 0.5", "age(seen) > INTERVAL 1 DAY", "seen < now()", "seen < current_date", "seen < today()", "localtimestamp > seen",
    "current_localtimestamp() > seen", "pg_postmaster_start_time() > seen", "pg_sleep(1)", "age > (SELECT 3)", "age IN (SELECT 3)",
    "sum(age) > 3", "row_number() OVER () > 3", "count(*) > 1", "COLUMNS('a.*') > 1", "unnest(tags) = 'a'", "read_text('/etc/passwd')",
    "query('SELECT 1')", "current_setting('threads') = 1", "nextval('a') > 3", "age > ?", "current_database() = 'x'", "age > 3; DROP",
    "age FROM batch; SELECT 1", "list_filter(tags, x -> random() < 0.5)", "uuid() = note", "getvariable('x')", "setseed(0.1)",
    "write_log('x')", "geomean(age) > 1", "txid_current() > 1",
)  # fmt: skip


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_no_function_of_the_row_is_refused(sql):
    """Clocks, chance, other rows, the catalogue, files and statements: one error, before anything is run."""
    with pytest.raises(RecipeError):
        conditions.sql_columns(sql)


ALLOWED = (
    "age(seen, seen) = INTERVAL 0 DAY", "list_sum([age, 1]) > 3", "age BETWEEN 1 AND 3", "note IN ('a', 'b')", "today > 3", "now = 3",
    "coalesce(age, 3) > 2", "date_part('year', seen) > 2000", "CASE WHEN paid THEN 1 ELSE 2 END = 1", "list_filter(tags, x -> x > 'a')",
    "try_cast(note AS INTEGER) > 3", "regexp_matches(note, '^a')", "age IS NOT DISTINCT FROM 3", "list_aggregate(tags, 'count') > 1",
)  # fmt: skip


@pytest.mark.parametrize("sql", ALLOWED)
def test_plain_expressions_are_read(sql):
    """Columns may be called like clocks, lists may be summed, two moments subtracted."""
    assert conditions.sql_columns(sql) <= {*TYPES, "today", "now"}


def test_a_condition_can_let_unknown_rows_keep_it():
    """Null counts as false in a filter, and as true in a rule."""
    batch = Batch.of(pa.table({"age": pa.array([1, None, 9])}))
    assert rows_where("age > 3", batch).tolist() == [False, False, True]
    assert rows_where("age > 3", batch, unknown=True).tolist() == [False, True, True]
    assert rows_where("null", batch, unknown=True).all()


def test_decimals_come_back_exact_where_that_is_asked_for():
    """0.1 + 0.2 in decimals is 0.3, and not 0.30000000000000004."""
    batch = Batch.of(
        pa.table({"a": pa.array(["0.1"]).cast(pa.decimal128(3, 1)), "b": pa.array(["0.2"]).cast(pa.decimal128(3, 1))})
    )
    assert str(conditions.evaluate("a + b", batch, exact=True)[0]) == "0.3"
    assert pa.types.is_float64(conditions.evaluate("a + b", batch).type)


@given(st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.dates())
def test_a_literal_is_the_value(value):
    """Whatever is written into an expression comes back from it."""
    table = pa.table({"x": pa.array([1])})
    [[got]] = [conditions.evaluate(f"{conditions.literal(value)}", Batch.of(table), exact=True).to_pylist()]
    if isinstance(value, (str, bool)) or value is None:
        assert got == value
    else:
        assert type(value)(got) == value if not hasattr(value, "isoformat") else got == value.isoformat()


@given(st.text(min_size=1, max_size=20))
def test_any_name_can_be_written_in_an_expression(name):
    """Quotes, line breaks, words of SQL: the column of that name is read."""
    if "\0" not in name:
        assert conditions.sql_columns(conditions.sql_name(name)) <= {name}


def test_duckdb_is_opened_in_one_file():
    """There is one cage: no other file connects to DuckDB."""
    source = Path(conditions.__file__).parents[1]
    opening = [path.name for path in sorted(source.rglob("*.py")) if re.search(r"duckdb\.connect\(", path.read_text("utf-8"))]
    assert opening == ["sql.py"]
