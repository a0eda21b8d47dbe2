"""What a server can make us hold or compute, and whose reply it is."""

import asyncio
import gzip
import warnings
import zlib

import pytest

from lookalike.errors import ModelError
from lookalike.models.base import CallFailed, Patience, Refused, Reply, Transient
from lookalike.models.bounds import RATIO, UNPACKED, Room, unpacked
from lookalike.models.http1 import CHUNKS_MAX, HEAD_MAX, Http1
from lookalike.models.openai import OpenAI
from lookalike.models.transport import retry_after, seconds, used_up_s
from lookalike.testing.server import answering

from .conftest import ask, openai, request
from .test_http1 import CHUNKED, OK, exchange


def test_a_reply_that_nobody_asked_for_is_no_ones_reply():
    """A second reply on a kept connection, sent at once or later: the next request gets its own, on another connection."""
    stray = OK.replace(b"{}", b"[]")
    (_, _, first), (_, _, second), server = exchange([OK + stray], [OK], times=2)
    assert (first, second, server.connections) == (b"{}", b"{}", 2)


def test_a_stray_reply_that_waits_unread_is_seen_before_the_connection_is_used():
    """It came after the last reply, and the loop has not read it yet when the next request goes."""

    async def main():
        stray_sent = asyncio.Event()
        connections = 0

        async def serve(reader, writer):
            nonlocal connections
            connections += 1
            number = connections
            try:
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(1)
                    writer.write(OK)
                    if number == 1:
                        await asked_once.wait()
                        writer.get_extra_info("socket")._sock.send(
                            OK.replace(b"{}", b"[]")
                        )  # past the loop: it is there at once
                        stray_sent.set()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass  # the client has left
            finally:
                writer.close()

        asked_once = asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {}, 1000)
        first = await client.exchange("POST", "/", b"1")
        asked_once.set()
        await stray_sent.wait()
        second = await client.exchange("POST", "/", b"2")
        await client.close()
        server.close()
        return first[2], second[2]

    assert asyncio.run(main()) == (b"{}", b"{}")


