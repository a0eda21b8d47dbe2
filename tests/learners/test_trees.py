"""Boosted trees: as good as scikit-learn's, and nothing at random."""

import numpy as np
import pytest

from lookalike.learners.boosting import Boosted, auc


def _rows(n: int, seed: int, *, noise: float = 1.0):
    """Four numbers with nulls and a category code; a sum, an interaction and the code decide."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, 5)).astype(np.float32)
    x[:, 4] = g.integers(0, 6, n)
    y = x[:, 0] + 2 * x[:, 1] * x[:, 2] + np.array([0, 2, -2, 1, -1, 0])[x[:, 4].astype(int)] + noise * g.normal(size=n)
    x[g.random(n) < 0.1, 3] = np.nan
    return x, y


@pytest.mark.parametrize("classes", [0, 2, 4])
def test_they_predict_as_well_as_scikit_learns(classes):
    """R², AUC and accuracy on new rows are within 0.01 of histogram gradient boosting with the same settings."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    (x, y), (new, truth) = _rows(4000, 0), _rows(4000, 1)
    options = {
        "max_iter": 30 if classes > 2 else 60, "learning_rate": 0.15, "max_leaf_nodes": 31, "min_samples_leaf": 10, "max_bins": 127,
        "early_stopping": False,
    }  # fmt: skip
    if not classes:
        theirs = ensemble.HistGradientBoostingRegressor(**options).fit(x, y).predict(new)
        ours = Boosted(0).fit(x, y).predict(new)
        error, own = (np.mean((p - truth) ** 2) / truth.var() for p in (theirs, ours))
        assert own == pytest.approx(error, abs=0.01)
        return
    bounds = np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1])
    label, known = np.searchsorted(bounds, y), np.searchsorted(bounds, truth)
    theirs = ensemble.HistGradientBoostingClassifier(**options).fit(x, label).predict_proba(new)
    ours = Boosted(classes).fit(x, label).probabilities(new)
    assert ours.sum(axis=1) == pytest.approx(1)
    if classes == 2:
        assert auc(ours[:, 1], known == 1) == pytest.approx(auc(theirs[:, 1], known == 1), abs=0.01)
    assert (ours.argmax(axis=1) == known).mean() == pytest.approx((theirs.argmax(axis=1) == known).mean(), abs=0.01)


def test_equal_rows_give_equal_trees_and_only_informative_columns_matter():
    """Two fits agree to the last bit; a column of one value or of nulls is never asked about."""
    x, y = _rows(1000, 2, noise=0.0)
    x[:, 3] = np.nan
    x[:, 2] = 7
    first, second = (Boosted(0).fit(x, y) for _ in range(2))
    assert first.predict(x).tobytes() == second.predict(x).tobytes()
    assert set(first.used()) <= {0, 1, 4}


def test_nothing_to_learn_predicts_the_mean():
    """A constant target, fewer rows than two leaves, and numbers at the end of float32 give finite answers."""
    x = np.array([[np.finfo(np.float32).max], [-np.finfo(np.float32).max], [np.nan]] * 5, dtype=np.float32)
    assert Boosted(0).fit(x, np.full(15, 3.0)).predict(x) == pytest.approx(3.0)
    few = Boosted(2).fit(x, np.array([True, False, False] * 5)).probabilities(x)
    assert few[:, 1] == pytest.approx(1 / 3)


def test_codes_may_be_cut_once_and_asked_many_times():
    """Rows that were cut before are the rows themselves."""
    x, y = _rows(500, 3)
    model = Boosted(2).fit(x, y > 0)
    assert model.probabilities(model.codes(x)).tobytes() == model.probabilities(x).tobytes()
