"""HTTP for all servers: one aiohttp session a model, bodies of bytes, one parse, and faults by class.

aiohttp and orjson, nothing of httpx or a provider's SDK: those cost 5 ms of CPU a call where this costs 0.3.
"""

# pyright: reportCallIssue=false, reportOptionalCall=false
# aiohttp's FormData is called for its body, which pyright does not see through the union; mypy checks this file

from __future__ import annotations

import email.utils
import re
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from lookalike.errors import MissingModel
from lookalike.models.base import BODY_MAX, Closed, Fault, Limited, Refused, Transient, Unreachable
from lookalike.models.secret import without

SAID_MAX = 300
_NO_RETRY = frozenset({400, 404, 405, 406, 409, 410, 413, 414, 415, 422, 431, 451, 501})
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_RETRY_DELAY = re.compile(rb'"retryDelay":\s*"(\d+(?:\.\d+)?s)"')
_UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUOTA = ("insufficient_quota", "billing_hard_limit", "credit balance is too low")


@dataclass(slots=True)
class Transport:
    """Posts JSON to one server.

    Args:
        base_url: without a slash at its end.
        headers: of every request; the key is among them.
        secrets: texts that must never be shown.
        body_max: bytes; a longer reply is cut off and fails.
    """

    base_url: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    body_max: int = BODY_MAX
    _session: aiohttp.ClientSession | None = None
    _proxy: str | None = None
    _pause_until: float = 0.0
    _urls: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no address before anything is sent."""
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MissingModel(
                what=f"{without(self.base_url, self.secrets)!r} is no address of a server",
                where="base_url",
                fix="write http://host:port/v1 or https://host/v1",
            )
        here = parts.hostname in {"localhost", "::1"} or parts.hostname.startswith("127.")
        if not here and not urllib.request.proxy_bypass(parts.hostname):
            self._proxy = urllib.request.getproxies().get(parts.scheme)  # once: per request it would cost as much as parsing

    async def post(self, path: str, body: bytes) -> Any:
        """The parsed JSON of a good reply.

        Raises:
            Fault: of the class that the outcome asks for.
        """
        status, headers, raw = await self.send("POST", path, body)
        return self.parse(status, headers, raw)

    async def send(
        self, method: str, path: str, body: bytes | aiohttp.FormData | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange: status, headers and the whole body.

        Raises:
            Unreachable: no connection.
            Transient: the reply was cut off.
            Refused: the reply is longer than `body_max`.
        """
        session = self._session or self._start()
        url = self._urls.get(path) or self._url(path)
        try:
            form = body() if isinstance(body, aiohttp.FormData) else None
            # a form brings its own type; the session's is JSON
            own = None if form is None else {"Content-Type": form.headers["Content-Type"]}
            data = body if form is None else form
            async with session.request(method, url, data=data, headers=own, proxy=self._proxy, allow_redirects=False) as reply:
                length = reply.content_length
                if length is not None and length <= self.body_max:
                    raw = await reply.read()
                else:
                    raw = await self._bounded(reply)
                if (
                    "x-ratelimit-remaining-requests" in reply.headers
                    or "anthropic-ratelimit-requests-remaining" in reply.headers
                ):
                    self._pause_until = max(self._pause_until, time.monotonic() + used_up_s(reply.headers))
                return reply.status, reply.headers, raw
        except TimeoutError as exc:  # aiohttp's own; the lane's cancels
            raise Transient("the connection timed out") from exc
        except aiohttp.ClientConnectorError as exc:
            raise Unreachable(f"nobody listens: {without(str(exc), self.secrets)[:SAID_MAX]}") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise Transient(f"{type(exc).__name__}: {without(str(exc), self.secrets)[:SAID_MAX]}") from exc

    def _start(self) -> aiohttp.ClientSession:
        # no limit and no time-out here: the lane has both, and waits in queues must not count
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=dict(self.headers), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self._session

    def _url(self, path: str) -> Any:
        from yarl import URL

        url = URL(self.base_url + path) if not path.startswith("http") else URL(path)
        if len(self._urls) < 16:
            self._urls[path] = url
        return url

    async def _bounded(self, reply: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in reply.content.iter_any():
            size += len(chunk)
            if size > self.body_max:
                reply.close()
                raise Refused(f"the reply is longer than {self.body_max:,} bytes and was cut off")
            chunks.append(chunk)
        return b"".join(chunks)

    def parse(self, status: int, headers: Mapping[str, str], raw: bytes) -> Any:
        """The JSON of a reply whose status is 200.

        Raises:
            Fault: of the class of its status or of what it says.
        """
        if status != 200:
            raise self.fault(status, headers, raw)
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Transient(f"the server did not answer with JSON: {self._said(raw)}") from None
        if type(body) is dict and "error" in body and body["error"]:
            raise self._error_in_200(body["error"], headers, raw)
        return body

    def _error_in_200(self, error: Any, headers: Mapping[str, str], raw: bytes) -> Fault:
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, str) and code.isdigit():
            code = int(code)
        if isinstance(code, int) and 400 <= code < 600:
            return self.fault(code, headers, raw)
        return Transient(f"the server answered 200 with an error: {self._said(raw)}")

    def fault(self, status: int, headers: Mapping[str, str], raw: bytes) -> Fault:
        """What a status other than 200 means for the request and for the lane."""
        said = self._said(raw)
        reason = f"HTTP {status}: {said}" if said else f"HTTP {status}"
        lowered = said.lower()
        if any(word in lowered for word in _QUOTA):
            return Closed(reason)
        if status in (429, 529):
            return Limited(reason, retry_after_s=retry_after(headers, raw))
        if status in (401, 403) or (status == 404 and not _about_the_request(lowered)):
            return Closed(reason)
        if 300 <= status < 400:  # followed, it would carry the key to another host
            return Closed(f"{reason}; the server has moved to {without(headers.get('Location', 'elsewhere'), self.secrets)}")
        if status in _NO_RETRY:
            if status == 400 and "api key" in lowered and ("invalid" in lowered or "not valid" in lowered):
                return Closed(reason)  # Gemini's 401
            return Refused(reason)
        return Transient(reason, retry_after_s=retry_after(headers, raw))

    def _said(self, raw: bytes) -> str:
        """What a server says of an error, in one short line without secrets."""
        text = raw[:4096].decode("utf-8", "replace")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            body = None
        if isinstance(body, list) and body:
            body = body[0]
        if isinstance(body, dict):
            error = body.get("error", body)
            if isinstance(error, dict):
                text = " ".join(str(error[name]) for name in ("type", "code", "status", "message") if error.get(name))
                text = text or orjson.dumps(error)[:SAID_MAX].decode("utf-8", "replace")
            else:
                text = str(error)
        return without(" ".join(text.split()), self.secrets)[:SAID_MAX]

    def take_pause_s(self) -> float:
        """Seconds that the server's headers ask to wait, told once."""
        if not self._pause_until:
            return 0.0
        pause, self._pause_until = self._pause_until - time.monotonic(), 0.0
        return max(0.0, pause)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _about_the_request(said: str) -> bool:
    return "file" in said and "model" not in said


