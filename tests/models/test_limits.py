"""Windows, buckets, shares and budgets as plain values."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from lookalike.models.base import Usage
from lookalike.models.budget import Account
from lookalike.models.limits import Bucket, FixedShare, Grant, Window
from lookalike.models.transport import retry_after, seconds, used_up_s
from lookalike.recipe.model import Budget


def test_a_window_is_cut_by_the_share_that_was_limited_and_grows_again():
    """40 of 100 limited: 100 -> 60; then clean windows add 5% each, up to the cap."""
    window = Window(100)
    for turn in range(100):
        window.limited(None) if turn % 5 < 2 else window.good()
    assert window.limit == 60.0
    for _ in range(60):
        window.good()
    assert window.limit == 63.0
    for _ in range(5000):
        window.good()
    assert window.limit == 100.0


def test_one_in_twenty_limited_changes_nothing():
    """5% of 429s are strays."""
    window = Window(100)
    for turn in range(1000):
        window.limited(1.0) if turn % 20 == 7 else window.good()
    assert window.limit == 100.0
    assert window.paused_until == 0.0


@given(st.floats(1, 6000), st.lists(st.tuples(st.floats(0, 2), st.integers(1, 50)), min_size=1, max_size=60))
def test_a_bucket_never_lets_more_through_than_its_rate(per_minute, takes):
    """Whenever units may be used, those used so far fit rate x time + one burst + the last take."""
    bucket, now, used = Bucket(per_minute, burst_s=1.0), 1000.0, 0.0
    for pause, units in takes:
        now += pause
        now += bucket.take(units, now)
        assert used <= (now - 1000.0 + 1.0) * per_minute / 60 + 1e-6 * (used + 1) + units
        used += units


@given(st.integers(1, 500), st.integers(1, 16))
def test_shares_of_a_limit_add_up_to_it(concurrency, count):
    """Shards together never get more requests in flight than one run, unless there are more shards than requests."""
    wanted = Grant(concurrency, 600.0, None)
    grants = [
        FixedShare(index, count).lease("m", wanted, in_flight=0, replies=0, limited=0, tokens=0) for index in range(count)
    ]
    assert sum(grant.concurrency for grant in grants) == max(concurrency, count)
    assert abs(sum(grant.rpm for grant in grants) - 600.0) < 1e-6


def test_a_waiting_call_gets_the_room_that_another_did_not_use():
    """100 tokens: two calls that reserve 80 each both go, one after the other, because the first used 10."""

    async def main():
        account = Account(Budget(tokens=100))
        await account.reserve("m", 80, 0.0)
        second = asyncio.create_task(account.reserve("m", 80, 0.0))
        await asyncio.sleep(0)
        assert not second.done()
        account.settle(80, 0.0, used_tokens=10, used_usd=0.0)
        await asyncio.wait_for(second, 1)
        assert account.spent.tokens == 10

    asyncio.run(main())


def test_shards_share_what_is_left():
    """Of 1,000 tokens with 200 spent, four shards get 200 each."""
    account = Account(Budget(tokens=1000), spent=Usage(150, 50, 0.0), share=(1, 4))
    asyncio.run(account.reserve("m", 200, 0.0))
    assert account._short(1, 0.0) == "tokens"


def test_durations_and_dates_of_headers():
    """Retry-After in seconds, milliseconds or as a date against the reply's own clock; resets as the field writes them."""
    assert retry_after({"retry-after": "1.5"}) == 1.5
    assert retry_after({"retry-after-ms": "250"}) == 0.25
    date = {"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after(date) == 30.0
    assert retry_after({"retry-after": "soon"}) is None
    assert [seconds(text) for text in ("6m0s", "120ms", "1h2m", "2.5", "")] == [360.0, 0.12, 3720.0, 2.5, 0.0]


def test_waits_as_anthropic_and_gemini_say_them():
    """A limit used up until an instant, against the reply's own clock; a delay in the body of a 429."""
    date = {"date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    gone = {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2015-10-21T07:28:20Z"}
    tokens = {
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": "2015-10-21T07:29:00Z",
    }
    assert used_up_s({**date, **gone}) == 20.0
    assert used_up_s({**date, **gone, **tokens}) == 60.0
    assert used_up_s({**date, **gone, "anthropic-ratelimit-requests-remaining": "7"}) == 0.0
    assert used_up_s({**date, **gone, "anthropic-ratelimit-requests-reset": "soon"}) == 0.0
    body = (
        b'{"error": {"code": 429, "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}]}}'
    )
    assert retry_after({}, body) == 34.5
    assert retry_after({"retry-after": "2"}, body) == 2.0


def test_a_record_that_is_begun_is_finished_before_another_begins():
    """Who goes on at once keeps the place; then those ahead come, then the others in their order."""

    async def scenario() -> list[str]:
        window, order = Window(1), []

        async def walk(name: str, *steps: bool) -> None:
            for place, ahead in enumerate(steps):
                await window.enter(ahead=ahead)
                order.append(f"{name}{place}")
                await asyncio.sleep(0)
                window.leave()

        await asyncio.gather(
            walk("a", False, True), walk("b", False), walk("c", False, True), walk("d", True), walk("e", False)
        )
        assert window.in_flight == 0
        return order

    assert asyncio.run(scenario()) == ["a0", "d0", "a1", "b0", "c0", "c1", "e0"]
