"""Anthropic's own format: what is sent, byte for byte, and what is read."""

import base64

import orjson
import pytest

from lookalike.errors import BudgetSpent
from lookalike.generators.prompt import Prompt
from lookalike.models.anthropic import Anthropic
from lookalike.models.base import CallFailed, MediaPart, Message, Price, Reply, Request, Tool, ToolCall
from lookalike.recipe.model import Budget
from lookalike.run.journal import Entry, PartJournal

from .conftest import SHORT, ask, behave, converse, request

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PNG, PDF = b"\x89PNG\r\n\x1a\n\x00\xff", b"%PDF-1.7 \x80"
COUNTED = {"input_tokens": 10, "output_tokens": 5}
THINKING = [
    {"type": "thinking", "thinking": "Two paths.", "signature": "EqQBCgIYAhIM+signed=="},
    {"type": "redacted_thinking", "data": "EmwKAhgBEgy3+opaque=="},
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "toolu_1", "name": "basename", "input": {"p": "/a/kettle.txt"}},
    {"type": "tool_use", "id": "toolu_2", "name": "dirname", "input": {"p": "/a/kettle.txt"}},
]


def claude(server, **more):
    return Anthropic(base_url=server.url, model="c", api_key="key-1", patience=SHORT, **more)


def message(*blocks, stop="end_turn", counted=COUNTED):
    return {"model": "c-1", "content": list(blocks), "stop_reason": stop, "usage": counted}


def test_a_conversation_is_sent_in_its_own_words(server):
    """System apart, images, PDF files and texts as blocks, the results of two calls in one turn, the key in its own header."""
    parts = (
        MediaPart("image/png", PNG),
        MediaPart("application/pdf", PDF),
        MediaPart("application/json", b'{"a": 1}', "a.json"),
    )
    talk = (
        Message("system", "Be kind."),
        Message("user", "look", parts),
        Message(
            "assistant", "", tool_calls=(ToolCall("c1", "look_up", '{"word": "kettle"}'), ToolCall("c2", "look_up", "{br"))
        ),
        Message("tool", "a pot", tool_call_id="c1"),
        Message("tool", "error", tool_call_id="c2"),
        Message("user", "and?"),
    )
    reply, _ = ask(claude(server), Request("m", talk, temperature=0.5, top_p=0.9, stop=("END",), seed=3))
    assert (reply.text, reply.usage.prompt_tokens, reply.usage.completion_tokens) == ("[and?]", 10, 5)
    assert server.paths == ["/v1/messages"]
    sent = {name: server.seen_headers[0][name] for name in ("x-api-key", "anthropic-version", "Content-Type")}
    assert sent == {"x-api-key": "key-1", "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
    assert "Authorization" not in server.seen_headers[0]
    image, document = ({"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}
                       for kind, data in (("image/png", PNG), ("application/pdf", PDF)))  # fmt: skip
    assert server.requests[0] == {
        "model": "c",
        "max_tokens": 4096,
        "system": "Be kind.",
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": image},
                    {"type": "document", "source": document},
                    {"type": "text", "text": 'a.json\n{"a": 1}'},
                    {"type": "text", "text": "look"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "c1", "name": "look_up", "input": {"word": "kettle"}},
                    {"type": "tool_use", "id": "c2", "name": "look_up", "input": {"not_json": "{br"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "a pot"},
                    {"type": "tool_result", "tool_use_id": "c2", "content": "error"},
                ],
            },
            {"role": "user", "content": "and?"},
        ],
    }


def test_sounds_fail_their_cell_before_anything_is_sent(server):
    """The API takes none: the reason says what it does take."""
    failure, reply, _ = ask(
        claude(server), Request("m", (Message("user", "hear", (MediaPart("audio/wav", b"RIFF"),)),)), request("b")
    )
    assert isinstance(failure, CallFailed)
    assert "no audio/wav; it reads images, PDF files and text" in str(failure)
    assert (reply.text, len(server.requests)) == ("[b]", 1)


def signed(body):
    """An API that wants its thoughts back: 400 when a turn with tool calls came back otherwise than it was written."""
    turns = body["messages"]
    if len(turns) == 1:
        return 200, message(*THINKING, stop="tool_use")
    if turns[1] != {"role": "assistant", "content": THINKING}:
        return 400, {"error": {"message": "Expected `thinking` or `redacted_thinking`, but found `tool_use`"}}
    results = [(block["tool_use_id"], block["content"]) for block in turns[2]["content"]]
    if results != [("toolu_1", "kettle.txt"), ("toolu_2", "/a")]:
        return 400, {"error": {"message": "`tool_use` ids were found without `tool_result` blocks immediately after"}}
    return 200, message(
        {"type": "thinking", "thinking": "Done.", "signature": "x"}, {"type": "text", "text": "kettle.txt in /a"}
    )


def test_thoughts_go_back_with_their_signatures_when_tools_are_called(server):
    """Thinking blocks, redacted ones too, come back unchanged before the results of both calls; the reasoning is kept."""
    behave(server, signed)
    spec = Prompt(prompt="Where?", tools=("posixpath:basename", "posixpath:dirname"), reasoning=True)
    thinks = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    cell, state = converse(claude(server, extra=thinks, max_tokens=2048), spec, allow_code=True)
    assert cell == {"value": "kettle.txt in /a", "reasoning": "Done."}
    assert [body["thinking"] for body in server.requests] == [thinks["thinking"]] * 2
    assert state.failed == 0


