"""Near the real rows, and near all of them."""

import numpy as np
import pyarrow as pa
import pytest

from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.privacy.neighbors import within


def _clouds(n: int, seed: int, at=(0.0, 10.0)) -> pa.Table:
    g = np.random.default_rng(seed)
    middle = g.choice(at, n)
    return pa.table(
        {"x": middle + g.normal(size=n), "y": middle + g.normal(size=n), "kind": np.where(middle > 5, "far", "near")}
    )


@pytest.fixture(scope="module")
def real():
    return _clouds(1500, 0)


def test_a_dropped_mode_lowers_coverage_and_not_precision(real):
    """Rows on one of two clouds reach half of the real rows, and all lie near real ones."""
    report = evaluate(real, _clouds(1500, 1, at=(0.0,)), only="coverage")
    assert report["coverage"].value == pytest.approx(0.5, abs=0.06)
    assert report["coverage"].ceiling > 0.9
    assert report["coverage.precision"].value > 0.9


def test_rows_far_from_anything_lower_precision_and_density(real):
    """Half of the rows where nothing is real: precision and density halve, coverage falls little."""
    made = pa.concat_tables([_clouds(1500, 1), _clouds(1500, 2, at=(5.0,)).set_column(2, "kind", pa.array(["else"] * 1500))])
    order = np.random.default_rng(0).permutation(3000)
    report = evaluate(real, made.take(pa.array(order)), only="coverage")
    assert report["coverage.precision"].value == pytest.approx(0.5, abs=0.08)
    assert report["coverage.density"].value == pytest.approx(0.5, abs=0.15)
    assert report["coverage"].value > 0.75


def test_within_counts_what_the_obvious_loop_counts():
    """Hits of each query and the points that were reached, across tiles, equal numpy's."""
    g = np.random.default_rng(0)
    points, queries = (g.integers(0, 16, (3, n)).astype(np.float32) / 8 for n in (1300, 70))  # eighths: sums are exact
    radius = g.integers(0, 8, 1300).astype(np.float32) / 8 + np.float32(1 / 16)
    gap = np.minimum(np.abs(queries[:, :, None] - points[:, None]), 1).sum(axis=0)
    hits, reached = within(queries, points, radius)
    assert (hits == (gap <= radius).sum(axis=1)).all()
    assert (reached == (gap <= radius).any(axis=0)).all()
