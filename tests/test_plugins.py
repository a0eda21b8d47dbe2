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
from lookalike.origins.base import Brings, Origin, Rows as Given
from lookalike.rows.batch import Batch


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
ORIGIN = '''

class Ticks(Given):
    """Row ids times a step."""
    def __init__(self, place, step):
        self.asked, self.table, self.step = place.asked, place.table, step

    def rows(self, range):
        ids = range.candidates()
        return Batch(self.table, ids, {"tick": pa.array(ids * self.step)})


class Every(Origin):
    """One row for each step of a clock."""
    kind: ClassVar[str] = "every"
    every: int
    n: int

    def brings(self, known):
        return Brings(("tick",), rows=self.n)

    def words(self):
        return f"every {self.every} s"

    def open(self, place):
        return Ticks(place, self.every)
'''
ENTRIES = """
[lookalike.origins]
every = plugged:Every
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
    (tmp_path / "plugged.py").write_text(MODULE + ORIGIN)
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
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
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


def test_rows_of_a_plugin_are_a_kind_like_others(python):
    """One class is a new way to get rows: recipes, problems, plans, runs and the editors' schema know it by its key."""
    code = """
from lookalike import api
from lookalike.recipe.schema import json_schema
recipe = {"name": "r", "tables": {"t": {"rows": {"every": 5, "n": 3}, "columns": {"b": {"kind": "expression", "sql": "tick + 1"}}}}}
made = api.plan(recipe)
print(made.explain().splitlines()[2])
print(api.run(made, "out").table("t").to_pylist())
print(api.load("out/recipe.yaml") == made.recipe)
print("every" in str(json_schema()["$defs"]["any_origin"]))
try:
    api.load({"name": "r", "tables": {"t": {"rows": {"every": 5}}}})
except Exception as problem:
    print(problem)
"""
    assert python(code).splitlines() == [
        "t: 3 rows in 1 partition, every 5 s",
        str([{"tick": 0, "b": 1}, {"tick": 5, "b": 6}, {"tick": 10, "b": 11}]),
        "True",
        "True",
        "recipe.tables.t.rows: 'n' is missing in tables.t.rows. add `n:`",
    ]
