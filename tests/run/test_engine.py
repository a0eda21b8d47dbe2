import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.errors import BudgetSpent, GateFailed, ModelError, RunError
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.run.executors import Shard
from lookalike.run.manifest import spent
from lookalike.testing.server import ModelServer

CHAIN = """
name: chain
models:
  m: {{kind: scripted, replies: [one, two, three, four], concurrency: {concurrency}, latency_s: {latency}, fault_share: {share}, fault: transient}}
tables:
  a:
    rows: {rows}
    columns:
      sex: {{kind: category, values: {{F: 0.5, M: 0.5}}}}
      note: {{kind: prompt, model: m, prompt: "about {{{{ sex }}}}"}}
      more: {{kind: prompt, model: m, prompt: "{edit}{{{{ note }}}}"}}
{rest}
"""


def made(folder, text, root, *, partition_rows=None, **options):
    """Run a recipe text and give the folder."""
    options.setdefault("threads", 2)
    return run(compile_plan(load(text), root, partition_rows=partition_rows), folder, Options(**options))


def chain(rows=23, *, concurrency=8, latency=0, share=0.0, edit="", rest=""):
    return CHAIN.format(rows=rows, concurrency=concurrency, latency=latency, share=share, edit=edit, rest=rest)


def rows_of(folder, table="a"):
    """All partitions' rows as one table."""
    parts = sorted((Path(folder) / "tables" / table).glob("part-*.parquet"))
    return pa.concat_tables([pq.ParquetFile(p).read().replace_schema_metadata(None) for p in parts]).to_pylist()


def files_of(folder, table="a"):
    return {path.name: path.read_bytes() for path in (Path(folder) / "tables" / table).glob("part-*.parquet")}


def manifest_of(folder):
    return orjson.loads((Path(folder) / "manifest.json").read_bytes())


def calls(folder):
    """Good replies in the journal, over all attempts."""
    return sum(
        b'"t":' in line for path in (Path(folder) / "journal").rglob("*.jsonl") for line in path.read_bytes().splitlines()
    )


KEEP = """    keep: ["note <> 'three'"]\n"""


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    partition=st.integers(1, 40),
    threads=st.integers(1, 4),
    concurrency=st.sampled_from([1, 3, 32]),
    latency=st.sampled_from([0, 0.001]),
    selective=st.booleans(),
)
def test_how_a_run_is_cut_never_changes_its_rows(partition, threads, concurrency, latency, selective, tmp_path_factory):
    """Any partition size, thread count, concurrency and latency give the same rows and the same outcomes."""
    rest = KEEP if selective else ""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    made(one, chain(concurrency=1, rest=rest), one, partition_rows=1000, threads=1)
    text = chain(concurrency=concurrency, latency=latency, rest=rest)
    made(other, text, other, partition_rows=partition, threads=threads)
    assert rows_of(one) == rows_of(other)
    outcomes = manifest_of(other)["tables"]["a"]["outcomes"]
    assert outcomes == manifest_of(one)["tables"]["a"]["outcomes"]
    assert outcomes["kept"] == 23
    assert outcomes["attempted"] == sum(outcomes[name] for name in ("kept", "filtered", "duplicate", "failed"))


def test_faults_that_pass_change_nothing(tmp_path):
    """A server that fails some first tries gives the same files as one that never fails."""
    made(tmp_path / "calm", chain(8), tmp_path, partition_rows=4)
    made(tmp_path / "rough", chain(8, share=0.2), tmp_path, partition_rows=4)
    calm, rough = rows_of(tmp_path / "calm"), rows_of(tmp_path / "rough")
    assert calm == rough
    assert calls(tmp_path / "rough") == 16


def test_a_finished_run_is_left_alone(tmp_path):
    """The same command on a finished run asks nothing and leaves every file as it is."""
    made(tmp_path / "r", chain(), tmp_path)
    before, asked = files_of(tmp_path / "r"), calls(tmp_path / "r")
    made(tmp_path / "r", chain(), tmp_path)
    assert (files_of(tmp_path / "r"), calls(tmp_path / "r")) == (before, asked)


