"""Training the thinner: a discriminator on drawn rows, the table's marginals, fingerprints of its rows."""

# ruff: noqa: N806  # S is a matrix
from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike import rng
from lookalike.synthesizers.forest import draw, kernels, thinning
from lookalike.synthesizers.forest.draw import Thinner, Trained
from lookalike.synthesizers.forest.learn import Matrix

Array = npt.NDArray[Any]
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
    inner = thinning.INNER
    none = np.empty((0, inner), np.int16), np.empty((0, inner), np.uint8), np.empty((0, inner + 1), np.float32)
    return Thinner(*none, shares, np.unique(prints), float(twins.mean()) if n else 0.0, salt)


def train(data: Matrix, model: Trained, seed: int, *, trees: int = 40) -> Thinner:
    """The same thinner with a discriminator of drawn rows against the table's."""
    n = min(data.rows, MOST)
    key = rng.key(seed, "thinner") >> 1
    rows = kernels.shuffled(key, data.rows)[:n] if n < data.rows else np.arange(n)
    drawn = draw.candidates(model, n, rng.key(seed, "drawn") >> 1).bins
    S = np.concatenate([np.ascontiguousarray(data.bins[:, rows].T), drawn])
    real = np.zeros(2 * n, bool)
    real[:n] = True
    min_rows = max(40, n // 200)
    feats, cuts, values = thinning.boost(S, real, trees, 0.1, 5.0, min_rows, key)
    return replace(model.thinner, feats=feats, cuts=cuts, values=values)
