"""Our numbers against the packages that people know."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.fidelity import dependence
from lookalike.evaluate.shapes import _wasserstein, jensen_shannon, ks
from lookalike.learners.boosting import auc


def _adult() -> tuple[pa.Table, pa.Table]:
    """Adult census rows, as the packaged source keeps them: 32,561 to learn from and 16,281 others."""
    from lookalike.packaged import cached
    from lookalike.sources.package import Package

    if cached("adult.raw") is None:
        pytest.skip("Adult is not in the cache: read it once with lookalike.sources.package.Package(name='adult')")
    table = Package(name="adult").read(Path())
    return table.slice(0, 32_561), table.slice(32_561)


def _sdmetrics(real, synthetic):
    pytest.importorskip("sdmetrics")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sdmetrics.reports.single_table._properties import ColumnPairTrends, ColumnShapes

        kinds = {"O": "categorical", "b": "boolean", "M": "datetime"}
        frames = [t.to_pandas() for t in (real, synthetic)]
        kind = {n: kinds.get(frames[0][n].dtype.kind, "numerical") for n in frames[0]}
        kind = {
            n: "categorical" if str(frames[0][n].dtype) in ("str", "string", "object", "category") else k
            for n, k in kind.items()
        }
        metadata = {"columns": {n: {"sdtype": k} for n, k in kind.items()}}
        pairs = ColumnPairTrends()
        pairs.num_rows_subsample = None
        return [prop.get_score(*[f.copy() for f in frames], metadata) for prop in (ColumnShapes(), pairs)]


@pytest.mark.peer
@pytest.mark.slow
def test_column_shapes_and_pair_trends_equal_sdmetrics_on_adult():
    """Column Shapes and Column Pair Trends are those of SDMetrics to six digits, on 32,561 and 16,281 real rows."""
    real, synthetic = _adult()
    report = evaluate(real, synthetic, only="column_shapes,column_pair_trends")
    shapes, trends = _sdmetrics(real, synthetic)
    assert report["column_shapes"].value == pytest.approx(shapes, abs=1e-6)
    assert report["column_pair_trends"].value == pytest.approx(trends, abs=1e-6)


@pytest.mark.peer
@pytest.mark.slow
def test_they_are_equal_with_nulls_dates_and_new_levels(real, independent):
    """The same with nulls, dates, booleans, a level and a range that the real table does not have."""
    g = np.random.default_rng(0)
    flags = [pa.array(g.random(3000) < p) for p in (0.3, 0.4)]
    odd = pa.array(["new" if i % 50 == 0 else j for i, j in enumerate(independent["job"].to_pylist())])
    made = independent.set_column(1, "job", odd)
    a, b = (t.append_column("flag", f) for t, f in zip((real, made), flags, strict=True))
    report = evaluate(a, b, only="column_shapes,column_pair_trends")
    shapes, trends = _sdmetrics(a, b)
    assert report["column_shapes"].value == pytest.approx(shapes, abs=1e-6)
    assert report["column_pair_trends"].value == pytest.approx(trends, abs=1e-6)


@pytest.mark.parametrize("tied", [True, False])
def test_distances_equal_scipy(tied):
    """KS, Wasserstein, Jensen-Shannon and correlations are scipy's."""
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import ks_2samp, spearmanr, wasserstein_distance

    g = np.random.default_rng(1)
    a, b = np.sort(g.normal(size=2000)), np.sort(g.normal(0.3, 1.2, 3000))
    if tied:
        a, b = np.sort(np.round(a, 1)), np.sort(np.round(b, 1))
    assert ks(a, b) == pytest.approx(ks_2samp(a, b).statistic, abs=1e-12)
    assert _wasserstein(a, b) == pytest.approx(wasserstein_distance(a, b), rel=0.03)
    p, q = g.dirichlet(np.ones(9)), g.dirichlet(np.ones(9))
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-12)
    x, y = a[:1000], (b + g.normal(size=3000))[:1000]
    ranks = [dependence._standard(dependence._ranks(v)) for v in (x, y)]
    assert ranks[0] @ ranks[1] == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_large_samples_take_the_same_ks():
    """The merge that large samples take gives the KS that small ones get by search."""
    from lookalike.evaluate.shapes import _steps

    g = np.random.default_rng(2)
    a, b = np.sort(np.round(g.normal(size=500), 1)), np.sort(np.round(g.normal(0.5, 1, 700), 1))
    _, at_a, at_b = _steps(a, b)
    assert np.abs(at_a - at_b).max() == pytest.approx(ks(a, b), abs=1e-15)


def test_auc_and_mutual_information_equal_scikit_learn():
    """AUC with ties, and mutual information without its bias term, are scikit-learn's."""
    from sklearn.metrics import mutual_info_score, roc_auc_score

    g = np.random.default_rng(3)
    y = g.random(500) < 0.3
    scores = np.round(g.normal(size=500) + y, 1)
    assert auc(scores, y) == pytest.approx(roc_auc_score(y, scores), abs=1e-12)
    x, z = g.integers(0, 4, 4000), g.integers(0, 5, 4000)
    z = np.where(g.random(4000) < 0.5, x, z)
    table = np.bincount(x * 5 + z, minlength=20).reshape(4, 5)
    p = np.bincount(x) / 4000
    smaller = min(-(p * np.log(p)).sum(), -sum(q * np.log(q) for q in np.bincount(z) / 4000))
    expected = (mutual_info_score(x, z) - 3 * 4 / 8000) / smaller
    assert dependence.normalised_information(table) == pytest.approx(expected, abs=1e-9)


def test_associations_of_known_strength():
    """Independent columns have associations near zero, a function of the other one; bias does not pile up with categories."""
    g = np.random.default_rng(4)
    x, y = g.integers(0, 30, 2000), g.integers(0, 30, 2000)
    table = np.bincount(x * 30 + y, minlength=900).reshape(30, 30)
    assert dependence.cramers_v(table) < 0.06
    assert dependence.normalised_information(table) < 0.05
    assert dependence.cramers_v(np.diag(np.bincount(x))) == pytest.approx(1.0, abs=1e-6)
    assert dependence.correlation_ratio(x.astype(np.int32), g.normal(size=2000)) < 0.12
    assert dependence.correlation_ratio(x.astype(np.int32), x.astype(float)) == pytest.approx(1.0, abs=1e-6)
