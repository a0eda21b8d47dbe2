"""The OpenAI wire format."""

import base64

import pytest

from lookalike.generators.embed import Embed
from lookalike.generators.prompt import Prompt
from lookalike.models.base import CallFailed, MediaPart, Message, Price, Request, ToolCall
from lookalike.models.openai import OpenAI

from .conftest import ask, behave, converse, openai, request

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


def test_images_sounds_videos_and_texts_travel_in_the_message(server):
    """Parts become what the API calls them, with the bytes they had; files of text are text, whatever their type is called."""
    parts = (
        MediaPart("image/png", b"\x89PNG\xff"),
        MediaPart("audio/x-wav", b"RIFF\x00\xfe"),
        MediaPart("audio/aac", b"\xff\xf1"),
        MediaPart("video/mp4", b"ftyp"),
        MediaPart("text/plain", b"words", "a.txt"),
        MediaPart("application/ld+json", b"{}", "b.json"),
        MediaPart("application/pdf", b"%PDF\x80", "c.pdf"),
    )
    ask(openai(server), Request("m", (Message("user", "look", parts),)))
    png, wav, aac, mp4, _, _, pdf = (base64.b64encode(part.data).decode() for part in parts)
    assert server.requests[0]["messages"][0]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
        {"type": "input_audio", "input_audio": {"data": wav, "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": aac, "format": "aac"}},
        {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{mp4}"}},
        {"type": "text", "text": "a.txt\nwords"},
        {"type": "text", "text": "b.json\n{}"},
        {"type": "file", "file": {"filename": "c.pdf", "file_data": f"data:application/pdf;base64,{pdf}"}},
    ]


def test_a_tool_conversation_goes_back_as_the_api_wants_it(server):
    """The model's call and the tool's answer keep their ids; arguments that are no JSON are sent as JSON, since servers stop at them."""
    messages = (
        Message("user", "what is it"),
        Message("assistant", "", tool_calls=(ToolCall("c1", "look_up", '{"a":  1}'), ToolCall("c2", "look_up", '{"a": '))),
        Message("tool", "a kettle", tool_call_id="c1"),
        Message("tool", "error", tool_call_id="c2"),
    )
    ask(openai(server), Request("m", messages))
    _, called, first, second = server.requests[0]["messages"]
    assert [call["id"] for call in called["tool_calls"]] == [first["tool_call_id"], second["tool_call_id"]] == ["c1", "c2"]
    assert [call["function"]["arguments"] for call in called["tool_calls"]] == ['{"a":  1}', '{"not_json":"{\\"a\\": "}']


CALL = {"id": "c1", "type": "function", "function": {"name": "basename", "arguments": '{"p": "/a/kettle.txt"}'}}


@pytest.mark.parametrize(
    "thoughts",
    [
        {"reasoning_content": "A path."},  # DeepSeek, Kimi, llama.cpp
        {"reasoning": "A path."},  # vLLM, Ollama, Cerebras
        {
            "reasoning": "A path.",
            "reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA+signed=="}],
        },  # OpenRouter
        {},
    ],
)
def test_thoughts_go_back_under_the_names_they_came_under(server, thoughts):
    """Servers want their thoughts back while tools are called, signed ones unchanged, and refuse names they do not use."""
    call = {**CALL, "extra_content": {"google": {"thought_signature": "CpcB+signed=="}}}

    def answer(body):
        if len(body["messages"]) == 1:
            return 200, {"choices": [{"message": {"content": None, "refusal": None, "tool_calls": [call], **thoughts}}]}
        wanted = {"role": "assistant", "content": "", "tool_calls": [call], **thoughts}
        good = body["messages"][1] == wanted
        return (
            (200, {"choices": [{"message": {"content": "kettle.txt"}}]}) if good else (400, {"error": {"message": "changed"}})
        )

    behave(server, answer)
    cell, _ = converse(openai(server), Prompt(prompt="Where?", tools="posixpath:basename"), allow_code=True)
    assert cell == "kettle.txt"


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart(server, field):
    """What the model thought is not its answer, whatever the server calls it; tokens that nobody counted are estimated with it."""
    body = {"choices": [{"message": {"content": "Yes.", field: "It boils water. " * 10}}]}
    behave(server, lambda _: (200, body))
    reply, _ = ask(openai(server), request())
    assert (reply.text, reply.reasoning.strip()[:15], reply.usage.completion_tokens) == ("Yes.", "It boils water.", 41)


