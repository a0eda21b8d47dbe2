"""Thinning of the forest: spare rows, fingerprints, rows that are kept."""

from __future__ import annotations

import numpy as np

from lookalike.synthesizers.forest import kernels, splits, thin, thinning


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


def test_the_heaviest_rows_are_kept_and_the_number_is_exact():
    """Systematic sampling keeps as many rows as asked, those above one share for certain, and the others as often as they weigh."""
    weights = np.concatenate([[50.0, 50.0], np.tile([0.5, 1.5], 499)])
    kept = np.array([thinning.select(weights, 200, u) for u in np.linspace(0, 1, 50, endpoint=False)])
    assert (kept.sum(axis=1) == 200).all()
    assert kept[:, :2].all()
    light, heavy = kept[:, 2::2].mean(), kept[:, 3::2].mean()
    assert abs(heavy / light - 3) < 0.1


def test_raked_weights_give_the_shares():
    """Weights that are scaled column by column have the shares that were asked for."""
    g = np.random.default_rng(1)
    S = g.integers(0, 2, (4000, 2)).astype(np.uint8)
    shares, weights = np.zeros((2, 256)), np.ones(4000)
    shares[0, :2], shares[1, :2] = [0.4, 0.6], [0.55, 0.45]
    thinning.rake(S, weights, shares, 10, 2.0)
    for j in range(2):
        assert abs(weights[S[:, j] == 0].sum() / weights.sum() - shares[j, 0]) < 1e-3


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
