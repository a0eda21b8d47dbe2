"""Bad input: a clear error or an explicit skip, never a silent NaN, never a crash half way."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import MetricError, SchemaError, UsageError
from lookalike.evaluate.evaluate import evaluate

ALL = "statistics,c2st,coverage"


def sound(report):
    """Every result has a finite value or a reason, and the report can be written in every form."""
    for result in report:
        assert (result.value is None) == bool(result.skipped), result
        assert result.value is None or math.isfinite(result.value), result
        assert "internal error" not in result.skipped, result
    json.loads(report.to_json())
    assert report.markdown()
    assert report.junit()
    assert str(report)
    return report


def test_no_shared_column_is_an_error(real):
    """Tables without a common column cannot be compared, and the error lists both."""
    with pytest.raises(MetricError, match="share no column"):
        evaluate(real, pa.table({"x": [1, 2]}))


def test_missing_and_extra_columns_are_measured(real, good):
    """Columns that are missing lower validity.columns and are named; the others are still compared."""
    report = sound(evaluate(real, good.drop_columns(["age"]).append_column("new", good["age"]), only=ALL))
    assert report["validity.columns"].value == pytest.approx(8 / 9)
    assert report["validity.columns"].detail["missing"] == ["age"]
    assert report.tables[""].written == ("new",)
    assert report.verdicts["validity"] == "fail"


def test_other_types_are_named(real, good):
    """A number that came back as text is excluded with the reason, or read when it is still a number."""
    index = good.schema.get_field_index("age")
    as_text = good.set_column(index, "age", good["age"].cast(pa.string()))
    assert sound(evaluate(real, as_text, only=ALL))["marginals.age"].value > 0.95
    words = good.set_column(index, "age", pa.array(["many"] * good.num_rows))
    report = sound(evaluate(real, words, only=ALL))
    assert "synthetic" in report.tables[""].excluded["age"]
    assert report["validity.types"].value < 1
    assert report["validity.columns"].value == pytest.approx(8 / 9)
    assert report.verdicts["validity"] == "fail"
    assert any(note.startswith("Not compared: age") for note in report.notes)


def test_rows_missing(real):
    """No real rows are an error, no synthetic ones a failure of the default gates; one row is measured or skipped."""
    with pytest.raises(MetricError, match="without rows"):
        evaluate(real.slice(0, 0), real)
    empty = evaluate(real, real.slice(0, 0))
    assert (empty["validity"].value, empty.exit_code, empty.verdicts["validity"]) == (0.0, 1, "fail")
    assert "no rows" in empty.findings[0].text
    report = sound(evaluate(real, real.slice(0, 1), only=ALL))
    assert report["c2st"].value is None
    assert any("noise" in note for note in report.notes)
    sound(evaluate(real.slice(0, 1), real.slice(0, 1), only=ALL))


def test_all_null_and_constant_columns(real, good):
    """Columns of nulls, and constant ones, are skipped or scored, never NaN; one that is null in one table only scores 0."""
    n = real.num_rows
    both = {
        "empty": (pa.nulls(n, pa.float64()), pa.nulls(n, pa.float64())),
        "emptied": (pa.array(np.arange(n) % 7), pa.nulls(n, pa.int64())),
        "filled": (pa.nulls(n, pa.string()), pa.array(["x"] * n)),
        "constant": (pa.array([3.5] * n), pa.array([3.5] * n)),
        "word": (pa.array(["a"] * n), pa.array(["a"] * n)),
    }
    a, b = real, good
    for name, (x, y) in both.items():
        a, b = a.append_column(name, x), b.append_column(name, y)
    report = sound(evaluate(a, b, only=ALL))
    assert report["marginals.constant"].value == 1
    assert report["marginals.emptied"].value == 0
    blank = sound(evaluate(real, pa.table({n: pa.nulls(9, real[n].type) for n in real.column_names}), only="marginals,pairs"))
    assert blank.verdicts["fidelity"] == "fail"
    assert blank["pairs"].value == pytest.approx(0, abs=1e-12)


def test_infinities_are_counted(real, good):
    """Infinite cells count as not finite in validity and as null elsewhere."""
    income = good["income"].to_numpy().copy()
    income[:30] = np.inf
    income[30:60] = -np.inf
    broken = good.set_column(good.schema.get_field_index("income"), "income", pa.array(income))
    report = sound(evaluate(real, broken, only=ALL))
    assert report["validity.finite"].detail["worst"]["income"] == pytest.approx(1 - 60 / 3000)
    assert any(o.metric == "validity.finite" and o.status == "fail" for o in report.outcomes)


def with_infinities(table: pa.Table) -> pa.Table:
    """Half of the income infinite, on both sides, and a column of nothing else."""
    income = table["income"].to_numpy().copy()
    income[::4], income[1::4] = np.inf, -np.inf
    replaced = table.set_column(table.schema.get_field_index("income"), "income", pa.array(income))
    return replaced.append_column("endless", pa.array(np.full(table.num_rows, np.inf)))


@pytest.mark.slow
def test_infinities_in_every_table(real, good, holdout):
    """Infinite cells in real rows, holdout, target and a whole column are nulls to every metric, models and attacks included."""
    tables = [with_infinities(table.slice(0, 600)) for table in (real, good, holdout)]
    for target in ("churn", "income"):
        report = sound(evaluate(tables[0], tables[1], holdout=tables[2], target=target, protected=["sex"]))
        assert report["marginals.endless"].value in (None, 1)
        assert report.verdicts["privacy"] != "fail"


def test_dates_out_of_range(real, good):
    """Dates far outside the real range break validity, not the evaluation."""
    since = good["since"].to_numpy().copy()
    since[:10] = np.datetime64("9999-12-31", "s")
    since[10:20] = np.datetime64("0001-01-01", "s")
    report = sound(evaluate(real, good.set_column(good.schema.get_field_index("since"), "since", pa.array(since)), only=ALL))
    assert report["validity"].detail["broken"]["ranges of since"] >= 20


def test_duplicate_names(real):
    """Two columns of one name are an error that names them."""
    twice = pa.Table.from_arrays([real["age"], real["age"]], names=["age", "age"])
    with pytest.raises(SchemaError, match="duplicate column names: age"):
        evaluate(twice, twice)


def test_null_bytes_in_text(real, good):
    """Text with null bytes and control characters is a category like any other, in every form of the report."""
    odd = pa.array([["a\x00b", "c\x07", "d"][i % 3] for i in range(real.num_rows)])
    report = sound(evaluate(real.append_column("odd\x01", odd), good.append_column("odd\x01", odd), only=ALL))
    assert report["marginals.odd\x01"].value == 1


def wide(seed: int) -> pa.Table:
    """60 rows of 5,000 numbers."""
    g = np.random.default_rng(seed)
    return pa.table({f"c{i}": g.normal(size=60) for i in range(5000)})


@pytest.mark.slow
def test_many_columns():
    """5,000 columns are measured by every family: pairs on a sample that says so, models and attacks on columns drawn."""
    chosen = "validity,marginals,pairs,triples,dependence,c2st,coverage,tstr,identical_excess,membership_auc,linkability"
    report = sound(evaluate(wide(0), wide(1), holdout=wide(2), target="c0", only=chosen))
    assert report["pairs"].detail["sets"] < report["pairs"].detail["of"] == 5000 * 4999 // 2
    assert "300 of 5,000 columns" in report["c2st"].detail["reading"]
    assert len(report.html()) < 1_500_000


def coded(seed: int, rows: int = 120_000) -> pa.Table:
    """A column of 100,000 categories, and another."""
    g = np.random.default_rng(seed)
    return pa.table({"code": [f"k{i}" for i in g.integers(0, 100_000, rows)], "x": g.integers(0, 3, rows)})


def test_many_categories():
    """100,000 categories neither blow memory up nor are they taken for a difference."""
    report = sound(evaluate(coded(0, 250_000), coded(1, 250_000), only="statistics"))
    assert report["marginals.code"].value == pytest.approx(report["marginals.code"].ceiling, abs=0.15)
    assert report["pairs"].value > 0.9


@pytest.mark.slow
def test_many_categories_in_models_and_attacks():
    """Models and attacks read 100,000 categories; what is new in the release is no leak, and no tree tells real from real."""
    chosen = "c2st,coverage,tstr,identical_excess,rare_combination_replay,membership_auc,attribute_inference"
    report = sound(evaluate(coded(0), coded(1), holdout=coded(2), target="x", only=chosen))
    assert report["c2st"].value < 0.53
    assert report["membership_auc"].interval[0] < 0.55


def test_sizes_that_differ_100_times(real, good):
    """Tables of very different size are measured, with a note."""
    small = good.slice(0, 30)
    assert any("differ much in size" in n for n in sound(evaluate(real, small, only=ALL)).notes)
    assert any("differ much in size" in n for n in sound(evaluate(small, real, only="statistics")).notes)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(3000, 30, 3000), (30, 3000, 30), (3000, 3000, 30)], ids=["release", "real", "holdout"])
def test_attacks_and_models_on_sizes_that_differ_100_times(real, good, holdout, sizes):
    """No size of release, training data or holdout stops an attack or a model, and none fails rows that leak nothing."""
    tables = [table.slice(0, size) for table, size in zip((real, good, holdout), sizes, strict=True)]
    report = sound(evaluate(tables[0], tables[1], holdout=tables[2], target="churn", only="utility,privacy"))
    assert report.verdicts["privacy"] != "fail"


def test_overlapping_holdout_is_said(real, good):
    """A holdout of training rows voids privacy, and the report says so."""
    report = evaluate(real, good, holdout=real.slice(0, 1000), only="validity,identical_excess")
    assert any("voids every privacy number" in note for note in report.notes)
    assert report.verdicts["privacy"] != "pass"


def test_target_with_one_class(real, good):
    """A target with one class is an explicit skip with its reason; other metrics are still there."""
    a, b = (t.append_column("flag", pa.array(["no"] * t.num_rows)) for t in (real, good))
    report = sound(evaluate(a, b, target="flag", only="marginals,tstr,augmentation_lift"))
    assert "one class" in report["tstr"].skipped
    alone = sound(evaluate(a, b, target="flag", only="utility"))
    assert alone.exit_code == 3
    assert "one class" in str(alone)
    assert report["marginals"].value > 0.9


@pytest.mark.slow
def test_columns_of_nulls_do_not_stop_models(real, good):
    """Models are trained although a column is null in all, or in all but one, of the rows."""
    n = real.num_rows
    a, b = (
        t.append_column("void", pa.nulls(n, pa.float64())).append_column("near", pa.array([None] * (n - 1) + [1.0]))
        for t in (real, good)
    )
    report = sound(evaluate(a, b, target="churn", only="tstr,augmentation_lift,c2st"))
    assert report["tstr"].value > 0.8
    assert report["augmentation_lift"].value is not None


def test_unknown_names(real, good):
    """Unknown targets, metrics and protected columns are errors with a suggestion."""
    with pytest.raises(MetricError, match="did you mean 'churn'"):
        evaluate(real, good, target="chrun")
    with pytest.raises(UsageError, match="did you mean 'fidelity'"):
        evaluate(real, good, only="fidelty")
    with pytest.raises(MetricError, match="'height'"):
        evaluate(real, good, protected=["height"])


def test_not_a_table():
    """Things that are no tables are an error."""
    with pytest.raises(SchemaError, match="a table was expected"):
        evaluate(3, 4)


def test_without_holdout_privacy_is_inconclusive(real, good):
    """No holdout, no verdict on privacy, exit code 3."""
    report = evaluate(real, good, only="privacy")
    assert report.verdicts["privacy"] == "inconclusive"
    assert report.exit_code == 3


def test_budget_skips_with_a_reason(real, good):
    """What does not fit the budget is skipped and says so, and cheap metrics go first."""
    report = evaluate(real, good, only="marginals,c2st", budget_s=0.05)
    assert report["marginals"].value is not None
    assert "budget" in report["c2st"].skipped


@pytest.mark.parametrize("library", ["pandas", "polars", "rows", "columns"])
def test_any_frame(real, good, library):
    """pandas, polars, lists of dicts and dicts of lists give the numbers that Arrow gives."""
    if library in ("pandas", "polars"):
        pytest.importorskip(library)
    forms = {
        "pandas": lambda t: t.to_pandas(),
        "polars": lambda t: __import__("polars").from_arrow(t),
        "rows": lambda t: t.to_pylist(),
        "columns": lambda t: t.to_pydict(),
    }
    small = [t.slice(0, 300) for t in (real, good)]
    expected = evaluate(*small, only="marginals,pairs")
    found = evaluate(*[forms[library](t) for t in small], only="marginals,pairs")
    for name in ("marginals", "pairs"):
        assert found[name].value == pytest.approx(expected[name].value, abs=1e-9)


def test_a_misspelt_option_is_refused(real, good):
    """An option that nothing takes is not left out in silence; one that a single metric takes is accepted."""
    with pytest.raises(UsageError, match=r"no option 'targt'.*did you mean 'target'"):
        evaluate(real, good, targt="churn")
    assert evaluate(real, good, only="marginals", benchmarks=["one"]).verdicts["fidelity"]
