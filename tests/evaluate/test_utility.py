"""Does it help a model: train on synthetic rows, add them to real ones, and what cheap tricks reach."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.utility import learning
from lookalike.evaluate.utility.augmentation_lift import smote
from lookalike.learners.boosting import Boosted


def _rows(n: int, seed: int, *, flip: float = 0.0, least: str = "c") -> pa.Table:
    """Three classes by two numbers; `flip` gives that share of one class a wrong label."""
    g = np.random.default_rng(seed)
    x, y = g.normal(size=n), g.normal(size=n)
    label = np.where(x > 0.8, "c", np.where(y > 0, "b", "a"))
    wrong = (label == least) & (g.random(n) < flip)
    label[wrong] = "a"
    return pa.table({"x": x, "y": y, "cost": 3 * x + y**2 + 0.5 * g.normal(size=n), "label": label})


@pytest.fixture(scope="module")
def tables():
    return _rows(1500, 0), _rows(1500, 1), _rows(1500, 2)


def test_recall_names_the_class_that_was_mislabelled(tables):
    """Of a class that synthetic rows mostly call another, few test rows are found again; the other classes keep their recall."""
    real, _, holdout = tables
    report = evaluate(real, _rows(1500, 1, flip=0.8), holdout=holdout, target="label", only="tstr")
    recall = {c: report[f"tstr.recall.{c}"] for c in "abc"}
    assert recall["c"].value < 0.5 < 0.9 < recall["c"].ceiling
    assert recall["b"].value == pytest.approx(recall["b"].ceiling, abs=0.1)
    assert report["tstr"].detail["score"] == "macro AUC"


def test_calibration_error_is_that_of_the_probabilities(tables):
    """A model trained on labels that lie in 80% of one class is further from its own confidence than one trained on real rows."""
    real, good, holdout = tables
    honest = evaluate(real, good, holdout=holdout, target="label", only="tstr")["tstr.calibration_error"]
    lying = evaluate(real, _rows(1500, 1, flip=0.8), holdout=holdout, target="label", only="tstr")["tstr.calibration_error"]
    assert 0 <= honest.value < 0.1
    assert lying.value > honest.value + 0.05
    assert sum(point[2] for point in honest.detail["synthetic"]) == pytest.approx(1, abs=0.01)


def test_regression_is_scored_by_explained_variance(tables):
    """A number as the target gives R², near the real-trained one for a good release and near 0 for independent columns."""
    real, good, holdout = tables
    result = evaluate(real, good, holdout=holdout, target="cost", only="tstr")["tstr"]
    assert result.detail["score"] == "R²"
    assert result.value == pytest.approx(result.ceiling, abs=0.04)
    assert result.ceiling > 0.85
    assert result.floor < 0.1


def test_lift_stands_between_real_rows_and_independent_ones(tables):
    """Adding fresh rows lifts about as much as further real rows; independent columns hurt; both controls have paired intervals."""
    real, good, holdout = tables
    report = evaluate(real, good, holdout=holdout, target="cost", only="augmentation_lift")
    lift = report["augmentation_lift"]
    assert lift.floor < 0 < lift.value
    assert lift.value == pytest.approx(lift.ceiling, abs=0.03)
    assert lift.interval[0] <= lift.value <= lift.interval[1]
    assert report["augmentation_lift.over_controls"].detail["control"] in ("duplication", "class weights", "smote")
    assert report["augmentation_lift.over_controls"].interval[0] > 0
    for control in ("duplication", "class_weights", "smote"):
        assert report[f"augmentation_lift.control.{control}"].interval is not None


def test_smote_stays_between_neighbours_of_a_class():
    """New rows lie inside their class's range, keep whole category codes, and are equally many of each class."""
    g = np.random.default_rng(0)
    label = np.repeat([0, 1], [180, 20])
    x = np.column_stack([g.normal(size=200) + 10 * label, g.integers(1, 4, 200)]).astype(np.float32)
    x[5, 0] = np.nan
    made, target = smote((x, label), 300, g, np.array([False, True]))
    assert np.bincount(target).tolist() == [150, 150]
    for k in (0, 1):
        own = x[label == k, 0]
        new = made[target == k, 0]
        assert np.nanmin(own) <= np.nanmin(new)
        assert np.nanmax(new) <= np.nanmax(own)
    assert set(made[:, 1]) <= {1.0, 2.0, 3.0}
    assert np.unique(made[target == 1, 0]).size > 20  # not only copies


