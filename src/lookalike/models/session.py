"""Any HTTP server, through aiohttp: TLS, proxies, compression, names that are not ASCII."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from yarl import URL

from lookalike.models.base import Refused, Transient, Unreachable
from lookalike.models.bounds import SMALL, Room, unpacked

CONNECT_S = 10.0


class Session:
    """One aiohttp session to one address.

    Args:
        base_url: without a slash at its end.
        headers: of every request.
        body_max: bytes; a longer reply is refused.
        proxy: its address, or None.
        room: for what open replies hold together.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], body_max: int, proxy: str | None = None, *, room: Room | None = None
    ) -> None:
        self._base_url, self._body_max, self._proxy, self._room = base_url, body_max, proxy, room or Room()
        # no limit and no time-out here: the lane has both, and waits in queues must not count
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"Accept-Encoding": "identity", **headers},  # few bytes may unpack to many
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._urls: dict[str, URL] = {}

    async def exchange(
        self, method: str, path: str, body: bytes, content_type: str = ""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request and its reply: see `transport.Client`."""
        url = self._urls.get(path) or self._url(path)
        own = {"Content-Type": content_type} if content_type else None
        try:
            async with self._session.request(
                method, url, data=body or None, headers=own, proxy=self._proxy, allow_redirects=False
            ) as reply:
                small = reply.content_length is not None and reply.content_length <= SMALL
                raw = await (reply.read() if small else self._bounded(reply))
                coding = reply.headers.get("Content-Encoding", "identity").lower()
                plain = raw if coding == "identity" else unpacked(raw, coding, self._body_max)
                return reply.status, reply.headers, plain
        except TimeoutError as exc:  # aiohttp's own; the lane's cancels
            raise Unreachable("nobody listens: no connection in time") from exc
        except aiohttp.ClientConnectorError as exc:
            raise Unreachable(f"nobody listens: {exc}") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            raise Transient(f"{type(exc).__name__}: {exc}") from exc

    def _url(self, path: str) -> URL:
        url = URL(self._base_url + path)
        if len(self._urls) < 16:
            self._urls[path] = url
        return url

    async def _bounded(self, reply: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        try:
            async for chunk in reply.content.iter_any():
                size += len(chunk)
                if size > self._body_max:
                    reply.close()
                    raise Refused(f"the reply is longer than {self._body_max:,} bytes and was cut off")
                chunks.append(chunk)
                if size > SMALL:
                    await self._room.wait(reply, size)
        finally:
            self._room.release(reply)
        return b"".join(chunks)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
