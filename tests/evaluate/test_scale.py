"""One scale for all forms: better is to the right, no end passes the other, and what beats real rows is said in words."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.evaluate import gates as gating
from lookalike.evaluate.base import Result
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.scale import beside, scale, status
from lookalike.evaluate.forms.terminal import bar, text
from lookalike.evaluate.gates import Gate, Gates

from .conftest import draw

NUMBERS = st.floats(0, 1)


def result(value, ceiling, floor, direction="higher", **fields):
    return Result("pairs", "pairs", "fidelity", value, direction, ceiling=ceiling, floor=floor, headline=True, **fields)


def judged(found, **bound):
    outcomes = gating.decide(Gates(gates=(Gate(metric="pairs", **bound),)), [found])
    return outcomes[0], Evidence((found,), {}, tuple(outcomes), (), {}, 0, "own", "1")


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["higher", "lower"]))
@settings(deadline=None)
def test_nearer_to_real_rows_is_never_further_left(value, ceiling, floor, direction):
    """A scale is there only where real rows beat independent columns; a better value is never drawn further left."""
    found = scale(result(value, ceiling, floor, direction))
    if found is None:
        return
    assert (ceiling > floor) if direction == "higher" else (ceiling < floor)
    better = scale(result((value + (1 if direction == "higher" else 0)) / 2, ceiling, floor, direction))
    assert 0 <= found.place <= better.place <= 1


@pytest.mark.parametrize(
    ("value", "ceiling", "floor", "direction", "place", "words"),
    [
        (0.75, 1.0, 0.5, "higher", 0.5, "50%"),
        (0.6, 0.5, 0.9, "lower", 0.75, "75%"),
        (0.2, 0.8, 0.5, "higher", 0.0, "0%"),
        (0.95, 0.9, 0.5, "higher", 1.0, "above real"),
        (0.8, 0.8, 0.5, "higher", 1.0, "as real"),
    ],
)
def test_places_by_value(value, ceiling, floor, direction, place, words):
    """The share of the way from independent columns to real rows, in the direction that is better."""
    found = scale(result(value, ceiling, floor, direction))
    assert found.place == pytest.approx(place)
    assert found.words == words


def test_no_scale_where_real_rows_are_not_better():
    """A C2ST that tells real from real better than from independent columns has no scale, and no full bar."""
    found = result(0.822, 0.83, 0.6, "lower", range=(0.5, 1.0))
    assert scale(found) is None
    assert bar(found, "fail").plain == ""


def test_better_than_real_is_said_and_passes():
    """Validity of 1 beside a ceiling of .48 is no ratio of 2.083: the bound is a share of the ceiling, in numbers."""
    outcome, evidence = judged(result(1.0, 0.48, None), min=0.95, relative_to="ceiling")
    assert outcome.text == "pairs is 1, needs at least 0.95 of the ceiling (0.456)."
    assert (outcome.status, outcome.got) == ("pass", 1.0)
    assert beside(evidence.results[0]) == "better than real rows"


def test_a_share_of_a_ceiling_below_zero_does_not_turn_around():
    """Better than a negative ceiling passes, a little worse passes within the share, much worse fails."""
    told = [judged(result(v, -0.2, None, range=(-1, 1)), min=0.9, relative_to="ceiling")[0].status for v in (-0.1, -0.21, -0.4)]
    assert told == ["pass", "pass", "fail"]


def test_the_bar_has_the_colour_of_its_tick():
    """A failing number far to the right is not drawn in green."""
    found = result(0.95, 1.0, 0.5)
    _, evidence = judged(found, min=0.99)
    assert status(evidence, found) == "fail"
    assert "red" in str(bar(found, "fail").spans[0].style)


def test_what_fails_stands_first():
    """A failing part of a metric is in the table of its dimension, above the headlines that pass."""
    real, made = draw(300, 0), draw(300, 2)
    made = made.append_column("note", pa.array(["call +44 20 7946 0958 please, it is about the parcel"] * 300))
    shown = text(evaluate(real, made, only="privacy"))
    part = shown[shown.rindex("\nprivacy") :]
    assert part.index("✗   pii_count.written") < part.index("identical") < len(part)


def test_every_finding_says_value_interval_and_bound():
    """What a finding claims can be checked: the number, its interval and what it had to be."""
    report = evaluate(draw(300, 0), draw(300, 0), holdout=draw(300, 1), only="identical_excess")
    found = report["identical_excess"]
    low, high = found.interval
    assert f"identical_excess is {found.value:.4g} ({low:.4g} to {high:.4g}), needs at most 0.001" in report.findings[0].text