def test_smote_interpolates_the_target_of_a_regression():
    """Rows on a line stay on it, target included; a class of one row is repeated."""
    x = np.linspace(0, 1, 50, dtype=np.float32)[:, None]
    made, target = smote((x, 2.0 * x[:, 0]), 40, np.random.default_rng(0), np.array([False]))
    assert target == pytest.approx(2 * made[:, 0], abs=1e-5)
    alone, _ = smote((x[:3], np.array([0, 0, 1])), 10, np.random.default_rng(0), np.array([False]))
    assert len(alone) == 10
    assert np.isfinite(alone).all()


def test_class_weights_weigh_all_classes_alike():
    """Six rows of one class and two of another: each class weighs four in all; a regression's rows weigh one."""
    weights = learning.class_weights(np.array([0, 0, 0, 1, 0, 0, 1, 0]))
    assert weights.tolist() == pytest.approx([2 / 3] * 3 + [2.0] + [2 / 3] * 2 + [2.0, 2 / 3])
    assert learning.class_weights(np.array([0.5, 1.5])).tolist() == [1.0, 1.0]


def test_balanced_accuracy_is_the_mean_recall():
    """Of four common rows three are found, of one rare row none: 0.375."""
    called = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.6, 0.4]])
    assert learning.balanced_accuracy(called, np.array([0, 0, 0, 0, 1]), ("a", "b")) == 0.375


def test_a_weight_of_two_is_a_row_twice():
    """Boosted trees learn the same from weights and from repeated rows."""
    g = np.random.default_rng(0)
    x = g.integers(0, 8, (400, 2)).astype(np.float32)  # few values, so that both see the same places to cut
    y = (x[:, 0] + g.normal(size=400) > 4).astype(np.int64)
    weighed = Boosted(2, rounds=5).fit(x, y, np.where(y == 1, 2.0, 1.0)).probabilities(x)
    twice = Boosted(2, rounds=5).fit(np.concatenate([x, x[y == 1]]), np.concatenate([y, y[y == 1]])).probabilities(x)
    assert np.abs(weighed - twice).mean() < 0.02


def _tickets(n, seed, *, rare=0.5):
    """Texts of two kinds of tickets, told apart by their words alone."""
    g = np.random.default_rng(seed)
    words = {
        "refund": "money back charge bank card paid invoice amount".split(),
        "broken": "screen crash error boot update freeze slow noise".split(),
    }
    label = np.where(g.random(n) < rare, "refund", "broken")
    common = "please the my since help when order device account again".split()
    text = [" ".join(g.permutation([*g.choice(words[k], 3), *g.choice(common, 9)])) for k in label]
    return pa.table({"text": text, "label": label})


@pytest.mark.slow
def test_usefulness_of_texts_is_measured_from_their_words():
    """With a text as the only feature, a model trained on made texts finds the labels of real ones; shuffled labels do not help."""
    report = evaluate(_tickets(300, 0), _tickets(300, 1), holdout=_tickets(300, 2), target="label", only="tstr")
    assert report["tstr"].value > 0.9
    assert report["tstr"].value == pytest.approx(report["tstr"].ceiling, abs=0.05)
    assert report["tstr"].floor < 0.6
    assert set(report.tables[""].looked["text"]) == {"tstr"}


@pytest.mark.slow
def test_an_augmentation_set_is_judged_by_what_it_adds():
    """Only rare tickets are made: by its own profile that is no fault of fidelity, and the reading names the controls."""
    real, holdout = _tickets(1000, 0, rare=0.06), _tickets(800, 2, rare=0.06)
    made = _tickets(400, 1, rare=1.0)
    report = evaluate(real, made, holdout=holdout, target="label", gates="augmentation")
    assert "fidelity" not in report.verdicts
    assert report.verdicts["utility"] == "pass"
    assert report["augmentation_lift.balanced"].value > 0.05
    assert "class weights" in report["augmentation_lift"].detail["reading"]
    assert evaluate(real, made, holdout=holdout, target="label", only="fidelity").verdicts["fidelity"] == "fail"
