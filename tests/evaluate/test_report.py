"""Reports: forms, round trips, comparison."""

from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from lookalike.errors import MetricError, UsageError
from lookalike.evaluate.compare import compare
from lookalike.evaluate.evaluate import evaluate
from lookalike.evaluate.report import Report


@pytest.fixture(scope="module")
def report(real, good):
    return evaluate(real, good, only="statistics")


@pytest.fixture(scope="module")
def worse(real, independent):
    return evaluate(real, independent, only="statistics")


def test_json_round_trip(report, tmp_path):
    """A saved report reads back to one that writes the same bytes."""
    path = report.save(tmp_path / "deep" / "report.json")
    again = Report.load(path)
    assert again.to_json() == report.to_json()
    assert again["pairs"].interval == report["pairs"].interval
    assert again.exit_code == report.exit_code


def test_a_saved_report_is_compared_like_a_fresh_one(real, good, holdout, tmp_path):
    """Counts and densities, which have no upper end, are compared too; tables are told in the same order."""
    fresh = evaluate(real, good, holdout=holdout, only="coverage,pii_count")
    saved = Report.load(fresh.save(tmp_path / "report.json"))
    assert saved["pii_count"].range == (0.0, float("inf"))
    assert {change.verdict for change in compare(saved, fresh).changes} == {"same"}
    assert str(saved).splitlines()[0] == str(fresh).splitlines()[0]
    assert saved.markdown() == fresh.markdown()


def test_every_form_by_suffix(worse, tmp_path):
    """The suffix names the form; an unknown one is an error that lists them."""
    assert "Fix this first" in worse.save(tmp_path / "r.md").read_text()
    assert "Fix this first" in worse.save(tmp_path / "r.txt").read_text()
    suite = ET.fromstring(worse.save(tmp_path / "r.xml").read_text()).find("testsuite")
    assert suite.get("tests") == str(len(worse.outcomes))
    assert (
        len(suite.findall("testcase/failure")) == sum(o.status == "fail" and o.severity == "block" for o in worse.outcomes) > 0
    )
    with pytest.raises(UsageError, match=r"\.json"):
        worse.save(tmp_path / "r.pdf")


def test_no_real_row_and_no_rare_level(real, good):
    """Levels that fewer than five real rows have appear in no form of the report."""
    import pyarrow as pa

    names = ["common"] * (real.num_rows - 2) + ["Jane Doe of Elm Street"] * 2
    a, b = (t.append_column("note", pa.array(names)) for t in (real, good))
    text = evaluate(a, b, only="statistics", protected=["note"]).to_json()
    assert "Jane Doe" not in text
    assert "common" in text


def test_names_lead_to_results(report):
    """Results are found by name, and a wrong one gets a suggestion."""
    assert report["marginals.age"].subject == "age"
    assert "marginals.age" in report
    with pytest.raises(MetricError, match="did you mean 'pairs'"):
        report["pair"]
    assert len(report.worst("pairs", 3)) == 3


def test_findings_come_first_things_first(worse):
    """What blocks comes before warnings, each with numbers and a next move."""
    severities = [f.severity for f in worse.findings]
    assert severities[0] == "block"
    assert severities == sorted(severities, key=["block", "unknown", "warn"].index)
    assert all(f.fix for f in worse.findings)


def test_compare_tells_better_from_noise(report, worse, real, holdout):
    """Shuffled columns are worse in dependence and not in marginals; another fresh sample is neither better nor worse in pairs."""
    change = compare(report, worse)
    names = {c.name for c in change.worse}
    assert {"dependence", "pairs", "functional_dependencies"} <= names
    assert "marginals" not in names
    assert {c.name for c in compare(worse, report).better} >= {"dependence", "pairs"}
    again = compare(report, evaluate(real, holdout, only="statistics"))
    assert "pairs" not in {c.name for c in (*again.worse, *again.better)}
    assert "| dependence |" in change.markdown()


def test_not_a_report(tmp_path):
    """Files that are no reports are an error with their path."""
    path = tmp_path / "x.json"
    for text in ("[]", "{}", "nonsense", '{"lookalike_report": 99}'):
        path.write_text(text)
        with pytest.raises(UsageError, match="not a report"):
            Report.load(path)
    with pytest.raises(UsageError, match="cannot read"):
        Report.load(tmp_path / "absent.json")


def test_terminal_form_fits_narrow_windows(worse):
    """The terminal form renders at 60 columns without breaking."""
    from lookalike.evaluate.forms.terminal import text

    assert max(map(len, text(worse, 60).splitlines())) <= 60


def test_what_several_tables_lack_is_said_once():
    """Two tables without texts: each metric of texts is named once, not once a table."""
    from lookalike.evaluate.forms.terminal import text

    tables = {name: pa.table({"x": list(range(60)), "kind": ["a", "b", "c"] * 20}) for name in ("left", "right")}
    said = text(evaluate(tables, tables), width=200)
    assert said.count("vendi_score") == 1
