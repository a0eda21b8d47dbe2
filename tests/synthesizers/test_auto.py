"""The bake-off picks what its own numbers say, and tells why."""

import re

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import SynthesizerError
from lookalike.synthesizers.auto import TIE, Auto
from lookalike.testing.synthesizers import example


def related(n=900):
    draws = np.random.default_rng(0)
    x = draws.normal(size=n)
    return pa.table({"x": x, "y": 2 * x + 0.3 * draws.normal(size=n), "c": np.where(x > 0, "up", "down")})


@pytest.fixture(scope="module")
def chosen():
    return Auto(kinds=("independent", "copula", "cart")).fit(related())


def test_a_method_that_keeps_relations_beats_one_that_does_not(chosen):
    """Where columns hang together, independent columns come last, by a margin."""
    report = chosen.report_
    assert [one["kind"] for one in report][-1] == "independent"
    assert report[0]["score"] > report[-1]["score"] + 0.1
    assert chosen.chosen_.kind == report[0]["kind"]


def test_the_reason_says_what_the_report_holds(chosen):
    """The sentence names winner and runner-up with the scores of the report, detection, usefulness and time."""
    best, second = chosen.report_[:2]
    said = re.fullmatch(
        r"(\w+): score ([\d.]+) against ([\d.]+) of (\w+) \(told apart with AUC ([\d.]+), usefulness ([\d.]+) of real, ([\d.]+) s to fit\)",
        chosen.reason_,
    )
    assert said, chosen.reason_
    assert (said[1], said[4]) == (best["kind"], second["kind"])
    shown = [float(said[i]) for i in (2, 3, 5, 6)]
    assert shown == pytest.approx([best["score"], second["score"], best["c2st"], best["utility"]], abs=5e-4)
    assert best["score"] >= second["score"] - TIE


def test_the_reason_survives_saving(chosen, tmp_path):
    """A loaded model knows why it was chosen."""
    assert Auto.load(chosen.save(tmp_path / "m")).reason_ == chosen.reason_


def test_unknown_candidates_are_refused():
    """A kind that nobody knows is named before anything is fitted."""
    model = Auto(kinds=("constrained_x", "copula"))
    with pytest.raises(SynthesizerError, match="constrained_x"):
        model.fit(example(60))