def retry_after(headers: Mapping[str, str], raw: bytes = b"") -> float | None:
    """Seconds that a server asks to wait before the next try, in a header or, as Gemini does, in the body; None: it does not say."""
    millis = headers.get("retry-after-ms", "")
    if millis.replace(".", "", 1).isdigit():
        return float(millis) / 1e3
    value = headers.get("Retry-After", "").strip()
    if value.replace(".", "", 1).isdigit():
        return float(value)
    if value:
        return _until(email.utils.parsedate_tz(value), headers)
    delay = _RETRY_DELAY.search(raw[:8192])
    return seconds(delay[1].decode()) if delay else None


def _until(then: Any, headers: Mapping[str, str]) -> float | None:
    """Seconds to a date; it counts from the reply's own `Date`, so that neither clock has to be right."""
    since = email.utils.parsedate_tz(headers.get("Date", ""))
    if then is None or since is None:
        return None
    return max(0.0, float(email.utils.mktime_tz(then) - email.utils.mktime_tz(since)))


def _instant(text: str) -> tuple[int, ...] | None:
    """An RFC 3339 instant as the tuple that `email.utils` makes of dates; None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
    return (*moment.timetuple(), 0)


def used_up_s(headers: Mapping[str, str]) -> float:
    """Seconds until a limit that is used up starts anew, as OpenAI-compatible servers and Anthropic's say it; 0: none is."""
    openai = [
        seconds(headers.get(f"x-ratelimit-reset-{what}", ""))
        for what in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{what}") == "0"
    ]
    anthropic = [
        _until(_instant(headers.get(f"anthropic-ratelimit-{what}-reset", "")), headers) or 0.0
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
        if headers.get(f"anthropic-ratelimit-{what}-remaining") == "0"
    ]
    return max([*openai, *anthropic], default=0.0)


def seconds(text: str) -> float:
    """A duration of a rate-limit header, `6m0s`, `120ms` or `1.5`, in seconds; 0 where it cannot be read."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    return sum(float(number) * _UNIT_S[unit] for number, unit in _DURATION.findall(text))
