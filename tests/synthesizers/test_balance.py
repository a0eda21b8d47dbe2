"""Shares are reached, real rows stay, and fairness removes what it says."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import SynthesizerError, UnknownColumn, Unsatisfiable
from lookalike.synthesizers.balance import balance, mixup, noise
from lookalike.synthesizers.methods.cart import Cart
from lookalike.synthesizers.methods.fair import Fair
from lookalike.testing.synthesizers import example

TABLE = example(300)


@pytest.mark.parametrize("method", ["smote", "adasyn", "cart", "copula"])
def test_classes_become_alike_and_real_rows_stay(method):
    """Every class has as many rows as the greatest; the first rows are the real ones."""
    out = balance(TABLE, "size", method=method)
    counts = {c["values"]: c["counts"] for c in out["size"].value_counts().to_pylist()}
    assert len(set(counts.values())) == 1
    assert out.slice(0, 300).equals(TABLE)


def test_adasyn_starts_where_a_class_is_hard_to_tell():
    """Of a rare class with one half among the others and one half far away, new rows lie among the others; SMOTE's lie in both."""
    draws = np.random.default_rng(0)
    x = np.concatenate([draws.normal(0, 1, 400), draws.normal(0, 1, 20), draws.normal(30, 0.1, 20)])
    table = pa.table({"x": x, "y": draws.normal(size=440), "label": ["common"] * 400 + ["rare"] * 40})
    far = {kind: (balance(table, "label", method=kind)["x"].to_numpy()[440:] > 15).mean() for kind in ("smote", "adasyn")}
    assert far["adasyn"] < 0.02
    assert 0.3 < far["smote"] < 0.7


def test_declared_shares_are_reached():
    """Shares that are asked for are there to the row."""
    out = balance(TABLE, "size", shares={"small": 0.5, "medium": 0.25, "large": 0.25}, method="smote")["size"].to_pylist()
    assert abs(out.count("large") / len(out) - 0.25) < 0.005
    with pytest.raises(UnknownColumn):
        balance(TABLE, "siz")
    with pytest.raises(Unsatisfiable, match="never seen"):
        balance(TABLE, "size", shares={"huge": 1.0})
    with pytest.raises(SynthesizerError, match="sum to"):
        balance(TABLE, "size", shares={"small": 0.5, "medium": 0.2})


def test_noise_stays_on_the_grid():
    """Noise moves numbers a little, keeps digits, ranges, gaps and identifiers."""
    out = noise(TABLE, scale=0.1)
    assert out.schema.equals(TABLE.schema)
    assert out["customer_id"].equals(TABLE["customer_id"])
    weights = out["weight"].to_numpy()
    assert np.array_equal(np.round(weights, 2), weights)
    assert 0 < np.abs(weights - TABLE["weight"].to_numpy()).mean() < 0.3 * TABLE["weight"].to_numpy().std()
    assert out["score"].null_count == TABLE["score"].null_count


def test_mixtures_lie_between():
    """Mixed rows stay within the real range and replace identifiers."""
    out = mixup(TABLE, 100)
    assert out.num_rows == 100
    assert not set(out["customer_id"].to_pylist()) & set(TABLE["customer_id"].to_pylist())
    assert out["weight"].to_numpy().max() <= TABLE["weight"].to_numpy().max()


def test_fairness_removes_the_dependence():
    """Outcomes are alike in both groups after, unlike before, and the report says what moved."""
    draws = np.random.default_rng(0)
    sex = draws.choice(["F", "M"], 1000)
    rich = draws.random(1000) < np.where(sex == "M", 0.6, 0.2)
    table = pa.table({"sex": sex, "rich": rich, "hours": draws.normal(40, 5, 1000) + 5 * rich})
    model = Fair(base=Cart(), protected="sex", target="rich").fit(table)
    out = model.sample(1000)
    made_sex, made_rich = np.array(out["sex"].to_pylist()), np.array(out["rich"].to_pylist())
    assert abs(made_rich[made_sex == "M"].mean() - made_rich[made_sex == "F"].mean()) < 0.01
    assert model.report_["gap_before"] > 0.3
    assert model.report_["gap_after"] < 1e-9
    assert 0 < model.report_["rows_moved"] < 0.3
    hours = np.array(out["hours"].to_pylist())
    assert hours[made_rich].mean() - hours[~made_rich].mean() > 3


def test_fairness_of_a_number_and_saving(tmp_path):
    """A numeric outcome is cut into ranges; a saved model samples the same rows; clashing conditions are refused."""
    model = Fair(base=Cart(), protected="size", target="visits", strength=0.5).fit(TABLE)
    out = model.sample(200, seed=2)
    assert Fair.load(model.save(tmp_path / "m")).sample(200, seed=2).equals(out)
    assert model.report_["gap_after"] < model.report_["gap_before"]
    with pytest.raises(SynthesizerError, match="shares fairness sets"):
        model.sample(5, given={"size": "small"})
