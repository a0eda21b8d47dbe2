"""Group by group, against the real data's own gaps."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate


def _people(n: int, seed: int, *, share: float = 0.4, spoiled: bool = False) -> pa.Table:
    """Two groups; what predicts the label differs between them. `spoiled`: group f has labels by lot."""
    g = np.random.default_rng(seed)
    sex = np.where(g.random(n) < share, "f", "m")
    x, y = g.normal(size=n), g.normal(size=n)
    likely = np.where(sex == "f", x, y) + 0.3 * g.normal(size=n)
    if spoiled:
        likely[sex == "f"] = g.normal(size=int((sex == "f").sum()))
    return pa.table({"sex": sex, "x": x, "y": y, "label": np.where(likely > 0, "yes", "no")})


@pytest.fixture(scope="module")
def tables():
    return _people(2000, 0), _people(2000, 1)


def test_a_halved_group_is_one_in_log2(tables):
    """A group with half its real share has representation 1; a fresh sample stays near its ceiling."""
    real, holdout = tables
    report = evaluate(real, _people(2000, 2, share=0.2), holdout=holdout, protected=["sex"], only="representation")
    assert report["representation"].value == pytest.approx(1.0, abs=0.15)
    assert report["representation.sex = f"].detail["real"] == pytest.approx(0.4, abs=0.03)
    fair = evaluate(real, _people(2000, 2), holdout=holdout, protected=["sex"], only="representation")["representation"]
    assert fair.value < 0.15


def test_the_group_that_a_model_fails_is_named(tables):
    """Labels by lot in one group: that group loses far more than everybody, and by name; good rows leave no gap."""
    real, holdout = tables
    options = {"holdout": holdout, "target": "label", "protected": ["sex"], "only": "fairness_gap"}
    broken = evaluate(real, _people(2000, 2, spoiled=True), **options)
    assert broken["fairness_gap"].value > 0.1
    assert broken.worst("fairness_gap", 1)[0].subject == "sex = f"
    assert evaluate(real, _people(2000, 2), **options)["fairness_gap"].value < 0.05


def test_the_gap_between_groups_is_measured(tables):
    """One group's other columns shuffled among all rows: the gap between the groups grows."""
    real, _ = tables
    made = _people(2000, 2)
    good = evaluate(real, made, protected=["sex"], only="subgroups")
    f = np.array(made["sex"].to_pylist()) == "f"
    x = made["x"].to_numpy().copy()
    x[f] += 2
    bad = evaluate(real, made.set_column(1, "x", pa.array(x)), protected=["sex"], only="subgroups")
    assert bad["subgroups.gap"].value > good["subgroups.gap"].value + 0.1
    assert bad["subgroups"].detail["worst"] == "sex = f"
    assert good["subgroups"].floor is not None
