"""Lanes before a real HTTP server that misbehaves: each case ends as a counted outcome with a reason."""

import asyncio
import time

import pytest

from lookalike.errors import BudgetSpent, MissingModel, ModelError, RecipeError
from lookalike.models.anthropic import Anthropic
from lookalike.models.base import CallFailed, Price, Reply, Tool
from lookalike.models.gemini import Gemini
from lookalike.models.lanes import Lanes
from lookalike.models.openai import OpenAI
from lookalike.recipe.model import Budget
from lookalike.testing.server import answering

from .conftest import SHORT, ask, behave, openai, request


@pytest.mark.parametrize("fault", ["html", "half", "error-in-200", "not-a-chat", "truncated-json", "500", "503", "408"])
def test_what_may_pass_is_tried_again_with_the_same_request(server, fault):
    """HTML, a cut-off body, an error in a 200 and 5xx cost one more try and lose nothing."""
    server.next(fault)
    reply, state = ask(openai(server), request(seed=5))
    assert (reply.text, reply.tries) == ("[kettle]", 2)
    assert server.requests[0] == server.requests[1]
    assert (state.retries, state.replies, state.failed) == (1, 1, 0)


@pytest.mark.parametrize("fault", ["html", "half", "error-in-200", "500"])
def test_what_never_passes_fails_the_cell_with_its_reason(server, fault):
    """A fault that stays ends after the retries, as this call's failure."""
    server.always = fault
    failure, state = ask(openai(server, retries=2), request())
    assert isinstance(failure, CallFailed)
    assert "after 3 tries" in str(failure)
    assert len(server.requests) == 3
    assert state.failed == 1


def test_a_hang_ends_at_the_time_out(server):
    """A server that never answers costs the time-out of each try and no more."""
    server.next("hang")
    reply, _ = ask(openai(server, timeout_s=0.2), request())
    assert reply.tries == 2
    server.always = "hang"
    failure, _ = ask(openai(server, timeout_s=0.1, retries=1), request())
    assert "no answer within 0.1 s" in str(failure)


def test_waiting_in_our_own_queue_is_no_time_out(server):
    """Ten calls through one place take longer than the time-out of one, and all get their reply."""
    server.latency_s = 0.3
    *replies, state = ask(openai(server, concurrency=1, timeout_s=2.0), *(request(str(n)) for n in range(10)))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert server.most_in_flight == 1
    assert state.retries == 0


def test_an_endless_stream_is_cut_off(server):
    """A body without end is cut off at the limit, and the cell fails with that reason."""
    server.always = "endless"
    failure, _ = ask(openai(server, body_max=1 << 20), request())
    assert isinstance(failure, CallFailed)
    assert "longer than 1,048,576 bytes" in str(failure)
    assert len(server.requests) == 1


def test_a_reply_of_ten_megabytes_arrives_whole(server):
    """10 MB of text are a reply like any other."""
    server.next("huge")
    reply, _ = ask(openai(server), request())
    assert len(reply.text) == 10_000_000


@pytest.mark.parametrize(
    ("behaviour", "text", "finish"),
    [
        ("empty", "", "stop"),
        ("refusal", "I cannot help with that", "refusal"),
        ("length", "it ends he", "length"),
        ("filtered", "", "refusal"),
    ],
)
def test_content_is_for_the_conversation_to_judge(server, behaviour, text, finish):
    """Empty, refused and cut texts are replies: the lane hands them on with how they ended."""
    server.next(behaviour)
    reply, _ = ask(openai(server), request())
    assert (reply.text, reply.finish, reply.tries) == (text, finish, 1)


def test_a_call_of_an_unknown_tool_reaches_the_conversation(server):
    """What the model calls is handed on as it wrote it, known or not."""
    server.next("unknown-tool")
    tool = Tool("look_up", "finds a word", {"type": "object", "properties": {}})
    reply, _ = ask(openai(server), request(tools=(tool,)))
    assert reply.finish == "tool"
    assert reply.tool_calls[0].name == "no_such_tool"
    assert server.requests[0]["tools"][0]["function"]["name"] == "look_up"


def test_a_wrong_key_stops_the_lane_after_one_try(server, monkeypatch):
    """401: one request is sent, every call of the lane ends, and the key is in no error."""
    server.key = "right"
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    *failures, state = ask(openai(server, api_key="${TEST_KEY}"), *(request(str(n)) for n in range(50)))
    assert len(server.requests) == 1
    assert all(isinstance(failure, ModelError) and not isinstance(failure, CallFailed) for failure in failures)
    assert "401" in str(failures[0])
    assert "sk-very-secret" not in "".join(map(repr, failures)) + state.stopped


def test_a_wrong_model_name_stops_the_lane_after_one_try(server):
    """404 for a model: no other request of this lane can succeed."""
    server.model = "other"
    *failures, _ = ask(openai(server), *(request(str(n)) for n in range(20)))
    assert len(server.requests) == 1
    assert all("does not exist" in str(failure) for failure in failures)


