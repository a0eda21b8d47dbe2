"""What a server does not take is found out once, by a request that it refuses; and costs no cell."""

import asyncio
from typing import ClassVar

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.models.anthropic import Anthropic
from lookalike.models.base import CallFailed, Limited, Message, Model, Patience, Price, Refused, Reply, Request, Tool, Transient
from lookalike.models.gemini import Gemini
from lookalike.models.lanes import Lanes
from lookalike.models.openai import OpenAI
from lookalike.models.served import ServedBackend
from lookalike.models.structured import is_strict
from lookalike.recipe.model import Budget

from .conftest import SHORT, ask, behave, openai, request

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
KINDS = {"openai": OpenAI, "anthropic": Anthropic, "gemini": Gemini}


def model(server, kind, **more):
    return KINDS[kind](base_url=server.url, model="test", api_key="key-1234", patience=SHORT, **more)


def natively(body):
    """Whether a request asks for JSON by the API's own means."""
    return bool({"response_format", "tool_choice"} & body.keys() or "responseMimeType" in body.get("generationConfig", {}))


def refuses_schemas(server, kind):
    """A server that has never heard of JSON by schema."""
    text = "[1]"
    said = {
        "openai": {"choices": [{"message": {"content": text}}]},
        "anthropic": {"content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}},
        "gemini": {"candidates": [{"content": {"parts": [{"text": text}]}}]},
    }[kind]
    behave(server, lambda body: (400, {"error": {"message": "no such field"}}) if natively(body) else (200, said))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_one_request_finds_out_that_a_server_takes_no_schemas(server, kind):
    """Of thirty at once, after a plain one, exactly one is refused; then all have the schema in the prompt, and get replies."""
    refuses_schemas(server, kind)
    server.latency_s = 0.02
    wanted = [request("plain"), *(request(str(n), schema=SCHEMA) for n in range(30))]
    *replies, state = ask(model(server, kind, concurrency=32), *wanted)
    assert all(isinstance(reply, Reply) for reply in replies)
    assert sum(map(natively, server.requests)) == 1
    assert (len(server.requests), state.retries, state.failed) == (32, 1, 0)
    assert sorted(reply.tries for reply in replies)[-2:] == [1, 2]
    assert all("JSON Schema" in str(body) for body in server.requests if "plain" not in str(body) and not natively(body))


def test_the_request_that_finds_out_is_in_the_budget(server):
    """A cap of three requests is kept, the one that was refused among them."""
    server.schemas = False
    *found, _ = ask(
        openai(server, concurrency=1), *(request(str(n), schema=SCHEMA) for n in range(5)), budget=Budget(requests=3)
    )
    assert sum(isinstance(each, Reply) for each in found) == 2
    assert len(server.requests) == 3


def test_a_slow_first_answer_holds_up_nobody_for_long(server):
    """Other requests wait for what the first one finds out, but not until its reply is there."""
    server.latency_s = 0.5
    *replies, _ = ask(
        openai(server, concurrency=8, patience=Patience(first_s=0.05)), *(request(str(n), schema=SCHEMA) for n in range(8))
    )
    assert len(replies) == 8
    assert server.most_in_flight == 8


def test_a_server_that_ignores_schemas_gets_them_in_the_prompt(server):
    """Prose for a schema tells that the server does not know it."""
    server.next("prose")
    ask(openai(server, concurrency=1), *(request(str(n), schema=SCHEMA) for n in range(3)))
    assert [natively(body) for body in server.requests] == [True, False, False]


def test_a_bad_request_with_a_schema_is_not_blamed_on_the_schema(server):
    """When it is refused both ways the request fails, and later ones still ask by schema."""

    async def main():
        async with Lanes({"m": openai(server)}) as lanes:
            with pytest.raises(CallFailed, match="refused"):
                await lanes.ask(request("refuse me", schema=SCHEMA))
            return await lanes.ask(request("a", schema=SCHEMA))

    assert orjson.loads(asyncio.run(main()).text).keys() == {"n"}
    assert [natively(body) for body in server.requests] == [True, False, True]


def test_one_schema_too_many_does_not_spoil_the_others(server):
    """A server that takes schemas and refuses one of them gets that one, and only that one, in the prompt from then on."""
    odd = {"type": "object", "properties": {"odd": {"type": "string"}}}

    def answer(body):
        if natively(body) and "odd" in str(body["response_format"]):
            return 400, {"error": {"message": "Invalid schema for response_format"}}
        return 200, {"choices": [{"message": {"content": "{}"}}]}

    behave(server, answer)
    ask(openai(server, concurrency=1), *(request(str(n), schema=odd if n % 2 else SCHEMA) for n in range(6)))
    assert sum(map(natively, server.requests)) == 4
    assert len(server.requests) == 7


@pytest.mark.parametrize(("structured", "native"), [("native", True), ("prompt", False)])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_set_is_not_found_out(server, kind, structured, native):
    """`structured` says it, and no request is spent on it."""
    ask(model(server, kind, structured=structured), request(schema=SCHEMA))
    assert [natively(body) for body in server.requests] == [native]


@pytest.mark.parametrize(
    "schema", [{"type": "array", "items": {"$ref": "#/$defs/n"}}, {"type": "integer"}, {"$ref": "#/$defs/n"}]
)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_schema_that_is_no_object_is_asked_for_in_one(server, kind, schema):
    """Servers that want an object get one with a field `answer`; what comes back is the value alone."""
    schema = {**schema, "$defs": {"n": {"type": "integer", "minimum": 3, "maximum": 3}}}
    reply, _ = ask(model(server, kind), request(schema=schema))
    assert type(orjson.loads(reply.text)) is (list if schema.get("type") == "array" else int)
    asked = str(server.requests[0])
    assert ("'answer'" in asked and "'required': ['answer']" in asked) == (kind != "gemini")
    assert "$defs" in asked


def test_strict_is_said_only_of_schemas_that_strict_mode_takes(server):
    """OpenAI answers 400 to `strict` with an open object, an optional field or a default: those go without it."""
    closed = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    ask(openai(server), request(schema=closed), request(schema=SCHEMA))
    assert sorted(body["response_format"]["json_schema"]["strict"] for body in server.requests) == [False, True]
    assert is_strict(
        {
            "type": "object",
            "properties": {"default": {"type": "string"}},
            "required": ["default"],
            "additionalProperties": False,
        }
    )
    loose = [
        {**closed, "required": []},
        {**closed, "properties": {"n": {"type": "integer", "default": 1}}},
        {**closed, "properties": {"n": SCHEMA}},
        {**closed, "$defs": {"x": {"oneOf": []}}},
        {"type": "array", "items": {"anyOf": [{"type": "object", "properties": {}}]}},
    ]
    assert [is_strict(schema) for schema in loose] == [False] * 5


def test_a_server_that_calls_the_bound_otherwise_is_asked_otherwise(server):
    """Newer OpenAI models refuse `max_tokens`: the first request finds out, the others say max_completion_tokens."""

    def answer(body):
        if "max_tokens" in body:
            why = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            return 400, {"error": {"message": why}}
        return 200, {"choices": [{"message": {"content": str(body["max_completion_tokens"])}}]}

    behave(server, answer)
    *replies, _ = ask(openai(server, concurrency=1, retries=0), *(request(str(n), max_tokens=9) for n in range(3)))
    assert [reply.text for reply in replies] == ["9"] * 3
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("kind", "field", "why"),
    [
        ("openai", "temperature", "Unsupported value: 'temperature' does not support 0.5 with this model."),
        ("openai", "seed", {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}),
        ("anthropic", "top_p", "`top_p` is deprecated for this model."),
    ],
)
def test_a_setting_that_the_server_refuses_by_name_is_left_out_with_a_warning(server, kind, field, why):
    """One request finds out; the user is told that the setting does not hold."""
    good = {
        "openai": {"choices": [{"message": {"content": "ok"}}]},
        "anthropic": {"content": [{"type": "text", "text": "ok"}], "usage": {"input_tokens": 1, "output_tokens": 1}},
    }[kind]
    behave(server, lambda body: (400, {"error": {"message": why}}) if field in body else (200, good))
    wanted = [request(str(n), temperature=0.5, top_p=0.9, seed=3) for n in range(3)]
    with pytest.warns(UserWarning, match=f"test takes no `{field}`"):
        *replies, _ = ask(model(server, kind, concurrency=1), *wanted)
    assert [reply.text for reply in replies] == ["ok"] * 3
    assert [field in body for body in server.requests] == [True, False, False, False]


