"""The attacks as kinds of metric."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from lookalike.evaluate.base import NO_HOLDOUT, Dimension, Metric, Result
from lookalike.evaluate.privacy import distance, records, replay, risks, scene
from lookalike.evaluate.privacy.bounds import Rate, clopper_pearson
from lookalike.evaluate.privacy.membership import LEAST, Roc
from lookalike.evaluate.privacy.risks import Risk
from lookalike.evaluate.views import Views

NOTHING = {"applies": False}  # the release offers nothing to attack, which leaves no gate open
_COPY_FIX = "learn with differential privacy (--synthesizer mst, or aim), and measure again"
_ATTACK_FIX = "learn with differential privacy (--synthesizer mst, or aim), or round and merge rare values in the source"


class PrivacyMetric(Metric):
    """A number about what the release gives away; lower is better unless it says otherwise.

    Attributes:
        first: whether its own number, not one of its parts, is shown first.
    """

    dimension: ClassVar[Dimension] = "privacy"
    first: ClassVar[bool] = False

    def result(self, value: float | None, name: str = "", **fields: Any) -> Result:
        """A result of this metric, called `kind` or `kind.name`."""
        fields.setdefault("direction", "lower")
        fields.setdefault("headline", self.first and not name)
        return super().result(value, name, **fields)


class Attack(PrivacyMetric):
    """A number that compares training rows with a holdout; not measured where the holdout is none, or too small.

    Attributes:
        distances: whether it looks for near rows, and not for equal ones alone.
    """

    needs_holdout: ClassVar[bool] = True
    distances: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """What `attack` finds, or why there is nothing to attack."""
        if why := scene.obstacle(views, distances=self.distances):
            return self.skip(why)
        return self.attack(views)

    @abstractmethod
    def attack(self, views: Views) -> list[Result]:
        """The numbers, headline first."""

    def risk(self, risk: Risk, name: str = "", *, subject: str = "", **more: Any) -> Result:
        """A residual risk as a result."""
        detail = {
            "attack": risk.attack.value,
            "attack_interval": risk.attack.interval,
            "control": risk.control.value,
            "control_interval": risk.control.interval,
            "trials": risk.trials,
            "about": risk.about,
            "reading": f"The attack succeeds on {risk.attack.value:.1%} of the training rows and on {risk.control.value:.1%} of the holdout.",
            "fix": _ATTACK_FIX,
            **more,
        }
        return self.result(risk.risk.value, name, subject=subject, interval=risk.risk.interval, ceiling=0.0, detail=detail)


class IdenticalShare(PrivacyMetric):
    """Share of synthetic rows that equal a training row in every column but ids.

    Narrow tables repeat themselves, so read it beside its ceiling: the same share for the holdout. Numbers are equal when they
    agree in six digits. What is beyond chance is `identical_excess`.
    """

    kind: ClassVar[str] = "identical_share"
    cost: ClassVar[float] = 0.2

    def compute(self, views: Views) -> list[Result]:
        """One result."""
        found = records.hashes(views)
        rate = replay.identical_share(found["synthetic"], found["real"])
        ceiling = replay.identical_share(found["holdout"], found["real"]).value if "holdout" in found else None
        rows = round(rate.value * found["synthetic"].size)
        detail = {"rows": rows, "columns": len(records.names(views))}
        return [self.result(rate.value, interval=rate.interval, ceiling=ceiling, detail=detail)]


class IdenticalExcess(Attack):
    """Share of synthetic rows that are copies of training rows beyond what the holdout shows chance to do; exact test.

    Unbiased for any sizes of training data and holdout: each matched record is a trial that chance gives to the training data
    with probability n / (n + h). Without a holdout it can convict and never clear: it is stated only when copies are far more
    than the repeats among the real rows themselves.
    """

    kind: ClassVar[str] = "identical_excess"
    needs_holdout: ClassVar[bool] = False
    cost: ClassVar[float] = 0.1
    first: ClassVar[bool] = True
    distances: ClassVar[bool] = False

    def compute(self, views: Views) -> list[Result]:
        """One result; its interval is at 99%."""
        return super().compute(views) if "holdout" in views else self._alone(views)

    def attack(self, views: Views) -> list[Result]:
        """Training rows that came out against holdout rows that did."""
        found = records.hashes(views)
        excess = replay.identical_excess(found["real"], found["holdout"], found["synthetic"], level=0.99)
        detail = {
            "p": excess.p,
            "train_matches": excess.train_matches,
            "holdout_matches": excess.holdout_matches,
            "train_share": excess.train_share,
            "holdout_share": excess.holdout_share,
            "smallest_seen": excess.smallest_seen,
            "level": 0.99,
            "reading": f"{excess.train_matches} training records came out whole, {excess.holdout_matches} of the holdout's did; "
            f"a leak of {excess.smallest_seen:.2%} of the rows would have been seen.",
            "fix": _COPY_FIX,
        }
        return [self._excess(excess.rate, detail)]

    def _alone(self, views: Views) -> list[Result]:
        found = records.hashes(views)
        copies = replay.plain_copies(found["real"], found["synthetic"], level=0.99)
        if not copies.flagrant:
            return self.skip(NO_HOLDOUT)
        detail = {
            "level": 0.99,
            "reading": f"{copies.hits:,} of {found['synthetic'].size:,} synthetic rows are copies of real rows; "
            f"{copies.repeats:,} of {found['real'].size:,} real rows equal another.",
            "fix": _COPY_FIX,
        }
        return [self._excess(copies.rate, detail)]

    def _excess(self, rate: Rate, detail: dict[str, Any]) -> Result:
        return self.result(rate.value, interval=rate.interval, range=(-1.0, 1.0), ceiling=0.0, detail=detail)


class RareCombinationReplay(Attack):
    """Values that only one real person has, in three or four columns: how many more of the training data's than of the holdout's?

    Attributes:
        quasi_identifiers: sets of columns to look at; by default a seeded draw of 30 sets of three and four.
    """

    kind: ClassVar[str] = "rare_combination_replay"
    cost: ClassVar[float] = 1.0
    distances: ClassVar[bool] = False

    quasi_identifiers: tuple[tuple[str, ...], ...] = ()

    def attack(self, views: Views) -> list[Result]:
        """The worst set of columns; bounds and p-value are corrected for the number of sets."""
        known, found = records.names(views), records.codes(views)
        sets = [tuple(sorted(known.index(name) for name in s)) for s in self.quasi_identifiers if set(s) <= set(known)]
        sets = sets or replay.column_sets(len(known), views.random("privacy", self.kind))
        tried = replay.rare_combinations(found["real"], found["holdout"], found["synthetic"], sets, known)
        tried = [c for c in tried if c.train_unique and c.holdout_unique]
        if not tried:
            return self.skip("no combination of values is unique in training data and holdout", detail=NOTHING)
        worst = min(tried, key=lambda c: (c.p, -c.excess))
        level = 1.0 - 0.05 / len(tried)
        t = clopper_pearson(worst.train_replayed, worst.train_unique, level=level)
        h = clopper_pearson(worst.holdout_replayed, worst.holdout_unique, level=level)
        detail = {
            "p": min(1.0, worst.p * len(tried)),
            "sets": len(tried),
            "train_unique": worst.train_unique,
            "train_replayed": worst.train_replayed,
            "holdout_unique": worst.holdout_unique,
            "holdout_replayed": worst.holdout_replayed,
            "columns": list(worst.columns),
            "reading": f"Worst set: {', '.join(worst.columns)}.",
            "fix": _ATTACK_FIX,
        }
        interval = (max(-1.0, t.low - h.high), min(1.0, t.high - h.low))
        return [self.result(worst.excess, interval=interval, range=(-1.0, 1.0), ceiling=0.0, detail=detail)]


class SinglingOut(Attack):
    """Can a condition be written, from the release alone, that holds for exactly one real person?

    Residual risk 0..1: how much more often conditions that isolate a synthetic row isolate a training row than a holdout row.

    Attributes:
        attacks: conditions tried in each mode.
        width: columns a condition names.
    """

    kind: ClassVar[str] = "singling_out"
    cost: ClassVar[float] = 0.5
    first: ClassVar[bool] = True

    attacks: int = 1000
    width: int = 4

    def attack(self, views: Views) -> list[Result]:
        """The worse of the two modes, and each."""
        found = risks.singling_out(
            scene.values(views, "real"), scene.values(views, "holdout"), scene.values(views, "synthetic"),
            [column.numeric for column in views.compared],
            rng=views.random("privacy", self.kind), attacks=self.attacks, width=self.width,
        )  # fmt: skip
        if not found:
            return self.skip("the release offers no condition that holds for one row only", detail=NOTHING)
        worst = max(found, key=lambda r: (r.risk.low, r.risk.value, r.risk.high))
        return [self.risk(worst), *(self.risk(risk, risk.about.replace(" ", "_"), subject=risk.about) for risk in found)]


class Linkability(Attack):
    """Two parties hold different columns of the same people: does the release tell them which records belong together?

    Attributes:
        left: columns of the one party; by default three seeded halves are tried.
        right: columns of the other party.
        attacks: people tried in training data and in the holdout.
        neighbours: synthetic rows that each party looks at; of small releases at most 1%, among more nearly every two would meet.
    """

    kind: ClassVar[str] = "linkability"
    cost: ClassVar[float] = 2.0
    first: ClassVar[bool] = True

    left: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    attacks: int = 2000
    neighbours: int = 10

    def attack(self, views: Views) -> list[Result]:
        """The worst split of the columns, bounds corrected for the number of splits."""
        known = [column.name for column in views.compared]
        if len(known) < 2:
            return self.skip("needs two columns", detail=NOTHING)
        rng = views.random("privacy", self.kind)
        given = [[known.index(name) for name in side if name in known] for side in (self.left, self.right)]
        splits = (
            [(given[0], given[1])] if all(given) else [risks.halves(len(known), rng) for _ in range(3 if len(known) > 3 else 1)]
        )
        release = views.gower("synthetic", limit=scene.RELEASE)
        neighbours = max(1, min(self.neighbours, release.shape[1] // 100))
        found = [
            risks.linkability(
                views.gower("real"), views.gower("holdout"), release, sides, rng=rng, attacks=self.attacks,
                neighbours=neighbours, level=1.0 - 0.05 / len(splits), about=_sides(sides, known),
            )
            for sides in splits
        ]  # fmt: skip
        worst = max(found, key=lambda r: (r.risk.low, r.risk.value, r.risk.high))
        return [self.risk(worst, splits=len(splits))]


def _sides(sides: tuple[list[int], list[int]], known: list[str]) -> str:
    left, right = (", ".join(known[i] for i in side[:3]) + (" …" if len(side) > 3 else "") for side in sides)
    return f"{left} × {right}"


class AttributeInference(Attack):
    """Everything about a person is known but one column: does the nearest synthetic row give it away?

    Residual risk 0..1 over all columns together, and for each column as the secret; what the release teaches about the holdout
    just as well is knowledge of the population and does not count.

    Attributes:
        attacks: people tried in training data and in the holdout.
        tolerance: relative error up to which a number counts as guessed.
    """

    kind: ClassVar[str] = "attribute_inference"
    cost: ClassVar[float] = 1.0
    first: ClassVar[bool] = True

    attacks: int = 4000
    tolerance: float = 0.05

    def attack(self, views: Views) -> list[Result]:
        """All columns together, then each secret with bounds corrected for their number."""
        known = [column.name for column in views.compared]
        if len(known) < 2:
            return self.skip("needs two columns", detail=NOTHING)
        release = scene.drawn(views, "synthetic", scene.RELEASE)
        found = risks.attribute_inference(
            (views.gower("real"), views.gower("holdout"), np.ascontiguousarray(views.gower("synthetic")[:, release])),
            (scene.values(views, "real"), scene.values(views, "holdout"), scene.values(views, "synthetic")[:, release]),
            [column.numeric for column in views.compared], known,
            rng=views.random("privacy", self.kind), attacks=self.attacks, tolerance=self.tolerance,
        )  # fmt: skip
        worst = sorted(found.secrets, key=lambda r: (-r.risk.low, -r.risk.value))[:20]
        secrets = [
            {
                "secret": r.about,
                "risk": r.risk.value,
                "interval": r.risk.interval,
                "attack": r.attack.value,
                "control": r.control.value,
            }
            for r in worst
        ]
        return [
            self.risk(found.overall, secrets=secrets),
            *(self.risk(risk, "secret", subject=risk.about) for risk in found.secrets),
        ]


def _worst(curves: list[Roc]) -> Roc:
    return max(curves, key=lambda r: (r.auc.low, r.auc.value))


class MembershipAuc(Attack):
    """Who was in the training data? Area under the curve of the best of five attacks; 0.5 is a coin.

    Read it with `membership_tpr_at_fpr`: an area hides a leak of 1% of the rows. Bounds are corrected for the five attacks.
    """

    kind: ClassVar[str] = "membership_auc"
    cost: ClassVar[float] = 4.0

    def attack(self, views: Views) -> list[Result]:
        """The best attack on everybody and on the most isolated 1%, then each attack."""
        found = scene.membership(views)
        best = _worst(found.everybody)
        roc = {r.attack: {"fpr": r.curve[0], "tpr": r.curve[1], "auc": r.auc.value} for r in found.everybody}
        detail = {"attack": best.attack, "members": found.members, "strangers": found.strangers, "roc": roc}
        out = [self._area(best.auc, detail=detail)]
        if found.isolated:
            lone = _worst(found.isolated)
            out.append(self._area(lone.auc, "isolated", detail={"attack": lone.attack, "members": found.alone}))
        else:
            out += self.skip("fewer than 30 isolated rows on one side", "isolated")
        return out + [self._area(r.auc, "attack", subject=r.attack) for r in found.everybody]

    def _area(self, auc: Rate, name: str = "", **fields: Any) -> Result:
        return self.result(auc.value, name, direction="target", target=0.5, ceiling=0.5, interval=auc.interval, **fields)


class MembershipTprAtFpr(Attack):
    """How many training rows does the best of five attacks name while it is wrong about 1% of strangers? 1% is chance.

    Also at 0.1%, and for the most isolated 1% of the records, wherever the holdout is large enough: 200 rows for 1%, 5,000 for 0.1%.
    """

    kind: ClassVar[str] = "membership_tpr_at_fpr"
    cost: ClassVar[float] = 0.5
    first: ClassVar[bool] = True

    def attack(self, views: Views) -> list[Result]:
        """At 1%, at 0.1%, and for the isolated; the battery is shared with `membership_auc`."""
        found = scene.membership(views)
        out = [self._at(found.everybody, 0.01), self._at(found.everybody, 0.001, "at_0_1pct")]
        for rate in (0.01, 0.1):
            if found.isolated and rate in found.isolated[0].tpr:
                out.append(self._at(found.isolated, rate, "isolated"))
                break
        else:
            out += self.skip("too few isolated rows", "isolated")
        return out

    def _at(self, curves: list[Roc], rate: float, name: str = "") -> Result:
        known = [r for r in curves if rate in r.tpr]
        if not known:
            why = f"needs {LEAST.get(rate, 50):,} holdout rows for a false positive rate of {rate:.1%}"
            return self.skip(why, name)[0]
        best = max(known, key=lambda r: (r.tpr[rate].low, r.tpr[rate].value))
        found = best.tpr[rate]
        detail = {
            "fpr": rate,
            "attack": best.attack,
            "attacks": {r.attack: r.tpr[rate].value for r in known},
            "reading": f"The best attack ({best.attack}) names {found.value:.1%} of the training rows where chance names {rate:.1%}.",
            "fix": _ATTACK_FIX,
        }
        return self.result(found.value, name, interval=found.interval, ceiling=rate, detail=detail)


class Dcr(Attack):
    """Distance to the closest record: share of synthetic rows nearer to a training row than to a holdout row; 0.5 is ideal.

    A diagnostic. 1% copied rows leave it at 0.504, so it can warn and can never clear.
    """

    kind: ClassVar[str] = "dcr"
    cost: ClassVar[float] = 1.0

    def attack(self, views: Views) -> list[Result]:
        """One result; tables are cut to the same size first."""
        found = _closeness(views)
        detail = {"percentiles": list(distance.PERCENTILES), "train": found.train, "holdout": found.holdout, "rows": found.rows}
        share = found.share
        return [self.result(share.value, direction="target", target=0.5, ceiling=0.5, interval=share.interval, detail=detail)]


class Nndr(Attack):
    """Nearest neighbour distance ratio, 5th percentile: how much nearer the closest training row is than the second closest.

    A diagnostic, to be read beside its ceiling: the same against the holdout. Far below it, synthetic rows cling to single rows.
    """

    kind: ClassVar[str] = "nndr"
    cost: ClassVar[float] = 0.1

    def attack(self, views: Views) -> list[Result]:
        """One result; shares its distances with `dcr`."""
        found = _closeness(views)
        fields: dict[str, Any] = {
            "interval": found.ratio_interval,
            "ceiling": found.holdout_ratio,
            "detail": {"rows": found.rows},
        }
        return [self.result(found.train_ratio, direction="higher", **fields)]


def _closeness(views: Views) -> distance.Closeness:
    return views.once(
        "privacy closeness",
        lambda: distance.closeness(
            scene.ranked(views, "real"), scene.ranked(views, "holdout"), scene.ranked(views, "synthetic"),
            rng=views.random("privacy", "closeness"),
        ),
    )  # fmt: skip