def test_a_cap_stops_a_count_that_cannot_be_reached(tmp_path):
    """When nothing passes `keep`, the run ends at the cap and says how many candidates were tried."""
    made(tmp_path / "r", chain(10, rest="    keep: [\"note = 'never'\"]\n"), tmp_path)
    outcomes = manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]
    assert outcomes["kept"] == 0
    assert outcomes["filtered"] == outcomes["attempted"] > 10
    events = [orjson.loads(line) for line in (tmp_path / "r" / "events.jsonl").read_bytes().splitlines()]
    [capped] = [event for event in events if event["event"] == "capped"]
    assert str(outcomes["attempted"]) in capped["reason"]


@pytest.mark.parametrize("partition", [1, 3, 50])
@pytest.mark.parametrize("concurrency", [1, 16])
def test_duplicates_are_replaced_by_the_same_rows(tmp_path, partition, concurrency):
    """A step with memory keeps the first of equal rows, whatever the order of replies and the size of partitions."""
    text = (
        chain(4, concurrency=concurrency, latency=0.001).replace("      more:", "      unused:")
        + "    cap: 50\n    steps: [{kind: dedup, on: note, method: exact}]\n"
    )
    made(tmp_path / "r", text, tmp_path, partition_rows=partition)
    made(tmp_path / "one", text.replace(f"concurrency: {concurrency}", "concurrency: 1"), tmp_path, partition_rows=1000)
    rows = rows_of(tmp_path / "r")
    assert sorted(row["note"] for row in rows) == ["four", "one", "three", "two"]
    assert rows == rows_of(tmp_path / "one")


def test_a_spent_budget_stops_and_a_raised_one_goes_on(tmp_path):
    """Requests are counted over all attempts: the run stops at the cap, and goes on without asking anything twice."""
    with pytest.raises(BudgetSpent) as stop:
        made(tmp_path / "r", chain() + "budget: {requests: 10}\n", tmp_path)
    assert stop.value.exit_code == 5
    assert calls(tmp_path / "r") == 10
    with pytest.raises(BudgetSpent):
        made(tmp_path / "r", chain() + "budget: {requests: 10}\n", tmp_path)
    assert calls(tmp_path / "r") == 10
    made(tmp_path / "r", chain() + "budget: {requests: 46}\n", tmp_path)
    assert calls(tmp_path / "r") == 46 == spent(tmp_path / "r")[1]
    made(tmp_path / "free", chain(), tmp_path)
    assert rows_of(tmp_path / "r") == rows_of(tmp_path / "free")


def test_an_edited_column_and_what_hangs_on_it_are_asked_again(tmp_path):
    """After an edit of the last column only that column's cells are asked again."""
    made(tmp_path / "r", chain(), tmp_path)
    made(tmp_path / "r", chain(edit="Now: "), tmp_path)
    assert calls(tmp_path / "r") == 46 + 23
    made(tmp_path / "fresh", chain(edit="Now: "), tmp_path)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "fresh")


def test_more_rows_keep_the_first_ones(tmp_path):
    """A run raised from 10 to 20 rows asks for the ten new ones only."""
    made(tmp_path / "r", chain(10), tmp_path)
    first = rows_of(tmp_path / "r")
    made(tmp_path / "r", chain(20), tmp_path)
    assert rows_of(tmp_path / "r")[:10] == first
    assert calls(tmp_path / "r") == 40


@pytest.mark.parametrize("rest", ["", KEEP])
def test_shards_and_a_finisher_make_one_run(tmp_path, rest):
    """Two shards and the run that finishes write the bytes of one undivided run, and ask nothing twice."""
    text = chain(rest=rest)
    made(tmp_path / "one", text, tmp_path, partition_rows=5)
    for index in (0, 1):
        made(tmp_path / "r", text, tmp_path, partition_rows=5, shard=Shard(index, 2))
    made(tmp_path / "r", text, tmp_path, partition_rows=5)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "one")
    assert calls(tmp_path / "r") == calls(tmp_path / "one")


