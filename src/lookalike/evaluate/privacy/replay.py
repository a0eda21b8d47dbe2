"""What came out that went in: whole rows, rare combinations, identifiers. Counted, and compared with what chance does.

A synthetic row that equals a training row is not yet a leak: narrow tables repeat themselves. It is one when training rows
come out more often than rows of the holdout, which the synthesizer never saw. Under "nothing leaked" the labels "training" and
"holdout" of a matched record mean nothing, so their split is binomial and the test exact, whatever the two sizes are.

Source:
    Platzer and Reutterer 2021, "Holdout-based empirical assessment of mixed-type synthetic data" (identical matches);
    "Phantoms and Disclosures" 2026, arXiv 2606.16952 (disclosures of members against a holdout's as a hypothesis test).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.evaluate.privacy.bounds import Rate, binomial_tail, clopper_pearson, excess_interval, hypergeometric_tail
from lookalike.evaluate.privacy.space import Codes, Hashes, row_hashes

TOLERATED = 0.001  # proven excess that the laxest profile of gates lets pass: what is promised to be seen, it fails
COMMON = 10  # real rows that share a record from which on it tells nothing about anybody


@dataclass(frozen=True, slots=True)
class Excess:
    """Replay beyond chance.

    Attributes:
        rate: the share of synthetic rows that are there because a training row was, with bounds.
        p: exact one-sided p-value of "nothing leaked".
        train_matches: distinct records of the training data that came out.
        holdout_matches: the same for the holdout.
        train_share: synthetic rows that equal some training row, as a share.
        holdout_share: the same for the holdout.
        smallest_seen: the smallest leak, as a share of synthetic rows, that would have been proven to be above `TOLERATED`.
    """

    rate: Rate
    p: float
    train_matches: int
    holdout_matches: int
    train_share: float
    holdout_share: float
    smallest_seen: float

    @property
    def proven(self) -> bool:
        """Whether more is proven than the laxest profile of gates lets pass."""
        return self.rate.low > TOLERATED


def identical_share(synthetic: Hashes, real: Hashes) -> Rate:
    """Share of synthetic rows that equal some real row, with its exact interval."""
    hits = int(np.isin(synthetic, real).sum())
    return clopper_pearson(hits, synthetic.size)


def counts_in(values: Hashes, table: Hashes) -> npt.NDArray[np.int64]:
    """How many rows of `table` equal each value; int64 [n]."""
    known, counts = np.unique(table, return_counts=True)
    place = np.minimum(np.searchsorted(known, values), known.size - 1)
    return np.where(known[place] == values, counts[place], 0).astype(np.int64)


def identical_excess(train: Hashes, holdout: Hashes, synthetic: Hashes, *, level: float = 0.95) -> Excess:
    """How many synthetic rows are copies of training rows beyond what the holdout shows chance to do.

    Each matched record of the union is a trial that says "training" with chance n / (n + h). A synthetic row that equals t
    training and b holdout rows counts (t - b n / h) / (t + b): 1 for a copied unique row, 0 on average when nothing leaked,
    whatever the two sizes are. So nothing has to be cut down to equal sizes and no leak is thrown away by it. Records that more
    than ten real rows share belong to nobody and would only add noise: they are left out.
    """
    values, weight = np.unique(synthetic, return_counts=True)
    in_train, in_holdout = counts_in(values, train), counts_in(values, holdout)
    both = in_train + in_holdout
    matched = (both > 0) & (both <= COMMON)
    share = train.size / (train.size + holdout.size)
    a = float((in_train[matched] / both[matched]).sum())
    b = float((in_holdout[matched] / both[matched]).sum())
    size = synthetic.size
    rows = float(weight[matched].sum()) / size
    single = matched & (both == 1)
    hits, trials = int(in_train[single].sum()), int(single.sum())
    if trials:
        interval = excess_interval(a, b, share_a=share, level=level)
        ratio = train.size / holdout.size
        value = float((weight[matched] * (in_train[matched] - ratio * in_holdout[matched]) / both[matched]).sum()) / size
        rate = Rate(value, min(value, interval.low * rows), max(value, interval.high * rows))
    else:
        rate = Rate(0.0, 0.0, clopper_pearson(0, size, level=level).high)
    return Excess(
        rate=rate,
        p=binomial_tail(hits, trials, share),
        train_matches=int((in_train[matched] > 0).sum()),
        holdout_matches=int((in_holdout[matched] > 0).sum()),
        train_share=float(weight[in_train > 0].sum()) / size,
        holdout_share=float(weight[in_holdout > 0].sum()) / size,
        smallest_seen=_smallest_seen(a, b, size, share, level) / size,
    )


@dataclass(frozen=True, slots=True)
class Copies:
    """Synthetic rows that equal a real row, beside real rows that equal another.

    Attributes:
        rate: the share of the first above that of the second, with bounds.
        hits: how many synthetic rows equal a real row that at most ten have.
        repeats: how many real rows equal one to ten others.
        flagrant: whether copying is the only explanation, without a holdout to compare with.
    """

    rate: Rate
    hits: int
    repeats: int
    flagrant: bool


def plain_copies(train: Hashes, synthetic: Hashes, *, level: float = 0.95) -> Copies:
    """How many synthetic rows are copies, judged by the training data alone.

    A new row of the population equals one of n known rows about as often as a known row equals one of the n - 1 others. A
    generator that only lacks variety repeats common rows too, so less than thrice the repeats, or a hundredth, proves nothing.
    """
    found, own = counts_in(synthetic, train), counts_in(train, train) - 1
    hits, repeats = (int(((counts > 0) & (counts <= COMMON)).sum()) for counts in (found, own))
    made, chance = (clopper_pearson(k, n, level=level) for k, n in ((hits, synthetic.size), (repeats, train.size)))
    rate = Rate(made.value - chance.value, made.low - chance.high, made.high - chance.low)
    return Copies(rate, hits, repeats, flagrant=rate.low > max(0.01, 2 * chance.high))


def _smallest_seen(a: float, b: float, rows: float, share: float, level: float) -> int:
    """The fewest copied rows, on top of what chance matches, that are proven to be more than is tolerated.

    Args:
        a: matches on the side of the training data; what is more than chance explains is left out.
        b: matches on the side of the holdout.
        rows: rows of the release.
        share: of the matches that chance gives to the training data.
        level: of the interval whose low end must prove it.
    """
    base = min(a, b * share / max(1.0 - share, 1e-9))
    extra = 1
    while (
        extra <= rows
        and excess_interval(base + extra, b, share_a=share, level=level).low * (base + b + extra) / rows <= TOLERATED
    ):
        extra += max(1, extra // 20)
    return extra


@dataclass(frozen=True, slots=True)
class Combination:
    """Replay of the values that only one real person has, in one set of columns.

    Attributes:
        columns: names of the set.
        train_unique: how many combinations belong to exactly one training row (and to no holdout row).
        train_replayed: how many of those came out.
        holdout_unique: the same for the holdout.
        holdout_replayed: the same for the holdout.
        p: exact one-sided p-value, before any correction for having looked at many sets.
    """

    columns: tuple[str, ...]
    train_unique: int
    train_replayed: int
    holdout_unique: int
    holdout_replayed: int
    p: float

    @property
    def excess(self) -> float:
        """Share of unique training combinations replayed, minus the holdout's."""
        return self.train_replayed / max(1, self.train_unique) - self.holdout_replayed / max(1, self.holdout_unique)


