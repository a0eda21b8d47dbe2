"""Lanes over scripted models: outcomes do not depend on time, order or faults."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import ModelError
from lookalike.models.base import CallFailed, Message, Reply, Request
from lookalike.models.default import default_model
from lookalike.models.lanes import Lanes
from lookalike.models.ngram import Ngram
from lookalike.models.scripted import Scripted

from .conftest import SHORT, ask, request


@settings(max_examples=25)
@given(st.integers(1, 40), st.integers(1, 16), st.floats(0, 0.6), st.sampled_from(["transient", "limited"]))
def test_faults_and_width_never_change_what_is_answered(n, concurrency, share, fault):
    """Any concurrency and fault pattern gives the same replies; extra calls are exactly the faults."""
    wanted = [request(str(at), seed=at) for at in range(n)]
    *plain, _ = ask(Scripted(replies=("a", "b", "c")), *wanted)
    *faulty, state = ask(
        Scripted(replies=("a", "b", "c"), fault_share=share, fault=fault, concurrency=concurrency, patience=SHORT), *wanted
    )
    assert [reply.text for reply in faulty] == [reply.text for reply in plain]
    assert sum(reply.tries - 1 for reply in faulty) == state.retries
    assert state.replies == n


def test_a_refused_call_fails_and_a_closed_lane_stops_all():
    """The two sorts of faults that no retry helps."""
    failure, reply, _ = ask(Scripted(fault="refused", fault_first=1, concurrency=1), request("a"), request("b"))
    assert isinstance(failure, CallFailed)
    assert reply.text == "b"
    *stopped, state = ask(Scripted(fault="closed", fault_first=1, concurrency=1), request("a"), request("b"))
    assert all(isinstance(each, ModelError) and not isinstance(each, CallFailed) for each in stopped)
    assert state.stopped


def test_an_unknown_lane_names_the_known_ones():
    """A request to a model that nobody declared is an error with the nearest name."""
    (failure, _) = ask(Scripted(), request(lane="n"))
    assert isinstance(failure, ModelError)
    assert "models: m" in str(failure)


def test_runs_share_stored_replies(tmp_path):
    """The same request to the same model is asked once; what is stored costs nothing; other seeds are other requests."""
    asked = []

    def answer(request):
        asked.append(request.seed)
        return Reply(f"reply {request.seed}", usage=Reply("").usage, served_by="s")

    model = Scripted(function=answer)
    first, _, _ = ask(model, request(seed=1), request(seed=2), cache=tmp_path)
    again, _, state = ask(model, request(seed=1), request(seed=3), cache=tmp_path)
    assert (again.text, again.tries, again.usage.usd) == (first.text, 0, 0.0)
    assert sorted(asked) == [1, 2, 3]
    assert (state.stored, state.replies) == (1, 1)
    different, _ = ask(Scripted(replies=("x",)), request(seed=1), cache=tmp_path)
    assert different.text == "x"


def test_a_cancelled_call_gives_its_place_back():
    """Ctrl-C on one waiting call leaves the lane whole."""

    async def main():
        async with Lanes({"m": Scripted(latency_s=0.05, concurrency=1)}) as lanes:
            calls = [asyncio.create_task(lanes.ask(request(str(n)))) for n in range(5)]
            await asyncio.sleep(0.01)
            calls[0].cancel()
            calls[2].cancel()
            done = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(each) for each in done] == [asyncio.CancelledError, Reply, asyncio.CancelledError, Reply, Reply]
            assert lanes.snapshot()["m"].in_flight == 0

    asyncio.run(main())


def test_scripted_sequences_and_rules():
    """In order the last reply stays; rules answer by what was asked; a schema gets a value that fits."""
    *replies, _ = ask(Scripted(replies=("one", "two"), in_order=True, concurrency=1), *(request(str(n)) for n in range(3)))
    assert [reply.text for reply in replies] == ["one", "two", "two"]
    rated, other, _ = ask(Scripted(rules={"(?i)rate": "4", ".*": "fine"}), request("Rate it"), request("Hello"))
    assert (rated.text, other.text) == ("4", "fine")


def test_ngrams_tell_near_texts_from_far_ones():
    """A spelling variant is close, another sentence is far, and vectors have length 1."""
    texts = ["The kettle boils water quickly.", "The kettel boils water quickly!", "Stocks fell on Monday in Oslo."]
    *replies, _ = ask(Ngram(), *(Request("m", operation="embed", text=text) for text in texts))
    near, far = (sum(a * b for a, b in zip(replies[0].vector, other.vector, strict=True)) for other in replies[1:])
    assert near > 0.7 > 0.3 > far
    assert abs(sum(value**2 for value in replies[2].vector) - 1) < 1e-9


def test_default_is_the_named_server_or_the_embedded_engine(monkeypatch):
    """LOOKALIKE_BASE_URL decides; without a model's name it is an error."""
    for name in ("BASE_URL", "MODEL", "API_KEY", "EMBEDDED_MODEL"):
        monkeypatch.delenv(f"LOOKALIKE_{name}", raising=False)
    assert (default_model().kind, default_model().label) == ("embedded", "qwen2.5-coder-0.5b")
    monkeypatch.setenv("LOOKALIKE_EMBEDDED_MODEL", "smollm2-135m")
    assert default_model().label == "smollm2-135m"
    monkeypatch.setenv("LOOKALIKE_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(ModelError, match="LOOKALIKE_MODEL"):
        default_model()
    monkeypatch.setenv("LOOKALIKE_MODEL", "big")
    monkeypatch.setenv("LOOKALIKE_API_KEY", "sk-secret")
    assert (default_model().kind, default_model().label) == ("openai", "big")
    assert "sk-secret" not in repr(default_model()) + str(default_model().dump())


def test_frozen_requests_are_not_changed():
    """Asking leaves the request as it was."""
    wanted = Request("m", (Message("user", "hi"),))
    ask(Scripted(), wanted)
    assert wanted == Request("m", (Message("user", "hi"),))
