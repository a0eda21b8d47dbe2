"""Packages of others add kinds by entry points."""

import os
import subprocess
import sys

import pytest

MODULE = '''
from typing import ClassVar
import numpy as np
import pyarrow as pa
from lookalike.generators.base import Generator
from lookalike.evaluate.base import Metric
from lookalike.models.scripted import Scripted


class Answer(Generator):
    """Always the same whole number."""
    kind: ClassVar[str] = "plugged_answer"
    value: int = 42

    def generate(self, batch, ctx):
        return pa.array(np.full(len(batch), self.value))


class Parrot(Scripted):
    """Says polly."""
    kind: ClassVar[str] = "plugged_parrot"
    replies: tuple[str, ...] = ("polly",)


class Rows(Metric):
    """Whether there are rows at all."""
    kind: ClassVar[str] = "plugged_rows"

    def compute(self, views):
        return [self.result(1.0)]
'''
ENTRIES = """
[lookalike.generators]
plugged_answer = plugged:Answer
[lookalike.models]
plugged_parrot = plugged:Parrot
[lookalike.evaluate]
plugged_rows = plugged:Rows
"""
RECIPE = """
lookalike: 1
name: plugged
models:
  default: {kind: plugged_parrot}
tables:
  t:
    rows: 3
    columns:
      a: {kind: plugged_answer, value: 7}
      b: {kind: prompt, prompt: "hello {{ a }}"}
"""


@pytest.fixture
def python(tmp_path):
    """Run code where the plugin is installed."""
    (tmp_path / "plugged.py").write_text(MODULE)
    info = tmp_path / "plugged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "r.yaml").write_text(RECIPE)

    def run(code):
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_kinds_lists_plugins(python):
    """`lookalike kinds` shows a generator, a model and a metric of a plugin."""
    out = python("import sys; sys.argv = ['lookalike', 'kinds']\nfrom lookalike.cli import main\nmain()")
    assert {"plugged_answer", "plugged_parrot", "plugged_rows"} <= set(out.replace(",", " ").split())


def test_recipe_uses_plugins(python):
    """A recipe names a plugin's generator and model as if they were built in."""
    code = "from lookalike import api\nprint(api.run('r.yaml', 'out').table('t').to_pylist())"
    assert python(code).strip() == str([{"a": 7, "b": "polly"}] * 3)


def test_metric_measures(python):
    """A plugin's metric is computed when it is asked for by name."""
    code = "from lookalike.registry import resolve\nprint(resolve('metric', 'plugged_rows')().compute(None)[0].value)"
    assert python(code).strip() == "1.0"
