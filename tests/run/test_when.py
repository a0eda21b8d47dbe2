"""`when` on cells that a model answers: who is asked, and what the others get."""

import pytest

from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run

from .test_engine import calls, rows_of

TEXT = """
name: chosen
models:
  m: {{kind: scripted, replies: ["yes", "no", "no"]}}
  n: {{kind: scripted, replies: [because]}}
tables:
  homes:
    rows: 4
    columns: {{town: {{kind: category, values: {{Ulm: 0.5, Bonn: 0.5}}}}}}
  a:
    rows: {{per: homes, count: 5}}
    columns:
      urgent: {{kind: prompt, model: m, prompt: "Is {{{{ homes.town }}}} urgent?", choices: ["yes", "no"]}}
      size: {{kind: expression, sql: "length(urgent)"}}
      why: {{kind: prompt, model: n, prompt: "Why {{{{ urgent }}}}?", when: "{when}"}}
"""


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("urgent = 'yes'", lambda row: row["urgent"] == "yes"),
        ("size = 3 and homes.town <> ''", lambda row: row["urgent"] == "yes"),
        ("urgent = 'yes' and _id % 2 = 0", None),
        ("nullif(urgent, 'yes') is null", lambda row: row["urgent"] == "yes"),
    ],
)
def test_only_rows_that_hold_the_condition_are_asked(tmp_path, when, holds):
    """A condition on an answer, on what is worked out from it, on the parent and on the row's number: others are null and cost nothing."""
    run(compile_plan(load(TEXT.format(when=when)), tmp_path), tmp_path / "r", Options())
    rows = rows_of(tmp_path / "r")
    asked = [row["why"] == "because" for row in rows]
    wanted = (
        [row["urgent"] == "yes" and number % 2 == 0 for number, row in enumerate(rows)] if holds is None else map(holds, rows)
    )
    assert asked == list(wanted)
    assert 0 < sum(asked) < len(rows) == 20
    assert {row["why"] for row in rows} == {"because", None}
    assert calls(tmp_path / "r") == 20 + sum(asked)
