"""HTTP for all servers: bodies of bytes, one parse, and faults by class.

Plain `http://` addresses are asked by `http1.py`, all others by aiohttp (`session.py`); nothing of httpx or a provider's SDK:
those cost 5 ms of CPU a call where these cost 0.1 and 0.3.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from lookalike.errors import MissingModel
from lookalike.models.base import BODY_MAX, Closed, Fault, Limited, Refused, Transient
from lookalike.models.http1 import ADDRESS, Http1
from lookalike.models.secret import without

SAID_MAX = 300
_BREAK = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_NO_RETRY = frozenset({400, 404, 405, 406, 409, 410, 413, 414, 415, 422, 431, 451, 501})
WAIT_MAX_S = 3600.0
_PLAIN = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,12})?")
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|s|m|h|d)")
_RETRY_DELAY = re.compile(rb'"retryDelay":\s*"([0-9]{1,12}(?:\.[0-9]{1,12})?s)"')
_UNIT_S = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUOTA = ("insufficient_quota", "billing_hard_limit", "credit balance is too low")


class Client(Protocol):
    """What carries requests to one address."""

    async def exchange(
        self, method: str, path: str, body: bytes, content_type: str = ""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request and its reply: status, headers (found by names in small letters) and the whole body.

        Args:
            method: GET, POST ...
            path: what follows the base address.
            body: may be empty.
            content_type: instead of the headers' own.

        Raises:
            Unreachable: no connection.
            Transient: the reply was cut off, or is no HTTP.
            Refused: the reply is longer than the client's bound.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


@dataclass(slots=True)
class Transport:
    """Posts JSON to one server.

    Args:
        base_url: without a slash at its end.
        headers: of every request; the key is among them.
        secrets: texts that must never be shown.
        body_max: bytes; a longer reply is cut off.
    """

    base_url: str
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    body_max: int = BODY_MAX
    _client: Client | None = None
    _pause_until: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no address, and headers that would break a request, before anything is sent."""
        if not _is_address(self.base_url):
            raise MissingModel(
                what=f"{without(self.base_url, self.secrets)!r} is no address of a server",
                where="base_url",
                fix="write http://host:port/v1 or https://host/v1",
            )
        for name, value in self.headers.items():
            if _BREAK.search(name + value):
                raise MissingModel(
                    what=f"the header {name!r} holds a line break or another sign that no header may hold",
                    where="headers",
                    fix="take it out; a key that is read from a file often ends in one",
                )

    async def post(self, path: str, body: bytes) -> Any:
        """The parsed JSON of a good reply.

        Raises:
            Fault: of the class that the outcome asks for.
        """
        return self.parse(*await self.send("POST", path, body))

    async def send(
        self, method: str, path: str, body: bytes = b"", content_type: str = ""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange: status, headers (found by names in small letters) and the whole body.

        Raises:
            Unreachable: no connection.
            Transient: the reply was cut off.
            Refused: the reply is longer than `body_max`.
        """
        client = self._client or self._start()
        try:
            status, headers, raw = await client.exchange(method, path, body, content_type)
        except Fault as fault:  # it may quote what a server said
            raise type(fault)(without(fault.reason, self.secrets)[:SAID_MAX]) from fault.__cause__
        if "x-ratelimit-remaining-requests" in headers or "anthropic-ratelimit-requests-remaining" in headers:
            self._pause_until = max(self._pause_until, time.monotonic() + used_up_s(headers))
        return status, headers, raw

    def _start(self) -> Client:
        proxy = _proxy(self.base_url)
        if proxy is None and ADDRESS.fullmatch(self.base_url):
            self._client = Http1(self.base_url, self.headers, self.body_max)
        else:
            from lookalike.models.session import Session  # aiohttp reads the machine's certificates: only where they are needed

            self._client = Session(self.base_url, self.headers, self.body_max, proxy)
        return self._client

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
            return Closed(f"{reason}; the server has moved to {without(headers.get('location', 'elsewhere'), self.secrets)}")
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
        if self._client is not None:
            await self._client.close()
            self._client = None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address, if any; looked up once, since each look-up costs as much as a parse.

    Raises:
        MissingModel: it is no HTTP proxy. Its text is not shown: a password may be in it.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in {"localhost", "::1"} or host.startswith("127."):
        return None
    import urllib.request

    found = None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(parts.scheme)
    if not found:
        return None
    proxy = found if "://" in found else f"http://{found}"  # as people write it, and other programs read it
    if not _is_address(proxy):
        raise MissingModel(
            what="the environment names a proxy that is no address of an HTTP proxy",
            where=f"{parts.scheme}_proxy",
            fix=f"write http://host:port, or add {host} to no_proxy",
        )
    return proxy


def _about_the_request(said: str) -> bool:
    return "file" in said and "model" not in said


def retry_after(headers: Mapping[str, str], raw: bytes = b"") -> float | None:
    """Seconds that a server asks to wait before the next try, in a header or, as Gemini does, in the body; None: it does not say.

    More than an hour is an hour: who waits longer than that is better told.
    """
    millis, value = _number(headers.get("retry-after-ms", "")), headers.get("retry-after", "").strip()
    if millis is not None:
        found: float | None = millis / 1e3
    elif value:
        plain = _number(value)
        found = _until(_dated(value), headers) if plain is None else plain
    else:
        delay = _RETRY_DELAY.search(raw[:8192])
        found = seconds(delay[1].decode()) if delay else None
    return None if found is None else min(found, WAIT_MAX_S)


def _number(text: str) -> float | None:
    """A number as headers write it; None for anything else, such as `²` or four hundred digits."""
    return float(text) if _PLAIN.fullmatch(text.strip()) else None


def _until(then: float | None, headers: Mapping[str, str]) -> float | None:
    """Seconds to a moment; it counts from the reply's own `Date`, so that neither clock has to be right."""
    since = _dated(headers.get("date", ""))
    return None if then is None or since is None else max(0.0, then - since)


def _dated(text: str) -> float | None:
    """The moment of an HTTP date, in seconds since 1970; None where it cannot be read."""
    import email.utils  # seldom needed, and never at the start

    try:
        found = email.utils.parsedate_tz(text[:64])
        return None if found is None else float(email.utils.mktime_tz(found))
    except (ValueError, OverflowError, IndexError, TypeError):  # a year 99999, a month 99
        return None


def _instant(text: str) -> float | None:
    """The moment of an RFC 3339 text, in seconds since 1970; None where it cannot be read."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


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
    plain = _number(text)
    if plain is not None:
        return plain
    return sum(float(number) * _UNIT_S[unit] for number, unit in _DURATION.findall(text[:64]))
