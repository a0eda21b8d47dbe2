"""Which rows of a table hold a condition."""

import datetime as dt

import pyarrow as pa
import pytest

import lookalike as la
from lookalike import api
from lookalike.errors import RecipeError, SynthesizerError, UnknownColumn
from lookalike.schema.semantics import ANEW
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
    with pytest.raises(SynthesizerError, match="'old' is no integer"):
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

    pq.write_table(read("package:adult").slice(0, 4000), "adult.parquet")
    report = api.mimic_file("adult.parquet", "out.csv", n=1000, given={"sex": "Female"})
    assert report is not None
    assert report["column_shapes"].value > 0.9
    assert report.verdicts["fidelity"] != "fail"
    said: list[str] = []
    assert api.mimic_file("adult.parquet", "rare.csv", n=20, given={"native_country": "Cuba"}, say=said.append) is None
    assert any("real rows hold the condition" in text for text in said)


DAYS = [dt.date(2020, 1, 1) + dt.timedelta(i % 400) for i in range(800)]
FORMS = {  # of each kind of column: cells, a condition, whether a cell holds it, and a value that is none
    "a date in texts": ([d.strftime("%m/%d/%Y") for d in DAYS], "2020-06-05", lambda cell: cell == "06/05/2020", "hello"),
    "a range of dates in texts": (
        [d.strftime("%d.%m.%Y") for d in DAYS], {"min": "2020-06-05", "max": "30.06.2020"},
        lambda cell: (2020, 6, 5) <= tuple(map(int, reversed(cell.split(".")))) <= (2020, 6, 30), {"min": "soon"},
    ),
    "an amount": ([f"${v:,.2f}" for v in range(500, 4500, 5)], {"max": "$1,000.00"}, lambda cell: float(cell[1:].replace(",", "")) <= 1000, "many"),
    "a wide key": ([2**62 + i % 7 for i in range(800)], {"min": 2**62 + 5}, lambda cell: cell >= 2**62 + 5, "x"),
    "a number": ([float(i % 97) / 4 for i in range(800)], {"min": 3, "max": "4.25"}, lambda cell: 3 <= cell <= 4.25, "x"),
    "a level": ([("lo", "mid", "hi")[i % 3] for i in range(800)], ["mid", "hi"], lambda cell: cell in ("mid", "hi"), "top"),
    "a gap": ([None if i % 5 == 0 else i % 50 for i in range(800)], None, lambda cell: cell is None, "x"),
    "a moment": ([dt.datetime.fromisoformat("2024-01-01") + dt.timedelta(hours=i) for i in range(800)], {"min": "2024-01-20"}, lambda cell: cell >= dt.datetime.fromisoformat("2024-01-20"), "x"),
}  # fmt: skip


@pytest.mark.parametrize("method", ["forest", "copula", "independent"])
@pytest.mark.parametrize("what", FORMS)
def test_a_condition_holds_in_every_row_or_is_refused(what, method):
    """For every kind of column and method alike; Python judges the cells, not the code that read the condition."""
    cells, wanted, holds, none = FORMS[what]
    model = la.fit(pa.table({"x": cells, "other": [i * 7 % 11 for i in range(800)]}), synthesizer=method)
    try:
        made = model.sample(60, given={"x": wanted})
    except UnknownColumn:
        assert model.schema_["x"].semantic in ANEW
        return
    assert all(map(holds, made["x"].to_pylist()))
    with pytest.raises((SynthesizerError, UnknownColumn), match="x"):
        model.sample(5, given={"x": none})


@pytest.mark.parametrize("method", ["forest", "copula", "arf", "cart"])
def test_sql_that_is_no_condition_on_a_row_is_refused_by_every_method(method):
    """Chance, clocks and other rows: one error, alike."""
    model = la.fit(pa.table({"x": list(range(100)), "y": [i % 3 for i in range(100)]}), synthesizer=method)
    for sql in ("random() < 0.5", "x > (select 3)", "sum(x) > 3", "now() > DATE '2020-01-01'"):
        with pytest.raises(RecipeError):
            model.sample(5, given={"where": sql})