@pytest.mark.parametrize(
    ("said", "finish"),
    [("stop", "stop"), (None, "stop"), ("length", "length"), ("content_filter", "refusal"), ("eos_token", "stop")],
)
@pytest.mark.parametrize("operation", ["chat", "complete"])
def test_why_an_answer_ended(server, operation, said, finish):
    """Each finish reason as the column knows it, in chats and in completions."""
    text = {"text": "it ends he"} if operation == "complete" else {"message": {"content": "it ends he"}}
    behave(server, lambda _: (200, {"choices": [{**text, "finish_reason": said}]}))
    asked = request() if operation == "chat" else Request("m", operation="complete", text="A kettle is")
    reply, _ = ask(openai(server), asked)
    assert (reply.text, reply.finish) == ("it ends he", finish)


def test_bare_prompts_are_completed(server):
    """/v1/completions gets the prompt and the settings, no messages."""
    wanted = Request("m", operation="complete", text="A kettle is", max_tokens=5, temperature=0.5, stop=("\n",), seed=3)
    reply, _ = ask(openai(server), wanted)
    assert server.paths == ["/v1/completions"]
    assert server.requests == [
        {"model": "test", "prompt": "A kettle is", "max_tokens": 5, "temperature": 0.5, "stop": ["\n"], "seed": 3}
    ]
    assert (reply.text, reply.usage.prompt_tokens) == ("[A kettle is]", 10)


def test_texts_are_embedded(server):
    """/v1/embeddings gets the text and the model's extra fields, and no settings of chats; the vector comes back whole."""
    model = openai(server, temperature=0.5, max_tokens=9, extra={"dimensions": 8})
    reply, _ = ask(model, Request("m", operation="embed", text="a kettle"))
    assert server.paths == ["/v1/embeddings"]
    assert server.requests == [{"model": "test", "input": "a kettle", "dimensions": 8}]
    assert (len(reply.vector), reply.usage.prompt_tokens, reply.usage.completion_tokens) == (8, 3, 0)


def test_an_embedding_column_is_a_list_of_numbers(server):
    """The column `embed` over a real server; an empty text fails before anything is sent."""
    cell, _ = converse(openai(server), Embed(text="{{ note }}"), {"note": "a kettle"})
    assert len(cell) == 8
    assert all(isinstance(value, float) for value in cell)
    with pytest.raises(CallFailed, match="the text to embed is empty"):
        converse(openai(server), Embed(text="{{ note }}"), {"note": " "})
    assert len(server.requests) == 1


@pytest.mark.parametrize("operation", ["chat", "complete", "embed"])
def test_a_server_that_does_not_count_does_not_blind_the_budget(server, operation):
    """Without `usage` the tokens are estimated from the texts, so that a price and a cap still mean something."""
    body = {
        "choices": [{"text": "x" * 80, "message": {"content": "x" * 80}}],
        "data": [{"embedding": [0.5]}],
        "usage": None,
    }
    behave(server, lambda _: (200, body))
    asked = request("y" * 400) if operation == "chat" else Request("m", operation=operation, text="y" * 400)
    reply, state = ask(openai(server, price=Price(input=1, output=1)), asked)
    tokens = (100, 0) if operation == "embed" else (100, 20)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == tokens
    assert state.usd == pytest.approx(sum(tokens) / 1e6)


@pytest.mark.parametrize(("price", "usd"), [({}, 1008e-6), ({"cached": 0.1}, 288e-6), ({"cached": 0}, 208e-6)])
def test_what_the_provider_had_cached_costs_what_the_price_says(server, price, usd):
    """800 of 1,000 prompt tokens at the price of `cached`; without one all cost `input`; the tokens are the same."""
    told = {"prompt_tokens": 1000, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 800}}
    behave(server, lambda _: (200, {"choices": [{"message": {"content": "ok"}}], "usage": told}))
    reply, state = ask(openai(server, price=Price(input=1, output=2, **price)), request())
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1000, 4)
    assert reply.usage.usd == state.usd == pytest.approx(usd)


def test_a_server_that_says_it_cached_more_than_it_read_gives_no_money_back(server):
    """At most the whole prompt is cached: else a reply would cost less than nothing, and a cap in money would not hold."""
    told = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 5000}}
    behave(server, lambda _: (200, {"choices": [{"message": {"content": "ok"}}], "usage": told}))
    reply, _ = ask(openai(server, price=Price(input=1, output=1, cached=0.1)), request())
    assert reply.usage.usd == pytest.approx(2e-6)


@pytest.mark.parametrize("details", [None, {}, {"cached_tokens": None}])
def test_a_server_that_says_nothing_of_its_cache(server, details):
    """Empty details are no fault, and everything costs `input`."""
    told = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": details}
    behave(server, lambda _: (200, {"choices": [{"message": {"content": "ok"}}], "usage": told}))
    reply, _ = ask(openai(server, price=Price(input=1, output=1, cached=0)), request())
    assert reply.usage.usd == pytest.approx(11e-6)


def test_keys_are_in_no_representation(server):
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
