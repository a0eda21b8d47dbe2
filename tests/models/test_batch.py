"""Batches of files: one submission, each its own answer, nothing paid for twice."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from lookalike.models.base import CallFailed, ModelError, Reply, Request
from lookalike.models.batch import BatchServer
from lookalike.models.lanes import Lanes
from lookalike.run.folder import RunFolder

from .conftest import SHORT, ask, request

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Batches are written down in a folder of this test."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    return tmp_path


def batch(server, **more):
    return BatchServer(**{"base_url": server.url, "model": "test", "linger_s": 0.05, "poll_s": 0.02, "patience": SHORT, **more})


def texts(replies):
    return [reply.text for reply in replies]


def killed(server, wanted, after_s=0.3):
    """A run that dies while its batch is under way."""

    async def main():
        async with Lanes({"m": batch(server)}) as lanes:
            calls = [asyncio.create_task(lanes.ask(each)) for each in wanted]
            await asyncio.sleep(after_s)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(main())


def notes(home):
    return [orjson.loads(path.read_bytes()) for path in home.glob("batches/*/*.json")]


def test_requests_gather_into_one_batch(server):
    """Ten calls are one file and one batch; each gets its own answer, whatever their order in the file that comes back."""
    *replies, _ = ask(batch(server), *(request(str(n)) for n in range(10)))
    assert texts(replies) == [f"[{n}]" for n in range(10)]
    assert server.batches == 1


def test_equal_requests_are_one_line(server):
    """What is asked twice at once is paid for once; both get the answer."""
    *replies, _ = ask(batch(server), request("a"), request("a"), request("b"))
    assert texts(replies) == ["[a]", "[a]", "[b]"]
    assert len(server.requests) == 2


def test_a_full_batch_goes_at_once_and_the_rest_follows(server):
    """`batch_size` bounds a file."""
    *replies, _ = ask(batch(server, batch_size=4), *(request(str(n)) for n in range(10)))
    assert texts(replies) == [f"[{n}]" for n in range(10)]
    assert [len(group) for group in server.batch_lines()] == [4, 4, 2]


def test_each_endpoint_has_its_own_batch(server):
    """Chats, completions and embeddings do not go together; schemas and choices are asked for by response_format."""
    wanted = [
        request("a"),
        request("b", schema=SCHEMA),
        request("c", choices=("red", "blue")),
        Request("m", operation="complete", text="d"),
        Request("m", operation="embed", text="e"),
    ]
    chat, structured, colour, completed, embedded, _ = ask(batch(server), *wanted)
    assert (chat.text, list(orjson.loads(structured.text)), completed.text) == ("[a]", ["n"], "[d]")
    assert colour.text in ("red", "blue")
    assert len(embedded.vector) == 8
    assert sorted(len(group) for group in server.batch_lines()) == [1, 1, 3]


def test_a_refused_line_fails_alone(server):
    """One bad request in a batch is one failed cell."""
    failure, reply, state = ask(batch(server), request("refuse me"), request("b"))
    assert isinstance(failure, CallFailed)
    assert (reply.text, state.failed, server.batches) == ("[b]", 1, 1)


@pytest.mark.parametrize("status", ["expired", "cancelled", "completed"])
def test_what_a_batch_left_unanswered_goes_with_the_next(server, status):
    """A batch that expires half way, is cancelled, or loses lines: its answers count, the others are asked again, once."""
    server.next_batch(status, answered=6)
    *replies, state = ask(batch(server), *(request(str(n)) for n in range(10)))
    assert texts(replies) == [f"[{n}]" for n in range(10)]
    assert [len(group) for group in server.batch_lines()] == [10, 4]
    assert sorted(reply.tries for reply in replies) == [1] * 6 + [2] * 4
    assert state.failed == 0


def test_a_batch_that_the_provider_refuses_fails_its_cells_with_the_reason(server):
    """A file that does not pass is not sent again and again."""
    server.next_batch("failed", errors=[{"code": "invalid_method", "message": "The HTTP method is not supported."}])
    *failures, state = ask(batch(server), request("a"), request("b"))
    assert all(isinstance(failure, CallFailed) for failure in failures)
    assert "The HTTP method is not supported" in str(failures[0])
    assert (server.batches, state.failed) == (1, 2)


def test_a_full_queue_of_the_provider_is_waited_for(server):
    """Too many tokens in other batches is a limit, not a failure."""
    server.next_batch("failed", errors=[{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}])
    reply, state = ask(batch(server, queue_full_s=0.01), request("a"))
    assert (reply.text, reply.tries, state.limited) == ("[a]", 2, 1)


def test_a_server_that_is_away_while_a_batch_runs_is_waited_for(server):
    """Polls and downloads that get 500, 429 or HTML go on until an answer comes: no second batch is paid for."""
    server.next_polls("500", "429", "html", "503")
    reply, _ = ask(batch(server, retries=1), request("a"))
    assert (reply.text, reply.tries, server.batches) == ("[a]", 1, 1)


def test_a_torn_line_of_the_answers_costs_only_its_request(server):
    """Lines that are no JSON, or name no request, answer nothing; their requests go again."""
    server.next_batch("completed", answered=2, garbage=b'{"custom_id": "x", "response\n[]\n{"custom_id": 7}\n')
    *replies, _ = ask(batch(server), request("a"), request("b"), request("c"))
    assert texts(replies) == ["[a]", "[b]", "[c]"]
    assert [len(group) for group in server.batch_lines()] == [3, 1]


def test_a_setting_that_a_line_was_refused_for_is_left_out_of_the_next_batch(server):
    """What a server does not take is learnt from a batch too."""
    server.refuses = "seed"
    with pytest.warns(UserWarning, match="test takes no `seed`"):
        *replies, _ = ask(batch(server), request("a", seed=1), request("b", seed=2))
    assert texts(replies) == ["[a]", "[b]"]
    assert [["seed" in line["body"] for line in group] for group in server.batch_lines()] == [[True, True], [False, False]]


def test_a_wrong_key_stops_the_lane(server):
    """Submitting with a key that is not taken ends the run at once, and no cell is failed for it."""
    server.key = "right"
    first, second, state = ask(batch(server, api_key="wrong-key"), request("a"), request("b"))
    assert all(isinstance(each, ModelError) and not isinstance(each, CallFailed) for each in (first, second))
    assert "401" in state.stopped
    assert "wrong-key" not in f"{first!r}{second!r}"
    assert server.batches == 0


def test_a_disk_that_cannot_be_written_ends_the_run(server, home):
    """The batch could not be written down: the error is told to all who wait, and nobody waits for ever."""
    (home / "batches").write_text("a file where the folder should be")
    *failures, _ = ask(batch(server), request("a"), request("b"))
    assert all(isinstance(failure, OSError) for failure in failures)


def test_a_killed_run_collects_its_batch_and_pays_for_no_second_one(server, home):
    """What was submitted is written down by the batch's id: the next run waits for that batch."""
    server.latency_s = 0.6
    wanted = [request(str(n)) for n in range(5)]
    killed(server, wanted)
    assert [len(note) for note in notes(home)] == [5]
    *replies, _ = ask(batch(server), *wanted)
    assert texts(replies) == [f"[{n}]" for n in range(5)]
    assert server.batches == 1
    assert notes(home) == []


