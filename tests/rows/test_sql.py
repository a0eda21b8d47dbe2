"""SQL conditions on one row and on many."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
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


@settings(deadline=None)  # the first condition loads DuckDB
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
    assert not conditions.PLAIN & conditions._forbidden_functions().keys()
