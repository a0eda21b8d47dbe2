"""`http`: a service of your own that is asked about rows: it takes JSON and gives JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import orjson
from pydantic import Field

from lookalike.models.base import BODY_MAX, Backend, Model, Refused, Reply, Request
from lookalike.models.secret import Secret
from lookalike.models.served import connect
from lookalike.models.wire import is_json

if TYPE_CHECKING:
    from lookalike.models.transport import Transport


class Http(Model):
    """A web service that answers a POST of JSON with JSON: a validator, a rule engine, a classifier of your own.

    It is a lane like a language model's: as many requests at once as it bears, retries by class, the journal and the budget's
    requests; a reply is paid for once. Columns of the kind `validate_remote` ask it.

    ```yaml
    rules: {kind: http, url: "http://localhost:9000/check", headers: {Authorization: "Bearer ${RULES_KEY}"}, concurrency: 16}
    ```

    Attributes:
        url: where each request is posted; `${NAME}` reads the environment.
        headers: more HTTP headers; `${NAME}` works here too.
        body_max: bytes; a longer reply is cut off.
    """

    kind: ClassVar[str] = "http"
    canary: ClassVar[bool] = True

    url: str
    headers: Mapping[str, Secret] = Field(default_factory=dict, repr=False)
    body_max: int = Field(default=BODY_MAX, ge=1024)

    def open(self) -> Backend:
        """The backend.

        Raises:
            MissingModel: a variable is not set, or the address is none.
        """
        return HttpBackend(self, connect(self.url, "url", self.headers, {}, self.body_max))

    @property
    def label(self) -> str:
        """The address, without what its variables hold."""
        return self.url

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Nothing, unless a price is given."""
        return 0.0 if self.price is None else super().usd(prompt_tokens, completion_tokens)


class HttpBackend:
    """One POST a request; the reply's text is the JSON that came back."""

    def __init__(self, model: Http, transport: Transport) -> None:
        self.model, self.transport = model, transport

    async def ask(self, request: Request) -> Reply:
        """One attempt: the request's text is the body, as it stands when it is JSON, else as a JSON string."""
        if request.operation != "complete":
            raise Refused(f"a service of kind `http` does not {request.operation}; name a language model for that")
        began = time.perf_counter()
        found = await self.transport.post("", request.text.encode() if is_json(request.text) else orjson.dumps(request.text))
        ms = (time.perf_counter() - began) * 1e3
        return Reply(orjson.dumps(found).decode(), served_by=self.model.url, ms=ms)

    def take_pause_s(self) -> float:
        """What the service's rate-limit headers ask for."""
        return self.transport.take_pause_s()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()
