"""Rules are found where they could have failed, and only there."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where
from lookalike.schema.infer import infer
from lookalike.schema.rules import RuleCells, find
from lookalike.schema.types import ColumnSchema, TableSchema

DRAWS = np.random.default_rng(0)
N = 500


def texts(table):
    """What is found in a table, in words."""
    return [rule.text for rule in find(table, infer(table)).all]


def customers(n=2000, seed=1):
    """A table of which a person would tell: months, totals, gaps, places, two dates in texts."""
    g = np.random.default_rng(seed)
    months, monthly = g.integers(1, 12, n), np.round(g.normal(60, 20, n).clip(10), 2)
    total = np.round(np.where(months == 1, monthly, monthly * months * g.uniform(0.9, 1.1, n)), 2)
    stays, place, start = g.random(n) < 0.6, g.integers(0, 40, n), g.integers(0, 900, n)
    end = start + g.integers(0, 60, n)

    def days(numbers):
        return [(dt.date(2020, 1, 1) + dt.timedelta(int(number))).strftime("%d.%m.%Y") for number in numbers]

    return pa.table({
        "months": months, "monthly": monthly, "total": total, "ended": pa.array(g.integers(0, 30, n), mask=stays),
        "reason": pa.array(np.array(["price", "moved"])[g.integers(0, 2, n)], mask=stays | (g.random(n) < 0.2)),
        "zip": [f"z{z}" for z in place], "city": [f"c{z // 4}" for z in place], "phone": np.where(months % 3 > 0, "yes", "no"),
        "lines": np.where(months % 3 > 0, np.array(["one", "two"])[g.integers(0, 2, n)], "no phone"),
        "start": days(start), "end": days(end),
    })  # fmt: skip


def test_inequalities_that_could_fail_are_found():
    """A start before its end is a rule; an age below a weight in grams is not."""
    start = np.datetime64("2020-01-01", "s") + DRAWS.integers(0, 10**6, N)
    table = pa.table({
        "start": start, "end": start + DRAWS.integers(0, 10**5, N), "age": DRAWS.integers(0, 90, N),
        "grams": DRAWS.integers(10_000, 90_000, N),
    })  # fmt: skip
    assert infer(table).rules == ('"start" <= "end"',)


def test_chains_are_kept_short():
    """a <= b and b <= c make a <= c needless; one violation ends a rule."""
    a = DRAWS.normal(size=N)
    b = a + DRAWS.random(N)
    table = {"a": a, "b": b, "c": b + DRAWS.random(N)}
    assert infer(pa.table(table)).rules == ('"a" <= "b"', '"b" <= "c"')
    table["b"][7] = a[7] - 1
    assert '"a" <= "b"' not in infer(pa.table(table)).rules


def test_numbers_beyond_floats_are_compared_to_the_last_digit():
    """2**60 + 1 is not at most 2**60, though both are one float: a rule that one row breaks by 1 is none."""
    low = DRAWS.integers(2**59, 2**60, N)
    high = low + DRAWS.integers(0, 2**59, N)
    schema = TableSchema((ColumnSchema("low", "integer", "int64"), ColumnSchema("high", "integer", "int64")))
    assert [rule.text for rule in find(pa.table({"low": low, "high": high}), schema).orders] == ["low <= high"]
    high[3] = low[3] - 1
    assert not find(pa.table({"low": low, "high": high}), schema).orders


def test_functional_dependencies_are_found_and_checked_on_all_rows():
    """A city has one country; one row in 500 that differs is no slip but the end of the rule."""
    city = DRAWS.integers(0, 30, N)
    table = pa.table(
        {"city": city.astype(str), "country": (city // 10).astype(str), "free": DRAWS.integers(0, 5, N).astype(str)}
    )
    assert texts(table) == ["each city has one country"]
    country = (city // 10).astype(str)
    country[-1] = "9"
    assert not find(table.set_column(1, "country", pa.array(country)), infer(table)).dependencies


def test_a_slip_in_a_thousand_rows_is_an_exception():
    """One wrong country among 3,000 rows leaves the rule, which says so."""
    city = np.arange(3000) % 30
    country = (city // 10).astype(str)
    country[7] = "9"
    table = pa.table({"city": city.astype(str), "country": country})
    [rule] = find(table, infer(table)).dependencies
    assert (rule.exceptions, rule.rows, rule.evidence) == (1, 3000, "kept by 2,999 of 3,000 rows")
    assert np.flatnonzero(rule.broken(RuleCells(table, infer(table)))).tolist() == [7]


def test_columns_that_are_missing_together_are_one_rule():
    """Two columns with the same gaps; a third one has its own."""
    gone = DRAWS.random(N) < 0.3
    values = [None if g else 1.5 + i for i, g in enumerate(gone)]
    table = pa.table({"a": values, "b": values, "c": DRAWS.normal(size=N)})
    [rule] = find(table, infer(table)).gaps
    assert (rule.columns, rule.rows) == (("a", "b"), gone.sum())
    other = pa.table({"a": [None, 1.0, None], "b": [None, 1.0, 2.0], "c": [1.0, 2.0, 3.0]})
    assert rule.broken(RuleCells(other, infer(table))).tolist() == [False, False, True]


def test_conditional_rules_are_found():
    """What a person would tell of customers: in their first month they paid one month, who stays gave no reason, no phone has no lines."""
    found = texts(customers())
    for rule in (
        "where months = 1, total = monthly", "where ended is missing, reason is missing", "where phone = no, lines = no phone",
        "start <= end", "each zip has one city", "each lines has one phone",
    ):  # fmt: skip
        assert rule in found
    assert "each city has one zip" not in found
    assert not any("ended is there" in rule for rule in found)  # another way to say that who stays gave no reason


def test_one_exception_in_a_few_rows_ends_a_conditional_rule():
    """A customer who paid another sum in the first month ends the rule: one in 180 is no slip."""
    table = customers()
    total = table["total"].to_numpy().copy()
    total[np.flatnonzero(table["months"].to_numpy() == 1)[0]] += 1
    assert "where months = 1, total = monthly" not in texts(table.set_column(2, "total", pa.array(total)))


@pytest.mark.parametrize("seed", range(6))
def test_shuffled_columns_have_no_rules(seed):
    """Columns that have nothing to do with each other give nothing to find, though each keeps its values and gaps."""
    g, table = np.random.default_rng(seed), customers(seed=seed)
    shuffled = pa.table({name: table[name].take(pa.array(g.permutation(table.num_rows))) for name in table.column_names})
    assert texts(shuffled) == []


def test_the_sql_of_a_rule_is_the_rule():
    """A row breaks a rule just when its SQL is false of it, also where cells are missing or of other rows."""
    table = customers()
    g = np.random.default_rng(5)
    mixed = {}
    for name in table.column_names:
        cells = table[name].combine_chunks().take(pa.array(g.permutation(table.num_rows)))
        gone = pa.array(g.random(table.num_rows) < 0.1)
        mixed[name] = pa.compute.if_else(gone, pa.scalar(None, cells.type), cells)
    other = pa.table(mixed)
    rules = [rule for rule in find(table, infer(table)).all if rule.sql]
    assert len(rules) >= 5
    for rule in rules:
        broken = rule.broken(RuleCells(other, infer(table)))
        assert broken.any()
        assert (broken == ~rows_where(rule.sql, Batch.of(other), unknown=True)).all(), rule.text
        assert not rule.broken(RuleCells(table, infer(table))).any()


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_a_value_that_implies_a_value_is_found_whatever_the_rest_is(seed):
    """Where one column has a value, another has one as well; the first rows may be of any sort."""
    g = np.random.default_rng(seed)
    a, b = g.choice(["x", "y", "z"], 400), g.choice(["p", "q"], 400)
    b = np.where(a == "x", "p", b)
    schema = TableSchema((ColumnSchema("a", "category", "string"), ColumnSchema("b", "category", "string")))
    assert "where a = x, b = p" in [rule.text for rule in find(pa.table({"a": a, "b": b}), schema).implications]
