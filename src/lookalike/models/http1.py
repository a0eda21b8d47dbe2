"""HTTP/1.1 to plain `http://` addresses: vLLM, llama.cpp, Ollama, a service of one's own.

There a call costs what its client costs, and a general client costs three times as much: here a request is one write, a reply one
future, and a connection is kept for the next request. No TLS, no proxy, no redirects, no cookies: `session.py` has those.
"""

from __future__ import annotations

import asyncio
import re
import select
from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import quote

from lookalike.models.base import Fault, Refused, Transient, Unreachable
from lookalike.models.bounds import SMALL, Room, unpacked

Answer: TypeAlias = tuple[int, dict[str, str], bytes]  # status, headers by names in small letters, the whole body

ADDRESS = re.compile(r"http://([\w.-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?((?:/[!\"$-~]*)?)", re.ASCII)
HEAD_MAX = 64 << 10  # bytes of a status line with its headers, or of one line between chunks
CHUNKS_MAX = 4096  # of one reply, beside one for each CHUNK_MIN bytes of it
CHUNK_MIN = 16
INTERIM_MAX = 16  # heads with a status of 100 and more before the reply
CONNECT_S = 10.0
EYEBALLS_S = 0.25  # until the next address of a host is tried beside the first (RFC 8305)
_TARGET = "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"  # of a request's line; anything else is quoted
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?:\s|\Z)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\n]*)?\r?\n")