def test_a_refusal_that_speaks_of_something_else_is_a_failed_cell(server):
    """A prompt that mentions a setting is no reason to leave the setting out."""
    behave(server, lambda _: (400, {"error": {"message": "the prompt 'seed the lawn' is not supported"}}))
    failure, _ = ask(openai(server), request("seed the lawn", seed=3))
    assert isinstance(failure, CallFailed)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_headers_and_extra_fields_reach_every_server(server, monkeypatch, kind):
    """What a recipe adds is sent; objects are merged with ours; the headers' values are secrets."""
    monkeypatch.setenv("OWN", "header-secret")
    extra = {"generationConfig": {"topK": 3}} if kind == "gemini" else {"top_k": 3}
    made = model(server, kind, headers={"X-Own": "${OWN}"}, extra=extra, temperature=0.25)
    ask(made, request())
    body = server.requests[0]
    settings = body["generationConfig"] if kind == "gemini" else body
    assert settings.get("topK", settings.get("top_k")) == 3
    assert settings["temperature"] == 0.25
    assert server.seen_headers[0]["X-Own"] == "header-secret"
    behave(server, lambda _: (400, {"error": {"message": "not header-secret, nor key-1234"}}))
    failure, _ = ask(made, request())
    assert "secret" not in str(failure)
    assert "key-1234" not in str(failure)


