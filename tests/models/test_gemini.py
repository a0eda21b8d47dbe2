"""Gemini's own format: what is sent, byte for byte, and what is read."""

import base64

import pytest

from lookalike.generators.prompt import Prompt
from lookalike.models.base import MediaPart, Message, Price, Request, Tool, ToolCall
from lookalike.models.gemini import Gemini

from .conftest import SHORT, ask, behave, converse, request

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
PARTS = (
    MediaPart("image/png", b"\x89PNG\xff"),
    MediaPart("audio/wav", b"RIFF\x00\xfe"),
    MediaPart("application/pdf", b"%PDF-1.7 \x80"),
    MediaPart("video/mp4", b"\x00\x00\x00 ftypisom"),
    MediaPart("text/csv", b"a,b\n1,2", "t.csv"),
)
SIGNED = [
    {"text": "Two paths.", "thought": True},
    {"functionCall": {"name": "basename", "args": {"p": "/a/kettle.txt"}}, "thoughtSignature": "CpcBAdHtim9+signed=="},
    {"functionCall": {"name": "dirname", "args": {"p": "/a/kettle.txt"}}},
]


def gemini(server, **more):
    return Gemini(base_url=server.url, model="g", api_key="key-1", patience=SHORT, **more)


def candidate(*parts, ended="STOP", **more):
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": ended}], **more}


def test_a_conversation_is_sent_in_its_own_words(server):
    """Images, sounds, PDF files and videos inline, texts as text, system apart, settings and results by its names."""
    talk = (
        Message("system", "Be kind."),
        Message("user", "look", PARTS),
        Message(
            "assistant", "", tool_calls=(ToolCall("call_0", "look_up", '{"word": "kettle"}'), ToolCall("id-7", "size", "{}"))
        ),
        Message("tool", "a pot", tool_call_id="call_0"),
        Message("tool", "3", tool_call_id="id-7"),
        Message("user", "and?"),
    )
    reply, _ = ask(gemini(server), Request("m", talk, max_tokens=9, seed=2**40 + 3, temperature=0.5, top_p=0.9, stop=("END",)))
    assert reply.text == "[and?]"
    assert server.paths == ["/v1/models/g:generateContent"]
    assert server.seen_headers[0]["x-goog-api-key"] == "key-1"
    inline = [
        {"inlineData": {"mimeType": part.media_type, "data": base64.b64encode(part.data).decode()}} for part in PARTS[:-1]
    ]
    assert server.requests[0] == {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "generationConfig": {"maxOutputTokens": 9, "seed": 3, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "contents": [
            {"role": "user", "parts": [{"text": "look"}, *inline, {"text": "t.csv\na,b\n1,2"}]},
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "look_up", "args": {"word": "kettle"}}},
                    {"functionCall": {"name": "size", "args": {}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": "look_up", "response": {"result": "a pot"}}},
                    {"functionResponse": {"id": "id-7", "name": "size", "response": {"result": "3"}}},
                ],
            },
            {"role": "user", "parts": [{"text": "and?"}]},
        ],
    }


def signed(body):
    """An API that wants its signatures back in every step: 400 when a turn with calls came back otherwise than it was written."""
    turns = body["contents"]
    if len(turns) == 1:
        return 200, candidate(*SIGNED)
    if turns[1] != {"role": "model", "parts": SIGNED}:
        return 400, {"error": {"message": "Function call is missing a thought_signature in functionCall parts."}}
    if [part["functionResponse"]["name"] for part in turns[2]["parts"]] != ["basename", "dirname"]:
        return 400, {"error": {"message": "the number of function response parts is not that of the function call parts"}}
    if len(turns) == 3:
        return 200, candidate({"functionCall": {"name": "normpath", "args": {"path": "/a/../b"}}, "thoughtSignature": "second"})
    if (turns[3]["parts"][0]["thoughtSignature"], turns[4]["parts"][0]["functionResponse"]["name"]) != ("second", "normpath"):
        return 400, {"error": {"message": "Function call is missing a thought_signature in functionCall parts."}}
    return 200, candidate({"text": "kettle.txt"})


