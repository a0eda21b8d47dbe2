"""Could these rows exist? Each check on rows that break it and nothing else."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate
from lookalike.schema.types import ColumnSchema, TableSchema


def _visits(n: int, seed: int, *, together: bool = True) -> pa.Table:
    """Two readings that are null in 30% of the rows: both at once, or one independent of the other."""
    g = np.random.default_rng(seed)
    first = g.random(n) < 0.3
    second = first if together else g.random(n) < 0.3
    x, y = g.normal(size=n), g.normal(size=n)
    return pa.table({"x": pa.array(x, mask=first), "y": pa.array(y, mask=second), "stage": g.choice(["low", "high"], n)})


def test_null_patterns_are_more_than_null_rates():
    """Columns with the right null shares, but null at the wrong rows, are seen by the pattern and not by the rates."""
    real = _visits(4000, 0)
    report = evaluate(real, _visits(4000, 1, together=False), only="validity,marginals")
    patterns = report["validity.null_patterns"]
    assert patterns.value == pytest.approx(1 - 0.42, abs=0.03)  # 0.21 twice, where only one of the two is null
    assert patterns.ceiling > 0.97
    assert all(abs(a - b) < 0.03 for a, b in patterns.detail["null_rates"].values())
    assert evaluate(real, _visits(4000, 1), only="validity")["validity.null_patterns"].value > 0.97


def test_each_check_counts_its_own_rows():
    """One row in ten out of range, one in twenty of an unknown category, one infinite: each in its own number and all in the headline."""
    real = pa.table({"x": np.linspace(0, 1, 1000), "kind": ["a", "b"] * 500})
    x = np.linspace(0, 1, 1000)
    x[:100], x[200] = 7.0, np.inf
    kind = np.array(["a", "b"] * 500)
    kind[500:550] = "zzz"
    report = evaluate(real, pa.table({"x": x, "kind": kind}), only="validity")
    assert report["validity.ranges"].value == pytest.approx(0.9)
    assert report["validity.categories"].value == pytest.approx(0.95)
    assert report["validity.finite"].value == pytest.approx(0.999)
    assert report["validity"].value == pytest.approx(1 - 0.151)
    assert next(iter(report["validity"].detail["broken"])) == "ranges of x"


def test_rules_keys_and_declared_domains_come_from_the_schema():
    """A broken SQL rule and a repeated key are counted; a level that is declared is valid although no real row has it."""
    schema = TableSchema(
        (
            ColumnSchema("id", "id", "int64"),
            ColumnSchema("start", "integer", "int64"),
            ColumnSchema("end", "integer", "int64"),
            ColumnSchema("size", "category", "string", order=("S", "M", "L")),
        ),
        key="id",
        rules=('"end" >= "start"',),
    )

    def table(ids, end, size):
        return pa.table({"id": ids, "start": np.full(100, 5), "end": end, "size": size})

    real = table(np.arange(100), np.arange(100) % 20 + 5, ["S", "M"] * 50)
    end = np.arange(100) % 20 + 5
    end[:20] = 5
    end[3] = 4  # still within the range of nothing but the rule
    made = table(np.minimum(np.arange(100), 89), end, ["S", "L"] * 50)
    report = evaluate(real, made, schema=schema, only="validity")
    assert report["validity.rules"].value == pytest.approx(0.99)
    assert report["validity.key"].value == pytest.approx(0.90)
    assert report["validity.categories"].value == 1.0
    undeclared = evaluate(real, made, only="validity")
    assert undeclared["validity.categories"].value == pytest.approx(0.75)  # sizes, and the start that is one value


def test_mean_and_spread_are_measured_in_real_deviations():
    """A shift by half a standard deviation and twice the spread come out as 0.5 and log 2; the quantile table holds both tables'."""
    g = np.random.default_rng(0)
    real = pa.table({"a": g.normal(size=20_000), "b": g.normal(size=20_000)})
    made = pa.table({"a": 0.5 + g.normal(size=20_000), "b": 2 * g.normal(size=20_000)})
    report = evaluate(real, made, only="marginals")
    assert report["marginals.mean_gap"].value == pytest.approx(0.5, abs=0.03)
    assert report["marginals.mean_gap"].detail["worst"] == "a"
    assert report["marginals.sd_gap"].value == pytest.approx(np.log(2), abs=0.03)
    assert report["marginals.sd_gap"].detail["worst"] == "b"
    table = report["marginals.b"].detail["quantiles"]
    for at, low, high in zip(table["at"], table["real"], table["synthetic"], strict=True):
        if 0.01 <= at <= 0.99:
            assert high == pytest.approx(2 * low, abs=0.25)


