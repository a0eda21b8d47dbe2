"""HTTP/1.1 against servers that are told byte by byte what to answer."""

import asyncio
import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.errors import MissingModel
from lookalike.models.base import Fault, Refused, Transient, Unreachable
from lookalike.models.http1 import ADDRESS, HEAD_MAX, Http1
from lookalike.models.transport import Transport

CLOSE = None  # in place of bytes: the server closes the connection
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Own: yes\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Server:
    """Answers each request with the next list of pieces; keeps what it was asked and on which connection."""

    def __init__(self, *replies):
        self.replies, self.requests, self.connections = list(replies), [], 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        number = self.connections
        try:
            while self.replies:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))
                self.requests.append((number, head, body))
                for piece in self.replies.pop(0):
                    if piece is CLOSE:
                        return
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has left, or the test is over
        finally:
            writer.close()


def exchange(*replies, times=1, body_max=1000, **headers):
    """What so many requests, one after the other, came to; then the server."""

    async def main():
        async with Server(*replies) as server:
            client = Http1(server.url, {"Content-Type": "application/json", **headers}, body_max)
            found = []
            for number in range(times):
                try:
                    async with asyncio.timeout(5):
                        found.append(await client.exchange("POST", "/say", b"%d" % number))
                except Fault as fault:
                    found.append(fault)
            await client.close()
            return *found, server

    return asyncio.run(main())


def test_a_request_as_it_is_sent_and_the_reply_as_it_came():
    """One request: method, path, host, headers, length and body; its reply: status, headers in small letters, body."""
    (status, headers, body), server = exchange([OK], **{"X-Key": "k", "content-length": "7"})
    assert (status, headers, body) == (200, {"content-length": "2", "x-own": "yes"}, b"{}")
    [(_, head, sent)] = server.requests
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/say HTTP/1.1"
    assert lines[1] == f"Host: {server.url.split('/')[2]}"
    assert {"Content-Type: application/json", "X-Key: k", "Content-Length: 1"} <= set(lines)
    assert head.lower().count(b"content-length") == 1
    assert sent == b"0"


def test_a_connection_is_kept_for_the_next_request():
    """Three requests one after the other, one connection."""
    *found, server = exchange([OK], [OK], [OK], times=3)
    assert [reply[2] for reply in found] == [b"{}"] * 3
    assert [number for number, _, _ in server.requests] == [1, 1, 1]


def test_requests_at_once_have_a_connection_each():
    """Five at once, each with its own reply; two later ones take connections that are there."""

    async def main():
        replies = [[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % n] for n in range(7)]
        async with Server(*replies) as server:
            client = Http1(server.url, {}, 1000)
            first = await asyncio.gather(*(client.exchange("POST", "/x", b"") for _ in range(5)))
            then = await asyncio.gather(*(client.exchange("POST", "/x", b"") for _ in range(2)))
            await client.close()
            return [int(reply[2]) for reply in (*first, *then)], server.connections

    bodies, connections = asyncio.run(main())
    assert (sorted(bodies), connections) == ([0, 1, 2, 3, 4, 5, 6], 5)


WHOLE = {
    "length": (OK, b"{}"),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", b"{}"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "length told twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"{}"),
    "chunks": (CHUNKED + b"3\r\nabc\r\n10;name=x\r\n0123456789abcdef\r\n0\r\n\r\n", b"abc0123456789abcdef"),
    "line breaks in chunks": (CHUNKED + b"7\r\n\r\n0\r\n\r\n\r\n1 \r\nx\r\n0\r\n\r\n", b"\r\n0\r\n\r\nx"),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\nDigest: y\r\nMore: z\r\n\r\n", b"x"),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "empty chunks": (CHUNKED + b"0\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=15)
