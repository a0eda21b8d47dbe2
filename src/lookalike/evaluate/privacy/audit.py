"""How much privacy is there at least lost? Canaries, one training run, and a lower bound on epsilon.

Rows that nobody has are planted by fair coins, the generator is run once, and the release is asked which coins fell heads.
Guesses that are right too often put a floor under epsilon: a generator that claims less has a bug.

Source:
    Steinke, Nasr and Jagielski 2023, "Privacy Auditing with One (1) Training Run", theorem 5.2 (delta = 0).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lookalike.errors import MetricError
from lookalike.evaluate.privacy.bounds import binomial_tail
from lookalike.evaluate.privacy.neighbors import nearest
from lookalike.evaluate.privacy.space import gower, shared_columns
from lookalike.rng import generator


@dataclass(frozen=True, slots=True)
class Audit:
    """What the canaries gave away.

    Attributes:
        epsilon: lower bound at the level asked for; 0 when the guesses are no better than coins.
        correct: right guesses.
        guesses: guesses made; the undecided middle abstains.
        canaries: rows planted or held back.
        level: confidence of the bound.
    """

    epsilon: float
    correct: int
    guesses: int
    canaries: int
    level: float


def audit(
    make: Callable[[pa.Table], pa.Table], table: pa.Table, *, canaries: int = 200, level: float = 0.95, seed: int = 0
) -> Audit:
    """Run a generator once with planted canaries and bound its epsilon from below.

    Args:
        make: fits on a table and returns a synthetic table with the same columns.
        table: the real rows.
        canaries: how many coins are thrown, at least 20; half of them, the clearest, are guessed.
        level: confidence of the bound.
        seed: of canaries and coins.

    Returns:
        The bound. Comparing it with a claimed epsilon proves a claim wrong, never right.

    Raises:
        MetricError: fewer than 20 canaries, or a table too small to make them from.
    """
    if canaries < 20 or table.num_rows < 10:
        raise MetricError(
            what=f"{canaries} canaries for {table.num_rows} rows bound nothing", fix="use at least 20 canaries and 10 rows"
        )
    rng = generator(seed, "audit")
    planted = strangers(table, canaries, rng)
    heads = rng.random(canaries) < 0.5
    synthetic = make(pa.concat_tables([table, planted.filter(pa.array(heads))]))
    names = shared_columns([table, planted, synthetic])
    real, odd, made = gower([table, planted, synthetic], names, scale="rank")
    near_made, near_real = (nearest(odd, t)[0][:, 0] for t in (made, real))
    score = near_real - near_made  # how much nearer the release is than the data without the canary
    order = np.argsort(-score, kind="stable")
    quarter = canaries // 4
    correct = int(heads[order[:quarter]].sum() + (~heads[order[-quarter:]]).sum())
    return Audit(_epsilon(correct, 2 * quarter, level), correct, 2 * quarter, canaries, level)


def strangers(table: pa.Table, count: int, rng: np.random.Generator) -> pa.Table:
    """Rows that nobody has: each cell drawn evenly from its column's distinct values, independent of the others."""
    columns = {}
    for name in table.column_names:
        distinct = table[name].combine_chunks().unique()
        columns[name] = distinct.take(pa.array(rng.integers(len(distinct), size=count)))
    return pa.table(columns, schema=table.schema)


def _epsilon(correct: int, guesses: int, level: float) -> float:
    """The largest epsilon that the guesses rule out: P[Binomial(r, e^eps / (1 + e^eps)) >= v] <= 1 - level."""

    def tail(epsilon: float) -> float:
        return binomial_tail(correct, guesses, 1.0 / (1.0 + float(np.exp(-epsilon))))

    if tail(0.0) > 1.0 - level:
        return 0.0
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) <= 1.0 - level else (low, middle)
    return low
