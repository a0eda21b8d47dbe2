"""Which rows of a table hold a condition."""

import datetime as dt

import pyarrow as pa
import pytest

import lookalike as la
from lookalike import api
from lookalike.errors import SynthesizerError, UnknownColumn
from lookalike.sources.open import read
from lookalike.synthesizers.conditions import matching, rows_that_hold
from lookalike.testing.synthesizers import example

TABLE = pa.table({
    "sex": ["F", "M", "F", None, "M", "M"],
    "age": [20, 30, 40, 50, None, 60],
    "day": [dt.date(2024, 1, i + 1) for i in range(6)],
    "pay": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
})  # fmt: skip
HELD = {
    "a value": ({"sex": "F"}, [0, 2]),
    "a set with gaps": ({"sex": ["F", None]}, [0, 2, 3]),
    "a range": ({"age": {"min": 30, "max": 50}}, [1, 2, 3]),
    "a range of dates": ({"day": {"min": "2024-01-04"}}, [3, 4, 5]),
    "SQL": ({"where": "age > 25 and pay < 4"}, [1, 2]),
    "two": ({"sex": "M", "age": {"max": 40}}, [1]),
    "a number as text": ({"age": "40"}, [2]),
    "shares": ({"sex": {"shares": {"F": 0.5, "M": 0.5}}}, [0, 1, 2, 4]),
    "nothing": ({}, [0, 1, 2, 3, 4, 5]),
}


@pytest.mark.parametrize("what", HELD)
def test_rows_that_hold_a_condition_are_found(what):
    """Values, sets, ranges, SQL, shares: the rows a person would mark."""
    given, rows = HELD[what]
    assert matching(TABLE, given).nonzero()[0].tolist() == rows


def test_conditions_that_fit_no_column_are_refused():
    """Unknown columns and values of another type are named."""
    with pytest.raises(UnknownColumn, match="did you mean 'age'"):
        matching(TABLE, {"agee": 3})
    with pytest.raises(SynthesizerError, match="'old' is no int64"):
        matching(TABLE, {"age": "old"})


def test_sampled_rows_hold_what_they_were_asked_for():
    """What a method draws under a condition, this finds in every row."""
    given = {"size": ["small", "large"], "visits": {"min": 2}, "where": "active"}
    made = la.mimic(example(400), 80, synthesizer="copula", given=given)
    assert rows_that_hold(made, given).num_rows == 80


@pytest.mark.slow
def test_a_conditional_sample_is_measured_against_rows_like_it(tmp_path, monkeypatch):
    """`mimic --given` of rows that are right does not fail for being what was asked for; too few real rows are not measured."""
    monkeypatch.chdir(tmp_path)
    import pyarrow.parquet as pq

    pq.write_table(read("package:adult").slice(0, 8000), "adult.parquet")
    report = api.mimic_file("adult.parquet", "out.csv", n=1500, given={"sex": "Female"})
    assert report is not None
    assert report["column_shapes"].value > 0.9
    assert report.verdicts["fidelity"] != "fail"
    said: list[str] = []
    assert api.mimic_file("adult.parquet", "rare.csv", n=20, given={"native_country": "Cuba"}, say=said.append) is None
    assert any("real rows hold the condition" in text for text in said)
