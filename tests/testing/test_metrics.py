"""Every metric keeps the contract, and the suite finds those that do not."""

from typing import ClassVar

import pytest

from lookalike.evaluate import KINDS
from lookalike.evaluate.base import Metric
from lookalike.registry import resolve
from lookalike.testing.metrics import check_metric

FAST = {"tstr": {"seeds": 2}, "augmentation_lift": {"seeds": 2}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_metric_keeps_the_contract(kind):
    """Each registered metric passes the public suite."""
    if kind == "named_entities":
        pytest.importorskip("presidio_analyzer", reason="pip install 'lookalike[pii]'")
    check_metric(resolve("metric", kind), **FAST.get(kind, {}))


class Empty(Metric):
    """Returns nothing."""

    kind: ClassVar[str] = "empty"

    def compute(self, views):
        return []


class Silent(Metric):
    """Returns a number that is none."""

    kind: ClassVar[str] = "silent"

    def compute(self, views):
        return [self.result(None)]


class Wide(Metric):
    """Returns a number outside its range."""

    kind: ClassVar[str] = "wide"

    def compute(self, views):
        return [self.result(1.5)]


class Random(Metric):
    """Draws from a generator of its own."""

    kind: ClassVar[str] = "random"

    def compute(self, views):
        import numpy as np

        return [self.result(float(np.random.default_rng().random()))]


class Fragile(Metric):
    """Breaks on one row."""

    kind: ClassVar[str] = "fragile"

    def compute(self, views):
        return [self.result(1 / (views.rows("real") - 1) * 0 + 0.5)]


@pytest.mark.parametrize(("metric", "message"), [
    (Empty, "no result"), (Silent, "needs a reason"), (Wide, "outside"), (Random, "other numbers"), (Fragile, "one row breaks it"),
])  # fmt: skip
def test_the_suite_finds_broken_metrics(metric, message):
    """A metric that breaks the contract is told which part."""
    with pytest.raises(AssertionError, match=message):
        check_metric(metric)