def test_failed_cells_are_asked_again_on_request_only(tmp_path):
    """A row whose call failed is kept as failed with its reason, and `retry_failed` fills its place."""
    broken = chain(6).replace("fault_share: 0.0, fault: transient", "fault_first: 2, fault: refused")
    made(tmp_path / "r", broken, tmp_path)
    assert manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["failed"] == 2
    failed = pq.ParquetFile(tmp_path / "r" / "failures.parquet").read().to_pylist()
    assert [row["column"] for row in failed] == ["note", "note"]
    assert all("refused" in row["reason"] for row in failed)
    made(tmp_path / "r", chain(6), tmp_path)
    made(tmp_path / "r", chain(6), tmp_path, retry_failed=True)
    assert manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"] == {
        "attempted": 6, "kept": 6, "filtered": 0, "duplicate": 0, "failed": 0
    }  # fmt: skip
    made(tmp_path / "whole", chain(6), tmp_path)
    assert rows_of(tmp_path / "r") == rows_of(tmp_path / "whole")


PICKY = """
name: picky
models:
  m: {{kind: scripted, replies: [red, green, blue], concurrency: 4}}
tables:
  a:
    rows: {rows}
    {rest}
    columns:
      word: {{kind: prompt, model: m, tries: 2, prompt: "a colour", checks: [{{must_not: [red]}}]}}
"""


def test_replies_that_never_passed_are_asked_again_with_other_seeds(tmp_path):
    """`retry_failed` begins cells anew whose replies all failed their checks, and only those; nothing that passed is asked again."""
    text = PICKY.format(rows=40, rest="")
    made(tmp_path / "r", text, tmp_path)
    failed = manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["failed"]
    assert 0 < failed < 40
    first = calls(tmp_path / "r")
    made(tmp_path / "r", text, tmp_path)
    assert calls(tmp_path / "r") == first
    for _ in range(8):
        before, left = calls(tmp_path / "r"), manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["failed"]
        made(tmp_path / "r", text, tmp_path, retry_failed=True)
        assert left <= calls(tmp_path / "r") - before <= 2 * left
    assert manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["kept"] == 40


class Killed(BaseException):
    """Ends a run as SIGKILL does."""


def test_a_retry_that_dies_half_way_asks_nothing_again_that_passed(tmp_path):
    """Cells that a killed `retry_failed` has mended stay mended: the next retry asks only for those that still fail."""
    text = PICKY.format(rows=40, rest="").replace("tries: 2", "tries: 1")
    made(tmp_path / "r", text, tmp_path)
    failed = manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["failed"]
    replies = []

    def watch(table, entry, request):
        replies.append((entry.row, entry.reply.text))
        if len(replies) == failed // 2:
            raise Killed

    with pytest.raises(Killed):
        made(tmp_path / "r", text, tmp_path, retry_failed=True, watch=watch)
    mended = {row for row, reply in replies if reply != "red"}
    assert mended
    again = []
    made(tmp_path / "r", text, tmp_path, retry_failed=True, watch=lambda table, entry, request: again.append(entry.row))
    assert again
    assert not mended & set(again)


def test_runs_that_share_a_cache_pay_once(tmp_path):
    """A second run in another folder with the same `cache` asks the server nothing and makes the same rows."""
    with ModelServer() as server:
        text = f"""
name: shared
models:
  m: {{kind: openai, base_url: "{server.url}", model: t}}
tables:
  a: {{rows: 6, columns: {{n: {{kind: sequence}}, word: {{kind: prompt, model: m, prompt: "say {{{{ n }}}}"}}}}}}
"""
        made(tmp_path / "one", text, tmp_path, cache=tmp_path / "cache")
        assert len(server.requests) == 6
        made(tmp_path / "two", text, tmp_path, cache=tmp_path / "cache")
        assert len(server.requests) == 6
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.parametrize("partition", [3, 100])
def test_failed_rows_are_replaced_on_request(tmp_path, partition):
    """With `replace_failed` the count is exact, as it is with rejected rows, and the failed rows are still told with their reasons."""
    made(tmp_path / "r", PICKY.format(rows=40, rest="replace_failed: true"), tmp_path, partition_rows=partition)
    outcomes = manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]
    assert outcomes["kept"] == 40
    assert outcomes["failed"] > 0
    assert pq.ParquetFile(tmp_path / "r" / "failures.parquet").metadata.num_rows == outcomes["failed"]