class Http1:
    """Requests to one address, each on a connection of its own while it lasts.

    Args:
        base_url: one that `ADDRESS` matches.
        headers: of every request.
        body_max: bytes; a longer reply is refused.
        keep_s: how long a connection waits for its next request.
        room: for what open replies hold together.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], body_max: int, *, keep_s: float = 60.0, room: Room | None = None
    ) -> None:
        found = ADDRESS.fullmatch(base_url)
        assert found is not None, base_url
        host, port, self._path = found.groups()
        self._address = host.strip("[]"), int(port or 80)
        shown = {
            "Host": host if port is None else f"{host}:{port}",
            "User-Agent": "lookalike",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        given = {name.lower() for name in headers}
        self._headers = {name: value for name, value in shown.items() if name.lower() not in given} | {
            name: value for name, value in headers.items() if name.lower() not in _FRAMING
        }
        self._body_max, self._keep_s, self._room = body_max, keep_s, room or Room()
        self._heads: dict[tuple[str, str, str], bytes] = {}
        self._kept: list[_Connection] = []
        self._closed = False

    async def exchange(self, method: str, path: str, body: bytes, content_type: str = "") -> Answer:
        """One request and its reply: see `transport.Client`."""
        head = self._heads.get((method, path, content_type)) or self._head(method, path, content_type)
        connection = self._waiting() or await self._connect()
        try:
            return await connection.ask(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        finally:
            if connection.free and not self._closed:
                self._kept.append(connection)
            else:  # also when nobody waits for the reply any more
                connection.transport.abort()

    def _head(self, method: str, path: str, content_type: str) -> bytes:
        own = {
            name: content_type if content_type and name.lower() == "content-type" else v for name, v in self._headers.items()
        }
        target = quote(self._path + path, safe=_TARGET) or "/"
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items())]
        head = "\r\n".join([*lines, "Content-Length: "]).encode()
        if len(self._heads) < 16:
            self._heads[method, path, content_type] = head
        return head

    def _waiting(self) -> _Connection | None:
        """The connection that was used last; one that has waited too long is closed."""
        while self._kept:
            connection = self._kept.pop()
            if connection.free and connection.waited_s() < self._keep_s and not _readable(connection.transport):
                return connection
            connection.transport.abort()
        return None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: _Connection(loop, self._body_max, self._room), *self._address, happy_eyeballs_delay=EYEBALLS_S
                )
        except TimeoutError:
            raise Unreachable("nobody listens: no connection in time") from None
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"nobody listens: {error}") from error
        return connection

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True  # a connection that still answers is closed after its reply
        kept, self._kept = self._kept, []
        for connection in kept:
            connection.transport.close()
        await asyncio.sleep(0)  # a closed transport lets go of its socket in the next turn of the loop


class _Connection(asyncio.Protocol):
    """One connection: asked, it answers; then it may be asked again."""

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, body_max: int, room: Room) -> None:
        self._loop, self._body_max, self._room = loop, body_max, room
        self._since = 0.0
        self._answer: asyncio.Future[Answer] | None = None
        self._start()

    def _start(self) -> None:
        self._got = bytearray()
        self._status, self._headers, self._keep = 0, dict[str, str](), False
        self._length: int | Literal["chunks", "close"] = 0  # of the body: bytes, or what ends it
        self._body, self._chunks = bytearray(), 0
        self._interim = 0

    @property
    def free(self) -> bool:
        """Whether it can take a request."""
        return self._answer is None and not self.transport.is_closing()

    def waited_s(self) -> float:
        """Since its last reply."""
        return self._loop.time() - self._since

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; its reply."""
        self._answer = self._loop.create_future()
        self.transport.write(request)
        return self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self.transport = transport  # type: ignore[assignment]  # of a stream, it reads and writes

    def data_received(self, data: bytes) -> None:
        """Some bytes of the reply."""
        if self._answer is None or self._answer.done():
            self.transport.abort()  # nobody has asked, or nobody waits any more
            return
        self._got += data
        try:
            if self._status or self._read_head():
                self._read_body()
        except Fault as fault:
            self._fail(fault)
            return
        size = len(self._got) + len(self._body)
        if size > SMALL and not self._room.hold(self, size, self.transport.resume_reading):
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end; of a body without a length, the proper one."""
        self._room.release(self)
        if self._answer is None or self._answer.done():
            return
        if exc is None and self._status and self._length == "close":
            try:
                self._finish(bytes(self._got))
            except Fault as fault:
                self._fail(fault)
        elif self._status or self._got:
            self._fail(Transient("the server closed the connection in the middle of its reply"))
        else:
            self._fail(Transient("the server closed the connection without a reply"))

    def _fail(self, fault: Fault) -> None:
        answer, self._answer = self._answer, None
        self.transport.abort()
        if answer is not None and not answer.done():
            answer.set_exception(fault)

    def _finish(self, body: bytes) -> None:
        """The reply is whole. What follows it nobody asked for; what is still to be sent nobody reads."""
        answer, status, headers = self._answer, self._status, self._headers
        assert answer is not None
        self._room.release(self)
        coding = headers.get("content-encoding", "identity").lower()
        if coding != "identity":
            body = unpacked(body, coding, self._body_max)
        if not self._keep or self.transport.get_write_buffer_size():
            self.transport.abort()
        self._answer, self._since = None, self._loop.time()
        self._start()
        answer.set_result((status, headers, body))

    def _read_head(self) -> bool:
        """Take status and headers off what came; False while they are not whole."""
        while True:
            end = _HEAD_END.search(self._got)
            if end is None or end.start() > HEAD_MAX:
                if len(self._got) > HEAD_MAX:
                    raise Transient(f"the reply's headers are longer than {HEAD_MAX:,} bytes")
                return False
            line, *lines = bytes(self._got[: end.start()]).decode("latin-1").split("\n")
            del self._got[: end.end()]
            first = _STATUS.match(line)
            if first is None:
                raise Transient("the server does not speak HTTP/1.1")
            status = int(first[2])
            if status >= 200:
                break
            self._interim += 1
            if status == 101 or self._interim > INTERIM_MAX:
                raise Transient("the server speaks another protocol than HTTP/1.1")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name[0] in " \t":
                raise Transient("the reply has a header that cannot be read")
            name, value = name.lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self._status, self._headers = status, headers
        self._keep = first[1] == "1" and "close" not in headers.get("connection", "").lower()
        self._length = self._framing()
        return True

    def _framing(self) -> int | Literal["chunks", "close"]:
        """How long the body is, or what ends it."""
        if self._status in (204, 304):
            return 0
        coding = self._headers.get("transfer-encoding", "").lower()
        if coding:
            if coding != "chunked":
                raise Transient(f"the reply's transfer encoding is not known: {coding[:40]}")
            return "chunks"
        length = self._headers.get("content-length")
        if length is None:
            self._keep = False
            return "close"
        first = length.split(",")[0].strip()  # told twice, it must be the same
        if (
            not (first.isascii() and first.isdecimal())
            or len(first) > 18
            or any(other.strip() != first for other in length.split(","))
        ):
            raise Transient("the reply's Content-Length cannot be read")
        return self._bounded(int(first))

    def _bounded(self, size: int) -> int:
        if size > self._body_max:
            raise Refused(f"the reply is longer than {self._body_max:,} bytes and was cut off")
        return size

    def _read_body(self) -> None:
        if self._length == "chunks":
            if self._read_chunks():
                self._finish(bytes(self._body))
        elif self._length == "close":
            self._bounded(len(self._got))
        elif len(self._got) >= self._length:
            self._keep = self._keep and len(self._got) == self._length
            self._finish(bytes(self._got[: self._length]))

    def _read_chunks(self) -> bool:
        """Move whole chunks to the body; True when the last one and what trails it are there."""
        got, place = self._got, 0
        while (line := _CHUNK.match(got, place)) is not None:
            size, start = int(line[1], 16), line.end()
            if not size:  # an empty line ends the reply, after trailers that nobody reads
                end = _HEAD_END.search(got, start - 1)
                if end is None or end.start() - start > HEAD_MAX:
                    if len(got) - start > HEAD_MAX:
                        raise Transient(f"what trails the reply's chunks is longer than {HEAD_MAX:,} bytes")
                    break
                self._keep = self._keep and end.end() == len(got)
                return True
            self._bounded(len(self._body) + size)
            closing = bytes(got[start + size : start + size + 2])
            if closing not in (b"\r\n", b"\r", b""):
                raise Transient("the reply's chunks cannot be read")
            if closing != b"\r\n":
                break
            self._body += got[start : start + size]
            place = start + size + 2
            self._chunks += 1
            if self._chunks > CHUNKS_MAX + len(self._body) // CHUNK_MIN:
                raise Transient("the reply comes in too many chunks that are too small")
        del got[:place]
        if line is None and (b"\n" in got or len(got) > HEAD_MAX):
            raise Transient("the reply's chunks cannot be read")
        return False


def _readable(transport: asyncio.Transport) -> bool:
    """Whether something is there that nobody has read: bytes that nobody asked for, or the connection's end."""
    descriptor = transport.get_extra_info("socket").fileno()
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