def test_a_redirect_is_not_followed(server):
    """The key is not carried to another host: the lane stops and says where the server has moved."""
    server.always = "moved"
    failure, _ = ask(openai(server, api_key="sk-very-secret"), request())
    assert isinstance(failure, ModelError)
    assert "moved to http://127.0.0.1:9/stolen" in str(failure)
    assert len(server.requests) == 1


def test_a_server_on_this_machine_is_asked_without_a_proxy(server, monkeypatch):
    """HTTP_PROXY is for other hosts."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    reply, _ = ask(openai(server, retries=0), request())
    assert reply.text == "[kettle]"


def test_a_spent_quota_stops_the_lane(server):
    """A 429 that says the account is empty is no limit to wait for."""
    server.always = "quota"
    failure, _ = ask(openai(server), request())
    assert len(server.requests) == 1
    assert isinstance(failure, ModelError)


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_refused_request_fails_alone(server, status):
    """400 and its kin fail this cell after one try; the lane goes on."""
    server.next(status)
    failure, reply, state = ask(openai(server, concurrency=1), request("a"), request("b"))
    assert isinstance(failure, CallFailed)
    assert reply.text == "[b]"
    assert state.retries == 0


@pytest.mark.parametrize("status", ["429", "529", "limited-in-200"])
def test_a_stray_limit_only_retries(server, status):
    """One limited call in thirty is tried again; the lane stays at its width."""
    server.next("ok", "ok", status)
    *replies, state = ask(openai(server, concurrency=4), *(request(str(n)) for n in range(30)))
    assert [reply.text for reply in replies] == [f"[{n}]" for n in range(30)]
    assert (state.limited, state.limit) == (1, 4.0)
    assert len(server.requests) == 31


def test_retry_after_is_kept_by_the_request_that_got_it(server):
    """Retry-After: 1 means no second try within that second."""
    server.next("429-retry-after")
    began = time.monotonic()
    reply, _ = ask(openai(server), request())
    assert time.monotonic() - began >= 1.0
    assert reply.tries == 2


def test_a_stray_retry_after_delays_only_its_own_request(server):
    """One of many calls is told to wait a second: it does, and the others go on meanwhile."""
    server.next("ok", "ok", "ok", "429-retry-after")
    began, ended = time.monotonic(), {}

    async def main():
        async with Lanes({"m": openai(server, concurrency=4)}) as lanes:

            async def one(n):
                reply = await lanes.ask(request(str(n)))
                ended[n] = (reply.tries, time.monotonic() - began)

            await asyncio.gather(*(one(n) for n in range(40)))

    asyncio.run(main())
    waited = [seconds for tries, seconds in ended.values() if tries == 2]
    assert len(waited) == 1
    assert waited[0] >= 1.0
    assert sorted(seconds for _, seconds in ended.values())[-2] < waited[0]


def test_many_limits_narrow_the_lane(server):
    """When most calls are limited the width is cut, and all calls still get replies."""
    server.next("ok", *["429"] * 40)
    *replies, state = ask(openai(server, concurrency=16), *(request(str(n)) for n in range(40)))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert state.limit < 16
    assert state.limited == 40


def test_headers_that_say_the_limit_is_used_up_pause_the_lane(server):
    """x-ratelimit-remaining-requests: 0 with a reset of 300 ms: nothing starts before."""
    server.headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    began = time.monotonic()
    ask(openai(server, concurrency=1), request("a"), request("b"), request("c"))
    assert time.monotonic() - began >= 0.6


def test_a_server_that_never_was_there_fails_no_cell_of_a_small_run(server):
    """One call is enough to tell that nobody listens."""
    gone = OpenAI(base_url="http://127.0.0.1:9/v1", model="test", retries=1, patience=SHORT)
    failure, state = ask(gone, request())
    assert not isinstance(failure, CallFailed)
    assert "nobody listens" in state.stopped


ODD = {
    "chat": [
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": "hi"}]}',
        '{"choices": [{"message": {"content": null, "tool_calls": [{"id": "x"}]}}]}',
        '{"choices": [{"message": {"content": 7}}]}',
        '{"choices": [{"message": {"content": ["a"]}}]}',
        '{"choices": [{"message": {"content": "a"}, "finish_reason": ["stop"]}]}',
        '{"choices": [{"message": {"content": "a"}}], "usage": "many"}',
        '{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "some"}}',
        "[]",
        "null",
        "3",
    ],
    "anthropic": [
        '{"content": [{"type": "text", "text": "hi"}]}',
        '{"content": null, "usage": {"input_tokens": 1, "output_tokens": 1}}',
        '{"content": [{"type": "tool_use", "id": "1"}], "usage": {"input_tokens": 1, "output_tokens": 1}}',
        "[]",
        "null",
    ],
    "gemini": [
        '{"usageMetadata": "x"}',
        '{"candidates": [{"content": "x"}]}',
        '{"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}',
        '{"candidates": [{"content": {"parts": [{"text": "hi"}]}}], "usageMetadata": {"promptTokenCount": "x"}}',
        "[]",
        "null",
    ],
}


@pytest.mark.parametrize(("api", "body"), [(api, body) for api, bodies in ODD.items() for body in bodies])
def test_json_of_another_shape_is_asked_again(server, api, body):
    """Whatever JSON comes instead of a reply is a fault that may pass, never a Python error."""
    server.next(answering(200, body))
    kinds = {"chat": OpenAI, "anthropic": Anthropic, "gemini": Gemini}
    reply, _ = ask(
        kinds[api](base_url=server.url, model="test", api_key="key-1234", retries=1, patience=SHORT), request("kettle")
    )
    assert (reply.text, reply.tries) == ("[kettle]", 2)


def test_a_server_that_is_gone_stops_the_lane_and_fails_no_cell(server):
    """When nothing answers at all, calls end with the lane's error, so that the run stops instead of failing every row."""
    gone = OpenAI(base_url="http://127.0.0.1:9/v1", model="test", retries=2, patience=SHORT)
    *failures, state = ask(gone, *(request(str(n)) for n in range(12)))
    assert not any(isinstance(failure, CallFailed) for failure in failures)
    assert all(isinstance(failure, ModelError) for failure in failures)
    assert "nothing answers" in state.stopped


