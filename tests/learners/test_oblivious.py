"""Oblivious trees: what they tell apart, and that they stop where there is nothing to tell."""

from __future__ import annotations

import numpy as np

from lookalike.learners import oblivious


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
    parts = oblivious.boost(X, real, 60, 0.1, 40, 5)
    only_real = np.array([[150, 9, 230], [150, 9, 240]], np.uint8)
    only_drawn = np.array([[150, 9, 20], [150, 9, 30]], np.uint8)
    equal = np.array([[50, 9, 20], [50, 9, 180]], np.uint8)
    assert oblivious.logits(only_real, *parts).min() > 1
    assert oblivious.logits(only_drawn, *parts).max() < -1
    assert np.abs(oblivious.logits(equal, *parts)).max() < 0.3


def test_discriminator_stops_where_there_is_nothing_to_tell():
    """Two samples of one world give few trees, whose odds stay near even."""
    X = np.concatenate([rows_of(6000, 0, 0), rows_of(6000, 0, 1)], axis=1)
    feats, cuts, values = oblivious.boost(X, np.arange(12_000) < 6000, 100, 0.1, 40, 5)
    assert len(feats) < 10
    assert np.abs(oblivious.logits(np.ascontiguousarray(X.T), feats, cuts, values)).max() < 0.5
