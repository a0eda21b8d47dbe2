"""What goes to a generative model and what comes back.

    Request --> Lane (limits, retries, budget) --> Backend (one attempt) --> Reply | Fault

A `Model` is the declaration in a recipe; `Model.open` gives its `Backend`; a `Lane` stands before a backend and is the only
way to it. Backends are the only code that knows a provider's wire format.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

from pydantic import Field

from lookalike.errors import ModelError
from lookalike.spec import Spec

BODY_MAX = 64 << 20  # bytes of one reply; a longer one is cut off

Operation = Literal["chat", "complete", "embed"]
Finish = Literal["stop", "length", "tool", "refusal", "error"]


@dataclass(frozen=True, slots=True)
class MediaPart:
    """A piece of a message that is not plain text: an image, a sound or a file, by content."""

    media_type: str  # image/png, audio/wav, text/plain ...
    data: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to be called."""

    id: str
    name: str
    arguments: str  # JSON as the model wrote it


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    parts: tuple[MediaPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    verbatim: str = ""  # of the `Reply` that this turn was


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. Frozen: equal requests have equal cache keys.

    `schema` asks for JSON that fits it (the backend uses the server's own support where there is any); `choices` asks for
    exactly one of these texts. `seed` None is filled by the engine from (run seed, table, column, row, call).
    """

    model: str  # the lane: a name under `models:`
    messages: tuple[Message, ...] = ()
    operation: Operation = "chat"
    text: str = ""  # complete: the bare prompt; embed: the text
    schema: Mapping[str, Any] | None = None
    choices: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # provider options, passed through

    def say(self, *messages: Message) -> Request:
        """The same request with more turns at its end."""
        return replace(self, messages=(*self.messages, *messages))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more replies; `usd` is None where the price is unknown."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        """Totals; one unknown price makes the sum unknown."""
        known = self.usd is not None and other.usd is not None
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            (self.usd or 0.0) + (other.usd or 0.0) if known else None,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, once. Whether its content is good is for the conversation to say."""

    text: str
    finish: Finish = "stop"
    usage: Usage = Usage()
    served_by: str = ""  # the model that the server says it used
    ms: float = 0.0
    tries: int = 1  # transport attempts, this one included
    seed: int | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    vector: tuple[float, ...] = ()  # embed
    verbatim: str = ""  # a turn with tool calls as the provider wrote it, as JSON: it wants its signed thoughts back unchanged


class Fault(Exception):
    """One attempt that gave no reply. The lane decides what follows; `retry` says whether the same request may go again."""

    retry: ClassVar[bool] = True

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        self.reason, self.retry_after_s = reason, retry_after_s
        super().__init__(reason)


class Transient(Fault):
    """Connection lost, time-out, 5xx, HTML instead of JSON, a cut-off body."""


class Unreachable(Transient):
    """Nobody listens at the address."""


class Limited(Fault):
    """429 or 529: the server asks for fewer requests."""


class Refused(Fault):
    """This request can never succeed (400, 413, content policy): the cell fails, the lane goes on."""

    retry = False


class AskOtherwise(Fault):
    """The server takes no request of this form. The backend has learnt: the same request goes again, in another form."""


class Closed(Fault):
    """No request of this lane can succeed (401, 403, 404 model): the lane stops at once."""

    retry = False


class CallFailed(ModelError):
    """Thrown into a conversation when a call ended without a reply; uncaught, it is the cell's recorded failure."""


class Backend(Protocol):
    """One provider's wire format. An instance belongs to one event loop."""

    async def ask(self, request: Request) -> Reply:
        """One attempt.

        Raises:
            Fault: no reply; the subclass says of which sort.
        """
        ...

    async def close(self) -> None:
        """Release sockets and memory."""
        ...


class Price(Spec):
    """US dollars a million tokens.

    Attributes:
        input: of the prompt.
        output: of the reply, thoughts included.
        cached: of those tokens of the prompt that the provider read from its own cache; none: as `input`.
        cache_write: of those that it put there, where it says so; none: as `input`.
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None

    def beside_input(self, cached: int, written: int) -> float:
        """What these tokens of a prompt cost more (less: below 0) than at the price of `input`, in US dollars."""
        read = self.input if self.cached is None else self.cached
        write = self.input if self.cache_write is None else self.cache_write
        return (cached * (read - self.input) + written * (write - self.input)) / 1e6


class Patience(Spec):
    """How long a lane waits where no reply tells it.

    Attributes:
        backoff_s: before a failed request goes again; each further wait is two and a half times as long. Short at first: most
            faults are strays, and a run ends with its last retry; nine tries still span a minute.
        backoff_max_s: the longest of these waits.
        start_s: for how long it tries to reach a server that nothing was heard of yet; raise it where the server is still to start.
        first_s: for how long other requests wait for what the first one finds out: a wrong key, a server that takes no schemas.
    """

    backoff_s: float = Field(default=0.1, ge=0)
    backoff_max_s: float = Field(default=20.0, ge=0)
    start_s: float = Field(default=3.0, ge=0)
    first_s: float = Field(default=1.0, ge=0)

    def backoff(self, tries: int) -> float:
        """Seconds after so many tries, before chance spreads them."""
        return min(self.backoff_max_s, self.backoff_s * 2.5 ** min(tries - 1, 16))


# how a model is reached and how fast, not what it answers
NO_IDENTITY = frozenset(
    "concurrency rpm tpm price timeout_s retries patience api_key headers body_max engines threads batch_size linger_s poll_s "
    "queue_full_s window".split()
)  # fmt: skip


class Model(Spec):
    """A named source of answers, as a recipe declares it."""

    group: ClassVar[str] = "model"
    canary: ClassVar[bool] = False  # the first request goes ahead alone: a wrong key costs one try

    concurrency: int = 32  # most requests in flight; adapts below it
    rpm: int | None = None  # requests a minute
    tpm: int | None = None  # tokens a minute
    price: Price | None = None  # None: unknown, unless the backend knows (embedded models cost 0)
    timeout_s: float = 120.0  # of one attempt, once it is sent
    retries: int = 8  # transport retries of one request
    patience: Patience = Patience()  # between them
    temperature: float | None = None  # defaults of requests that say nothing
    top_p: float | None = None
    max_tokens: int | None = None

    @abstractmethod
    def open(self) -> Backend:
        """The backend. `${NAME}` in fields is read from the environment here, and nowhere before.

        Raises:
            MissingModel: weights, an environment variable or an optional package are not there.
        """

    @property
    def label(self) -> str:
        """What lineage and cards call it: the model's own name."""
        return self.kind

    def width(self) -> int:
        """Requests that are useful in flight at once."""
        return self.concurrency

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What so many tokens cost; None: the price is unknown."""
        if self.price is None:
            return None
        return (prompt_tokens * self.price.input + completion_tokens * self.price.output) / 1e6

    def identity(self) -> dict[str, Any]:
        """All that decides what this model answers; limits, retries and keys do not."""
        return {name: value for name, value in self.dump().items() if name not in NO_IDENTITY}
