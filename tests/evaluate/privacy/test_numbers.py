"""Bounds, neighbours and codes: what the attacks stand on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import MetricError
from lookalike.evaluate.privacy import bounds, replay, space
from lookalike.evaluate.privacy.neighbors import nearest, nearest_without


def test_exact_intervals_are_scipys():
    """Clopper-Pearson, binomial tails and Fisher's test agree with scipy."""
    stats = pytest.importorskip("scipy.stats")
    for hits, trials in ((0, 10), (3, 40), (40, 40), (7, 1000)):
        own = bounds.clopper_pearson(hits, trials)
        theirs = stats.binomtest(hits, trials).proportion_ci(0.95, "exact")
        assert own.interval == pytest.approx((theirs.low, theirs.high), abs=1e-9)
        wilson = stats.binomtest(hits, trials).proportion_ci(0.95, "wilson")
        assert bounds.wilson(hits, trials).interval == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    assert bounds.binomial_tail(7, 20, 0.3) == pytest.approx(stats.binom.sf(6, 20, 0.3))
    table = [[9, 91], [2, 198]]
    fisher = stats.fisher_exact(table, alternative="greater")
    assert bounds.hypergeometric_tail(9, 100, 2, 200) == pytest.approx(fisher.pvalue)


def test_rates_without_trials_are_errors():
    """No trials, no rate."""
    with pytest.raises(MetricError, match="rate"):
        bounds.clopper_pearson(0, 0)
    with pytest.raises(MetricError, match="trial"):
        bounds.wilson(0, 0)


def test_nearest_is_brute_force_gower():
    """Neighbours, distances and the leave-one-column-out search equal the obvious loops."""
    rng = np.random.default_rng(0)

    def matrix(n):
        m = rng.random((5, n)).astype(np.float32)
        m[3:] = 2 * rng.integers(0, 4, (2, n))
        m[0, ::7] = space.NULL
        return m

    queries, points = matrix(40), matrix(1300)
    gaps = np.minimum(np.abs(queries[:, :, None] - points[:, None, :]), 1)
    whole = gaps.sum(axis=0)
    distance, rows = nearest(queries, points, k=7)
    assert np.allclose(distance, np.sort(whole, axis=1)[:, :7], atol=1e-5)
    assert np.allclose(np.take_along_axis(whole, rows, axis=1), distance, atol=1e-5)
    found = nearest_without(queries, points)
    for column in range(5):
        without = whole - gaps[column]
        chosen = np.take_along_axis(without, found[:, column : column + 1], axis=1)[:, 0]
        assert np.allclose(chosen, without.min(axis=1), atol=1e-5)
    with pytest.raises(MetricError, match="columns"):
        nearest(queries[:2], points)


def test_equal_codes_mean_equal_cells():
    """Nulls, dictionaries, near-equal floats and types that differ between tables are one cell when they are one value."""
    a = pa.table({"x": [1.0, 2.0000001, None], "y": ["a", None, "b"], "t": pa.array([1, 2, 3], pa.timestamp("s"))})
    b = pa.table(
        {
            "x": [2.0, None, 7.0],
            "y": pa.array(["b", "a", None]).dictionary_encode(),
            "t": pa.array([3, 2, 1], pa.timestamp("s")),
        }
    )
    first, second = space.codes([a, b], space.shared_columns([a, b]))
    assert first[0, 1] == second[0, 0]
    assert first[0, 2] == second[0, 1]
    assert (first[1, 0], first[1, 1], first[1, 2]) == (second[1, 1], second[1, 2], second[1, 0])
    assert first[2].tolist() == second[2, ::-1].tolist()
    assert len(set(space.row_hashes(first).tolist())) == 3


def test_replay_excess_is_centred_on_nothing():
    """Over many draws of a narrow population the excess averages 0, for very unequal sizes too."""
    rng = np.random.default_rng(1)
    values = []
    for _ in range(300):
        t, h, s = (rng.geometric(0.004, n).astype(np.uint64) for n in (1500, 200, 300))
        values.append(replay.identical_excess(t, h, s).rate.value)
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 3.5 * error


def test_replay_test_keeps_its_level():
    """Without a leak, the exact test calls one in at most about 1% of the draws."""
    rng = np.random.default_rng(2)
    calls = 0
    for _ in range(400):
        t, h, s = (rng.integers(0, 4000, n).astype(np.uint64) for n in (1000, 500, 500))
        calls += replay.identical_excess(t, h, s).p <= 0.01
    assert calls <= 12
