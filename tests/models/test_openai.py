"""The OpenAI wire format."""

import base64

from lookalike.models.base import Message, Part, Request, ToolCall
from lookalike.models.openai import OpenAI

from .conftest import ask, openai, request

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def test_defaults_of_the_model_yield_to_the_request(server):
    """What a request sets wins; what it leaves open is the model's."""
    model = openai(server, temperature=0.1, max_tokens=7, extra={"top_k": 3})
    ask(model, request(temperature=0.9, seed=4, stop=("END",), extra={"min_p": 0.2}))
    body = server.requests[0]
    assert (body["temperature"], body["max_tokens"], body["seed"], body["top_k"], body["min_p"]) == (0.9, 7, 4, 3, 0.2)
    assert body["stop"] == ["END"]


def test_choices_come_back_bare(server):
    """A choice is asked for as JSON and comes back as its text."""
    reply, _ = ask(openai(server), request(choices=("red", "blue")))
    assert reply.text in ("red", "blue")


def test_images_sounds_and_texts_travel_in_the_message(server):
    """Parts become what the API calls them."""
    parts = (
        Part("image/png", b"png"),
        Part("audio/wav", b"wav"),
        Part("text/plain", b"words", "a.txt"),
        Part("application/pdf", b"p"),
    )
    ask(openai(server), Request("m", (Message("user", "look", parts),)))
    content = server.requests[0]["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "input_audio", "text", "file"]
    assert content[1]["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"png").decode()


def test_a_tool_conversation_goes_back_as_the_api_wants_it(server):
    """The model's call and the tool's answer keep their ids."""
    messages = (
        Message("user", "what is it"),
        Message("assistant", "", tool_calls=(ToolCall("c1", "look_up", "{}"),)),
        Message("tool", "a kettle", tool_call_id="c1"),
    )
    ask(openai(server), Request("m", messages))
    _, called, answered = server.requests[0]["messages"]
    assert called["tool_calls"][0]["id"] == answered["tool_call_id"] == "c1"


def test_reasoning_is_kept_apart(server):
    """What the model thought is not its answer."""
    server.next("reasoning")
    reply, _ = ask(openai(server), request())
    assert (reply.text, reply.reasoning) == ("Yes.", "It boils water.")


def test_keys_are_in_no_representation(server, monkeypatch):
    """repr and dump hide a literal key; a reference is saved as it is."""
    model = OpenAI(base_url=server.url, model="test", api_key="sk-literal", headers={"X-Other": "also-secret"})
    shown = repr(model) + str(model) + str(model.dump())
    assert "sk-literal" not in shown
    assert "also-secret" not in shown
    assert OpenAI(base_url="${URL}", model="m", api_key="${KEY}").dump()["api_key"] == "${KEY}"
    ask(model, request())
    assert server.seen_headers[0]["Authorization"] == "Bearer sk-literal"


def test_a_hidden_key_that_was_loaded_back_says_what_to_do(server):
    """A recipe saved with a literal key cannot ask with `***`."""
    saved = OpenAI.parse(OpenAI(base_url=server.url, model="test", api_key="sk-literal").dump())
    failure, _ = ask(saved, request())
    assert "was not saved" in str(failure)
    assert not server.requests
