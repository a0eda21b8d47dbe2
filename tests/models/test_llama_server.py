"""A real llama.cpp server over HTTP, as anybody runs one: the `openai` lane to its chat, completions and embeddings."""

import numpy as np
import orjson
import pytest

from lookalike.models.base import CallFailed, MediaPart, Message, ModelError, Request, Tool, ToolCall
from lookalike.models.catalogue import entry, locate
from lookalike.models.embedded import Embedded, engine
from lookalike.models.openai import OpenAI

from .conftest import ask, request

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(not entry("smollm2-135m").here, reason="lookalike models pull smollm2-135m"),
]
SCHEMA = {
    "type": "object",
    "properties": {"stars": {"type": "integer", "minimum": 1, "maximum": 5}, "mood": {"enum": ["glad", "sad"]}},
    "required": ["stars", "mood"],
    "additionalProperties": False,
}
KEY = "key-of-the-server"


@pytest.fixture(scope="module")
def llama():
    running = engine(Embedded(context=512), locate("smollm2-135m"), api_key=KEY)
    yield f"{running.listening_address}/v1"
    del running


def lane(url, **more):
    return OpenAI(base_url=url, model="smollm2", api_key=more.pop("api_key", KEY), timeout_s=60, **more)


def test_it_chats_and_counts(llama):
    """Text, tokens, the end at the bound; equal seeds give equal texts."""
    wanted = request("Name a colour.", max_tokens=6, temperature=1.0, seed=5)
    first, again, _ = ask(lane(llama, concurrency=1), wanted, wanted)
    assert first.text == again.text != ""
    assert (first.finish, first.usage.completion_tokens) == ("length", 6)
    assert first.usage.prompt_tokens > 5


def test_json_and_choices_hold_by_its_own_grammar(llama):
    """It takes response_format, which the first call finds out: one request each, and every value fits."""
    wanted = [request("Rate the kettle.", schema=SCHEMA, max_tokens=40, seed=seed) for seed in range(3)]
    wanted += [request("Which?", choices=('say "yes"', "café"), max_tokens=30, seed=1)]
    wanted += [
        request("Which numbers?", schema={"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}, seed=1)
    ]
    *rated, chosen, listed, state = ask(lane(llama, concurrency=1), *wanted)
    for reply in rated:
        body = orjson.loads(reply.text)
        assert body["stars"] in range(1, 6)
        assert body["mood"] in ("glad", "sad")
    assert chosen.text in ('say "yes"', "café")
    assert len(orjson.loads(listed.text)) == 2
    assert (state.retries, state.replies) == (0, 5)


def test_it_completes_bare_prompts(llama):
    """The text goes on where the prompt ends."""
    reply, _ = ask(
        lane(llama), Request("m", operation="complete", text="One, two, three, four,", max_tokens=3, seed=1, temperature=0)
    )
    assert "five" in reply.text


def test_a_file_of_text_is_read(llama):
    """A text part is part of the prompt: it costs tokens."""
    plain = request("Say hi.", max_tokens=2, seed=1)
    filed = Request(
        "m", (Message("user", "Say hi.", (MediaPart("text/plain", b"a kettle " * 20, "a.txt"),)),), max_tokens=2, seed=1
    )
    short, long, _ = ask(lane(llama, concurrency=1), plain, filed)
    assert long.usage.prompt_tokens > short.usage.prompt_tokens + 40


def test_a_conversation_with_tools_is_taken(llama):
    """Declared tools, a call of the model, one with broken arguments, and their results: its chat template takes them all."""
    tool = Tool(
        "look_up", "Looks a word up.", {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    )
    calls = (ToolCall("c1", "look_up", '{"word": "kettle"}'), ToolCall("c2", "look_up", '{"word": '))
    kept = '{"openai": {"reasoning_content": "A word.", "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look_up"}}]}}'
    talk = (
        Message("user", "What is it?"),
        Message("assistant", "", tool_calls=calls, verbatim=kept),
        Message("tool", "a pot for water", tool_call_id="c1"),
        Message("tool", "error: the arguments do not fit", tool_call_id="c2"),
    )
    reply, _ = ask(lane(llama), Request("m", talk, tools=(tool,), max_tokens=12, seed=1))
    assert reply.text or reply.tool_calls
    assert reply.usage.prompt_tokens > 60


def test_a_wrong_key_stops_the_lane_and_a_long_prompt_only_its_cell(llama):
    """Its own errors, by class."""
    first, second, state = ask(lane(llama, api_key="wrong-key-here"), request("a"), request("b"))
    assert isinstance(first, ModelError)
    assert not isinstance(first, CallFailed)
    assert "401" in state.stopped
    assert "wrong-key-here" not in f"{first!r}{second!r}"
    failure, reply, _ = ask(lane(llama, concurrency=1), request("word " * 900), request("Hi", max_tokens=2))
    assert isinstance(failure, CallFailed)
    assert "context" in str(failure)
    assert reply.text


def test_it_embeds():
    """A server started for embeddings: a vector for each text, the same one for the same text."""
    running = engine(Embedded(context=256), locate("smollm2-135m"), pooling="MEAN", api_key=KEY)
    texts = ("The cat sleeps on the sofa.", "A kitten naps on the couch.", "Interest rates rose by two percent.")
    wanted = [Request("m", operation="embed", text=text) for text in (*texts, texts[0])]
    cat, kitten, rates, again, _ = ask(lane(f"{running.listening_address}/v1", concurrency=1), *wanted)
    assert cat.vector == pytest.approx(again.vector, abs=1e-5)
    assert np.dot(cat.vector, kitten.vector) > np.dot(cat.vector, rates.vector) + 0.05
    assert cat.usage.prompt_tokens > 4