def test_a_cap_on_replacements_says_what_failed(tmp_path):
    """When no row can be made, the run ends at the cap and names the reason that came most often."""
    text = PICKY.format(rows=4, rest="replace_failed: true\n    cap: 3").replace("[red, green, blue]", "[red]")
    folder = made(tmp_path / "r", text, tmp_path)
    [capped] = [event for event in folder.events() if event["event"] == "capped"]
    assert manifest_of(tmp_path / "r")["tables"]["a"]["outcomes"]["failed"] == 12
    assert "12 candidates" in capped["reason"]
    assert "must not" in capped["reason"] or "red" in capped["reason"]


@pytest.mark.parametrize("partition", [2, 7, 100])
def test_an_exact_grid_keeps_its_number_of_each_combination(tmp_path, partition):
    """Rejected and failed rows of a grid are replaced by rows of the same combination; resumed or not, the files are the same."""
    grid = "rows: {grid: {label: [yes, no, perhaps], tone: [calm, loud]}, repeat: 5, exact: true}\n    replace_failed: true\n    keep: [\"word <> 'blue'\"]"
    text = PICKY.format(rows="", rest=grid).replace("    rows: \n", "")
    made(tmp_path / "r", text, tmp_path, partition_rows=partition)
    rows = rows_of(tmp_path / "r")
    counts = {}
    for row in rows:
        counts[row["label"], row["tone"]] = counts.get((row["label"], row["tone"]), 0) + 1
    assert set(counts.values()) == {5}
    assert len(counts) == 6
    assert {row["word"] for row in rows} == {"green"}
    before, asked = files_of(tmp_path / "r"), calls(tmp_path / "r")
    for number in (1, len(before) - 1):
        (tmp_path / "r" / "tables" / "a" / f"part-{number:05d}.parquet").unlink(missing_ok=True)
        made(tmp_path / "r", text, tmp_path, partition_rows=partition)
        assert (files_of(tmp_path / "r"), calls(tmp_path / "r")) == (before, asked)


def test_an_exact_grid_that_cannot_be_filled_names_the_combinations(tmp_path):
    """A combination that no row passes ends at the cap, and the reason names it."""
    text = """
name: short
tables:
  a:
    rows: {grid: {label: [yes, no]}, repeat: 2, exact: true}
    keep: ["label = 'yes'"]
    cap: 3
    columns:
      x: {kind: uniform, low: 0, high: 1}
"""
    folder = made(tmp_path / "r", text, tmp_path)
    [capped] = [event for event in folder.events() if event["event"] == "capped"]
    assert [row["label"] for row in rows_of(tmp_path / "r")] == ["yes", "yes"]
    assert "label no: 0 of 2" in capped["reason"]


def test_a_run_opens_a_model_once_for_all_its_tables(tmp_path):
    """The second table goes on where the first has left the script: the backend is the same."""
    text = """
name: two
models:
  m: {kind: scripted, replies: [one, two, three], in_order: true, concurrency: 1}
tables:
  a: {rows: 1, columns: {word: {kind: prompt, model: m, prompt: "say"}}}
  b: {rows: 2, columns: {word: {kind: prompt, model: m, prompt: "say"}}}
"""
    made(tmp_path / "r", text, tmp_path)
    assert [row["word"] for row in rows_of(tmp_path / "r")] == ["one"]
    assert [row["word"] for row in rows_of(tmp_path / "r", "b")] == ["two", "three"]


def test_a_run_works_where_an_event_loop_runs_already(tmp_path):
    """In a notebook, whose own loop is running, a run makes the same rows."""

    async def notebook():
        return made(tmp_path / "r", chain(5), tmp_path)

    asyncio.run(notebook())
    made(tmp_path / "one", chain(5), tmp_path)
    assert rows_of(tmp_path / "r") == rows_of(tmp_path / "one")