def test_thought_signatures_go_back_when_tools_are_called(server):
    """Two calls at once, then one more: each step's parts come back unchanged, its results in one turn under their own names."""
    behave(server, signed)
    tools = ("posixpath:basename", "posixpath:dirname", "posixpath:normpath")
    cell, state = converse(gemini(server), Prompt(prompt="Where?", tools=tools), allow_code=True)
    assert cell == "kettle.txt"
    assert (len(server.requests), state.failed) == (3, 0)
    assert server.requests[2]["contents"][4]["parts"][0]["functionResponse"]["response"] == {"result": "/b"}


def test_json_and_choices_by_its_own_schemas(server):
    """A schema as responseJsonSchema, choices as an enum; with tools the schema goes into the prompt."""
    look = Tool("look_up", "looks", {"type": "object", "properties": {}})
    wanted = [request(schema=SCHEMA), request(choices=("red", "blue")), request(schema=SCHEMA, tools=(look,))]
    _, colour, _, _ = ask(gemini(server, concurrency=1), *wanted)
    by_schema, by_choice, with_tools = (body["generationConfig"] for body in server.requests)
    assert by_schema == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert by_choice == {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["red", "blue"]}}
    assert colour.text in ("red", "blue")
    assert with_tools == {}
    assert "JSON Schema" in server.requests[2]["contents"][0]["parts"][0]["text"]


@pytest.mark.parametrize(
    ("ended", "finish"), [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "refusal"), ("OTHER", "stop")]
)
def test_why_an_answer_ended(server, ended, finish):
    """Each finish reason as the column knows it; thoughts are kept apart and their tokens counted."""
    counted = {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 40}
    said = candidate(
        {"text": "Hm.", "thought": True}, {"text": "it ends he"}, ended=ended, usageMetadata=counted, modelVersion="g-1"
    )
    behave(server, lambda _: (200, said))
    reply, _ = ask(gemini(server), request())
    assert (reply.text, reply.reasoning, reply.finish, reply.served_by) == ("it ends he", "Hm.", finish, "g-1")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 43)


def test_a_blocked_prompt_is_a_refusal(server):
    """There is no candidate then; the reason is kept."""
    behave(server, lambda _: (200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}))
    reply, _ = ask(gemini(server), request())
    assert (reply.text, reply.finish) == ("blocked: PROHIBITED_CONTENT", "refusal")


def test_a_gateway_that_does_not_count_does_not_blind_the_budget(server):
    """Without usageMetadata tokens are estimated from the texts, never taken for none."""
    behave(server, lambda _: (200, candidate({"text": "x" * 80})))
    reply, _ = ask(gemini(server, price=Price(input=1, output=1)), request("y" * 400))
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (100, 20)
    assert reply.usage.usd == pytest.approx(120e-6)


def test_cached_content_costs_what_the_price_says(server):
    """The API counts it within the prompt."""
    told = {"promptTokenCount": 1000, "cachedContentTokenCount": 800, "candidatesTokenCount": 4}
    behave(server, lambda _: (200, candidate({"text": "ok"}) | {"usageMetadata": told}))
    reply, _ = ask(gemini(server, price=Price(input=1, output=2, cached=0.25)), request())
    assert reply.usage.prompt_tokens == 1000
    assert reply.usage.usd == pytest.approx((200 + 800 * 0.25 + 8) / 1e6)


def test_embeddings(server):
    """A text goes to embedContent, with the model's extra fields, and comes back as a vector."""
    model = gemini(server, extra={"taskType": "SEMANTIC_SIMILARITY"})
    reply, _ = ask(model, Request("m", operation="embed", text="a kettle"))
    assert server.paths == ["/v1/models/g:embedContent"]
    assert server.requests == [{"content": {"parts": [{"text": "a kettle"}]}, "taskType": "SEMANTIC_SIMILARITY"}]
    assert len(reply.vector) == 8


def test_a_wrong_key_as_google_says_it_stops_the_lane(server):
    """Google answers 400 to a wrong key: it is known by its words."""
    why = {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}
    behave(server, lambda _: (400, why))
    *_, state = ask(gemini(server), request("a"), request("b"))
    assert "API key not valid" in state.stopped
    assert len(server.requests) == 1