def test_what_only_says_how_a_server_is_reached_changes_no_identity(server):
    """Polling, batch sizes, limits, keys and prices may change without anything being asked anew; a temperature may not."""
    from lookalike.models.batch import BatchServer

    plain = BatchServer(base_url=server.url, model="test")
    same = BatchServer(
        base_url=server.url, model="test", poll_s=1, batch_size=5, linger_s=0, window="1h", rpm=3, api_key="k",
        price=Price(input=1, output=2), headers={"X": "y"}, body_max=4096, timeout_s=9, retries=1, concurrency=4,
    )  # fmt: skip
    assert isinstance(plain, Model)
    assert plain.identity() == same.identity()
    assert plain.identity() != BatchServer(base_url=server.url, model="test", temperature=0.1).identity()


def test_tools_that_servers_share(server):
    """Every API gets the same tool in its own words."""
    tool = Tool(
        "look_up", "Looks a word up.", {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    )
    for kind in sorted(KINDS):
        ask(model(server, kind), Request("m", (Message("user", "hi"),), tools=(tool,)))
    anthropic, gemini, plain = (body["tools"] for body in server.requests)
    assert anthropic == [{"name": "look_up", "description": "Looks a word up.", "input_schema": tool.parameters}]
    (declared,) = gemini[0]["functionDeclarations"]
    assert declared == {"name": "look_up", "description": "Looks a word up.", "parametersJsonSchema": tool.parameters}
    assert plain[0]["function"] == {"name": "look_up", "description": "Looks a word up.", "parameters": tool.parameters}


class Odd(OpenAI):
    """A model without a server: it refuses some schemas, and some requests go wrong on the way."""

    kind: ClassVar[str] = "odd"
    takes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def open(self):
        return OddBackend(self)


class OddBackend(ServedBackend):
    def __init__(self, model):
        super().__init__(model, None)
        self.faults, self.refused = list(model.faults), 0

    async def once(self, request, *, native=False):
        await asyncio.sleep(0.001 * (request.seed % 5))
        if self.faults and (fault := self.faults.pop()):
            raise {"transient": Transient, "limited": Limited}[fault](fault)
        if "unlucky" in request.messages[0].content:
            raise Refused("this request")
        if native and request.schema["title"] not in self.model.takes:
            self.refused += 1
            raise Refused("this schema")
        return Reply("{}", served_by="native" if native else "words")

    def take_pause_s(self):
        return 0.0

    async def close(self):
        pass


@settings(max_examples=20)
@given(
    asked=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=30),
    takes=st.sets(st.sampled_from("abc")),
    faults=st.lists(st.sampled_from(["", "transient", "limited"]), max_size=20),
    concurrency=st.integers(1, 12),
)
def test_whatever_a_server_takes_every_good_request_gets_its_reply(asked, takes, faults, concurrency):
    """Any mix of schemas, faults, refused requests and concurrency: who asks in vain is who must, and nobody waits for ever."""
    schemas = {name: {"title": name, "type": "object"} for name in "abc"}
    wanted = [
        request(f"{'unlucky' if unlucky else 'lucky'} {n}", schema=schemas[name], seed=n)
        for n, (name, unlucky) in enumerate(asked)
    ]
    odd = Odd(
        base_url="http://nowhere/v1",
        model="odd",
        takes=tuple(takes),
        faults=tuple(faults),
        concurrency=concurrency,
        retries=30,
        patience=Patience(backoff_s=0.01, backoff_max_s=0.02, first_s=0.01),
    )
    *found, state = ask(odd, *wanted)
    assert [isinstance(each, CallFailed) for each in found] == [unlucky for _, unlucky in asked]
    by_words = {
        reply.served_by for (name, _), reply in zip(asked, found, strict=True) if isinstance(reply, Reply) and name not in takes
    }
    assert by_words <= {"words"}
    assert (state.in_flight, state.failed) == (0, sum(unlucky for _, unlucky in asked))
