"""Whole runs against a real HTTP server that misbehaves: every row is accounted for, and nothing answered is lost."""

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from lookalike.errors import BudgetSpent, ModelError, RecipeError
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.run.folder import RunFolder
from lookalike.testing.server import TEN_MEGABYTES, ModelServer

KEY = "sk-canary-5512"
TEXT = """
name: shaky
models:
  m: {{kind: openai, base_url: "{url}", model: test, api_key: "${{SHAKY_KEY}}", timeout_s: {timeout}, retries: 3, concurrency: 4,
      patience: {{backoff_s: 0.01, backoff_max_s: 0.05}}, {model}}}
{budget}
tables:
  a:
    rows: 8
    columns:
      n: {{kind: sequence}}
      note: {{kind: prompt, model: m, prompt: "kettle {{{{ n }}}}", {column}}}
"""


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SHAKY_KEY", KEY)


def made(server, root, *, model="", column="", budget="", timeout=20, **options):
    """Run the recipe; the rows, what became of them, and why some failed."""
    text = TEXT.format(url=server.url, model=model, column=column, budget=budget, timeout=timeout)
    run(compile_plan(load(text), root), root / "r", Options(**options))
    folder = root / "r"
    rows = pq.read_table(folder / "tables" / "a").to_pylist()
    outcomes = orjson.loads((folder / "manifest.json").read_bytes())["tables"]["a"]["outcomes"]
    assert outcomes["kept"] == len(rows)
    assert outcomes["attempted"] == sum(outcomes[name] for name in ("kept", "filtered", "duplicate", "failed"))
    reasons = pq.read_table(folder / "failures.parquet")["reason"].to_pylist() if outcomes["failed"] else []
    assert not spilled(root)
    return rows, outcomes, reasons


def spilled(root: Path) -> list[Path]:
    """Files that hold the key."""
    return [path for path in root.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "fault",
    ["html", "half", "hang", "error-in-200", "limited-in-200", "not-a-chat", "truncated-json", "500", "503", "429", "529", "429-retry-after"],
)  # fmt: skip
def test_what_passes_costs_one_more_request_and_no_row(fault, tmp_path):
    """Three faults among eight calls: all rows, eleven requests, each prompt answered for its own row."""
    with ModelServer() as server:
        server.next("ok", fault, "ok", fault, fault)
        rows, outcomes, _ = made(server, tmp_path, timeout=2 if fault == "hang" else 20)
        assert len(server.requests) == 11
    assert [row["note"] for row in rows] == [f"[kettle {row['n']}]" for row in rows]
    assert outcomes["kept"] == 8


@pytest.mark.parametrize(
    ("behaviour", "model", "column", "said"),
    [
        ("empty", "", "", "the answer is empty"),
        ("refusal", "", "", "the answer is a refusal"),
        ("filtered", "", "", "the answer is a refusal"),
        ("length", "", "max_tokens: 40", "cut off at the token limit"),
        ("prose", "", "schema: {type: object, properties: {x: {type: integer}}, required: [x]}", "not JSON"),
        ("prose", "", 'choices: ["yes", "no"]', "must be exactly one of: yes, no"),
        ("prose", "", "code: python", "the python code does not parse"),
        ("endless", "body_max: 100_000", "", "longer than 100,000 bytes"),
        ("400", "", "", "scripted 400"),
        ("413", "", "", "scripted 413"),
        ("unknown-tool", "", "", "empty"),
    ],
)
def test_what_never_passes_fails_its_rows_with_the_reason(behaviour, model, column, said, tmp_path):
    """A server that always answers so: no row is kept, each has its reason, and the run itself ends well."""
    with ModelServer(always=behaviour) as server:
        rows, outcomes, reasons = made(server, tmp_path, model=model, column=column)
    assert (rows, outcomes["failed"]) == ([], 8)
    assert [reason for reason in reasons if said not in reason] == []


def test_one_bad_answer_is_asked_again_with_what_was_wrong_with_it(tmp_path):
    """JSON in prose is answered by the same question with the reason below it."""
    with ModelServer() as server:
        server.next("ok", "prose")
        rows, _, _ = made(server, tmp_path, column="schema: {type: object, properties: {x: {type: integer}}, required: [x]}")
        again = [body for body in server.requests if len(body["messages"]) == 3]
    assert len(rows) == 8
    assert all(isinstance(row["note"]["x"], int) for row in rows)
    [body] = again
    assert "cannot be used:\n- the answer is not JSON" in body["messages"][-1]["content"]


