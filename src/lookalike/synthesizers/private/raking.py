"""Drawn rows, weighted until they hold measured pairs of columns: what lets a network's rows agree with more than its own tables.

Source:
    McKenna et al. 2022, "AIM", for the choice of what to measure; Deming and Stephan 1940 for the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.synthesizers.bins import Codes
from lookalike.synthesizers.methods.bayes_net import joint

Floats = npt.NDArray[np.float64]
Columns = tuple[int, ...]
SWEEPS = 3  # over all measured pairs after each new one
LAST = ((20, 0.5), (20, 0.25))  # sweeps in the end, and the share of each step, as noisy pairs contradict each other
ROWS = 20.0  # rows added to both sides of a cell's ratio: few drawn rows say little of it
CAP = 0.999  # quantile of the log-weights beyond which none goes: such rows are too few to have been seen
AWAY = 0.5  # weight of a pair without the target, when there is one
MOST_PAIRS = 300  # candidates: the nearest in the network


class Raking:
    """Weights of drawn rows.

    Args:
        real: codes of the real rows, private; only `step` reads them, under a ledger's budget.
        made: codes of rows that were drawn from a model.
        ones: noisy shares of each column's codes.
        total: noisy count of rows.
        near: pairs of columns that the model ties together.
        target: the column that weighs most.
        draws: noise.
    """

    def __init__(
        self, real: Sequence[Codes], made: Sequence[Codes], ones: Sequence[Floats], total: float,
        near: Sequence[tuple[int, int]], target: int | None, draws: np.random.Generator,
    ) -> None:  # fmt: skip
        self.made, self.ones, self.total, self.target, self.draws = made, ones, total, target, draws
        self.sizes = [len(one) for one in ones]
        self.pairs = nearest_pairs(len(ones), near, target)
        self.real = {pair: self._count(real, pair) for pair in self.pairs}
        self.weights = np.ones(len(made[0]))
        self.logs: dict[Columns, Floats] = {}
        self.shares: dict[Columns, Floats] = {}  # what is aimed at
        self.heard: dict[Columns, tuple[Floats, float]] = {}  # sums of measurements and of their precisions
        self._states: dict[Columns, npt.NDArray[np.int32]] = {}

    def _count(self, codes: Sequence[Codes], columns: Columns) -> Floats:
        state, states = joint(codes, self.sizes, columns)
        return np.bincount(state, minlength=states).astype(np.float64)

    def _state(self, columns: Columns) -> npt.NDArray[np.int32]:
        if columns not in self._states:
            self._states[columns] = joint(self.made, self.sizes, columns)[0].astype(np.int32)
        return self._states[columns]

    def expected(self, columns: Columns) -> Floats:
        """Shares of the columns' cells among the weighted rows."""
        size = int(np.prod([self.sizes[column] for column in columns]))
        out = np.bincount(self._state(columns), weights=self.weights, minlength=size)
        return np.asarray(out / out.sum())

    def step(self, epsilon: float, sigma: float) -> None:
        """Choose the pair that is worst under `epsilon` (exponential mechanism), measure it with noise `sigma`, and follow it."""
        now = [self.expected(pair) for pair in self.pairs]
        scores = np.array([self._score(pair, each, sigma) for pair, each in zip(self.pairs, now, strict=True)])
        # weights are at most 1 and one row changes an L1 distance by at most 1, so that scores have sensitivity 1
        worst = int(np.argmax(scores * epsilon / 2 + self.draws.gumbel(size=len(scores))))
        pair = self.pairs[worst]
        values, precision = self.heard.get(pair, (np.zeros(len(now[worst])), 0.0))
        noisy = (self.real[pair] + self.draws.normal(0, sigma, len(now[worst]))) / self.total
        self.heard[pair] = values, precision = values + noisy / sigma**2, precision + 1 / sigma**2
        self.shares[pair] = self._believed(pair, values / precision, now[worst], precision**-0.5 / self.total)
        for column in pair:
            self.shares.setdefault((column,), self.ones[column])
        self._rake(SWEEPS, 1.0)

    def _score(self, pair: tuple[int, int], expected: Floats, sigma: float) -> float:
        off = np.abs(self.real[pair] - self.total * expected).sum() - np.sqrt(2 / np.pi) * sigma * len(expected)
        return float(off * (1.0 if self.target is None or self.target in pair else AWAY))

    def _believed(self, pair: tuple[int, int], measured: Floats, expected: Floats, noise: float) -> Floats:
        """Measured shares, pulled to the expected ones where these would drown in noise, and fitted to both columns."""
        weight = expected / (expected + noise)
        joined = np.maximum(weight * measured + (1 - weight) * expected, 1e-3 * expected) + 1e-12
        table = joined.reshape(self.sizes[pair[0]], self.sizes[pair[1]])
        for _ in range(20):
            table *= (self.ones[pair[0]] / np.maximum(table.sum(axis=1), 1e-300))[:, None]
            table *= (self.ones[pair[1]] / np.maximum(table.sum(axis=0), 1e-300))[None, :]
        return np.asarray(table.ravel())

    def _rake(self, sweeps: int, share: float) -> None:
        rows = len(self.weights)
        for _ in range(sweeps):
            for columns, wanted in self.shares.items():
                ratio = share * np.log((wanted * rows + ROWS) / (self.expected(columns) * rows + ROWS))
                self.logs[columns] = self.logs.get(columns, np.zeros(len(ratio))) + ratio
                self.weights *= np.exp(ratio)[self._state(columns)]
            self.weights /= self.weights.mean()

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights' logarithm as tables of a model, which `log_weights` reads: `tilt/<columns>` and its cap."""
        for sweeps, share in LAST:
            self._rake(sweeps, share)
        tables = {f"tilt/{'-'.join(map(str, columns))}": logs for columns, logs in self.logs.items()}
        if not tables:
            return {}
        logs = sum(logs[self._state(columns)] for columns, logs in self.logs.items())
        return {**tables, "tilt/cap": np.array([np.quantile(logs, CAP)])}


def nearest_pairs(d: int, near: Sequence[tuple[int, int]], target: int | None) -> list[tuple[int, int]]:
    """The pairs of `d` columns, at most `MOST_PAIRS`: those with the target, then those that few ties lie between."""
    pairs = list(combinations(range(d), 2))
    if len(pairs) <= MOST_PAIRS:
        return pairs
    apart = np.full((d, d), d)
    np.fill_diagonal(apart, 0)
    for a, b in near:
        apart[a, b] = apart[b, a] = 1
    for between in range(d):
        apart = np.minimum(apart, apart[:, between, None] + apart[None, between])
    return sorted(pairs, key=lambda pair: (target not in pair, apart[pair]))[:MOST_PAIRS]


def log_weights(arrays: Mapping[str, npt.NDArray[Any]], codes: Sequence[Codes], sizes: Sequence[int]) -> Floats | None:
    """Log-weights [n] of rows with these codes; None for a model without any."""
    if "tilt/cap" not in arrays:
        return None
    out = np.zeros(len(codes[0]))
    for name, logs in arrays.items():
        if name.startswith("tilt/") and name != "tilt/cap":
            out += logs[joint(codes, sizes, tuple(map(int, name.removeprefix("tilt/").split("-"))))[0]]
    return np.minimum(out, arrays["tilt/cap"][0])
