"""What the attacks share: the tables as matrices, cut to a size that an attack can afford, and whether the holdout is one.

Everything is kept in the views' cache, so ten metrics pay for one encoding and one membership battery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.base import NO_HOLDOUT
from lookalike.evaluate.privacy.membership import ATTACKS, Fold, Roc, Scores, attack_all, battery, folds
from lookalike.evaluate.privacy.records import OVERLAP, codes, overlap
from lookalike.evaluate.privacy.space import NULL, Gower, isolation, rank_of
from lookalike.evaluate.views import Views, Which

MEMBERS = 10_000  # rows of each side that are attacked
RELEASE = 60_000  # rows of the release that attacks search
SMALLEST = 20  # rows of a holdout, or of a release, below which nothing is attacked

Values = npt.NDArray[np.float64]


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
        return NO_HOLDOUT
    if views.rows("holdout") < SMALLEST:
        return f"a holdout of {views.rows('holdout')} rows is too small, {SMALLEST} are needed"
    share = overlap(views)
    if share > OVERLAP:
        return f"{share:.0%} of the holdout is in the training data, so it is no holdout and voids every privacy number"
    if distances and views.rows("synthetic") < SMALLEST:
        return f"a release of {views.rows('synthetic')} rows is too small to attack, {SMALLEST} are needed"
    if distances and not views.compared:
        return "there is no column of numbers, times or categories to attack with"
    return ""


@dataclass(frozen=True, slots=True)
class Membership:
    """The battery's outcome on everybody and on the most isolated records.

    Attributes:
        everybody: each attack's curve.
        isolated: the same on the most isolated 1% (at least 100 rows) of training data and holdout; empty when too few.
        members: training rows attacked.
        strangers: holdout rows attacked.
        alone: how many of the members are among the isolated.
        halves: targets with their distances, for the alarm.
        release: what was attacked, float32 [d, m].
        masks: which targets of the halves are everybody's sample; the others are there for being isolated.
    """

    everybody: list[Roc]
    isolated: list[Roc]
    members: int
    strangers: int
    alone: int
    halves: list[Fold]
    release: Gower
    masks: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def membership(views: Views) -> Membership:
    """Run the five attacks once for all metrics that read them."""

    def make() -> Membership:
        rows = {which: drawn(views, which, MEMBERS) for which in ("real", "holdout")}
        alone = _most_isolated(views)
        chosen = {which: np.union1d(rows[which], alone[which]) for which in rows}
        tables = {which: np.ascontiguousarray(ranked(views, which)[:, chosen[which]]) for which in rows}  # type: ignore[arg-type]
        release = np.ascontiguousarray(ranked(views, "synthetic")[:, drawn(views, "synthetic", RELEASE)])
        rng = views.random("privacy membership")
        halves = folds(tables["real"], tables["holdout"], release, rng=rng)
        inside, outside = battery(halves, release, rng=rng)
        common = [np.isin(chosen[which], rows[which]) for which in ("real", "holdout")]
        lonely = [np.isin(chosen[which], alone[which]) for which in ("real", "holdout")]
        everybody = attack_all(_only(inside, common[0]), _only(outside, common[1]), rng=rng)
        enough = min(int(mask.sum()) for mask in lonely) >= 30
        isolated = attack_all(_only(inside, lonely[0]), _only(outside, lonely[1]), rng=rng) if enough else []
        return Membership(
            everybody,
            isolated,
            rows["real"].size,
            rows["holdout"].size,
            int(lonely[0].sum()),
            halves,
            release,
            (common[0], common[1]),
        )

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