def test_a_reply_of_ten_megabytes_is_a_cell(tmp_path):
    """It arrives whole, once, and survives the journal."""
    with ModelServer() as server:
        server.next("huge")
        rows, outcomes, _ = made(server, tmp_path, model="body_max: 20_000_000")
        made(server, tmp_path, model="body_max: 20_000_000")
        assert len(server.requests) == 8
    assert max(len(row["note"]) for row in rows) == TEN_MEGABYTES
    assert outcomes["kept"] == 8


@pytest.mark.parametrize(("given", "said"), [({"key": "another"}, "HTTP 401"), ({"model": "other"}, "does not exist")])
def test_a_lane_that_can_never_answer_stops_after_one_try(given, said, tmp_path):
    """A wrong key or model name is one request and one clear error; mended, the same command goes on."""
    with ModelServer(**given) as server:
        with pytest.raises(ModelError, match=said) as stop:
            made(server, tmp_path)
        assert len(server.requests) == 1
        assert KEY not in str(stop.value)
        assert not spilled(tmp_path)
        server.key = server.model = ""
        rows, _, _ = made(server, tmp_path)
        assert len(rows) == 8
        assert len(server.requests) == 9


def test_a_key_that_is_refused_half_way_loses_nothing_answered(tmp_path):
    """What was answered before the 401 is not asked again."""
    with ModelServer() as server:
        server.next("ok", "ok", "ok", "ok")
        server.always = "401"
        with pytest.raises(ModelError, match="401"):
            made(server, tmp_path)
        asked, server.always = server.statuses[200], "ok"
        rows, _, _ = made(server, tmp_path)
        assert server.statuses[200] == 8
    assert asked == 4
    assert len(rows) == 8


def test_a_budget_smaller_than_one_call_sends_nothing(tmp_path):
    """It is known before the first request; raised, the same command runs."""
    price = "price: {input: 1, output: 1000}"
    with ModelServer() as server:
        with pytest.raises(BudgetSpent, match="budget"):
            made(server, tmp_path, model=price, budget="budget: {usd: 0.0001}", column="max_tokens: 50")
        assert server.requests == []
        rows, _, _ = made(server, tmp_path, model=price, budget="budget: {usd: 5}", column="max_tokens: 50")
    assert len(rows) == 8


def test_a_price_that_is_unknown_cannot_be_capped_in_money(tmp_path):
    """One clear error before anything is sent."""
    with ModelServer() as server:
        with pytest.raises(RecipeError, match="price"):
            made(server, tmp_path, budget="budget: {usd: 1}")
        assert server.requests == []


@pytest.mark.parametrize(("price", "said"), [("", [["m"]]), ("price: {input: 1, output: 4}", [])])
def test_a_run_says_once_that_a_price_is_unknown(tmp_path, price, said):
    """Money is shown beside it; with a price there is nothing to say."""
    with ModelServer() as server:
        made(server, tmp_path, model=price)
    events = RunFolder(tmp_path / "r").events()
    assert [event["models"] for event in events if event["event"] == "unpriced"] == said


def test_a_tool_that_is_not_there_is_told_to_the_model(tmp_path):
    """The model is told which tools there are, answers, and the row is kept."""
    with ModelServer() as server:
        server.next("unknown-tool")
        rows, _, _ = made(server, tmp_path, column='tools: ["os.path:basename"]', allow_code=True)
        told = [body for body in server.requests if body["messages"][-1]["role"] == "tool"]
    assert len(rows) == 8
    [body] = told
    assert body["messages"][-1]["content"] == "error: there is no tool 'no_such_tool'; tools: basename"


def test_an_answer_that_looks_like_a_template_is_never_rendered(tmp_path):
    """A cell goes into the next prompt as it stands."""
    shown = "{{ n }} {% for x in [] %} ${SHAKY_KEY}"
    text = TEXT.replace('"kettle {{{{ n }}}}"', '"{{{{ shown }}}}"').replace(
        "      note:",
        f"      shown: {{{{kind: constant, value: '{shown.replace('{', '{{').replace('}', '}}')}'}}}}\n      note:",
    )
    text += '      echo: {{kind: prompt, model: m, prompt: "{{{{ note }}}}"}}\n'
    with ModelServer() as server:
        recipe = load(text.format(url=server.url, model="", column="", budget="", timeout=20))
        run(compile_plan(recipe, tmp_path), tmp_path / "r", Options())
    rows = pq.read_table(tmp_path / "r" / "tables" / "a").to_pylist()
    assert {row["note"] for row in rows} == {f"[{shown}]"}
    assert {row["echo"] for row in rows} == {f"[[{shown}]]"}
    assert not spilled(tmp_path)
