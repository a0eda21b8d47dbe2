"""Gates: bounds, references, severities, waivers, verdicts, exit codes."""

import datetime as dt

import pytest

from lookalike.errors import GateFailed, UsageError
from lookalike.evaluate import gates as gating
from lookalike.evaluate.base import Result
from lookalike.evaluate.evaluate import evaluate


def result(name="c2st", value=0.7, **fields):
    fields = {"direction": "lower", "dimension": "fidelity", "headline": True} | fields
    return Result(metric=name.partition(".")[0], name=name, value=value, **fields)


def status(gate, *results, **more):
    loaded = gating.load([gate])
    return gating.decide(loaded, list(results), **more)[0].status


@pytest.mark.parametrize(("gate", "expected"), [
    ({"max": 0.7}, "pass"), ({"max": 0.69}, "fail"), ({"min": 0.7}, "pass"), ({"min": 0.71}, "fail"), ({"min": 0.6, "max": 0.8}, "pass"),
])  # fmt: skip
def test_bounds_are_inclusive(gate, expected):
    """A value on the bound holds."""
    assert status({"metric": "c2st", **gate}, result()) == expected


@pytest.mark.parametrize(("bound", "most", "expected"), [
    ("lower", 0.65, "pass"), ("lower", 0.55, "fail"), ("upper", 0.85, "pass"), ("upper", 0.75, "inconclusive"), ("upper", 0.65, "inconclusive"),
    ("upper", 0.55, "fail"),
])  # fmt: skip
def test_bound_of_the_interval_decides(bound, most, expected):
    """The near end fails what is proven, the far end passes only what is proven; in between nothing is decided."""
    assert status({"metric": "c2st", "max": most, "bound": bound}, result(interval=(0.6, 0.8))) == expected


def test_relative_to_references():
    """`min` bounds the ratio to a reference, `max` the difference; no reference is inconclusive."""
    pairs = result("pairs", 0.9, direction="higher", ceiling=0.95, floor=0.6)
    assert status({"metric": "pairs", "min": 0.94, "relative_to": "ceiling"}, pairs) == "pass"
    assert status({"metric": "pairs", "min": 0.96, "relative_to": "ceiling"}, pairs) == "fail"
    assert status({"metric": "pairs", "max": 0.31, "relative_to": "floor"}, pairs) == "pass"
    assert status({"metric": "c2st", "max": 0.1, "relative_to": "ceiling"}, result()) == "inconclusive"


def test_worst_columns_decide():
    """`agg` gates the worst subjects instead of the mean, and names them."""
    parts = [result("marginals", 0.97, direction="higher")]
    parts += [
        result(f"marginals.{c}", v, subject=c, headline=False, direction="higher")
        for c, v in {"a": 0.99, "b": 0.6, "c": 0.8}.items()
    ]
    outcome = gating.decide(gating.load([{"metric": "marginals", "agg": "worst", "min": 0.7}]), parts)[0]
    assert (outcome.status, outcome.subjects) == ("fail", ("b",))
    assert status({"metric": "marginals", "agg": "worst_mean", "k": 2, "min": 0.7}, *parts) == "pass"
    assert status({"metric": "marginals", "agg": "mean", "min": 0.8}, *parts) == "fail"


def test_baseline_drop_counts_beyond_noise():
    """A drop against the baseline fails only when it is larger than the noise of both."""
    gate = {"metric": "*", "max_drop": 0.01}
    old = result(value=0.6, interval=(0.58, 0.62))
    assert status(gate, result(value=0.66, interval=(0.64, 0.68)), baseline=[old]) == "fail"
    assert status(gate, result(value=0.61, interval=(0.59, 0.63)), baseline=[old]) == "pass"
    assert status(gate, result(value=0.5), baseline=[old]) == "pass"
    assert status(gate, result()) == "inconclusive"


def test_absent_metrics_never_pass():
    """A metric that was not measured is inconclusive, unless the gate is optional."""
    skipped = result(value=None, skipped="no holdout")
    assert status({"metric": "c2st", "max": 1}, skipped) == "inconclusive"
    assert status({"metric": "c2st", "max": 1}) == "inconclusive"
    assert status({"metric": "c2st", "max": 1, "optional": True}, skipped) == "skipped"
    assert gating.verdicts([skipped], []) == {}


def test_waivers_hold_until_their_day():
    """A waived gate does not fail until its day; afterwards the waiver itself is a failure."""
    loaded = gating.load({"gates": [{"metric": "c2st", "max": 0.1}], "waivers": [
        {"gate": "c2st", "until": "2030-06-01", "owner": "ana", "reason": "rounded floats"}]})  # fmt: skip
    before = gating.decide(loaded, [result()], today=dt.date(2030, 6, 1))
    assert [o.status for o in before] == ["waived"]
    assert gating.exit_code(before) == 0
    after = gating.decide(loaded, [result()], today=dt.date(2030, 6, 2))
    assert [o.status for o in after] == ["fail", "fail"]
    assert "ana" in after[1].text
    assert gating.exit_code(after) == 1


