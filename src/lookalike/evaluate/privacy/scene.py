"""What the attacks share: the tables as matrices, cut to a size that an attack can afford, and whether the holdout is one.

Everything is kept in the views' cache, so ten metrics pay for one encoding and one membership battery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import Result
from lookalike.evaluate.privacy.bounds import binomial_tail
from lookalike.evaluate.privacy.membership import ATTACKS, Roc, Scores, attack_all, battery
from lookalike.evaluate.privacy.replay import counts_in
from lookalike.evaluate.privacy.space import NULL, Codes, Gower, Hashes, column_codes, isolation, rank_of, row_hashes
from lookalike.evaluate.views import Views, Which

MEMBERS = 10_000  # rows of each side that are attacked
RELEASE = 60_000  # rows of the release that attacks search
SMALLEST = 20  # rows of a holdout below which nothing is attacked
OVERLAP = 0.01  # share of the holdout that may be in the training data before it is no holdout

Values = npt.NDArray[np.float64]


def names(views: Views) -> list[str]:
    """Columns that make a record: numbers, times and categories; ids and texts need not be repeated by a copy.

    Where there are none of these, texts; and where there are no texts either, everything.
    """
    chosen = [column.name for column in views.compared] or [column.name for column in views.of_form("text")]
    return chosen or [column.name for column in views.columns]


def codes(views: Views) -> dict[str, Codes]:
    """Record columns of each table as exact codes, int64 [d, n]."""

    def make() -> dict[str, Codes]:
        which: list[Which] = ["real", "synthetic", *(["holdout"] if "holdout" in views else [])]  # type: ignore[list-item]
        columns = [column_codes([views.table(w)[name] for w in which]) for name in names(views)]
        return {w: np.stack([column[i] for column in columns]) for i, w in enumerate(which)}

    return views.once("privacy codes", make)


def hashes(views: Views) -> dict[str, Hashes]:
    """One hash a record of each table."""
    return views.once("privacy hashes", lambda: {which: row_hashes(matrix) for which, matrix in codes(views).items()})


def ranked(views: Views, which: Which) -> Gower:
    """Compared columns as float32 [d, n]: numbers at their rank in the release, categories as codes in the order of their names.

    Nothing here may come from the training data or the holdout: ranks or frequencies of either tell the two apart, and a
    classifier would then find members where nothing leaked. An attacker has the release, and names have an order.
    """

    def make() -> Gower:
        parts = []
        for column in views.compared:
            if column.numeric:
                own = views.numbers(column.name, which)
                place = rank_of(own, views.numbers(column.name, "synthetic"))
                parts.append(np.where(np.isnan(own), NULL, place).astype(np.float32))
            else:
                parts.append(_by_name(views, column.name)[views.codes(column.name, which)])
        return np.ascontiguousarray(np.stack(parts))

    return views.once(("privacy ranked", which), make)


def _by_name(views: Views, name: str) -> npt.NDArray[np.float32]:
    """Code -> twice the place of its level among all levels sorted by name; null first."""
    levels = views.levels(name)
    place = np.zeros(len(levels) + 1, dtype=np.float32)
    for rank, code in enumerate(sorted(range(len(levels)), key=levels.__getitem__), 1):
        place[code + 1] = 2 * rank
    return place


def values(views: Views, which: Which) -> Values:
    """Compared columns as they are, float64 [d, n]: numbers, category codes, NaN where null."""

    def make() -> Values:
        parts = []
        for column in views.compared:
            if column.numeric:
                parts.append(views.numbers(column.name, which))
            else:
                found = views.codes(column.name, which).astype(np.float64)
                parts.append(np.where(found == 0, np.nan, found))
        return np.stack(parts)

    return views.once(("privacy values", which), make)


def drawn(views: Views, which: Which, limit: int) -> npt.NDArray[np.int64]:
    """At most `limit` rows of a table, by the seed, sorted."""
    order = views.random("privacy rows", which).permutation(views.rows(which))[:limit]
    return np.sort(order).astype(np.int64)


def obstacle(views: Views, *, distances: bool = True) -> str:
    """Why the attacks cannot be judged here; "" when they can."""
    if "holdout" not in views:
        return "needs a holdout"
    if views.rows("holdout") < SMALLEST:
        return f"a holdout of {views.rows('holdout')} rows is too small, {SMALLEST} are needed"
    share = overlap(views)
    if share > OVERLAP:
        return f"{share:.0%} of the holdout is in the training data, so it is no holdout and voids every privacy number"
    if distances and not views.compared:
        return "there is no column of numbers, times or categories to attack with"
    return ""


def overlap(views: Views) -> float:
    """Share of holdout rows that are training rows, beyond what rows of this table repeat each other by chance.

    Chance is the share of training rows that have an equal among the other training rows.
    """

    def make() -> float:
        found = hashes(views)
        train, holdout = found["real"], found["holdout"]
        chance = float((counts_in(train, train) > 1).mean())
        hits = int((counts_in(holdout, train) > 0).sum())
        beyond = hits / holdout.size - chance
        sure = binomial_tail(hits, holdout.size, min(1.0, max(chance, 1e-9) * 1.1)) < 1e-6
        return beyond if sure and beyond > 0 else 0.0

    return views.once("privacy overlap", make)


@dataclass(frozen=True, slots=True)
class Membership:
    """The battery's outcome on everybody and on the most isolated records.

    Attributes:
        everybody: each attack's curve.
        isolated: the same on the most isolated 1% (at least 100 rows) of training data and holdout; empty when too few.
        members: training rows attacked.
        strangers: holdout rows attacked.
        alone: how many of the members are among the isolated.
    """

    everybody: list[Roc]
    isolated: list[Roc]
    members: int
    strangers: int
    alone: int


def membership(views: Views) -> Membership:
    """Run the five attacks once for all metrics that read them."""

    def make() -> Membership:
        rows = {which: drawn(views, which, MEMBERS) for which in ("real", "holdout")}
        alone = _most_isolated(views)
        chosen = {which: np.union1d(rows[which], alone[which]) for which in rows}
        tables = {which: np.ascontiguousarray(ranked(views, which)[:, chosen[which]]) for which in rows}  # type: ignore[arg-type]
        release = np.ascontiguousarray(ranked(views, "synthetic")[:, drawn(views, "synthetic", RELEASE)])
        rng = views.random("privacy membership")
        inside, outside = battery(tables["real"], tables["holdout"], release, rng=rng)
        common = [np.isin(chosen[which], rows[which]) for which in ("real", "holdout")]
        lonely = [np.isin(chosen[which], alone[which]) for which in ("real", "holdout")]
        everybody = attack_all(_only(inside, common[0]), _only(outside, common[1]), rng=rng)
        enough = min(int(mask.sum()) for mask in lonely) >= 30
        isolated = attack_all(_only(inside, lonely[0]), _only(outside, lonely[1]), rng=rng) if enough else []
        return Membership(everybody, isolated, rows["real"].size, rows["holdout"].size, int(lonely[0].sum()))

    return views.once("privacy membership", make)


def _only(scores: dict[str, Scores], mask: npt.NDArray[np.bool_]) -> dict[str, Scores]:
    return {name: scores[name][mask] for name in ATTACKS if name in scores}


def _most_isolated(views: Views) -> dict[str, npt.NDArray[np.int64]]:
    """Rows of both tables above one cut: the most isolated 1% of their union, or 100 of each if that is more."""
    found = codes(views)
    both = np.concatenate([found["real"], found["holdout"]], axis=1)
    lone = isolation(both)
    cut = found["real"].shape[1]
    share = max(0.01, 100 / min(cut, found["holdout"].shape[1]))
    bound = np.quantile(lone, 1.0 - min(1.0, share))
    return {
        "real": np.flatnonzero(lone[:cut] >= bound)[:MEMBERS].astype(np.int64),
        "holdout": np.flatnonzero(lone[cut:] >= bound)[:MEMBERS].astype(np.int64),
    }


def skipped(metric: str, why: str, *, name: str = "", headline: bool = False) -> Result:
    """A privacy number that was not measured."""
    return Result(metric, name or metric, "privacy", None, "lower", skipped=why, headline=headline)