@pytest.mark.parametrize("models", [True, False])
def test_who_looks_at_partitions_may_stop_the_run(tmp_path, models):
    """A reason given after a partition stops the run as a lost gate; without the gate the run goes on and repeats nothing."""
    text = chain(40, concurrency=2)
    if not models:
        text = text[: text.index("      note:")]
    seen = []

    def look(table, rows):
        seen.append(rows.num_rows)
        return "half is enough" if sum(seen) >= 20 else ""

    with pytest.raises(GateFailed, match="half is enough") as stop:
        made(tmp_path / "r", text, tmp_path, partition_rows=5, look=look, threads=1)
    assert stop.value.exit_code == 1
    assert 20 <= sum(seen) < 40
    asked = calls(tmp_path / "r")
    seen.clear()
    with pytest.raises(GateFailed):
        made(tmp_path / "r", text, tmp_path, partition_rows=5, look=look)  # the partitions that exist decide at once
    assert calls(tmp_path / "r") == asked
    made(tmp_path / "r", text, tmp_path, partition_rows=5)
    made(tmp_path / "one", text, tmp_path, partition_rows=5)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "one")
    assert calls(tmp_path / "r") == calls(tmp_path / "one")


def test_children_and_grandchildren_follow_their_parents(tmp_path):
    """Each parent gets its number of children with its key and its values, at every partition size."""
    text = (
        chain(5)
        + """
  b:
    rows: {per: a, count: 2}
    columns:
      told: {kind: prompt, model: m, prompt: "{{ a.note }}"}
  c:
    rows: {per: b, count: 3}
    columns:
      x: {kind: uniform, low: 0, high: 1}
"""
    )
    made(tmp_path / "r", text, tmp_path, partition_rows=2)
    made(tmp_path / "one", text, tmp_path, partition_rows=100)
    for table, size in (("a", 5), ("b", 10), ("c", 30)):
        assert len(rows_of(tmp_path / "r", table)) == size
        assert rows_of(tmp_path / "r", table) == rows_of(tmp_path / "one", table)


def test_parents_without_children_do_not_disturb_the_order_of_duplicates(tmp_path):
    """Partitions of no row stand between others: the first of equal children stays, at every size and after a resume."""
    text = """
name: empties
models: {m: {kind: scripted, replies: [one, two, three, four], concurrency: 8, latency_s: 0.001}}
tables:
  a: {rows: 12, columns: {n: {kind: integer, low: 0, high: 2}}}
  b:
    rows: {per: a, count: {kind: expression, sql: "n"}}
    columns: {w: {kind: prompt, model: m, prompt: "x"}}
    steps: [{kind: dedup, on: w, method: exact}]
"""
    made(tmp_path / "whole", text, tmp_path)
    expected = rows_of(tmp_path / "whole", "b")
    assert sorted(row["w"] for row in expected) == ["four", "one", "three", "two"]
    for size in (1, 3):
        made(tmp_path / str(size), text, tmp_path, partition_rows=size)
        assert rows_of(tmp_path / str(size), "b") == expected
        next((tmp_path / str(size) / "tables" / "b").glob("*.parquet")).unlink()
        made(tmp_path / str(size), text, tmp_path, partition_rows=size)
        assert rows_of(tmp_path / str(size), "b") == expected


def test_a_wrong_key_costs_one_try_and_is_never_written_down(tmp_path, monkeypatch):
    """A server that refuses the key stops the lane after one try, and no file of the run holds the key."""
    monkeypatch.setenv("TEST_LLM_KEY", "sk-secret-9f31")
    with ModelServer(key="another") as server:
        text = (
            chain(9, concurrency=4)
            .replace(
                "kind: scripted, replies: [one, two, three, four]",
                f'kind: openai, base_url: "{server.url}", model: t, api_key: "${{TEST_LLM_KEY}}"',
            )
            .replace(", latency_s: 0, fault_share: 0.0, fault: transient", "")
        )
        with pytest.raises(ModelError) as stop:
            made(tmp_path / "r", text, tmp_path)
        assert len(server.requests) <= 1
    assert "sk-secret-9f31" not in str(stop.value)
    for path in (tmp_path / "r").rglob("*"):
        assert not path.is_file() or b"sk-secret-9f31" not in path.read_bytes()


