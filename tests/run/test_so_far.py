"""What a run that was begun still has to ask and to pay, beside its budget; and previews of a few rows."""

import pytest

from lookalike import api
from lookalike.errors import BudgetSpent
from lookalike.run.so_far import so_far

RECIPE = """
name: left
models:
  m: {kind: scripted, replies: ["yes"]}
budget: {requests: BUDGET}
tables:
  t:
    rows: 40
    columns:
      n: {kind: sequence}
      note: {kind: prompt, model: m, prompt: "about {{ n }}"}
"""


def plan(budget, **edits):
    return api.plan(api.load(RECIPE.replace("BUDGET", str(budget)), set=edits))


def test_what_is_left_is_what_was_not_answered(tmp_path):
    """A run that stopped at its budget has the rest to ask; an edited column all of it; a finished run nothing."""
    with pytest.raises(BudgetSpent):
        api.make(plan(15), tmp_path / "run")
    found = so_far(plan(100), tmp_path / "run")
    assert found.answered == {"t.note": 15}
    text = plan(100).explain(found)
    assert "about 40 calls" in text
    assert "so far 15 requests" in text
    assert "left   25 calls" in text
    assert "budget 100 requests: about 40 in all, which fits" in text
    assert "budget 20 requests: about 40 in all: the run stops there" in plan(20).explain(found)
    edited = plan(100, **{"tables.t.columns.note.prompt": "of {{ n }}"})
    assert "left   40 calls" in edited.explain(so_far(edited, tmp_path / "run"))
    api.make(plan(100), tmp_path / "run")
    assert "left   nothing to ask" in plan(100).explain(so_far(plan(100), tmp_path / "run"))


def test_a_plan_stands_beside_its_budget():
    """Before the first call too."""
    assert "budget 15 requests: about 40 in all: the run stops there" in plan(15).explain()
    assert "so far" not in plan(15).explain()


def test_a_preview_of_a_design_makes_a_few_rows():
    """Three records of a grid with many repeats are three, and the combinations that it begins with."""
    rows = {"grid": {"a": [1, 2], "b": ["x", "y"]}, "repeat": 50}
    columns = {"n": {"kind": "sequence"}}
    children = {"rows": {"per": "t", "count": 2}, "columns": columns}
    [parents, more] = api.preview({"name": "p", "tables": {"t": {"rows": rows, "columns": columns}, "u": children}}, rows=3)
    assert [row for _, row in parents.rows] == [
        {"a": a, "b": b, "n": n} for n, (a, b) in enumerate([(1, "x"), (1, "y"), (2, "x")], 1)
    ]
    assert len(more.rows) == 6
