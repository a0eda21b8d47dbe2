"""`lookalike evaluate` and `lookalike report compare`, as typed in a shell."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import pyarrow.csv as pc
import pytest

from lookalike.evaluate.report import Report

pytestmark = pytest.mark.slow  # each command is a process


def lookalike(*args, cwd):
    code = "from lookalike.cli import main; main()"
    environment = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        check=False, cwd=cwd, capture_output=True, text=True, env=environment,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory, real, good, independent, holdout):
    path = tmp_path_factory.mktemp("tables")
    for name, table in {"real": real, "good": good, "independent": independent, "holdout": holdout}.items():
        pc.write_csv(table, path / f"{name}.csv")
    return path


def test_gates_decide_the_exit_code_and_every_form_is_written(folder):
    """0 when gates hold; JSON, JUnit, Markdown and the page are all there, and say the same verdict."""
    done = lookalike(
        "evaluate", "real.csv", "good.csv", "--only", "statistics", "--json", "a.json", "--junit", "a.xml",
        "--markdown", "a.md", "--html", "a.html", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = Report.load(folder / "a.json")
    cases = ET.parse(folder / "a.xml").getroot().iter("testcase")  # our own file
    assert len(list(cases)) == len(report.outcomes)
    assert "fidelity" in (folder / "a.md").read_text(encoding="utf-8").lower()
    assert (folder / "a.html").stat().st_size < 400_000


def test_what_fails_exits_1_what_is_undecided_3_and_no_gates_0(folder):
    """Independent columns fail; attacks without a holdout decide nothing; `--gates none` only measures."""
    assert lookalike("evaluate", "real.csv", "independent.csv", "--only", "statistics", cwd=folder).returncode == 1
    assert lookalike("evaluate", "real.csv", "good.csv", "--only", "singling_out", cwd=folder).returncode == 3
    done = lookalike("evaluate", "real.csv", "independent.csv", "--only", "statistics", "--gates", "none", cwd=folder)
    assert done.returncode == 0


def test_a_budget_leaves_out_what_does_not_fit(folder):
    """`--budget-s` skips the dear metrics with the reason and the seconds that were expected; the cheap ones have numbers."""
    done = lookalike(
        "evaluate", "real.csv", "good.csv", "--only", "fidelity", "--budget-s", "0.06", "--json", "b.json", cwd=folder
    )
    assert done.returncode in (0, 3), done.stderr
    report = Report.load(folder / "b.json")
    assert report["marginals"].value is not None
    assert "does not fit the budget of 0.06 s" in report["c2st"].skipped


def test_compare_says_what_got_worse(folder):
    """`report compare A B` names what fell beyond noise, and needs two reports."""
    for name in ("good", "independent"):
        lookalike(
            "evaluate",
            "real.csv",
            f"{name}.csv",
            "--only",
            "statistics",
            "--gates",
            "none",
            "--json",
            f"{name}.json",
            cwd=folder,
        )
    done = lookalike("report", "compare", "good.json", "independent.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "dependence" in done.stdout
    assert "worse" in done.stdout
    assert lookalike("report", "compare", "good.json", cwd=folder).returncode == 2


def test_an_expired_waiver_and_an_unknown_metric_are_said(folder):
    """A waiver whose day is over fails the release; a gate on a metric that does not exist is a usage error."""
    waiver = {"gate": "pairs", "until": "2020-01-01", "owner": "ana", "reason": "once upon a time"}
    (folder / "late.yaml").write_text(
        json.dumps({"version": 1, "gates": [{"metric": "pairs", "min": 0.1}], "waivers": [waiver]})
    )
    late = lookalike("evaluate", "real.csv", "good.csv", "--only", "pairs", "--gates", "late.yaml", cwd=folder)
    assert late.returncode == 1
    assert "2020-01-01" in late.stdout
    (folder / "odd.yaml").write_text(json.dumps({"version": 1, "gates": [{"metric": "pears", "min": 0.1}]}))
    odd = lookalike("evaluate", "real.csv", "good.csv", "--gates", "odd.yaml", cwd=folder)
    assert odd.returncode == 2
    assert "did you mean 'pairs'" in odd.stderr