def rare_combinations(
    train: Codes, holdout: Codes, synthetic: Codes, sets: list[tuple[int, ...]], names: list[str]
) -> list[Combination]:
    """Replay of combinations that are unique in training data and holdout together, for each set of columns."""
    out = []
    for columns in sets:
        chosen = list(columns)
        t, h, s = (row_hashes(m[chosen]) for m in (train, holdout, synthetic))
        known, counts = np.unique(np.concatenate([t, h]), return_counts=True)
        unique = known[counts == 1]
        t_unique, h_unique = t[np.isin(t, unique)], h[np.isin(h, unique)]
        t_hits, h_hits = int(np.isin(t_unique, s).sum()), int(np.isin(h_unique, s).sum())
        p = hypergeometric_tail(t_hits, t_unique.size, h_hits, h_unique.size) if t_unique.size and h_unique.size else 1.0
        labels = tuple(names[i] for i in chosen)
        out.append(Combination(labels, int(t_unique.size), t_hits, int(h_unique.size), h_hits, p))
    return out


def column_sets(
    width: int, rng: np.random.Generator, *, sizes: tuple[int, ...] = (3, 4), most: int = 30
) -> list[tuple[int, ...]]:
    """Sets of columns to look at: all of the sizes when they are few, else a seeded draw; always sorted."""
    sets: list[tuple[int, ...]] = []
    for size in sizes:
        share = most // len(sizes)
        size = min(size, width)  # noqa: PLW2901  # a two-column table still has its one set
        if width <= 10:
            every = list(combinations(range(width), size))
            picks = rng.permutation(len(every))[:share]
            sets += [every[i] for i in picks]
        else:
            sets += [tuple(sorted(rng.choice(width, size, replace=False).tolist())) for _ in range(share)]
    return sorted(set(sets))


@dataclass(frozen=True, slots=True)
class ReplayedIdentifiers:
    """How many identifiers of the source came out again in a column.

    Attributes:
        column: where the identifiers are.
        replayed: distinct non-null source values that occur in the synthetic column.
        distinct: distinct non-null values of the synthetic column.
        own: the same for identifiers that only one real row has, those of training rows beside those of the holdout; None without one.
    """

    column: str
    replayed: int
    distinct: int
    own: Combination | None = None


def identifier_replay(
    train: pa.Table, synthetic: pa.Table, columns: list[str], holdout: pa.Table | None = None
) -> list[ReplayedIdentifiers]:
    """For each column of identifiers: the source's own values that are in the release; compared after trimming and casefolding."""
    out = []
    for name in columns:
        real, made = _normal(train[name]), pc.unique(_normal(synthetic[name]))
        replayed = _count(made, pc.unique(real))
        own = None if holdout is None else _own(name, real, _normal(holdout[name]), made)
        out.append(ReplayedIdentifiers(name, replayed, len(made), own))
    return out


def _own(name: str, real: pa.Array, other: pa.Array, made: pa.Array) -> Combination:
    """Of values that one real row has, which table it is in is chance: both are replayed alike unless training rows leak."""
    counted = pc.value_counts(pa.concat_arrays([real, other]))
    single = counted.field("values").filter(pc.equal(counted.field("counts"), 1))
    sides = [single.filter(pc.is_in(single, value_set=side)) for side in (real, other)]
    (t, h), (t_hits, h_hits) = [len(side) for side in sides], [_count(side, made) for side in sides]
    p = hypergeometric_tail(t_hits, t, h_hits, h) if t and h else 1.0
    return Combination((name,), t, t_hits, h, h_hits, p)


def _count(values: pa.Array, known: pa.Array) -> int:
    return int(pc.sum(pc.is_in(values, value_set=known)).as_py() or 0)


def _normal(column: pa.ChunkedArray) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    text = pc.utf8_lower(pc.utf8_trim_whitespace(column.cast(pa.large_string()))).drop_null()
    return text.filter(pc.not_equal(text, "")).combine_chunks()
