"""Thinning of the forest: the discriminator, spare rows, fingerprints."""

from __future__ import annotations

import numpy as np

from lookalike.synthesizers.forest import kernels, splits, thin, thinning


def rows_of(n: int, shift: int, seed: int) -> np.ndarray:
    """Bins uint8 [3, n]; the third column is even, or tends upwards where the first is high and `shift` is positive."""
    g = np.random.default_rng(seed)
    X = g.integers(0, 200, (3, n)).astype(np.uint8)
    high = X[0] > 100
    X[2, high] = np.minimum(X[2, high].astype(int) + shift, 255)
    return X


def test_discriminator_learns_the_density_ratio():
    """Rows that only real tables hold score high, rows that only drawn ones hold score low, in an interaction of two columns."""
    X = np.concatenate([rows_of(6000, 55, 0), rows_of(6000, 0, 1)], axis=1)
    real = np.arange(12_000) < 6000
    parts = thinning.boost(X, real, 60, 0.1, 40, 5)
    only_real = np.array([[150, 9, 230], [150, 9, 240]], np.uint8)
    only_drawn = np.array([[150, 9, 20], [150, 9, 30]], np.uint8)
    equal = np.array([[50, 9, 20], [50, 9, 180]], np.uint8)
    assert thinning.logits(only_real, *parts).min() > 1
    assert thinning.logits(only_drawn, *parts).max() < -1
    assert np.abs(thinning.logits(equal, *parts)).max() < 0.3


def test_discriminator_stops_where_there_is_nothing_to_tell():
    """Two samples of one world give few trees, whose odds stay near even."""
    X = np.concatenate([rows_of(6000, 0, 0), rows_of(6000, 0, 1)], axis=1)
    feats, cuts, values = thinning.boost(X, np.arange(12_000) < 6000, 100, 0.1, 40, 5)
    assert len(feats) < 10
    assert np.abs(thinning.logits(np.ascontiguousarray(X.T), feats, cuts, values)).max() < 0.5


def test_spare_rows_follow_the_weights():
    """Even weights need few spare rows; the more uneven, the more."""
    even, uneven, wild = np.ones(1000), np.where(np.arange(1000) % 2, 1.4, 0.6), np.where(np.arange(1000) % 4, 0.1, 9.0)
    assert thin.spare(even) == thin.FACTORS[0] < thin.spare(uneven) < thin.spare(wild) == thin.FACTORS[-1]


def test_fingerprints_are_found_wherever_they_lie():
    """A search that starts where a hash should be agrees with set membership, at both ends too."""
    g = np.random.default_rng(0)
    prints = np.unique(g.integers(0, 1 << 32, 500, dtype=np.uint64).astype(np.uint32))
    ends = np.array([0, 1, (1 << 32) - 1], np.uint32)
    asked = np.concatenate([prints[::3], g.integers(0, 1 << 32, 500, dtype=np.uint64).astype(np.uint32), ends])
    assert (thinning.among(asked, prints) == np.isin(asked, prints)).all()


def test_large_nodes_split_where_all_rows_would():
    """A step in one of three columns is the first split of a node that looks at some of its rows only, and no noise is split."""
    g = np.random.default_rng(0)
    n = 5 * splits.SAMPLE
    X = g.integers(0, 200, (3, n)).astype(np.uint8)
    Y = g.normal(0, 0.1, (n, kernels.WIDTH)).astype(np.float32)
    Y[:, 1] += X[1] > 120
    nodes, lo, hi, rows = splits.grow(X, Y, 20, 30, 5.0)
    feature, cut, left = int(nodes[0] & 0xFFFF), int((nodes[0] >> 16) & 255), int(nodes[0] >> 32)
    assert (feature, cut) == (1, 120)
    assert (X[1, rows[lo[left] : hi[left]]] <= 120).all()
    assert sorted(rows) == list(range(n))
    noise = g.normal(size=(n, kernels.WIDTH)).astype(np.float32)
    assert len(splits.grow(X, noise, 20, 30, 8.0)[0]) == 1