def test_sums_that_the_real_table_keeps_are_asked_of_the_synthetic_one():
    """Totals that do not add up are counted, named with their formula, and cost validity; those of the ceiling all do."""
    g = np.random.default_rng(0)

    def bills(n: int, wrong: int) -> pa.Table:
        net, tax = np.round(g.gamma(2, 50, n), 2), np.round(g.random(n), 2)
        total = np.round(net + tax, 2)
        total[:wrong] += 0.05
        return pa.table({"net": net, "tax": tax, "total": total, "kind": g.choice(["a", "b"], n)})

    report = evaluate(bills(1000, 0), bills(1000, 200), only="validity")
    assert report["validity.sums"].value == pytest.approx(0.8)
    assert report["validity.sums"].detail == {"sums": {"total = net + tax": pytest.approx(0.8)}}
    assert report["validity"].value <= 0.8
    assert evaluate(bills(1000, 0), bills(1000, 0), only="validity")["validity.sums"].value == 1
    assert evaluate(bills(1000, 1), bills(1000, 200), only="validity")["validity.sums"].skipped


def test_checks_are_told_apart_whatever_columns_are_called():
    """A total whose name begins like a check, and a category with an equals sign in its name, are counted where they belong."""
    g = np.random.default_rng(1)
    a, b = g.integers(0, 90, 500), g.integers(0, 90, 500)
    real = pa.table({"a": a, "b": b, "categories_sold": a + b, "x = y": g.choice(["p", "q"], 500)})
    made = real.set_column(2, "categories_sold", pa.array(a + b - 1)).set_column(3, "x = y", pa.array(["r"] * 500))
    report = evaluate(real, made, only="validity")
    assert report["validity.sums"].detail["sums"] == {"categories_sold = a + b": 0.0}
    assert report["validity.categories"].detail["worst"] == {"x = y": 0.0}


def test_a_declared_range_is_a_rule():
    """Ages that may be are no fault although no real row has them, and ages that may not be are, although real rows have one."""
    schema = TableSchema((ColumnSchema("age", "integer", "int64"),), rules=("age between 0 and 120",))
    real, made = pa.table({"age": [*range(20, 60), 999]}), pa.table({"age": [*range(10, 49), 900, None]})
    report = evaluate(real, made, schema=schema, only="validity")
    assert report["validity.rules"].value == pytest.approx(40 / 41)
    assert report["validity.rules"].detail["rules"] == {"rule age between 0 and 120": pytest.approx(40 / 41)}
    assert report["validity.ranges"].value == pytest.approx(31 / 41)


def _paid(n: int, seed: int, *, kept: bool = True) -> pa.Table:
    """Where the first month is, the total is one month; and a number of rows where it is not."""
    g = np.random.default_rng(seed)
    months, monthly = g.integers(1, 8, n), np.round(g.normal(60, 9, n), 2)
    total = np.round(monthly * np.where(months == 1, 1, months * g.uniform(0.9, 1.1, n)), 2)
    if not kept:
        total[np.flatnonzero(months == 1)[::2]] += 1
    return pa.table({"months": months, "monthly": monthly, "total": total})


def test_a_rule_that_synthetic_rows_break_is_named_with_its_rate():
    """Half the rows of the first month break the rule: they are counted, the rule is named, and the release fails."""
    real, bad = _paid(3000, 0), _paid(3000, 1, kept=False)
    months = bad["months"].to_numpy()
    report = evaluate(real, bad, only="validity", gates="internal")
    wanted = np.ceil((months == 1).sum() / 2) / 3000
    assert report["broken_rules"].value == pytest.approx(wanted)
    name = "broken_rules.where months = 1, total = monthly"
    assert report[name].value == pytest.approx(wanted)
    assert report[name].interval[0] > 0.04
    assert report[name].ceiling == 0
    assert report.verdicts["validity"] == "fail"
    good = evaluate(real, _paid(3000, 2), only="validity", gates="internal")
    assert good["broken_rules"].value == 0
    assert good.verdicts["validity"] == "pass"


def test_gaps_that_no_real_row_has_fail_and_name_the_column():
    """A column that is never missing in the real rows and is missing in 30% of the synthetic ones is not valid."""
    real, made = _paid(1000, 0), _paid(1000, 1)
    gone = np.random.default_rng(2).random(1000) < 0.3
    made = made.set_column(1, "monthly", pa.array(made["monthly"].to_numpy(), mask=gone))
    report = evaluate(real, made, only="validity", gates="internal")
    assert report["validity"].value <= 1 - gone.mean()
    assert "nulls of monthly" in report["validity"].detail["broken"]
    assert report.verdicts["validity"] == "fail"
