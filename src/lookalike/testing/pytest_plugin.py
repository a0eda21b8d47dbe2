"""For pytest: `assert_dataset`, as a function and as a fixture, so that a dataset is tested like code.

def test_release(assert_dataset):
    assert_dataset("out/patients.parquet").against("secure/train.parquet", holdout="secure/test.parquet").passes("gates.yaml")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import pytest

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report


class DatasetAssertion:
    """A dataset about which something is claimed; each method asserts and returns the assertion for the next.

    Args:
        synthetic: a table, a set of tables, or a path.
    """

    def __init__(self, synthetic: Any) -> None:
        self._synthetic = _frame(synthetic)
        self._real: Any = None
        self._options: dict[str, Any] = {}

    def against(self, real: Any, **options: Any) -> Self:
        """Name the real data, and what `evaluate` takes besides: `holdout`, `target`, `protected`, `only`, `seed` ..."""
        self._real = _frame(real)
        if options.get("holdout") is not None:
            options["holdout"] = _frame(options["holdout"])
        self._options = options
        return self

    def passes(self, gates: Any = "internal") -> Report:
        """Assert that every blocking gate holds.

        Returns:
            The report, for further assertions.

        Raises:
            AssertionError: a gate fails or cannot be decided; the message lists them with what to do.
        """
        __tracebackhide__ = True
        report = self._report(gates)
        bad = [o for o in report.outcomes if o.severity == "block" and o.status in ("fail", "inconclusive")]
        assert not bad, "\n".join(["the dataset does not pass:", *[f"  {o.status}: {o.text} {o.fix}".rstrip() for o in bad]])
        return report

    def has(self, metric: str, *, at_least: float | None = None, at_most: float | None = None) -> Self:
        """Assert a bound on one metric.

        Raises:
            AssertionError: the bound does not hold, or the metric was not measured.
        """
        __tracebackhide__ = True
        options = {"only": metric.partition(".")[0]} | self._options
        result = self._report("none", **options)[metric]
        assert result.value is not None, f"{metric} was not measured: {result.skipped}"
        assert at_least is None or result.value >= at_least, f"{metric} is {result.value:.4g}, needs at least {at_least:g}"
        assert at_most is None or result.value <= at_most, f"{metric} is {result.value:.4g}, needs at most {at_most:g}"
        return self

    def _report(self, gates: Any, **options: Any) -> Report:
        from lookalike.evaluate.evaluate import evaluate

        if self._real is None:
            raise pytest.UsageError("say what to compare with: assert_dataset(synthetic).against(real)")
        return evaluate(self._real, self._synthetic, gates=gates, **(options or self._options))


def assert_dataset(synthetic: Any) -> DatasetAssertion:
    """Start a claim about a dataset: `assert_dataset(out).against(real, holdout=test).passes("internal")`."""
    return DatasetAssertion(synthetic)


@pytest.fixture(name="assert_dataset")
def _assert_dataset() -> Callable[[Any], DatasetAssertion]:
    """`assert_dataset` without an import."""
    return assert_dataset


def _frame(given: Any) -> Any:
    """A table as it is; a path or a URL read."""
    from pathlib import Path

    if not isinstance(given, (str, Path)):
        return given
    from lookalike.sources.open import read

    return read(str(given))
