"""A number without its reference is noise."""

import pytest

from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.measuring import expected_seconds
from lookalike.evaluate.views import Views
from lookalike.registry import resolve

# Independent columns are right one by one: where only single columns are looked at they are no floor.
NO_FLOOR = {"validity", "marginals", "column_shapes", "tails"}


@pytest.fixture(scope="module")
def report(real, good, holdout):
    return evaluate(real, good, holdout=holdout, target="churn", protected=["sex"], only="validity,fidelity,utility,fairness")


@pytest.mark.slow
def test_every_score_has_its_ceiling_and_floor(report):
    """Each headline of validity, fidelity, utility and fairness that was measured has a ceiling; those that look at columns together, a floor."""
    heads = [
        r for r in report if r.name == r.metric and r.value is not None
    ]  # of one table nothing is said of relations or runs
    assert len(heads) > 15
    assert [r.name for r in heads if r.ceiling is None] == []
    together = [r for r in heads if r.dimension in ("fidelity", "utility") and r.metric not in NO_FLOOR]
    assert [r.name for r in together if r.floor is None] == []


@pytest.mark.slow
def test_fresh_rows_are_nearer_to_the_ceiling_than_to_the_floor(report):
    """For each score that has both."""
    for r in report:
        if (
            r.name == r.metric
            and r.value is not None
            and r.floor is not None
            and r.metric not in ("subgroups", "augmentation_lift")
        ):
            assert abs(r.value - r.ceiling) < abs(r.value - r.floor), r.name


@pytest.mark.slow
def test_the_budget_is_planned_with_costs_that_are_about_right(report, real, good):
    """What the planner expects of all metrics together is within a factor of four of what they took."""
    views = Views(real, good)
    expected = sum(expected_seconds(resolve("metric", r.metric), views) for r in report if r.name == r.metric)
    taken = sum(r.seconds for r in report)
    assert expected / 4 < taken < 4 * expected
