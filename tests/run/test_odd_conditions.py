"""Whole runs where clocks jump, replies come out of order, tokens are capped, and vectors are asked for."""

import asyncio
import random
import time

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
from aiohttp import web

from lookalike import rng
from lookalike.plan import compile_plan
from lookalike.recipe.load import load
from lookalike.run.engine import run
from lookalike.testing import server as served
from lookalike.testing.server import ModelServer

TEXT = """
name: odd
models:
  m: {{kind: openai, base_url: "{url}", model: test, concurrency: {concurrency}, {model}}}
{budget}
tables:
  a:
    rows: {rows}
    columns:
      n: {{kind: sequence}}
      note: {{kind: prompt, model: m, prompt: "kettle {{{{ n }}}}", max_tokens: 190}}
      {more}
"""
ECHO = 'echo: {kind: prompt, model: m, prompt: "{{ note }} again"}'


def made(server, folder, *, rows=20, concurrency=6, model="", budget="", more=ECHO):
    """Run the recipe; its table, and the bytes of its files."""
    text = TEXT.format(url=server.url, rows=rows, concurrency=concurrency, model=model, budget=budget, more=more)
    run(compile_plan(load(text), folder, partition_rows=7), folder)
    paths = sorted((folder / "tables" / "a").glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()], [path.read_bytes() for path in paths]


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    """Days forwards and back, in the run and in the server: the same bytes, no wait, and no time of the budget is lost."""
    with ModelServer() as server:
        _, steady = made(server, tmp_path / "steady")
        chance, clock = random.Random(7), time.time
        monkeypatch.setattr(time, "time", lambda: clock() + chance.uniform(-9e5, 9e5))
        server.next("ok", "429-retry-after", "429", "ok", "500")
        began = time.monotonic()
        rows, jumped = made(server, tmp_path / "jumped", budget="budget: {seconds: 100}")
        assert time.monotonic() - began < 300
    assert len(rows) == 20
    assert jumped == steady
    lines = [orjson.loads(line) for line in (tmp_path / "jumped" / "events.jsonl").read_bytes().splitlines()]
    stamps = [line["time"] for line in lines]
    assert max(stamps) - min(stamps) > 1e4  # the clock did jump


def test_replies_out_of_order_find_their_rows(tmp_path):
    """A proxy that answers the last request first: every cell has its own answer, and the files are the same bytes."""
    held: list[asyncio.Event] = []
    overtaken = []

    async def backwards(server: ModelServer, request: web.Request, body: dict) -> web.StreamResponse:
        mine = asyncio.Event()
        held.append(mine)
        if len(held) == 6:
            held.pop().set()
        try:
            await asyncio.wait_for(mine.wait(), 0.05)  # the last ones of a run have nobody to push them
        except TimeoutError:
            held.remove(mine)
        else:
            overtaken.append(len(held))
            if held:
                asyncio.get_running_loop().call_later(0.002, lambda: held and held.pop().set())
        return await server.answer("ok", request, body)

    with ModelServer() as server:
        _, in_order = made(server, tmp_path / "in-order", concurrency=1)
        server.always = backwards
        rows, mixed = made(server, tmp_path / "mixed")
    assert max(overtaken) > 1
    assert [row["echo"] for row in rows] == [f"[[kettle {row['n']}] again]" for row in rows]
    assert mixed == in_order


def test_vectors_through_a_whole_run(tmp_path):
    """Each vector is the one of its own text, as float32; an empty text fails its row; a second run asks nothing."""
    more = 'vector: {kind: embed, model: m, text: "{% if n != 5 %}{{ note }}{% endif %}"}'
    with ModelServer() as server:
        rows, once = made(server, tmp_path, more=more)
        asked = len(server.requests)
        (tmp_path / "tables" / "a" / "part-00001.parquet").unlink()  # made again from the journal
        again, twice = made(server, tmp_path, more=more)
        assert len(server.requests) == asked == 39
        assert server.paths.count("/v1/embeddings") == 19
    assert (again, twice) == (rows, once)
    for row in rows:
        wanted = rng.generator("server", row["note"]).normal(size=8).astype(np.float32)
        assert np.array(row["vector"], np.float32).tolist() == wanted.tolist()
    [failed] = pq.read_table(tmp_path / "failures.parquet").to_pylist()
    assert (failed["id"], failed["column"]) == (4, "vector")
    assert "empty" in failed["reason"]


def test_tokens_a_minute_hold_on_a_live_lane(tmp_path):
    """However many requests may be in flight: never more tokens than the rate and one burst of five seconds."""
    began, times = time.monotonic(), []

    async def counted(server: ModelServer, request: web.Request, body: dict) -> web.StreamResponse:
        times.append(time.monotonic() - began)
        reply = served._reply(request.path, body)
        return web.json_response({**reply, "usage": {"prompt_tokens": 10, "completion_tokens": 190}})

    a_second, each = 3300, 200
    with ModelServer(always=counted) as server:
        rows, _ = made(server, tmp_path, rows=100, concurrency=64, model=f"tpm: {60 * a_second}", more="")
    assert len(rows) == len(times) == 100
    too_early = [place for place, at in enumerate(times) if place * each > a_second * (at + 5) + each]
    assert not too_early
    assert times[-1] > 0.9


@pytest.mark.parametrize("lane", ["rpm: 6000", "tpm: 1_000_000_000"])
def test_wide_limits_let_everything_through(tmp_path, lane):
    """A cap that is not reached loses no call."""
    with ModelServer() as server:
        rows, _ = made(server, tmp_path, model=lane)
    assert len(rows) == 20
