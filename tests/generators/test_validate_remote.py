"""A service of the user's own judges rows over HTTP."""

import orjson
import pyarrow.parquet as pq
import pytest

from lookalike.errors import RecipeError
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.testing.server import ModelServer

TEXT = """
name: judged
models:
  rules: {{kind: http, url: "{url}/check", headers: {{Authorization: "Bearer ${{RULES_KEY}}"}}, concurrency: 4}}
tables:
  a:
    rows: 20
    columns:
      word: {{kind: category, values: {{right: 0.6, wrong: 0.4}}}}
      secret: {{kind: sequence}}
      day: {{kind: datetime, start: 2024-01-01, end: 2024-12-31}}
      ok: {{kind: validate_remote, model: rules, columns: [word, day]}}
{keep}
"""


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("RULES_KEY", "rk-secret-77")


def made(server, folder, keep=""):
    run(compile_plan(load(TEXT.format(url=server.url, keep=keep)), folder), folder / "r", Options())
    return pq.read_table(folder / "r" / "tables" / "a").to_pylist()


def test_each_row_gets_the_verdict_and_only_named_columns_leave(tmp_path):
    """Valid and reason come from the service; a column that is not named is never sent, and no file holds the key."""
    with ModelServer() as server:
        rows = made(server, tmp_path)
        assert {tuple(sorted(body)) for body in server.requests} == {("day", "word")}
        assert server.seen_headers[0]["Authorization"] == "Bearer rk-secret-77"
    for row in rows:
        wanted = {"valid": True, "reason": None} if row["word"] == "right" else {"valid": False, "reason": "word is wrong"}
        assert row["ok"] == wanted
    assert not any(b"rk-secret-77" in path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file())


def test_rows_that_the_service_refuses_are_replaced_and_verdicts_paid_for_once(tmp_path):
    """`keep` on the verdict gives the exact count; the same command again asks nothing."""
    keep = "    keep: [ok.valid]"
    with ModelServer() as server:
        rows = made(server, tmp_path, keep)
        assert len(rows) == 20
        assert {row["word"] for row in rows} == {"right"}
        asked = len(server.requests)
        assert asked > 20
        made(server, tmp_path, keep)
        assert len(server.requests) == asked


def test_faults_are_tried_again_and_what_is_no_verdict_fails_its_row_alone(tmp_path):
    """429, 500, HTML and a cut-off body cost a retry; an answer that is neither yes nor no is a failed row with its reason."""
    with ModelServer() as server:
        server.next("ok", "500", "html", "429", "half", "shrug")
        assert len(made(server, tmp_path)) == 19
        assert len(server.requests) == 24
    outcomes = orjson.loads((tmp_path / "r" / "manifest.json").read_bytes())["tables"]["a"]["outcomes"]
    assert (outcomes["kept"], outcomes["failed"]) == (19, 1)
    [reason] = pq.read_table(tmp_path / "r" / "failures.parquet")["reason"].to_pylist()
    assert '"perhaps", which is no verdict' in reason


def test_a_service_that_gets_no_columns_is_a_problem_of_the_recipe():
    """Nothing is sent that was not named."""
    text = TEXT.format(url="http://localhost:1", keep="").replace("columns: [word, day]", "columns: []")
    with pytest.raises(RecipeError, match="columns"):
        load(text)