def test_signed_thoughts_survive_a_kill(server, tmp_path):
    """A turn with tool calls is journalled as it was written, so the conversation goes on after it was read back."""
    behave(server, signed)
    first, _ = ask(claude(server), request("Where?"))
    with_journal = PartJournal.open(tmp_path)
    with_journal.add("f", Entry("c", 0, 0, "m", first))
    with_journal.close()
    again = PartJournal.open(tmp_path).recall("f", 0, 0).reply
    assert again == first.__class__(**{**{name: getattr(first, name) for name in first.__slots__}, "ms": again.ms})
    turn = Message("assistant", again.text, tool_calls=again.tool_calls, verbatim=again.verbatim)
    results = (Message("tool", "kettle.txt", tool_call_id="toolu_1"), Message("tool", "/a", tool_call_id="toolu_2"))
    reply, _ = ask(claude(server), request("Where?").say(turn, *results))
    assert reply.text == "kettle.txt in /a"


def test_a_turn_of_another_provider_is_told_in_plain_blocks(server):
    """What one provider signed means nothing to another: its text and calls are sent, its raw form is not."""
    other = Message(
        "assistant", "I look.", tool_calls=(ToolCall("c1", "f", "{}"),), verbatim='{"gemini": [{"text": "signed"}]}'
    )
    ask(claude(server), request("Where?").say(other, Message("tool", "x", tool_call_id="c1")))
    assert server.requests[0]["messages"][1]["content"] == [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
    ]


def test_tools_and_a_schema_go_together(server):
    """All are offered, one must be used, and the answer is the one that ends it."""
    look = Tool("look_up", "looks", {"type": "object", "properties": {}})
    reply, _, _ = ask(claude(server), request(schema=SCHEMA, tools=(look,)), request(schema=SCHEMA))
    both, alone = server.requests
    assert [tool["name"] for tool in both["tools"]] == ["look_up", "answer"]
    assert both["tool_choice"] == {"type": "any"}
    assert alone["tool_choice"] == {"type": "tool", "name": "answer"}
    assert (reply.finish, reply.tool_calls, list(orjson.loads(reply.text))) == ("stop", (), ["n"])


def test_while_it_thinks_no_tool_is_forced(server):
    """The API refuses a forced tool with thinking on: JSON is asked for in words then."""
    ask(claude(server), request(schema=SCHEMA, extra={"thinking": {"type": "enabled", "budget_tokens": 1024}}))
    ask(claude(server), request(schema=SCHEMA, extra={"thinking": {"type": "disabled"}}))
    thinking, plain = server.requests
    assert "tool_choice" not in thinking
    assert "JSON Schema" in thinking["messages"][0]["content"]
    assert plain["tool_choice"]["name"] == "answer"


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
    ],
)  # fmt: skip
def test_why_a_message_ended(server, stop, finish):
    """Each stop reason as the column knows it."""
    behave(server, lambda _: (200, message({"type": "text", "text": "it ends he"}, stop=stop)))
    reply, _ = ask(claude(server), request())
    assert (reply.text, reply.finish, reply.served_by) == ("it ends he", finish, "c-1")


def test_cached_prompt_tokens_count(server):
    """The API counts them apart from `input_tokens`; they are part of the prompt and are paid for."""
    counted = {"input_tokens": 7, "cache_creation_input_tokens": 100, "cache_read_input_tokens": None, "output_tokens": 2}
    behave(server, lambda _: (200, message({"type": "text", "text": "ok"}, counted=counted)))
    reply, _ = ask(claude(server, price=Price(input=1, output=10)), request())
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (107, 2)
    assert reply.usage.usd == pytest.approx(127e-6)


def test_cached_prompt_tokens_cost_what_the_price_says(server):
    """Read from the cache at a tenth, written to it at a quarter more; the rest at the price of input."""
    counted = {"input_tokens": 7, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 2}
    behave(server, lambda _: (200, message({"type": "text", "text": "ok"}, counted=counted)))
    reply, state = ask(claude(server, price=Price(input=3, output=15, cached=0.3, cache_write=3.75)), request())
    assert reply.usage.prompt_tokens == 1107
    assert reply.usage.usd == state.usd == pytest.approx((7 * 3 + 100 * 3.75 + 1000 * 0.3 + 2 * 15) / 1e6)


def test_a_cap_in_money_reckons_with_prompts_that_go_to_the_cache(server):
    """1,000 tokens at 3 USD a million fit a cap of 0.0035 USD; at 3.75 for what is put in the cache they do not."""
    asked = request("x" * 4000, max_tokens=1)
    cheap, _ = ask(claude(server, price=Price(input=3, output=0)), asked, budget=Budget(usd=0.0035))
    dear, _ = ask(claude(server, price=Price(input=3, output=0, cache_write=3.75)), asked, budget=Budget(usd=0.0035))
    assert isinstance(cheap, Reply)
    assert isinstance(dear, BudgetSpent)


def test_it_stops_on_a_wrong_key(server):
    """401 in its format closes the lane as well."""
    server.key = "right"
    wrong = Anthropic(base_url=server.url, model="c", api_key="wrong-key")
    first, second, _ = ask(wrong, request("a"), request("b"))
    assert len(server.requests) == 1
    assert "wrong-key" not in f"{first!r}{second!r}"
