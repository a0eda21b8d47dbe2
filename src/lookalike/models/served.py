"""Models behind HTTP servers: what the formats of OpenAI, Anthropic and Gemini share.

Servers of one format differ. What one does not take is found out by the request that it refuses, told to the lane as
`AskOtherwise`, and remembered: JSON by schema (the first such request goes ahead of the others), sampling settings.
"""

from __future__ import annotations

import asyncio
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from lookalike.models.base import BODY_MAX, AskOtherwise, Model, Refused, Reply, Request, Usage
from lookalike.models.pricing import believable, counted, usage
from lookalike.models.secret import Secret, expand
from lookalike.models.structured import in_prompt
from lookalike.models.wire import is_json

if TYPE_CHECKING:
    from lookalike.models.transport import Transport

SAMPLING = ("temperature", "top_p", "seed", "stop")
_NOT_TAKEN = re.compile(r"unsupported|not support|deprecated|not permitted|unknown|unrecognized|unexpected", re.IGNORECASE)


class Served(Model):
    """A model behind an HTTP server.

    Attributes:
        base_url: up to and with `/v1`; `${NAME}` reads the environment.
        model: as the server names it.
        api_key: `${NAME}`; empty for servers that need none.
        structured: `native`: JSON always by response_format; `prompt`: always in words; `auto`: found out by the first call.
        headers: more HTTP headers; `${NAME}` works here too.
        extra: fields that go into every request's body as they are, such as vLLM's `chat_template_kwargs`.
        body_max: bytes; a longer reply is cut off.
    """

    canary: ClassVar[bool] = True
    key_header: ClassVar[tuple[str, str]] = ("Authorization", "Bearer ")  # and what stands before the key
    fixed_headers: ClassVar[Mapping[str, str]] = {}

    base_url: str
    model: str
    api_key: Secret = ""
    structured: Literal["auto", "native", "prompt"] = "auto"
    headers: Mapping[str, Secret] = Field(default_factory=dict, repr=False)
    extra: Mapping[str, Any] = Field(default_factory=dict)
    body_max: int = Field(default=BODY_MAX, ge=1024)

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model

    def connect(self) -> Transport:
        """Its server, with the key from the environment.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        key = expand(self.api_key, field="api_key")
        header, before = self.key_header
        keyed = {header: f"{before}{key}"} if key else {}
        return connect(self.base_url, "base_url", self.headers, {**self.fixed_headers, **keyed}, self.body_max, key)


def connect(
    url: str, field: str, headers: Mapping[str, Secret], own: Mapping[str, str], body_max: int, key: str = ""
) -> Transport:
    """The transport to an address. `headers` come from a recipe, and are secrets; `own` are the format's.

    Raises:
        MissingModel: a variable is not set, or the address is none.
    """
    from lookalike.models.transport import Transport  # only once something is asked

    given = {name: expand(value, field=f"headers.{name}") for name, value in headers.items()}
    address = expand(url, field=field)
    return Transport(
        address.rstrip("/") if field == "base_url" else address,
        {"Content-Type": "application/json", **own, **given},
        (key, *given.values()),
        body_max,
    )


class ServedBackend(ABC):
    """One format; subclasses say how a request is sent and a reply is read."""

    def __init__(self, model: Served, transport: Transport) -> None:
        self.model, self.transport = model, transport
        self.native = None if model.structured == "auto" else model.structured == "native"
        self.untaken: set[str] = set()  # settings that the server refused
        self._misses = False  # it has counted tokens as nobody can
        self._probe: asyncio.Event | None = None
        self._doubted: dict[int, Request] = {}  # refused with a schema; next they go with words
        self._worded: dict[int, Any] = {}  # schemas that a server refused which takes others

    @abstractmethod
    async def once(self, request: Request, *, native: bool = False) -> Reply:
        """One exchange. `native`: JSON or choices are asked for by the server's own means, else the words are in the prompt."""

    async def ask(self, request: Request) -> Reply:
        """One attempt."""
        if request.operation == "chat" and (request.schema is not None or request.choices):
            return await self._structured(request)
        return await self.once(request)

    async def _structured(self, request: Request) -> Reply:
        if self.native is None:
            await self._canary()
        wanted = request.choices or request.schema
        if self.native is None:
            native = not self._doubted
        else:
            in_doubt = any(wanted is (each.choices or each.schema) for each in self._doubted.values())
            native = self.native and not in_doubt and id(wanted) not in self._worded
        try:
            reply = await self.once(request if native else in_prompt(request), native=native)
        except Refused as refused:
            self._doubted.pop(id(request), None)
            if native and self.model.structured == "auto":
                self._doubted[id(request)] = request  # is it the format or the request? words will tell
                self._told()
                raise AskOtherwise(refused.reason) from refused
            raise
        doubted = self._doubted.pop(id(request), None)
        if self.native is None:
            if doubted is not None:
                self.native = False
            elif native and reply.finish == "stop" and not request.tools:  # a server that ignores schemas answers in prose
                self.native = reply.text in request.choices or is_json(reply.text)
            if self.native is not None:
                self._told()
        elif self.native and doubted is not None:
            self._worded[id(wanted)] = wanted  # kept alive, so that its id stays its own
        return reply

    async def _canary(self) -> None:
        """Nothing for the first request; the others wait a little for what it finds out."""
        if self._probe is None:
            self._probe = asyncio.Event()
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self.model.patience.first_s):
                await self._probe.wait()

    def _told(self) -> None:
        if self._probe is not None:
            self._probe.set()

    def learn(self, refused: Refused, sent: Mapping[str, Any]) -> None:
        """When the server refused one of our sampling settings by name, leave that one out from now on.

        Raises:
            Otherwise: there was one; the request may go again.
        """
        for name in SAMPLING:
            if name in sent and re.search(rf"['\"`]{name}['\"`]", refused.reason) and _NOT_TAKEN.search(refused.reason):
                if name not in self.untaken:
                    self.untaken.add(name)
                    warnings.warn(f"{self.model.label} takes no `{name}`: it is asked without ({refused.reason})", stacklevel=2)
                raise AskOtherwise(refused.reason) from refused

    def usage(self, request: Request, said: str, told: tuple[int, int] | None, *, cached: int = 0, written: int = 0) -> Usage:
        """Tokens and money of a reply: as the server counts them, or estimated where it does not or cannot be right.

        Args:
            request: what was asked.
            said: all that was answered, thoughts included.
            told: the server's tokens of prompt and reply; None: it does not count, which must not make the budget blind.
            cached: how many of the prompt the provider read from its cache.
            written: how many of the prompt it put there.
        """
        if told is not None and not believable(*told, cached, written):
            if not self._misses:
                self._misses = True
                warnings.warn(f"{self.model.label} reports token counts that cannot be true: they are estimated", stacklevel=2)
            told, cached, written = None, 0, 0
        prompt, completion = counted(request, said) if told is None else told
        return usage(self.model, prompt, 0 if request.operation == "embed" else completion, cached=cached, written=written)

    def take_pause_s(self) -> float:
        """What the server's rate-limit headers ask for."""
        return self.transport.take_pause_s()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()


def merged(body: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """A body with a recipe's `extra` over it; fields that are objects in both are merged."""
    for name, value in extra.items():
        known = body.get(name)
        body[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, Mapping) else value
    return body