@given(data=st.data())
def test_a_reply_means_the_same_however_the_network_cuts_it(name, data):
    """Any cut of any framing gives the same body, and the connection serves the next request."""
    raw, body = WHOLE[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(raw) - 1), max_size=4)))
    pieces = [raw[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    first, second, server = exchange(pieces, [OK], times=2)
    assert (first[2], second[2], server.connections) == (body, b"{}", 1)


CLOSING = {
    "until the end": [b"HTTP/1.1 200 OK\r\n\r\n", b"it ", b"ends", CLOSE],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nit ends"],
    "said so": [b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 7\r\n\r\nit ends"],
    "more than was asked": [b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nit endsHTTP/1.1 200 OK\r\n\r\nstolen"],
    "more after chunks": [CHUNKED + b"7\r\nit ends\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"],
}


@pytest.mark.parametrize("name", CLOSING)
def test_a_connection_that_may_not_be_used_again_is_not(name):
    """The reply is whole, and the next request goes over another connection: nobody gets another's words."""
    first, second, server = exchange(CLOSING[name], [OK], times=2)
    assert (first[2], second[2], server.connections) == (b"it ends", b"{}", 2)


BROKEN = {
    "nothing": ([CLOSE], "without a reply"),
    "half a head": ([b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE], "in the middle"),
    "half a body": ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", CLOSE], "in the middle"),
    "half of the chunks": ([CHUNKED + b"5\r\nhe", CLOSE], "in the middle"),
    "no last chunk": ([CHUNKED + b"1\r\nx\r\n", CLOSE], "in the middle"),
    "no HTTP": ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "does not speak"),
    "HTTP/2": ([b"HTTP/2 200\r\n\r\n"], "does not speak"),
    "a web socket": ([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"], "another protocol"),
    "two lengths": ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"], "Content-Length"),
    "a length below zero": ([b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"], "Content-Length"),
    "an endless length": ([b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}"], "Content-Length"),
    "a header without a name": ([b"HTTP/1.1 200 OK\r\n: 2\r\n\r\n{}"], "header"),
    "a folded header": ([b"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n{}"], "header"),
    "another coding": ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"], "transfer encoding"),
    "a chunk of no size": ([CHUNKED + b"x\r\n{}\r\n"], "chunks"),
    "a chunk below zero": ([CHUNKED + b"-1\r\n{}\r\n"], "chunks"),
    "a chunk that is longer": ([CHUNKED + b"1\r\n{}\r\n0\r\n\r\n"], "chunks"),
    "endless headers": ([b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * HEAD_MAX], "headers are longer"),
    "endless trailers": ([CHUNKED, b"0\r\n", b"X: y\r\n" * HEAD_MAX], "chunks"),
    "an endless size": ([CHUNKED, b"1;" + b"x" * 2 * HEAD_MAX], "chunks"),
    "an unknown compression": ([b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}"], "compressed"),
    "a broken compression": ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"], "compressed"),
    "a compression until the end": ([b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n{}", CLOSE], "compressed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_whole_reply_may_be_asked_again(name):
    """A cut or garbled reply is a fault that says what is wrong, and the next request is not touched by it."""
    pieces, reason = BROKEN[name]
    fault, reply, _ = exchange(pieces, [OK], times=2)
    assert isinstance(fault, Transient)
    assert reason in fault.reason
    assert reply[2] == b"{}"


PACKED = gzip.compress(b"x" * 2000)
LONG = {
    "length": [b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"],
    "chunk": [CHUNKED + b"3e9\r\n"],
    "chunks": [CHUNKED + b"1f4\r\n" + b"x" * 500 + b"\r\n" + b"1f5\r\n"],
    "endless": [b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 600, b"x" * 600],
    "packed": [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED],
}


@pytest.mark.parametrize("name", LONG)
def test_a_reply_that_is_too_long_is_refused_at_once(name):
    """More than `body_max` bytes, in whatever way they come, also packed into fewer."""
    fault, reply, _ = exchange(LONG[name], [OK], times=2)
    assert isinstance(fault, Refused)
    assert "longer than 1,000 bytes" in fault.reason
    assert reply[2] == b"{}"


def test_a_body_that_was_compressed_unasked_is_read():
    """gzip and deflate are undone."""
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    reply, _ = exchange([head + packed])
    assert reply[2] == b'{"a": 1}'


def test_a_request_given_up_leaves_nothing_behind():
    """A time-out closes its connection: the late reply reaches nobody, and the next request has its own."""

    async def main():
        async with Server([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla"], [OK]) as server:
            client = Http1(server.url, {}, 1000)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.exchange("POST", "/x", b"")
            reply = await client.exchange("POST", "/x", b"")
            await client.close()
            return reply[2], server.connections

    assert asyncio.run(main()) == (b"{}", 2)


def test_a_reply_under_way_when_the_client_closes_leaves_no_connection():
    """It still comes to who asked, and then its connection is closed like the others."""

    async def main():
        asked, ended = asyncio.Event(), asyncio.Event()

        async def serve(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await asyncio.sleep(0.05)
            writer.write(OK)
            await reader.read()
            ended.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Http1(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", {}, 1000)
        reply = asyncio.create_task(client.exchange("POST", "/x", b""))
        await asked.wait()
        await client.close()
        assert (await reply)[2] == b"{}"
        async with asyncio.timeout(2):
            await ended.wait()
        server.close()

    asyncio.run(main())


@pytest.mark.parametrize(("keep_s", "connections"), [(60.0, [1, 2, 2]), (0.0, [1, 2, 3])])
def test_a_connection_that_has_waited_too_long_is_not_used(keep_s, connections):
    """What the server closed while it waited is not asked again; what has waited longer than we keep it is closed by us."""

    async def main():
        async with Server([OK, CLOSE], [OK], [OK]) as server:
            client = Http1(server.url, {}, 1000, keep_s=keep_s)
            for _ in range(3):
                await client.exchange("POST", "/x", b"")
                while len(server.requests) == 1 and any(each.free for each in client._kept):  # noqa: ASYNC110  # no event says
                    await asyncio.sleep(0.001)  # that the other side has closed
            await client.close()
            return [number for number, _, _ in server.requests]

    assert asyncio.run(main()) == connections


def test_a_path_cannot_break_out_of_its_line():
    """Spaces and line breaks, as in a model's name, are quoted."""

    async def main():
        async with Server([OK]) as server:
            client = Http1(server.url, {}, 1000)
            await client.exchange("POST", "/models/a b\r\nX: y:say?q=1", b"")
            await client.close()
            return server.requests[0][1].split(b"\r\n")[0]

    assert asyncio.run(main()) == b"POST /v1/models/a%20b%0D%0AX:%20y:say?q=1 HTTP/1.1"


def test_nobody_at_the_address():
    """A port where nothing listens, a name that is none: unreachable, with the reason."""

    async def main(url):
        with pytest.raises(Unreachable, match="nobody listens"):
            await Http1(url, {}, 1000).exchange("POST", "/x", b"")

    asyncio.run(main("http://127.0.0.1:9"))
    asyncio.run(main("http://nowhere.invalid"))
    asyncio.run(main(f"http://{'x' * 70}.invalid"))


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://localhost:8000/v1", True),
        ("http://10.0.0.3", True),
        ("http://[::1]:8000/v1?key=x", True),
        ("http://my_service.internal:80/", True),
        ("https://example.org/v1", False),
        ("http://user:word@example.org/v1", False),
        ("http://exämple.org/v1", False),
        ("http://example.org/v 1", False),
        ("http://example.org/v1#x", False),
    ],
)
def test_only_plain_addresses_go_without_aiohttp(url, plain):
    """TLS, a password, names and paths that are not ASCII are left to aiohttp."""
    assert (ADDRESS.fullmatch(url) is not None) == plain


@pytest.mark.parametrize("url", ["ftp://x/v1", "localhost:8000", "http://", "http://x:99999", "http://x:y/v1", "http://[::1"])
def test_what_is_no_address_is_refused_before_anything_is_sent(url):
    """Another scheme, no host, a port that is none."""
    with pytest.raises(MissingModel, match="is no address"):
        Transport(url, {})


def test_a_key_with_a_line_break_is_refused_before_anything_is_sent():
    """As one read from a file has it; the error does not show it."""
    with pytest.raises(MissingModel, match="'Authorization' holds a line break") as caught:
        Transport("http://localhost:9/v1", {"Authorization": "Bearer sk-secret\n"}, ("sk-secret\n",))
    assert "sk-secret" not in str(caught.value)
    with pytest.raises(MissingModel, match="no header may hold"):  # a variable that is not UTF-8
        Transport("http://localhost:9/v1", {"X-Own": "M\udce4"})
