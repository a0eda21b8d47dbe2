"""Does the alarm ring? The attacks are run on a release that leaks for certain and on one that cannot leak.

The leaky control is the release itself with 1% training rows in it; the safe control is one half of the holdout, judged
against the other half. A suite that misses the first or rings at the second has proved nothing about the release, whatever its
numbers are; and a green light always states the smallest leak that would have turned it red, on the release and on the safe
control. Both the replay test and the membership attacks are put to this; they see different leaks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lookalike.evaluate.privacy.membership import LEAST, Fold, Pair, Roc, attack_all, battery, folds, plant
from lookalike.evaluate.privacy.replay import Excess, identical_excess
from lookalike.evaluate.privacy.space import Codes, Gower, row_hashes

Mask = npt.NDArray[np.bool_]

# shares of the release that are tried as leaks, to find the smallest that membership attacks see
LEAKS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class LeakAlarm:
    """Whether the attacks tell a leak from none at this sample size.

    Attributes:
        rang: the leaky control was called a leak.
        quiet: the safe control was not.
        leaky: what was measured on the leaky control.
        safe: what was measured on the safe control.
        planted: share of rows planted.
        smallest_seen: the smallest share of copied rows that would have been called a leak here.
    """

    rang: bool
    quiet: bool
    leaky: Excess
    safe: Excess
    planted: float
    smallest_seen: float

    @property
    def works(self) -> bool:
        """Rang when it had to, and was quiet when it had to be."""
        return self.rang and self.quiet


def prove(
    train: Codes, holdout: Codes, synthetic: Codes, *, rng: np.random.Generator, planted: float = 0.01, level: float = 0.99
) -> LeakAlarm:
    """Run the replay test on a leaky and on a safe control.

    Args:
        train: int64 [d, n] codes.
        holdout: int64 [d, h], at least 4 rows.
        synthetic: int64 [d, m].
        rng: draws what is planted and cuts the holdout.
        planted: share of the release replaced by training rows, at least one row.
        level: of the interval whose low end must prove a leak.
    """
    count = max(1, round(planted * synthetic.shape[1]))
    rows = rng.choice(train.shape[1], count, replace=train.shape[1] < count)
    keep = rng.permutation(synthetic.shape[1])[count:]
    leaky_table = np.concatenate([train[:, rows], synthetic[:, keep]], axis=1)
    t, h, s = row_hashes(train), row_hashes(holdout), row_hashes(leaky_table)
    leaky = identical_excess(t, h, s, level=level)
    half = rng.permutation(h.size)
    safe = identical_excess(t, h[half[: h.size // 2]], h[half[h.size // 2 :]], level=level)
    own = identical_excess(t, h, row_hashes(synthetic), level=level)
    return LeakAlarm(
        rang=leaky.proven, quiet=not safe.proven, leaky=leaky, safe=safe, planted=count / synthetic.shape[1],
        smallest_seen=own.smallest_seen,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MembershipAlarm:
    """Whether the membership attacks tell a leak from none at this sample size.

    Attributes:
        rang: they called the release with training rows planted a leak.
        quiet: they did not call the safe control one.
        rate: false positive rate at which they are judged.
        leaky: true positive rate of the best attack on the leaky control.
        safe: the same on the safe control.
        planted: share of rows planted.
        smallest_seen: the smallest share of copied rows that would have been called a leak in the release; 0 when the release
            itself is called one, None when not even half of the rows would be.
        smallest_seen_safe: the same in the safe control, which is half a holdout.
    """

    rang: bool
    quiet: bool
    rate: float
    leaky: float
    safe: float
    planted: float
    smallest_seen: float | None
    smallest_seen_safe: float | None


def prove_membership(
    halves: list[Fold], release: Gower, masks: tuple[Mask, Mask], *, train: Gower, members: Gower, holdout: Gower,
    rng: np.random.Generator, planted: float = 0.01, alpha: float = 0.01,
) -> MembershipAlarm | None:  # fmt: skip
    """Run the attacks that need no model on a leaky and on a safe control.

    Args:
        halves: targets of the attack on the release, with their distances.
        release: float32 [d, m], what they were measured to.
        masks: which members and holdout rows of those halves count; the others were attacked for another reason.
        train: float32 [d, n], where planted rows come from.
        members: float32 [d, a], training rows that are attacked in the safe control.
        holdout: float32 [d, h], cut in the safe control and its non-members.
        rng: draws what is planted and cuts the holdout.
        planted: share of the release that is added as training rows, at least one row.
        alpha: chance of ringing without a leak, over all attacks.

    Returns:
        The proof; None when the holdout is too small to set a threshold on half of it.
    """
    order = rng.permutation(holdout.shape[1])
    safe_release, rest = (np.ascontiguousarray(holdout[:, half]) for half in np.array_split(order, 2))
    if rest.shape[1] < 50:
        return None
    safe_halves = folds(members, rest, safe_release, rng=rng)
    everybody = (np.ones(members.shape[1], dtype=bool), np.ones(rest.shape[1], dtype=bool))
    drawn = rng.permutation(train.shape[1])

    def attack(of: list[Fold], matrix: Gower, kept: tuple[Mask, Mask], count: int) -> tuple[bool, Roc, float]:
        copies = np.ascontiguousarray(train[:, drawn[:count]])
        found = battery(plant(of, copies) if count else of, matrix, rng=rng, classify=False)
        chosen = [{name: side[name][mask] for name in side} for side, mask in zip(found, kept, strict=True)]
        return called((chosen[0], chosen[1]), rng=rng, alpha=alpha)

    def smallest(of: list[Fold], matrix: Gower, kept: tuple[Mask, Mask]) -> float | None:
        # a leak of share p of the release is in p m / n of the members
        rate = judged_at(int(kept[1].sum()))
        least = _expected(rate, int(kept[0].sum()), int(kept[1].sum()), alpha) * train.shape[1] / matrix.shape[1]
        return _smallest(lambda n: attack(of, matrix, kept, n)[0], matrix.shape[1], least)

    count = max(1, round(planted * release.shape[1]))
    rang, best, rate = attack(halves, release, masks, count)
    alarmed, calm, calm_rate = attack(safe_halves, safe_release, everybody, 0)
    return MembershipAlarm(
        rang=rang, quiet=not alarmed, rate=rate, leaky=best.tpr[rate].value, safe=calm.tpr[calm_rate].value,
        planted=count / release.shape[1],
        smallest_seen=smallest(halves, release, masks), smallest_seen_safe=smallest(safe_halves, safe_release, everybody),
    )  # fmt: skip


def called(scores: Pair, *, rng: np.random.Generator, alpha: float) -> tuple[bool, Roc, float]:
    """Whether an attack names more members than chance, by its lower bound; the attack, and the false positive rate."""
    curves = attack_all(*scores, rng=rng, level=1.0 - 2.0 * alpha)
    rate = judged_at(next(iter(scores[1].values())).size)
    best = max(curves, key=lambda r: (r.tpr[rate].low, r.tpr[rate].value))
    return best.tpr[rate].low > rate, best, rate


def judged_at(strangers: int) -> float:
    """The false positive rate at which so many non-members can set a threshold."""
    return 0.01 if strangers >= LEAST[0.01] else 0.1


def _smallest(rings: Callable[[int], bool], rows: int, least: float) -> float | None:
    """The smallest of `LEAKS` that rings, by bisection; 0 when nothing planted rings, None when half the rows do not.

    Leaks below `least` are not tried: an attack that happens to stand just below its threshold would ring for nearly nothing.
    """
    if rings(0):
        return 0.0
    shares = [share for share in LEAKS if share >= least and round(share * rows) >= 1]
    low, high = -1, len(shares)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if rings(round(shares[middle] * rows)) else (middle, high)
    return shares[high] if high < len(shares) else None


def _expected(rate: float, members: int, strangers: int, alpha: float) -> float:
    """The share of members caught on top of chance that is significant, threshold and count both being drawn from samples."""
    from scipy.special import ndtri

    return float(-ndtri(alpha / 4)) * float(np.sqrt(rate * (1 - rate) * (1 / members + 1 / strangers)))
