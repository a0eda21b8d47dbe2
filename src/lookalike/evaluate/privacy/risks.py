"""The three risks that anonymisation law asks about: singling out, linkability, inference.

Each attack uses only the release. It is aimed at training rows and at holdout rows; what it can do to the holdout is knowledge of
the population, what it can do beyond that is a leak: risk = (attack - control) / (1 - control).

Source:
    Article 29 Working Party, opinion 05/2014 on anonymisation techniques (the three risks);
    Giomi, Boenisch, Wehmeyer and Tasnadi 2023, "A Unified Framework for Quantifying Privacy Risk in Synthetic Data".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.privacy.bounds import Rate, residual_risk, wilson
from lookalike.evaluate.privacy.neighbors import nearest, nearest_without
from lookalike.evaluate.privacy.space import Gower
from lookalike.kernels.native import kernel

Values = npt.NDArray[np.float64]  # [d, n], NaN where null
Index = npt.NDArray[np.int64]  # [q, k]

_EQUAL, _AT_LEAST, _AT_MOST, _IS_NULL = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Risk:
    """What one attack achieves against members beyond what it achieves against strangers.

    Attributes:
        risk: residual risk 0..1 with its interval.
        attack: success rate on training rows.
        control: success rate on holdout rows.
        trials: how many attacks were run.
        about: what was attacked: a mode, a pair of column sets, a secret.
    """

    risk: Rate
    attack: Rate
    control: Rate
    trials: int
    about: str = ""


def _risk(members: tuple[float, float], strangers: tuple[float, float], about: str, level: float) -> Risk:
    """The risk of (hits, trials) on both sides."""
    attack, control = wilson(*members, level=level), wilson(*strangers, level=level)
    return Risk(residual_risk(attack, control), attack, control, round(members[1]), about)


@kernel("f8:2 i8:2 i8:2 f8:2 b1:1")
def _isolates(table: Values, columns: Index, operators: Index, bounds: Values, out: npt.NDArray[np.bool_]) -> None:
    """Whether each predicate holds for exactly one row; gives a predicate up at its second row."""
    queries, width = columns.shape
    for q in range(queries):
        found = 0
        for i in range(table.shape[1]):
            holds = True
            for k in range(width):
                x = table[columns[q, k], i]
                bound = bounds[q, k]
                op = operators[q, k]
                if op == 0:
                    holds = x == bound
                elif op == 1:
                    holds = x >= bound
                elif op == 2:
                    holds = x <= bound
                else:
                    holds = np.isnan(x)
                if not holds:
                    break
            if holds:
                found += 1
                if found > 1:
                    break
        out[q] = found == 1


@dataclass(frozen=True, slots=True)
class Predicates:
    """Conditions over columns: column [q, k], operator [q, k], bound [q, k]."""

    columns: npt.NDArray[np.int64]
    operators: npt.NDArray[np.int64]
    bounds: Values

    def isolating(self, table: Values) -> npt.NDArray[np.bool_]:
        """Which conditions hold for exactly one row of a table."""
        out = np.zeros(len(self.columns), dtype=np.bool_)
        _isolates(*(np.ascontiguousarray(m) for m in (table, self.columns, self.operators, self.bounds)), out)
        return out

    def distinct(self) -> Predicates:
        """Each condition once: the same one asked twice is not a second attack."""
        order = np.argsort(self.columns, axis=1)
        sides = [np.take_along_axis(m, order, axis=1) for m in (self.columns, self.operators, self.bounds)]
        _, first = np.unique(np.concatenate(sides, axis=1), axis=0, return_index=True)
        rows = np.sort(first)
        return Predicates(self.columns[rows], self.operators[rows], self.bounds[rows])

    def where(self, keep: npt.NDArray[np.bool_], most: int) -> Predicates:
        """The first `most` of those kept."""
        rows = np.flatnonzero(keep)[:most]
        return Predicates(self.columns[rows], self.operators[rows], self.bounds[rows])


def guesses_of_one_column(synthetic: Values, numeric: list[bool], rng: np.random.Generator) -> Predicates:
    """Conditions on one column that hold for one synthetic row: its rarest values, its extremes, its only null."""
    found: list[tuple[int, int, float]] = []
    for c, column in enumerate(synthetic):
        known = column[~np.isnan(column)]
        values, counts = np.unique(known, return_counts=True)
        found += [(c, _EQUAL, float(v)) for v in values[counts == 1]]
        if numeric[c] and values.size:
            found += [(c, _AT_MOST, float(values[0])), (c, _AT_LEAST, float(values[-1]))]
        if known.size == column.size - 1:
            found.append((c, _IS_NULL, 0.0))
    order = rng.permutation(len(found))
    chosen = [found[i] for i in order]
    return _predicates([[p] for p in chosen])


def guesses_of_records(synthetic: Values, numeric: list[bool], count: int, width: int, rng: np.random.Generator) -> Predicates:
    """Conditions on several columns of a synthetic record: at or beyond its numbers, away from the median; equal to its categories."""
    d, n = synthetic.shape
    width = min(width, d)
    rows = rng.integers(n, size=count)
    columns = np.argsort(rng.random((count, d)), axis=1)[:, :width].astype(np.int64)
    values = synthetic[columns, rows[:, None]]
    middle = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else 0.0 for c in synthetic])
    is_number = np.asarray(numeric)[columns]
    with np.errstate(invalid="ignore"):
        operators = np.where(is_number, np.where(values >= middle[columns], _AT_LEAST, _AT_MOST), _EQUAL)
    operators = np.where(np.isnan(values), _IS_NULL, operators).astype(np.int64)
    return Predicates(columns, operators, np.nan_to_num(values))


def _predicates(found: list[list[tuple[int, int, float]]]) -> Predicates:
    shape = (len(found), 1)
    return Predicates(
        np.array([[p[0] for p in q] for q in found], dtype=np.int64).reshape(shape),
        np.array([[p[1] for p in q] for q in found], dtype=np.int64).reshape(shape),
        np.array([[p[2] for p in q] for q in found], dtype=np.float64).reshape(shape),
    )


def singling_out(
    train: Values, holdout: Values, synthetic: Values, numeric: list[bool], *, rng: np.random.Generator,
    attacks: int = 1000, width: int = 4, level: float = 0.95,
) -> list[Risk]:  # fmt: skip
    """Conditions that hold for one synthetic row: do they hold for exactly one real person?

    The chance that a condition isolates somebody depends on the number of rows, so both tables are cut to the smaller size.

    Returns:
        The risk of conditions on one column ("one column") and on several ("several columns"); a mode for which the
        release offers no condition is left out.
    """
    size = min(train.shape[1], holdout.shape[1])
    real, control = (np.ascontiguousarray(t[:, rng.permutation(t.shape[1])[:size]]) for t in (train, holdout))
    several = guesses_of_records(synthetic, numeric, 8 * attacks, width, rng).distinct()
    out = []
    for about, asked in (
        ("one column", guesses_of_one_column(synthetic, numeric, rng)),
        ("several columns", several.where(several.isolating(synthetic), attacks)),
    ):
        kept = asked.where(np.ones(len(asked.columns), dtype=bool), attacks)
        trials = len(kept.columns)
        if trials:
            hits, chance = int(kept.isolating(real).sum()), int(kept.isolating(control).sum())
            out.append(_risk((hits, trials), (chance, trials), about, level))
    return out


def halves(columns: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Two parties' columns: a seeded half each."""
    order = rng.permutation(columns)
    return sorted(order[: columns // 2].tolist()), sorted(order[columns // 2 :].tolist())


def linkability(
    train: Gower, holdout: Gower, synthetic: Gower, sides: tuple[list[int], list[int]], *, rng: np.random.Generator,
    attacks: int = 2000, neighbours: int = 10, level: float = 0.95, about: str = "",
) -> Risk:  # fmt: skip
    """Two parties know different columns of the same people: does the release tell them who belongs together?

    An attack succeeds when the synthetic neighbours of the one half and of the other half share a row.
    """
    release = np.ascontiguousarray(
        synthetic[:, rng.permutation(synthetic.shape[1])]
    )  # ties go to the lower row: no order may win
    hits: list[tuple[int, int]] = []
    for table in (train, holdout):
        rows = rng.permutation(table.shape[1])[:attacks]
        left, right = (nearest(table[s][:, rows], release[s], k=neighbours)[1] for s in sides)
        linked = (left[:, :, None] == right[:, None, :]).any(axis=(1, 2))
        hits.append((int(linked.sum()), rows.size))
    return _risk(hits[0], hits[1], about, level)


@dataclass(frozen=True, slots=True)
class Inference:
    """Attribute inference: all secrets together, and each."""

    overall: Risk
    secrets: list[Risk]


def attribute_inference(
    matrices: tuple[Gower, Gower, Gower], values: tuple[Values, Values, Values], numeric: list[bool], names: list[str], *,
    rng: np.random.Generator, attacks: int = 4000, tolerance: float = 0.05, level: float = 0.95,
) -> Inference:  # fmt: skip
    """Everything about a person is known but one column: does the nearest synthetic row give it away?

    Args:
        matrices: Gower matrices of training data, holdout and release.
        values: plain values of the same, to judge a guess: equal, or for numbers within `tolerance` of the truth.
        numeric: for each column whether it is a number.
        names: column names.
        rng: draws the people attacked.
        attacks: people attacked in each table.
        tolerance: relative error up to which a number counts as guessed.
        level: of the intervals; the secrets' own are corrected for their number.
    """
    right = []
    for table, truth in zip(matrices[:2], values[:2], strict=True):
        rows = rng.permutation(table.shape[1])[:attacks]
        places = nearest_without(np.ascontiguousarray(table[:, rows]), matrices[2])  # [n, d]
        guess = np.take_along_axis(values[2].T, places, axis=0)
        actual = truth[:, rows].T
        both_null = np.isnan(guess) & np.isnan(actual)
        near = np.abs(guess - actual) <= tolerance * np.abs(actual)
        right.append(np.where(np.asarray(numeric), near, guess == actual) | both_null)
    hit, chance = right
    corrected = 1.0 - (1.0 - level) / len(names)
    secrets = [
        _risk((int(hit[:, i].sum()), len(hit)), (int(chance[:, i].sum()), len(chance)), name, corrected)
        for i, name in enumerate(names)
    ]
    return Inference(_risk(_clustered(hit), _clustered(chance), "all columns", level), secrets)


def _clustered(right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """(hits, trials) worth as much as these guesses: a person's guesses hang together, so they count less than their number."""
    each = right.mean(axis=1)
    p, spread = float(each.mean()), float(each.var())
    trials = len(each) if spread <= 0 else min(right.size, len(each) * p * (1 - p) / spread)
    return p * trials, trials