def test_open_replies_share_their_room():
    """Forty replies of 300 kB at once in a room of one megabyte: all arrive whole, and what is held stays near the bound."""
    size, most = 300_000, 1 << 20

    async def main():
        room, highest = Room(most), 0
        begun = asyncio.Semaphore(0)

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            begun.release()
            for _ in range(30):
                writer.write(b"x" * (size // 30))
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", {}, 64 << 20, room=room)

        async def one():
            nonlocal highest
            found = await client.exchange("POST", "/", b"")
            return len(found[2])

        async def watch():
            nonlocal highest
            while True:
                highest = max(highest, room.held)
                await asyncio.sleep(0)

        watching = asyncio.create_task(watch())
        sizes = await asyncio.gather(*(one() for _ in range(40)))
        watching.cancel()
        await client.close()
        server.close()
        return sizes, highest, room.held

    sizes, highest, left = asyncio.run(main())
    assert sizes == [size] * 40
    assert highest <= most + size + 40 * (64 << 10)
    assert left == 0


def test_the_first_goes_on_and_lets_the_others_in():
    """Beyond the bound only who came first may read on; when it is over the next one may, and at the end nothing is held."""
    room, woken = Room(100), []
    assert room.hold("a", 90, lambda: woken.append("a"))
    assert not room.hold("b", 60, lambda: woken.append("b"))
    assert not room.hold("c", 70, lambda: woken.append("c"))
    assert room.hold("a", 500, lambda: woken.append("a"))
    room.release("a")
    assert woken == ["b"]
    room.release("b")
    assert woken == ["b", "c"]
    room.release("c")
    room.release("c")
    assert room.held == 0


@pytest.mark.parametrize("size", [UNPACKED + 1, 20 * UNPACKED])
def test_few_bytes_do_not_unpack_to_many(size):
    """A bomb is refused by its ratio, long before the bound of a reply."""
    packed = zlib.compress(b"x" * size)
    assert len(packed) * RATIO < size
    with pytest.raises(Refused, match="cut off"):
        unpacked(packed, "deflate", 64 << 20)
    with pytest.raises(Transient, match="cut off"):
        unpacked(gzip.compress(b"some text")[:-9], "gzip", 1000)


@pytest.mark.parametrize(
    ("name", "pieces", "why"),
    [
        ("trailers", [CHUNKED + b"2\r\n{}\r\n0\r\n", *[b"X-Y: 1\r\n" * 2000] * 10], "trails the reply's chunks"),
        ("one-byte chunks", [CHUNKED, *[b"1\r\n \r\n" * 2000] * 4], "too many chunks"),
        ("an extension", [CHUNKED, *[b"2;" + b"x" * 20_000] * 8], "chunks cannot be read"),
        ("interim heads", [b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + OK], "another protocol"),
        ("headers", [b"HTTP/1.1 200 OK\r\n", *[b"X-Y: 1\r\n" * 2000] * 10], "headers are longer"),
    ],
)
def test_what_only_makes_work_ends_early(name, pieces, why):
    """Framing that is larger than what it frames is no reply, whatever the bound of the body is."""
    fault, _ = exchange(pieces, body_max=64 << 20)
    assert isinstance(fault, Transient), name
    assert why in fault.reason


def test_a_reply_in_many_small_chunks_is_one():
    """A server that writes letter by letter is read."""
    text = b"a" * (CHUNKS_MAX // 2)
    (_, _, body), _ = exchange(
        [CHUNKED + b"".join(b"1\r\n%c\r\n" % letter for letter in text) + b"0\r\n\r\n"], body_max=64 << 20
    )
    assert body == text
    assert len(text) < HEAD_MAX


STRANGE = [
    "²",
    "9" * 400,
    "-5",
    "nan",
    "inf",
    "1e5",
    "٣",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Fri, 99 Abc 2026 99:99:99 GMT",
    "",
    "0x10",
    ".",
    "Mon, 01 Jan 0001 00:00:00 +9999",
]


@pytest.mark.parametrize("text", STRANGE)
def test_headers_that_cannot_be_read_are_ignored(text):
    """Whatever stands in a header of limits, it is a wait of at most an hour, or none."""
    headers = {"date": "Tue, 01 Dec 2026 04:00:00 GMT"}
    limits = {f"x-ratelimit-{what}-requests": "0" for what in ("remaining",)} | {"x-ratelimit-reset-requests": text}
    anthropic = {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": text}
    for found in (
        retry_after({**headers, "retry-after": text}),
        retry_after({"retry-after-ms": text}),
        retry_after({**headers, "date": text, "retry-after": "Tue, 01 Dec 2026 05:00:00 GMT"}),
    ):
        assert found is None or 0 <= found <= 3600
    assert seconds(text) >= 0
    assert used_up_s({**headers, **limits}) >= 0
    assert used_up_s({**headers, **anthropic}) >= 0


def test_a_wait_of_days_is_an_hour():
    """Nobody is left to wait until next week without a word."""
    assert retry_after({"retry-after": "600000"}) == 3600


COUNTS = ["18446744073709551616", "1e30", "-5", "9223372036854775807"]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
def test_tokens_that_cannot_be_true_are_estimated_and_said_once(server, count, field):
    """A budget neither ends nor goes blind by what a server writes under `usage`."""
    usage = f'"prompt_tokens": 10, "completion_tokens": 5, "{field}": {count}'
    said = f'{{"choices": [{{"message": {{"content": "a text of some length"}}}}], "usage": {{{usage}}}}}'
    server.always = answering(200, said)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        *replies, state = ask(openai(server), *(request(str(n)) for n in range(5)))
    assert all(isinstance(reply, Reply) and 0 < reply.usage.completion_tokens < 100 for reply in replies)
    assert 0 < state.tokens < 1000
    assert [str(each.message) for each in caught] == ["test reports token counts that cannot be true: they are estimated"]


ODD = {
    "arguments as an object": '{"message": {"content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}}',
    "no arguments": '{"message": {"content": "", "tool_calls": [{"id": 7, "function": {"name": "f", "arguments": null}}]}}',
    "a refusal that is no text": '{"message": {"content": null, "refusal": {"why": "no"}}}',
}


@pytest.mark.parametrize("name", ODD)
def test_odd_replies_become_values_of_their_types(server, name):
    """What gateways write otherwise is read, and what is written down of it has the types of a reply."""
    body = f'{{"model": {{"id": 5}}, "choices": [{ODD[name]}]}}'
    server.next(*[answering(200, body)] * 1)
    reply, _ = ask(openai(server), request())
    assert isinstance(reply.text, str)
    assert reply.served_by == "test"
    assert all(isinstance(part, str) for call in reply.tool_calls for part in (call.id, call.name, call.arguments))


def test_a_deep_reply_is_no_reply(server):
    """A body of a thousand lists is asked again; the error that quotes it is short."""
    server.next(*[answering(200, "[" * 1000 + "]" * 1000)] * 2)
    failure, state = ask(openai(server, retries=1), request())
    assert isinstance(failure, CallFailed)
    assert len(str(failure)) < 500
    assert state.failed == 1


def test_a_port_where_nobody_listens_is_said_at_once():
    """A lane stops before a wait would pass `start_s`, which is three seconds by default: a hundredth of it here."""
    assert Patience().start_s == 3.0
    hundredth = Patience(backoff_s=0.001, start_s=0.03)
    failure, state = ask(OpenAI(base_url="http://127.0.0.1:9/v1", model="test", patience=hundredth), request())
    assert isinstance(failure, ModelError)
    assert not isinstance(failure, CallFailed)
    assert "nobody listens" in str(failure)
    assert "start_s" in str(failure)
    assert 1 <= state.retries <= 5


def test_a_server_that_is_still_to_start_is_waited_for_on_request():
    """`patience.start_s` is how long: here all eight retries are made before the lane gives up."""
    waiting = Patience(backoff_s=0.001, backoff_max_s=0.002, start_s=600)
    gone = OpenAI(base_url="http://127.0.0.1:9/v1", model="test", retries=8, patience=waiting)
    failure, state = ask(gone, request())
    assert isinstance(failure, ModelError)
    assert state.retries == 8


def test_both_clients_refuse_the_same_bomb(server):
    """A compressed reply is bounded by its ratio also where aiohttp carries it."""
    from aiohttp import web

    async def bomb(_, __, ___):
        return web.Response(body=gzip.compress(b"x" * (30 * UNPACKED)), headers={"Content-Encoding": "gzip"})

    server.always = bomb
    for url in (server.url, server.url.replace("//", "//me:pass@")):
        failure, _ = ask(openai(server, base_url=url), request())
        assert isinstance(failure, CallFailed)
        assert "cut off" in str(failure)
