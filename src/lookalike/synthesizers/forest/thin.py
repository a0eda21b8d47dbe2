"""Training the thinner: a discriminator on drawn rows, the table's marginals, fingerprints of its rows."""

# ruff: noqa: N806  # X is a matrix
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike import rng
from lookalike.kernels import keyed
from lookalike.learners import oblivious
from lookalike.synthesizers.forest import draw, thinning
from lookalike.synthesizers.forest.learn import Matrix
from lookalike.synthesizers.forest.trained import Block, Thinner, Trained

Array = npt.NDArray[Any]
FACTORS = (1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0)
LOST = 0.002
MOST = 20_000  # real rows, and drawn ones, that the discriminator sees


def plain(data: Matrix, seed: int) -> Thinner:
    """Marginals and fingerprints, no discriminator."""
    p, n = data.bins.shape
    shares = np.zeros((p, 256))
    for j in range(p):
        np.add.at(shares[j], data.bin_of[j], data.counts[j] / n)
    salt = rng.key(seed, "prints") >> 1
    prints = np.sort(thinning.fingerprints(np.stack(data.codes).astype(np.int32), salt)) if p else np.empty(0, np.uint32)
    twins = np.zeros(n, bool)
    twins[1:] = prints[1:] == prints[:-1]
    twins[:-1] |= twins[1:].copy()
    depth, leaves = oblivious.DEPTH, oblivious.LEAVES
    none = np.empty((0, depth), np.int16), np.empty((0, depth), np.uint8), np.empty((0, leaves), np.float32)
    return Thinner(*none, shares, np.unique(prints), float(twins.mean()) if n else 0.0, salt)


def train(data: Matrix, model: Trained, seed: int, *, trees: int = 120) -> Trained:
    """The same model with a discriminator of drawn rows against the table's, and as many spare rows as its weights need."""
    rows = rows_of(data, seed)
    n, key = len(rows), rng.key(seed, "thinner") >> 1
    drawn = draw.candidates(model, n, rng.key(seed, "drawn") >> 1, start_of(data, model, rows)).bins
    X = np.concatenate([data.bins[:, rows], drawn.T], axis=1)
    real = np.zeros(2 * n, bool)
    real[:n] = True
    min_rows = max(40, n // 200)
    feats, cuts, values = oblivious.boost(X, real, trees, 0.1, min_rows, key)
    thinner = replace(model.thinner, feats=feats, cuts=cuts, values=values)
    weights = draw.clipped(oblivious.logits(np.ascontiguousarray(drawn), feats, cuts, values))
    return replace(model, thinner=thinner, oversample=spare(weights))


def rows_of(data: Matrix, seed: int) -> Array:
    """The rows that drawn ones are held against: all, or a random `MOST`."""
    if data.rows <= MOST:
        return np.arange(data.rows)
    return keyed.shuffled(rng.key(seed, "thinner") >> 1, data.rows)[:MOST]


def start_of(data: Matrix, model: Trained, rows: Array) -> Block | None:
    """What is given in these rows; None when nothing is."""
    if not model.given:
        return None
    p = len(model.codings)
    start = Block(np.zeros((len(rows), p), np.uint8), np.zeros((p, len(rows)), np.int32), [])
    for j in model.given:
        start.bins[:, j], start.codes[j] = data.bins[j][rows], data.codes[j][rows]
    return start


def spare(weights: Array) -> float:
    """Candidates to draw for a row: as few as lose at most `LOST` of the weight because a row cannot be kept twice."""
    even = weights / weights.mean()
    for factor in FACTORS:
        if np.maximum(even - factor, 0).mean() <= LOST:
            return factor
    return FACTORS[-1]