def test_tables_are_told_apart():
    """A gate on a table reads that table only."""
    gates = gating.load([{"metric": "c2st", "table": "b", "max": 0.5}])
    outcomes = gating.decide(gates, [result(value=0.9, table="a"), result(value=0.4, table="b")])
    assert [(o.table, o.status) for o in outcomes] == [("b", "pass")]


def test_warnings_never_decide_the_exit_code():
    """A failed warning is said and leaves exit code and verdict alone."""
    gates = gating.load([{"metric": "c2st", "max": 0.5, "severity": "warn"}, {"metric": "marginals", "min": 0}])
    results = [result(), result("marginals", 0.9, direction="higher")]
    outcomes = gating.decide(gates, results)
    assert [o.status for o in outcomes] == ["fail", "pass"]
    assert gating.exit_code(outcomes) == 0
    assert gating.verdicts(results, outcomes) == {"fidelity": "pass"}


@pytest.mark.parametrize("profile", gating.PROFILES)
def test_profiles_load_and_explain(profile):
    """Each profile is valid, names only metrics that exist, and says why for each gate."""
    loaded = gating.load(profile)
    assert len(loaded.gates) >= 10
    assert all(gate.why for gate in loaded.gates)


@pytest.mark.parametrize(("given", "message"), [
    ("publik", "neither a profile nor a gates file.*did you mean 'public'"),
    ([{"metric": "c3st", "max": 1}], "unknown metric 'c3st'.*did you mean 'c2st'"),
    ([{"metric": "c2st"}], "needs max, min or max_drop"),
    ([{"metric": "c2st", "maximum": 1}], "maximum"),
    ({"gates": [{"metric": "c2st", "max": 1}], "waivers": [{"gate": "pairs", "until": "2030-01-01", "owner": "a", "reason": "b"}]}, "no gate here"),
])  # fmt: skip
def test_bad_gates_are_errors(given, message):
    """What is not a valid set of gates is an error that says what and how to fix it, before anything is measured."""
    with pytest.raises(UsageError, match=message):
        gating.load(given)


def test_a_file_extends_a_profile(tmp_path, real, good):
    """A gates file starts from a profile; its own gates replace those on the same metric."""
    path = tmp_path / "gates.yaml"
    path.write_text("version: 1\nprofile: internal\ngates:\n  - {metric: marginals, min: 0.9999}\n")
    report = evaluate(real, good, only="marginals,pairs", gates=str(path))
    own = {o.metric: o for o in report.outcomes}
    assert own["marginals"].status == "fail"
    assert own["pairs"].status == "pass"
    assert report.exit_code == 1
    with pytest.raises(GateFailed, match="marginals") as caught:
        report.raise_for_gates()
    assert caught.value.exit_code == 1


def test_without_gates_the_exit_code_is_zero(real, good):
    """`gates="none"` measures and decides nothing about the exit code."""
    report = evaluate(real, good, only="privacy", gates="none")
    assert (report.exit_code, report.outcomes, report.profile) == (0, (), "none")
    assert "no gates were asked for" in str(report)


@pytest.mark.parametrize("gates", ["none", None])
def test_without_gates_nothing_is_missed_that_was_not_asked_for(real, good, gates):
    """Verdicts without gates speak of what was measured, whichever way no gates are asked for."""
    report = evaluate(real, good, only="marginals", gates=gates)
    assert dict(report.verdicts) == {"fidelity": "pass"}
    assert report.findings == ()


def test_gates_that_wait_for_one_thing_are_one_finding(real, good):
    """Without a holdout there is one thing to do about privacy, not seven."""
    report = evaluate(real, good, only="privacy")
    assert [f.metric for f in report.findings] == ["identical_excess"]
    assert "There is no holdout" in report.findings[0].text
    assert "singling_out" in report.findings[0].text


def test_optional_gates_alone_never_pass():
    """When not one gate could be decided the exit code is 3, optional or not."""
    optional = gating.load([{"metric": "c2st", "max": 1, "optional": True}])
    assert gating.exit_code(gating.decide(optional, [])) == 3
    assert gating.exit_code(gating.decide(optional, [result()])) == 0


def test_what_offers_nothing_to_attack_leaves_no_gate_open(real, good, holdout):
    """One column can give no other away, with a holdout; without one nothing is known."""
    one = [table.select(["job"]) for table in (real, good, holdout)]
    known = evaluate(one[0], one[1], holdout=one[2], only="identical_excess,membership_auc,attribute_inference,singling_out")
    status = {outcome.metric: outcome.status for outcome in known.outcomes}
    assert status["attribute_inference"] == status["singling_out"] == "skipped"
    assert known.verdicts["privacy"] == "pass"
    unknown = evaluate(one[0], one[1], only="identical_excess,attribute_inference")
    assert {outcome.status for outcome in unknown.outcomes} == {"inconclusive"}


def test_a_finding_says_why_it_matters_and_which_end_is_judged(real, holdout):
    """In whole sentences: what is wrong, the number, the bound, and the end of the interval that must keep it."""
    report = evaluate(real, real, holdout=holdout, only="identical_excess")
    (finding,) = report.findings
    assert finding.text.startswith("Training rows came out again, more than chance explains: identical_excess is ")
    assert "needs at most 0.001, at the low end of its interval." in finding.text
