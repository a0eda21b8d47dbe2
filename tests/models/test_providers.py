"""Anthropic's and Gemini's own formats, and batches of files."""

import asyncio

import orjson

from lookalike.models.anthropic import Anthropic
from lookalike.models.base import CallFailed, Message, Part, Request, Tool, ToolCall
from lookalike.models.batch import Batch
from lookalike.models.gemini import Gemini
from lookalike.models.lanes import Lanes

from .conftest import ask, request

TALK = (
    Message("system", "Be kind."),
    Message("user", "look", (Part("image/png", b"png"),)),
    Message("assistant", "", tool_calls=(ToolCall("c1", "look_up", '{"word": "kettle"}'),)),
    Message("tool", "a pot", tool_call_id="c1"),
    Message("user", "and?"),
)


def test_anthropic_gets_its_own_format(server):
    """System apart, images as sources, tool results as user turns, the key in its own header."""
    reply, _ = ask(Anthropic(base_url=server.url, model="c", api_key="k1"), Request("m", TALK))
    body = server.requests[0]
    assert body["system"] == "Be kind."
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "user"]
    assert body["messages"][0]["content"][0]["source"]["media_type"] == "image/png"
    assert body["messages"][2]["content"][0]["tool_use_id"] == "c1"
    assert server.seen_headers[0]["x-api-key"] == "k1"
    assert (reply.text, reply.usage.prompt_tokens, reply.usage.completion_tokens) == ("[and?]", 10, 5)


def test_anthropic_may_use_tools_before_a_structured_answer(server):
    """Tools and a schema go together: all are offered, one must be used, and the answer is the one that ends it."""
    look = Tool("look_up", "looks", {"type": "object", "properties": {}})
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    ask(Anthropic(base_url=server.url, model="c", api_key="k1"), request(schema=schema, tools=(look,)), request(schema=schema))
    both, alone = server.requests
    assert [tool["name"] for tool in both["tools"]] == ["look_up", "answer"]
    assert both["tool_choice"] == {"type": "any"}
    assert alone["tool_choice"] == {"type": "tool", "name": "answer"}


def test_anthropic_stops_on_a_wrong_key(server):
    """401 in its format closes the lane as well."""
    server.key = "right"
    first, second, _ = ask(Anthropic(base_url=server.url, model="c", api_key="wrong-key"), request("a"), request("b"))
    assert len(server.requests) == 1
    assert "wrong-key" not in f"{first!r}{second!r}"


def test_gemini_gets_its_own_format(server):
    """Contents, inline data, function names for results, settings by its names."""
    reply, _ = ask(Gemini(base_url=server.url, model="g", api_key="k"), Request("m", TALK, max_tokens=9, seed=3))
    body = server.requests[0]
    assert body["systemInstruction"]["parts"][0]["text"] == "Be kind."
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user", "user"]
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == "look_up"
    assert body["generationConfig"] == {"maxOutputTokens": 9, "seed": 3}
    assert reply.text == "[and?]"


def batch(server, **more):
    return Batch(base_url=server.url, model="test", linger_s=0.05, poll_s=0.02, **more)


def test_requests_gather_into_one_batch(server, tmp_path, monkeypatch):
    """Ten calls are one file and one batch; each gets its own answer, whatever their order in the file that comes back."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    *replies, _ = ask(batch(server), *(request(str(n)) for n in range(10)))
    assert [reply.text for reply in replies] == [f"[{n}]" for n in range(10)]
    assert server.batches == 1


def test_a_refused_line_of_a_batch_fails_alone(server, tmp_path, monkeypatch):
    """One bad request in a batch is one failed cell."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    failure, reply, _ = ask(batch(server), request("refuse me"), request("b"))
    assert isinstance(failure, CallFailed)
    assert reply.text == "[b]"


def test_a_killed_run_collects_its_batch_and_pays_for_no_second_one(server, tmp_path, monkeypatch):
    """What was submitted is written down: the next run waits for that batch."""
    monkeypatch.setenv("LOOKALIKE_HOME", str(tmp_path))
    server.latency_s = 0.6
    wanted = [request(str(n)) for n in range(5)]

    async def killed():
        async with Lanes({"m": batch(server)}) as lanes:
            calls = [asyncio.create_task(lanes.ask(each)) for each in wanted]
            await asyncio.sleep(0.3)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(killed())
    notes = list(tmp_path.glob("batches/*/*.json"))
    assert [len(orjson.loads(note.read_bytes())) for note in notes] == [5]
    *replies, _ = ask(batch(server), *wanted)
    assert [reply.text for reply in replies] == [f"[{n}]" for n in range(5)]
    assert server.batches == 1
    assert not list(tmp_path.glob("batches/*/*.json"))
