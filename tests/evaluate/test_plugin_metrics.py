"""Metrics of other packages inside an evaluation: planned, measured, gated, rendered, and never in the way of others."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MODULE = '''
from typing import ClassVar
from lookalike.evaluate.base import Metric


class Parity(Metric):
    """Share of even ages, beside the holdout's."""
    kind: ClassVar[str] = "plugged_parity"
    dimension: ClassVar[str] = "fidelity"

    def compute(self, views):
        even = {w: float((views.numbers("age", w) % 2 == 0).mean()) for w in ("synthetic", "ceiling")}
        return [self.result(even["synthetic"], ceiling=even["ceiling"], detail={"reading": "half of the ages are even."})]


class Broken(Metric):
    """Raises."""
    kind: ClassVar[str] = "plugged_broken"
    dimension: ClassVar[str] = "fidelity"

    def compute(self, views):
        raise ZeroDivisionError("by a plugin")
'''
CODE = """
import json, warnings
import numpy as np, pyarrow as pa
import lookalike as la
warnings.simplefilter("ignore")
def table(seed):
    return pa.table({"age": np.random.default_rng(seed).integers(18, 90, 400), "x": np.random.default_rng(seed).normal(size=400)})
gates = [{"metric": "plugged_parity", "min": 0.3}, {"metric": "plugged_broken", "min": 0}]
named = la.evaluate(table(0), table(1), only="plugged_parity,plugged_broken,marginals", gates=gates)
usual = la.evaluate(table(0), table(1), only="fidelity", gates="none")
print(json.dumps({
    "value": named["plugged_parity"].value, "broken": named["plugged_broken"].skipped, "marginals": named["marginals"].value,
    "status": {o.metric: o.status for o in named.outcomes}, "exit": named.exit_code,
    "in_html": "half of the ages are even." in named.html(), "in_usual": "plugged_parity" in usual,
}))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """An evaluation in a process in which the plugin is installed."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugged_metrics.py").write_text(MODULE)
    info = folder / "plugged_metrics-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-metrics\nVersion: 1.0\n")
    entries = "[lookalike.evaluate]\nplugged_parity = plugged_metrics:Parity\nplugged_broken = plugged_metrics:Broken\n"
    (info / "entry_points.txt").write_text(entries)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", CODE], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_plugins_metric_is_measured_gated_and_shown(outcome):
    """By name or with its dimension, in gates, and with its reading in the page."""
    assert 0.3 < outcome["value"] < 0.7
    assert outcome["status"]["plugged_parity"] == "pass"
    assert outcome["in_html"]
    assert outcome["in_usual"]


@pytest.mark.slow
def test_a_plugin_that_breaks_loses_nothing_else(outcome):
    """Its error is the reason of its skip, its gate is undecided, the others have their numbers."""
    assert "ZeroDivisionError: by a plugin" in outcome["broken"]
    assert outcome["marginals"] > 0.8
    assert (outcome["status"]["plugged_broken"], outcome["exit"]) == ("inconclusive", 3)
