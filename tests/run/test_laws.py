"""Laws of the engine, against a real HTTP server that misbehaves: LOOKALIKE_LAWS=500 asks for more examples than CI does."""

import os
from functools import cache
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import Options, run
from lookalike.run.executors import Shard
from lookalike.testing.server import ModelServer

ROWS = 14
FAULTS = ["429", "500", "529", "truncated-json", "half", "html", "error-in-200", "limited-in-200", "hang"]
RECIPE = """
name: laws
models:
  m: {{kind: openai, base_url: "{url}", model: t, concurrency: {concurrency}, timeout_s: {timeout}, retries: 40,
      patience: {{backoff_s: 0.002}}}}  # the waits between tries are no part of the law
tables:
  a:
    rows: {rows}
    columns:
      n: {{kind: integer, low: 1, high: 9}}
      note: {{kind: prompt, model: m, prompt: "about {{{{ n }}}}"}}
      other: {{kind: prompt, model: m, prompt: "beside {{{{ n }}}}"}}
      told: {{kind: prompt, model: m, tries: 1, prompt: "{{{{ note }}}} {{{{ other }}}}", checks: [{{must_not: ["about 3"]}}]}}
{rest}
"""
VARIANTS = {
    "all": "",
    "keep": '    keep: ["n > 2"]\n',
    "dedup": "    steps: [{kind: dedup, on: n, method: exact}]\n    cap: 3\n",
    "replaced": "    replace_failed: true\n",
    "both": '    keep: ["n > 2"]\n    replace_failed: true\n',
    "grid": "    rows: {grid: {n: [1, 2, 3, 4, 5]}, repeat: 3, exact: true}\n    keep: [\"note <> '[about 2]'\"]\n    cap: 2\n",
}


class Killed(BaseException):
    """Ends a run as SIGKILL does: nothing that is in flight comes in."""


@pytest.fixture(scope="module")
def server():
    with ModelServer() as made:
        yield made


def plan(server, variant, partition, *, concurrency=8, timeout=30):
    text = RECIPE.format(url=server.url, concurrency=concurrency, timeout=timeout, rows=ROWS, rest=VARIANTS[variant])
    if variant == "grid":
        text = text.replace(f"    rows: {ROWS}\n", "", 1).replace("      n: {kind: integer, low: 1, high: 9}\n", "")
    return compile_plan(load(text), Path(), partition_rows=partition)


def files(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "tables" / "a").glob("*.parquet"))}


def outcomes(folder):
    return orjson.loads((folder / "manifest.json").read_bytes())["tables"]["a"]["outcomes"]


def journalled(folder):
    """How often each reply is in the journal."""
    found = {}
    for path in sorted((folder / "journal").rglob("*.jsonl")):
        for raw in path.read_bytes().split(b"\n"):
            try:
                line = orjson.loads(raw)
            except orjson.JSONDecodeError:
                continue  # torn
            key = line["f"], line["r"], line["k"]
            found[key] = found.get(key, 0) + 1
    return found


@pytest.fixture(scope="module")
def undisturbed(server, tmp_path_factory):
    """Files, outcomes and replies of a run that nothing disturbs."""

    @cache
    def made(variant, partition):
        server.latency_s = 0.0
        folder = tmp_path_factory.mktemp("undisturbed") / "run"
        run(plan(server, variant, partition), folder)
        return files(folder), outcomes(folder), journalled(folder)

    return made


def disturbed(server, variant, partition, folder, *, concurrency, kill_at, timeout):
    """One attempt that is killed at its `kill_at`-th reply; True when it came to its end before."""
    seen = 0

    def watch(table, entry, request):
        nonlocal seen
        seen += 1
        if seen == kill_at:
            raise Killed

    try:
        run(plan(server, variant, partition, concurrency=concurrency, timeout=timeout), folder, Options(watch=watch))
    except Killed:
        return False
    return True


def cut(folder, share):
    """Lose the end of the newest journal file, in the middle of a line or not."""
    found = sorted((folder / "journal").rglob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    if found:
        data = found[-1].read_bytes()
        found[-1].write_bytes(data[: int(len(data) * share)])


attempts = st.lists(
    st.tuples(st.integers(1, 64), st.integers(1, 40), st.floats(0, 1)), max_size=3
)  # of each: requests at once, the reply that it dies with, the share of the last journal file that reached the disk


@settings(
    max_examples=int(os.environ.get("LOOKALIKE_LAWS", "20")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    variant=st.sampled_from(sorted(VARIANTS)),
    partition=st.sampled_from([1, 4, 50]),
    concurrency=st.integers(1, 64),
    latency=st.sampled_from([0.0, 0.002, 0.01]),
    faults=st.lists(st.sampled_from([*FAULTS, "ok", "ok", "ok", "ok"]), max_size=16),
    attempts=attempts,
    shards=st.sampled_from([0, 0, 0, 2, 3]),
)
def test_nothing_that_happens_on_the_way_changes_what_comes_out(
    variant, partition, concurrency, latency, faults, attempts, shards, server, undisturbed, tmp_path_factory
):
    """Any concurrency, latency, faults, kill points, lost journal ends and shards give the bytes and outcomes of an undisturbed run."""
    server._queue.clear()
    expected, counted, asked = undisturbed(variant, partition)
    folder = tmp_path_factory.mktemp("laws") / "run"
    server.latency_s = latency
    server.next(*faults)
    timeout = 0.2 if "hang" in faults else 30
    whole = True
    for width, kill_at, share in attempts:
        if disturbed(server, variant, partition, folder, concurrency=width, kill_at=kill_at, timeout=timeout):
            break
        if share < 0.8:
            whole = False
            cut(folder, share)
    for index in range(shards):
        run(plan(server, variant, partition, timeout=timeout), folder, Options(shard=Shard(index, shards)))
    run(plan(server, variant, partition, concurrency=concurrency, timeout=timeout), folder)
    assert files(folder) == expected
    assert outcomes(folder) == counted
    assert counted["attempted"] == sum(counted[name] for name in ("kept", "filtered", "duplicate", "failed"))
    if whole:
        assert journalled(folder) == asked  # each reply once: nothing journalled was asked again, nothing more was asked
