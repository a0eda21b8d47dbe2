"""aiohttp's way and ours: servers cannot tell them apart, and neither can a lane."""

import asyncio
import gzip
import subprocess
import sys

import pytest

from lookalike.errors import MissingModel
from lookalike.models.base import Fault, Refused
from lookalike.models.http1 import Http1
from lookalike.models.openai import OpenAI
from lookalike.models.session import Session
from lookalike.models.transport import Transport
from lookalike.testing.server import BEHAVIOURS

from .conftest import ask, request

BODY = b'{"messages": [{"role": "user", "content": "kettle"}]}'


def outcome(url, kind, *, body_max=1 << 20):
    """What a request came to: status, own headers and body of a reply; the kind of a fault."""

    async def main():
        transport = Transport(url, {"Content-Type": "application/json", "X-Own": "1"}, ("sk-very-secret",), body_max)
        try:
            async with asyncio.timeout(5):
                status, headers, raw = await transport.send("POST", "/chat/completions", BODY)
            return status, headers.get("content-type"), headers.get("retry-after"), headers.get("location"), raw
        except Fault as fault:
            return type(fault)
        finally:
            assert isinstance(transport._client, kind)
            await transport.close()

    return asyncio.run(main())


@pytest.mark.parametrize("behaviour", ["ok", "401", "500", *(name for name in BEHAVIOURS if name != "hang")])
def test_both_clients_see_the_same_server(server, behaviour):
    """Every way in which the test server answers or fails, through aiohttp (an address with a password) and without."""
    server.always = behaviour
    plain, other = outcome(server.url, Http1), outcome(server.url.replace("//", "//me:pass@"), Session)
    assert plain == other


def test_a_plain_server_is_asked_without_loading_aiohttp(server):
    """Its import reads the machine's certificates twice: a sixth of a second of CPU."""
    code = f"""import asyncio, sys
from lookalike.models.transport import Transport
transport = Transport({server.url!r}, {{}})
async def main():
    print(await transport.post("/chat/completions", {BODY!r}))
    await transport.close()
asyncio.run(main())
print("LOADED", *[name for name in ("aiohttp", "urllib.request", "yarl") if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "[kettle]" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


def test_a_proxy_is_asked_for_hosts_elsewhere(server, monkeypatch):
    """`http_proxy` carries what goes to another host."""
    monkeypatch.delenv("no_proxy", raising=False)
    for proxy in (server.url.removesuffix("/v1"), server.url.removesuffix("/v1").removeprefix("http://")):
        monkeypatch.setenv("http_proxy", proxy)
        status, *_, raw = outcome("http://model.invalid/v1", Session)
        assert (status, b"[kettle]" in raw) == (200, True)
    monkeypatch.setenv("no_proxy", "model.invalid")
    assert issubclass(outcome("http://model.invalid/v1", Http1), Fault)


@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret-word@127.0.0.1:9", "http://me:secret-word@", "http://me:secret-word@[::1"]
)
def test_what_is_no_proxy_is_said_without_its_password(monkeypatch, proxy):
    """Nothing is sent and nothing tried again: no request could succeed."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(MissingModel, match=r"^https_proxy: .* no address of an HTTP proxy") as caught:
        asyncio.run(Transport("https://model.invalid/v1", {}).send("POST", "/x", b""))
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("kind", [Http1, Session])
def test_a_small_reply_that_unpacks_to_a_long_one_is_refused(kind):
    """Two megabytes in two kilobytes are more than 10,000 bytes, though their Content-Length says less."""
    packed = gzip.compress(b"x" * 2_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + packed)
        await reader.read()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = kind(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", {}, 10_000)
        with pytest.raises(Refused, match="longer than 10,000 bytes"):
            await client.exchange("POST", "/x", b"")
        await client.close()
        server.close()

    asyncio.run(main())


def test_a_lane_works_over_aiohttp_too(server):
    """Retries and replies as over plain connections."""
    model = OpenAI(base_url=server.url.replace("//", "//me:pass@"), model="test")
    server.next("half", "html")
    reply, state = ask(model, request(seed=5))
    assert (reply.text, reply.tries, state.retries) == ("[kettle]", 3, 2)