def test_a_folder_of_another_recipe_is_refused(tmp_path):
    """A run folder belongs to one recipe; another one is named in the error and nothing is touched."""
    made(tmp_path / "r", chain(3), tmp_path)
    before = files_of(tmp_path / "r")
    with pytest.raises(RunError, match="chain"):
        made(tmp_path / "r", chain(3).replace("name: chain", "name: other"), tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.doc").write_text("mine")
    with pytest.raises(RunError, match="holds no run"):
        made(tmp_path / "x", chain(3), tmp_path)
    assert files_of(tmp_path / "r") == before


def test_a_full_disk_is_one_clear_error_and_loses_nothing_answered(tmp_path):
    """Beyond the file size that the system allows, the run stops with exit code 6's kind of error; more room, and it goes on."""
    script = tmp_path / "full.py"
    script.write_text(
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from lookalike.errors import RunError\n"
        "from lookalike.plan import compile_plan\n"
        "from lookalike.recipe.load import load\n"
        "from lookalike.run.engine import Options, run\n"
        "plan = compile_plan(load(Path(sys.argv[1]).read_text()), Path('.'))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))\n"
        "try:\n    run(plan, Path(sys.argv[2]), Options())\n"
        "except RunError as exc:\n    print(exc); sys.exit(9)\n"
    )
    (tmp_path / "a.yaml").write_text(chain(100))
    done = subprocess.run(
        [sys.executable, script, tmp_path / "a.yaml", tmp_path / "r"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 9, done.stderr
    assert "Traceback" not in done.stderr
    kept = calls(tmp_path / "r")
    assert 0 < kept < 200
    made(tmp_path / "r", chain(100), tmp_path)
    made(tmp_path / "one", chain(100), tmp_path)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "one")
    assert 200 <= calls(tmp_path / "r") <= 200 + 1  # one torn line at most is asked again


def started(folder, recipe):
    """The same run in a process of its own."""
    code = (
        "import sys; from pathlib import Path\n"
        "from lookalike.plan import compile_plan\n"
        "from lookalike.recipe.load import load\n"
        "from lookalike.run.engine import Options, run, Stopped\n"
        "try:\n    run(compile_plan(load(Path(sys.argv[1]).read_text()), Path('.'), partition_rows=16), Path(sys.argv[2]), Options())\n"
        "except Stopped:\n    sys.exit(130)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(recipe), str(folder)], stderr=subprocess.PIPE)


def wait_for(folder, replies, process):
    while process.poll() is None and calls(folder) < replies:
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("rest", ["", KEEP])
def test_a_killed_run_asks_again_only_what_was_in_flight(tmp_path, rest):
    """After `kill -9` at several points the files are those of an undisturbed run, and no journalled call is repeated."""
    text = chain(60, concurrency=6, latency=0.01, rest=rest)
    (tmp_path / "a.yaml").write_text(text)
    for point in (1, 30, 80):
        process = started(tmp_path / "r", tmp_path / "a.yaml")
        wait_for(tmp_path / "r", point, process)
        process.kill()
        process.communicate()
    made(tmp_path / "r", text, tmp_path, partition_rows=16)
    made(tmp_path / "one", text, tmp_path, partition_rows=16)
    assert files_of(tmp_path / "r") == files_of(tmp_path / "one")
    assert calls(tmp_path / "r") == calls(tmp_path / "one")  # no reply that was journalled is asked for again


@pytest.mark.slow
def test_ctrl_c_waits_for_what_is_paid_for_and_goes_on_later(tmp_path):
    """One Ctrl-C ends the run in order with code 130; a second process is locked out while it lives."""
    text = chain(60, concurrency=4, latency=0.02)
    (tmp_path / "a.yaml").write_text(text)
    process = started(tmp_path / "r", tmp_path / "a.yaml")
    wait_for(tmp_path / "r", 5, process)
    with pytest.raises(RunError, match=str(process.pid)):
        made(tmp_path / "r", text, tmp_path, partition_rows=16)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert not (tmp_path / "r" / "manifest.json").exists()
    made(tmp_path / "r", text, tmp_path, partition_rows=16)
    assert calls(tmp_path / "r") == 120