@pytest.mark.slow
def test_a_run_killed_in_the_middle_of_a_batch_goes_on_by_the_same_command(server, home, tmp_path):
    """`kill -9` while the provider works: started again, the run collects that batch, and journals what it says."""
    columns = {"note": {"kind": "prompt", "model": "m", "prompt": "Note {{ n }}"}, "n": {"kind": "sequence"}}
    model = {"kind": "batch", "base_url": server.url, "model": "test", "linger_s": 0.05, "poll_s": 0.05}
    recipe = {"lookalike": 1, "name": "late", "models": {"m": model}, "tables": {"t": {"rows": 12, "columns": columns}}}
    (tmp_path / "late.yaml").write_bytes(orjson.dumps(recipe))
    command = [str(Path(sys.executable).parent / "lookalike"), "run", "late.yaml", "--no-evaluate"]
    server.latency_s = 3600.0
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        until = time.monotonic() + 1000
        while not notes(home) and time.monotonic() < until:
            time.sleep(0.05)
        run.kill()
    assert [len(note) for note in notes(home)] == [12]
    server.latency_s = 0.0
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = RunFolder(tmp_path / "runs" / "late").table("t").to_pylist()
    assert [row["note"] for row in rows] == [f"[Note {row['n']}]" for row in rows]
    assert (len(rows), server.batches, notes(home)) == (12, 1, [])


def test_what_is_new_after_a_kill_goes_with_a_batch_of_its_own(server, home):
    """Old requests are collected, also those asked for later than the others; new ones are submitted."""
    server.latency_s = 0.6
    killed(server, [request(str(n)) for n in range(5)])

    async def main():
        async with Lanes({"m": batch(server)}) as lanes:
            first = await asyncio.gather(*(lanes.ask(request(str(n))) for n in (0, 7)))
            return [*first, *await asyncio.gather(*(lanes.ask(request(str(n))) for n in (1, 4)))]

    assert texts(asyncio.run(main())) == ["[0]", "[7]", "[1]", "[4]"]
    assert [len(group) for group in server.batch_lines()] == [5, 1]
    assert notes(home) == []


def test_a_batch_that_is_gone_after_a_kill_is_asked_anew(server, home):
    """The provider has forgotten it: the request goes with a new batch, and the note is gone."""
    server.latency_s = 0.6
    killed(server, [request("a")])
    server.forget_batches()
    server.latency_s = 0.0
    reply, _ = ask(batch(server), request("a"))
    assert isinstance(reply, Reply)
    assert (reply.text, notes(home)) == ("[a]", [])