def test_requests_a_minute_are_kept(server):
    """600 a minute let ten go at once and then one each 100 ms."""
    began = time.monotonic()
    ask(openai(server, rpm=600), *(request(str(n)) for n in range(15)))
    assert time.monotonic() - began >= 0.35


def using(tokens):
    """What a server says of a call that took so many."""
    return {"choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": 5, "completion_tokens": tokens - 5}}


def test_tokens_a_minute_are_kept(server):
    """600,000 a minute: of twelve calls that use 5,000 each ten go at once and two wait."""
    behave(server, lambda _: (200, using(5000)))
    began = time.monotonic()
    ask(openai(server, tpm=600_000, concurrency=12), *(request(str(n), max_tokens=4992) for n in range(12)))
    assert time.monotonic() - began >= 0.4


def test_tokens_that_were_not_used_are_given_back(server):
    """6,000 a minute and calls that reserve 500 of them: twelve that use 15 each need not wait for a minute."""
    behave(server, lambda _: (200, using(15)))
    began = time.monotonic()
    ask(openai(server, tpm=6000, concurrency=1), *(request(str(n), max_tokens=492) for n in range(12)))
    assert time.monotonic() - began < 30


def test_a_budget_smaller_than_one_call_sends_nothing(server):
    """The first call does not fit: the error says what it needs, and no request leaves."""
    failure, state = ask(openai(server), request(max_tokens=500), budget=Budget(tokens=100))
    assert isinstance(failure, BudgetSpent)
    assert "100 tokens left" in str(failure)
    assert (len(server.requests), state.replies) == (0, 0)


@pytest.mark.parametrize("cap", [{"tokens": 200}, {"usd": 0.0002}, {"requests": 5}])
def test_a_budget_is_never_exceeded(server, cap):
    """Of twenty calls at once, as many are sent as fit; the others end with BudgetSpent."""
    model = openai(server, price=Price(input=1.0, output=1.0))
    *found, state = ask(model, *(request(str(n), max_tokens=20) for n in range(20)), budget=Budget(**cap))
    assert all(isinstance(each, Reply | BudgetSpent) for each in found)
    replies = [each for each in found if isinstance(each, Reply)]
    assert 0 < len(replies) < 20
    assert state.tokens <= cap.get("tokens", 10**9)
    assert state.usd <= cap.get("usd", 10**9)
    assert len(server.requests) <= cap.get("requests", 10**9)


def test_what_earlier_runs_spent_counts(server):
    """A resumed run has what is left, not the whole budget again."""
    from lookalike.models.base import Usage

    spent = Usage(900, 95, 0.0)
    failure, _ = ask(openai(server), request(max_tokens=20), budget=Budget(tokens=1000), spent=spent)
    assert isinstance(failure, BudgetSpent)
    reply, _ = ask(openai(server), request(max_tokens=20), budget=Budget(tokens=2000), spent=spent)
    assert reply.text == "[kettle]"


def test_an_unknown_price_with_a_cap_in_money_is_an_error_before_anything_is_sent(server):
    """Money cannot be capped where nothing is known of prices."""
    with pytest.raises(RecipeError, match="price of model 'm' is unknown"):
        ask(openai(server), request(), budget=Budget(usd=1.0))
    reply, state = ask(openai(server), request())
    assert reply.usage.usd is None
    assert state.usd is None


def test_replies_that_overtake_each_other_reach_their_own_calls(server):
    """Each call gets the reply to its own request, whatever comes first."""
    server.next("ok", "500", "429", "half", "html")
    *replies, _ = ask(openai(server), *(request(str(n)) for n in range(40)))
    assert [reply.text for reply in replies] == [f"[{n}]" for n in range(40)]


def test_a_missing_variable_says_which_one():
    """`${NAME}` is read when the model is opened; the error names it."""
    failure, _ = ask(OpenAI(base_url="${NO_SUCH_VARIABLE}", model="x"), request())
    assert isinstance(failure, MissingModel)
    assert "NO_SUCH_VARIABLE" in str(failure)
