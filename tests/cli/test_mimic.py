"""`lookalike mimic` stops when it is told to, and makes coarse what a profile asks for."""

import json
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from typer.testing import CliRunner

from lookalike.cli.mimic import app


@pytest.mark.slow
@pytest.mark.parametrize("at", ["learning", "drawing"])
def test_ctrl_c_leaves_nothing_half_written(tmp_path, at):
    """Interrupted while it learns or draws, it ends at once, says so without a traceback, and leaves no file."""
    from lookalike.packaged import cached

    if cached("flights.raw") is None:
        pytest.skip("package:flights is not fetched")
    command = [str(Path(sys.executable).with_name("lookalike")), "mimic", "package:flights", "-o", "out.csv", "-n", "20000000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if at in line:
                break
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        code = process.wait(60)
    assert code == 130
    assert "Traceback" not in rest
    assert not list(tmp_path.iterdir())


def _customers(rows: int, seed: int) -> pa.Table:
    """Customers as they stand in a shop's database: postal codes, towns, days of sign-up, jobs, amounts, notes."""
    g = np.random.default_rng(seed)
    place = g.choice(1500, rows, p=(chance := 1 / (np.arange(1500) + 5) ** 0.8) / chance.sum())
    day, job = g.integers(0, 1400, rows), g.zipf(1.6, rows).clip(1, 120)
    tenure = (1400 - day) // 30
    plan = np.where(g.random(rows) < 0.3 + 0.4 * (tenure > 20), "basic", g.choice(["plus", "pro"], rows))
    monthly = np.select([plan == "basic", plan == "plus"], [20, 35], 60) + g.integers(-5, 6, rows)
    age = np.clip(g.normal(45, 15, rows).round(), 18, 95).astype(int)
    churn = g.random(rows) < 1 / (1 + np.exp(1.2 - 0.03 * (45 - age) - 0.8 * (plan == "basic") + 0.03 * tenure))
    said, of = g.choice(["called", "wrote", "came"], rows), g.choice(["billing", "delivery", "a refund", "the app"], rows)
    minutes, on = g.integers(2, 50, rows), g.integers(1, 29, rows)
    agent, end = g.choice(["resolved it", "left it open", "asked a colleague"], rows), g.choice(["May", "June", "July"], rows)
    notes = [
        f"Customer {a} about {b} on {d} {m}; the agent {c} after {t} minutes."
        for a, b, d, m, c, t in zip(said, of, on, end, agent, minutes, strict=True)
    ]
    return pa.table(
        {
            "zip": [f"{10000 + i * 57 % 89999}" for i in place],
            "city": [f"City{i * 57 % 89999 // 300}" for i in place],
            "signup": [date(2021, 1, 1) + timedelta(days=int(d)) for d in day],
            "tenure": tenure, "age": age, "plan": plan, "job": [f"job {i}" for i in job],
            "monthly": monthly, "total": monthly * tenure,
            "notes": notes,
            "churn": np.where(churn, "yes", "no"),
        }
    )  # fmt: skip


def _mimic(folder: Path, table: pa.Table, *options: str):
    pa_csv.write_csv(table, folder / "in.csv")
    return CliRunner().invoke(app, [str(folder / "in.csv"), "-o", str(folder / "out.csv"), *options])


def test_a_profile_says_what_it_made_coarse(tmp_path):
    """Each column that changed has a line; the rows that come out, and those held out, are as coarse as what was learned."""
    done = _mimic(
        tmp_path, _customers(300, 0), "--profile", "partner", "-n", "100",
        "--keep-holdout", str(tmp_path / "held.csv"), "--json", str(tmp_path / "r.json"),
    )  # fmt: skip
    assert "partner: signup: days became" in done.output
    assert "partner: zip: codes became areas" in done.output
    for name in ("out.csv", "held.csv"):
        table = pa_csv.read_csv(tmp_path / name)
        assert {day.day for day in table["signup"].to_pylist()} == {1}
    assert pa_csv.read_csv(tmp_path / "held.csv").num_rows > 90  # low risk must be proven: two fifths
    assert json.loads((tmp_path / "r.json").read_bytes())["profile"] == "partner"


def test_an_unknown_profile_is_named(tmp_path):
    """A typing error is one sentence, before anything is learned."""
    done = _mimic(tmp_path, _customers(60, 0), "--profile", "intern")
    assert "no profile 'intern'" in str(done.exception)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_five_thousand_customers_may_be_released_within_the_team(tmp_path, seed):
    """Postal codes, days, jobs and notes: coarse enough, every gate of the profile holds, whatever the seed."""
    done = _mimic(
        tmp_path, _customers(5000, seed), "--profile", "internal", "-n", "10000", "--target", "churn", "--seed", str(seed)
    )
    assert done.exit_code == 0, done.output
