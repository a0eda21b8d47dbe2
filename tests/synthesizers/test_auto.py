"""The bake-off picks what its own numbers say, and tells why."""

import re

import numpy as np
import pyarrow as pa
import pytest

from lookalike.errors import NotFitted, SynthesizerError, UnknownColumn
from lookalike.synthesizers.methods.auto import TIE, Auto
from lookalike.synthesizers.watch import watched
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
    """The sentence names winner and runner-up with the report's scores, detection, usefulness and what it was measured on."""
    best, second = chosen.report_[:2]
    said = re.fullmatch(
        r"(\w+) \(score ([\d.]+)\): told from real rows with AUC ([\d.]+) \(0.5 is not at all\), keeps (\d+)% of what real rows "
        r"teach about ([xyc, ]+?)(?:, [\d.]+% more copies of real rows than chance)?; next is (\w+) \(score ([\d.]+)\): AUC ([\d.]+), keeps (\d+)%.*",
        chosen.reason_,
    )
    assert said, chosen.reason_
    assert (said[1], said[6]) == (best["kind"], second["kind"])
    shown = [float(said[i]) for i in (2, 3, 7, 8)]
    assert shown == pytest.approx([best["score"], best["c2st"], second["score"], second["c2st"]], abs=5e-4)
    assert (int(said[4]), int(said[9])) == (round(100 * best["utility"]), round(100 * second["utility"]))
    assert set(said[5].split(", ")) == {"x", "y", "c"}
    assert best["score"] >= second["score"] - TIE


def test_of_equals_the_first_is_kept():
    """Two candidates that draw the same rows tie, and the order of the list decides, not how busy the machine was."""
    for kinds in (("adasyn", "smote", "independent"), ("smote", "adasyn", "independent")):
        model = Auto(kinds=kinds).fit(related(300))
        scores = {one["kind"]: one["score"] for one in model.report_}
        if abs(scores["adasyn"] - scores["smote"]) <= TIE:
            assert model.chosen_.kind == kinds[0]
        assert scores[model.chosen_.kind] >= max(scores.values()) - TIE


def test_a_budget_leaves_candidates_out_and_says_so():
    """With hardly any time the first candidate is tried and kept, and the sentence names the others."""
    model = Auto(kinds=("independent", "copula", "cart")).fit(related(), budget_s=0.001)
    assert model.chosen_.kind == "independent"
    assert "no time for copula, cart" in model.reason_
    assert [one.get("skipped", "") != "" for one in model.report_] == [False, True, True]


def test_too_few_rows_are_no_contest():
    """Of 30 rows nothing is claimed: the first candidate is fitted, and the sentence says why."""
    model = Auto(kinds=("copula", "independent")).fit(related(30))
    assert model.chosen_.kind == "copula"
    assert "too little to compare" in model.reason_
    with pytest.raises(NotFitted):
        _ = Auto().reason_


def test_watchers_hear_each_candidate():
    """Whoever watches is told of every candidate and of the last fit, in order, with shares that grow to less than one."""
    heard = []
    with watched(lambda what, share: heard.append((what, share))):
        Auto(kinds=("independent", "copula")).fit(related(200))
    assert [what for what, _ in heard][:2] == ["trying independent", "trying copula"]
    assert heard[-1][0].startswith("learning all rows by ")
    assert [share for _, share in heard] == sorted(share for _, share in heard)
    assert heard[-1][1] < 1


def test_the_reason_survives_saving(chosen, tmp_path):
    """A loaded model knows why it was chosen."""
    assert Auto.load(chosen.save(tmp_path / "m")).reason_ == chosen.reason_


def test_unknown_candidates_are_refused():
    """A kind that nobody knows is named before anything is fitted."""
    model = Auto(kinds=("constrained_x", "copula"))
    with pytest.raises(SynthesizerError, match="constrained_x"):
        model.fit(example(60))
    with pytest.raises(UnknownColumn, match="did you mean 'size'"):
        Auto(kinds=("copula",), target="sise").fit(example(60))
