"""What proves the attacks, and the generator, wrong: the alarm's own test and the audit of a claimed epsilon, as kinds of metric."""

from __future__ import annotations

from typing import ClassVar

from lookalike.evaluate.base import Result
from lookalike.evaluate.privacy import alarm as alarms
from lookalike.evaluate.privacy import records, scene
from lookalike.evaluate.privacy.audit import audit
from lookalike.evaluate.privacy.metrics import Attack, PrivacyMetric
from lookalike.evaluate.views import Views


class Alarm(Attack):
    """The smallest leak that would have been seen here, and the proof that the alarm rings.

    The replay test and the membership attacks are run on the release with 1% training rows planted, which they must call a leak,
    and on one half of the holdout against the other, which they must not. The value is the smallest share of copied rows that
    the replay test would have called; `alarm.membership` is the same of the membership attacks. Both are also stated for the
    holdout as a release (`smallest_safe`), where nothing but sample size limits them.
    """

    kind: ClassVar[str] = "alarm"
    cost: ClassVar[float] = 2.5
    first: ClassVar[bool] = True
    distances: ClassVar[bool] = False

    def attack(self, views: Views) -> list[Result]:
        """The replay test's, then the membership attacks'."""
        found = records.codes(views)
        proof = alarms.prove(found["real"], found["holdout"], found["synthetic"], rng=views.random("privacy", self.kind))
        if not proof.rang and proof.smallest_seen <= proof.planted:
            why = f"records repeat too much to tell copies from chance: {proof.planted:.1%} planted training rows were not seen"
            return [*self.skip(why), self._membership(views)]
        if proof.smallest_seen > 1:
            why = f"in {views.rows('synthetic'):,} rows not even copies alone would be called a leak"
            return [*self.skip(why), self._membership(views)]
        detail = {
            "works": proof.works,
            "rang": proof.rang,
            "quiet": proof.quiet,
            "planted": proof.planted,
            "smallest_safe": proof.safe.smallest_seen,
            "leaky": {"excess": proof.leaky.rate.value, "p": proof.leaky.p},
            "safe": {"excess": proof.safe.rate.value, "p": proof.safe.p},
            "reading": _alarm_reading("replay test", proof.smallest_seen, proof.rang, proof.quiet, proof.planted),
        }
        return [self.result(proof.smallest_seen, detail=detail), self._membership(views)]

    def _membership(self, views: Views) -> Result:
        if why := scene.obstacle(views):
            return self.skip(why, "membership")[0]
        attacked = scene.membership(views)
        members, strangers = (scene.ranked(views, w)[:, scene.drawn(views, w, scene.MEMBERS)] for w in ("real", "holdout"))
        proof = alarms.prove_membership(
            attacked.halves, attacked.release, attacked.masks, train=scene.ranked(views, "real"), members=members,
            holdout=strangers, rng=views.random("privacy", f"{self.kind}.membership"),
        )  # fmt: skip
        if proof is None:
            return self.skip("half of the holdout must have 50 rows to set a threshold on", "membership")[0]
        detail = {
            "works": proof.rang and proof.quiet,
            "rang": proof.rang,
            "quiet": proof.quiet,
            "planted": proof.planted,
            "smallest_safe": proof.smallest_seen_safe,
            "fpr": proof.rate,
            "leaky": {"tpr": proof.leaky},
            "safe": {"tpr": proof.safe},
            "reading": _alarm_reading("membership attacks", proof.smallest_seen, proof.rang, proof.quiet, proof.planted),
        }
        if proof.smallest_seen is None:
            return self.skip("copies of half the rows would not be seen: the holdout is too small", "membership")[0]
        return self.result(proof.smallest_seen, "membership", detail=detail)


def _alarm_reading(which: str, smallest: float | None, rang: bool, quiet: bool, planted: float) -> str:
    seen = (
        "no leak of copied rows"
        if smallest is None
        else f"{smallest:.2%} of the rows copied"
        if smallest
        else "the release itself"
    )
    heard = f"rang for {planted:.1%} planted rows" if rang else f"missed {planted:.1%} planted rows"
    calm = "and was quiet on the holdout" if quiet else "and rang for a holdout that cannot leak"
    return f"The {which} would have called {seen} a leak here; it {heard} {calm}."


class CanaryAudit(PrivacyMetric):
    """A lower bound on epsilon from planted canaries and one run of the generator; compared with what it claims.

    Needs `extras["generator"]`, a function from a table to a synthetic table; takes as long as one fit.

    Attributes:
        canaries: rows that nobody has, planted by coins.
        claimed: the epsilon that the generator claims; None when it claims none.
    """

    kind: ClassVar[str] = "epsilon_lower_bound"
    extras: ClassVar[tuple[str, ...]] = ("generator",)
    cost: ClassVar[float] = 60.0

    canaries: int = 200
    claimed: float | None = None

    def compute(self, views: Views) -> list[Result]:
        """One result, at 95%."""
        make = views.extras.get("generator")
        if not callable(make):
            return self.skip("needs the generator as a function")
        found = audit(make, views.table("real"), canaries=self.canaries, seed=views.seed)
        detail = {
            "correct": found.correct,
            "guesses": found.guesses,
            "canaries": found.canaries,
            "claimed": self.claimed,
            "refuted": self.claimed is not None and found.epsilon > self.claimed,
        }
        return [self.result(found.epsilon, range=(0.0, 20.0), ceiling=self.claimed, detail=detail)]
