"""Rows that hold conditions, filled-in cells, changed cells, likelihoods."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lookalike.errors import RecipeError, UnknownColumn, Unsatisfiable
from lookalike.schema.types import ColumnSchema, TableSchema
from lookalike.synthesizers.forest.model import Forest

SCHEMA = TableSchema(
    (
        ColumnSchema("x", "decimal", "double", decimals=3),
        ColumnSchema("y", "decimal", "double", decimals=3),
        ColumnSchema("sex", "category", "string"),
        ColumnSchema("rare", "category", "string"),
        ColumnSchema("age", "integer", "int64"),
        ColumnSchema("key", "id", "int64", format="sequence", unique=True),
    )
)


def world(n: int = 12_000, seed: int = 0) -> pa.Table:
    """y follows x, sex follows the sign of x, the rare value (1 in 200) comes with large x only, women are not 99."""
    g = np.random.default_rng(seed)
    x = g.normal(size=n).round(3)
    sex = np.where(g.random(n) < 1 / (1 + np.exp(-2 * x)), "F", "M")
    age = np.where(g.random(n) < 0.05, 99, g.integers(18, 90, n))
    return pa.table(
        {
            "x": x,
            "y": (x + 0.3 * g.normal(size=n)).round(3),
            "sex": sex.tolist(),
            "rare": np.where((x > 1.5) & (g.random(n) < 0.08), "yes", "no").tolist(),
            "age": np.where((sex == "F") & (age == 99), 30, age),
            "key": np.arange(n),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> Forest:
    return Forest().fit(world(), SCHEMA)


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"sex": "F"}, lambda t: pc.equal(t["sex"], "F")),
        ({"sex": ["F", "M"], "rare": "no"}, lambda t: pc.equal(t["rare"], "no")),
        ({"x": {"min": 0.25, "max": 0.26}}, lambda t: pc.and_(pc.greater_equal(t["x"], 0.25), pc.less_equal(t["x"], 0.26))),
        ({"age": {"min": 60}}, lambda t: pc.greater_equal(t["age"], 60)),
        ({"age": 33}, lambda t: pc.equal(t["age"], 33)),
        ({"age": "33"}, lambda t: pc.equal(t["age"], 33)),
        ({"x": 0.123}, lambda t: pc.equal(t["x"], 0.123)),
        ({"rare": "yes"}, lambda t: pc.equal(t["rare"], "yes")),
        ({"rare": "yes", "sex": "M", "age": {"max": 40}}, lambda t: pc.and_(pc.equal(t["rare"], "yes"), pc.equal(t["sex"], "M"))),
        ({"where": "age > 80 and sex = 'F'"}, lambda t: pc.and_(pc.greater(t["age"], 80), pc.equal(t["sex"], "F"))),
        ({"where": "abs(x - y) > 0.9 or age = 18"}, lambda t: pc.or_(pc.greater(pc.abs(pc.subtract(t["x"], t["y"])), 0.9), pc.equal(t["age"], 18))),
    ],
)  # fmt: skip
def test_every_row_holds_the_condition(fitted, given, holds):
    """Exact values, sets, ranges and SQL: all rows hold them, and there are as many as asked for."""
    made = fitted.sample(700, given=given, seed=1)
    assert made.num_rows == 700
    assert pc.all(holds(made)).as_py()


def test_conditional_rows_have_the_conditional_distribution(fitted):
    """Given a sex, x has the mean and spread that it has in fresh rows of that sex."""
    fresh = world(40_000, seed=5)
    for sex in "FM":
        truth = fresh.filter(pc.equal(fresh["sex"], sex))["x"].to_numpy()
        made = fitted.sample(4000, given={"sex": sex})["x"].to_numpy()
        assert abs(made.mean() - truth.mean()) < 0.06
        assert abs(made.std() - truth.std()) < 0.06


def test_rare_rows_have_the_conditional_distribution(fitted):
    """Rows of a value that one row in 200 has look like those rows: x is large, and y follows it."""
    made = fitted.sample(3000, given={"rare": "yes"})
    x, y = made["x"].to_numpy(), made["y"].to_numpy()
    assert np.quantile(x, 0.1) > 1.3
    assert 1.6 < x.mean() < 2.2
    assert abs((y - x).mean()) < 0.15
    assert len(np.unique(x)) > 300


def test_rare_conditions_cost_little():
    """After it is prepared once, a row of a rare condition costs at most 20 plain ones, by candidates drawn."""
    from lookalike.synthesizers.forest import conditions

    model = Forest().fit(world(), SCHEMA)
    model.sample(10, given={"rare": "yes"})
    [(_, plan)] = next(iter(model._plans.values()))
    assert plan.factor <= 20
    assert conditions.WAVES * conditions.WAVE <= 20 * 50_000


def test_target_shares_are_met(fitted):
    """Shares hold to the row; what is left over goes to the other values; two shares multiply."""
    made = fitted.sample(1000, given={"sex": {"shares": {"F": 0.2}}, "rare": {"yes": 0.5}})
    assert pc.sum(pc.equal(made["sex"], "F").cast(pa.int64())).as_py() == 200
    assert pc.sum(pc.equal(made["rare"], "yes").cast(pa.int64())).as_py() == 500


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"sexx": "F"}, UnknownColumn, "did you mean 'sex'"),
        ({"key": 3}, UnknownColumn, "made anew"),
        ({"sex": "Q"}, Unsatisfiable, "'F'"),
        ({"age": 500}, Unsatisfiable, "from 18 to 99"),
        ({"age": 33.5}, Unsatisfiable, "age"),
        ({"age": "old"}, Unsatisfiable, "is no integer"),
        ({"age": {"min": 200}}, Unsatisfiable, "age"),
        ({"sex": None}, Unsatisfiable, "sex"),
        ({"sex": "F", "age": 99}, Unsatisfiable, "sex='F', age=99"),
        ({"where": "x > 100"}, Unsatisfiable, "x > 100"),
        ({"sex": {"shares": {"F": 0.9, "M": 0.9}}}, Unsatisfiable, "more than 1"),
        ({"where": "nonsense ("}, RecipeError, "nonsense"),
    ],
)
def test_impossible_conditions_are_named(fitted, given, error, says):
    """Unknown columns, values that no row has and combinations that cannot be are one error with the condition in it."""
    with pytest.raises(error, match=says.replace("(", r"\(")):
        fitted.sample(10, given=given)


def test_conditions_repeat_by_seed_and_batch(fitted):
    """The same condition and seed give the same rows, whole or in batches."""
    given = {"sex": "F", "age": {"min": 50}}
    one = fitted.sample(2000, given=given, seed=8)
    assert one.equals(fitted.sample(2000, given=given, seed=8))
    assert not one.equals(fitted.sample(2000, given=given, seed=9))
    [batch] = fitted.sample_batches(2000, given=given, seed=8)
    assert batch.drop_columns(["key"]).equals(one.drop_columns(["key"]))


def test_missing_cells_are_filled_from_the_others(fitted):
    """Filled cells follow the known ones (also those that are drawn later), and known cells do not change."""
    real = world(1500, seed=7)
    gone = real.set_column(0, "x", pa.nulls(1500, pa.float64()))
    full = fitted.complete(gone, seed=1)
    assert full["x"].null_count == 0
    assert np.corrcoef(full["x"].to_numpy(), real["x"].to_numpy())[0, 1] > 0.85
    assert full.drop_columns(["x"]).equals(real.drop_columns(["x"]))
    assert full.equals(fitted.complete(gone, seed=1))
    assert not full.equals(fitted.complete(gone, seed=2))


def test_gaps_in_several_columns_are_filled_jointly(fitted):
    """Two cells missing in one row are drawn together: their dependence is that of the table."""
    real = world(2000, seed=7)
    gone = real.set_column(0, "x", pa.nulls(2000, pa.float64())).set_column(1, "y", pa.nulls(2000, pa.float64()))
    full = fitted.complete(gone)
    assert np.corrcoef(full["x"].to_numpy(), full["y"].to_numpy())[0, 1] > 0.85


def test_counterfactual_changes_only_what_was_asked(fitted):
    """With sex set otherwise, no other column changes; redrawn columns follow the new value."""
    real = world(1500, seed=3)
    other = fitted.counterfactual(real, {"sex": "M"})
    assert set(other["sex"].to_pylist()) == {"M"}
    assert other.drop_columns(["sex"]).equals(real.drop_columns(["sex"]))
    redrawn = fitted.counterfactual(real, {"sex": "M"}, redraw=["age"])
    assert redrawn.drop_columns(["sex", "age"]).equals(real.drop_columns(["sex", "age"]))
    women = pc.equal(real["sex"], "F")
    assert pc.any(pc.equal(redrawn["age"].filter(women), 99)).as_py()  # women are never 99, men are
    with pytest.raises(Unsatisfiable):
        fitted.counterfactual(real, {"sex": "Q"})
    with pytest.raises(UnknownColumn):
        fitted.counterfactual(real, {"sex": "M"}, redraw=["key"])


def test_likely_rows_are_likelier(fitted):
    """Fresh rows are likelier than rows whose columns were shuffled, and shuffled ones score as stranger."""
    real = world(1000, seed=11)
    g = np.random.default_rng(0)
    shuffled = pa.table({name: real[name].take(pa.array(g.permutation(1000))) for name in real.column_names})
    assert fitted.log_likelihood(real).mean() > fitted.log_likelihood(shuffled).mean() + 0.5
    assert 0.4 < fitted.outlier_score(real).mean() < 0.6
    assert fitted.outlier_score(shuffled).mean() > 0.65
    with pytest.raises(UnknownColumn, match="'y'"):
        fitted.log_likelihood(real.drop_columns(["y"]))
