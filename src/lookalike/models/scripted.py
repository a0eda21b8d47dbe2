"""`scripted`: a model that answers what it is told to; for tests, examples and dry runs. It is deterministic and costs nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from lookalike import rng
from lookalike.errors import RecipeError
from lookalike.models.base import Backend, Closed, Fault, Limited, Model, Refused, Reply, Request, Transient, Usage
from lookalike.models.pricing import tokens_of

Sort = Literal["transient", "limited", "refused", "closed"]
Answer = Callable[[Request], "str | Reply"]

_FAULTS: dict[str, type[Fault]] = {"transient": Transient, "limited": Limited, "refused": Refused, "closed": Closed}
VECTOR_LENGTH = 16


class Scripted(Model):
    r"""Answers from a script. With nothing given it echoes the last message.

    ```yaml
    fixed:    {kind: scripted, replies: ["A kettle."]}
    dice:     {kind: scripted, replies: [one, two, three]}                # which one: by the request's seed
    sequence: {kind: scripted, replies: [first, second], in_order: true}  # by the order of requests; the last one stays
    by_rule:  {kind: scripted, rules: {"(?i)rate": '{"score": 4}', ".*": "Fine."}}
    shaky:    {kind: scripted, fault_share: 0.1, fault: limited, latency_s: 0.05}
    ```

    Asked for JSON with nothing scripted, it gives a value that fits the schema; asked for choices, one of them; asked for an
    embedding, a vector that depends on the text alone.

    Attributes:
        replies: texts to answer with.
        in_order: one after the other, instead of by seed.
        rules: regular expression -> reply; the first that the last message matches.
        function: in Python: request -> text or reply; never saved.
        latency_s: seconds before each answer.
        fault: which sort of fault, and `fault_share` of first tries get it (1: all tries); `fault_first`: so many calls, from
            the beginning, whatever they ask.
        retry_after_s: what a limited answer asks for.
    """

    kind: ClassVar[str] = "scripted"

    replies: tuple[str, ...] = ()
    in_order: bool = False
    rules: Mapping[str, str] = Field(default_factory=dict)
    function: SkipJsonSchema[Answer | None] = Field(default=None, exclude=True, repr=False)
    latency_s: float = Field(default=0.0, ge=0)
    fault: Sort = "transient"
    fault_share: float = Field(default=0.0, ge=0, le=1)
    fault_first: int = Field(default=0, ge=0)
    retry_after_s: float | None = None

    def open(self) -> Backend:
        """The script, at its beginning.

        Raises:
            RecipeError: a rule is no regular expression.
        """
        return ScriptedBackend(self)

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Nothing, unless a price is given."""
        return super().usd(prompt_tokens, completion_tokens) if self.price is not None else 0.0


class ScriptedBackend:
    """Where in the script we are."""

    def __init__(self, model: Scripted) -> None:
        self.model, self.asked = model, 0
        self._seen: set[int] = set()
        try:
            self._rules = [(re.compile(pattern), reply) for pattern, reply in model.rules.items()]
        except re.error as exc:
            raise RecipeError(
                what=f"a rule is no regular expression ({exc})", where="rules", fix="escape special characters"
            ) from exc

    async def ask(self, request: Request) -> Reply:
        """One attempt, after the latency."""
        number, self.asked = self.asked, self.asked + 1
        if self.model.latency_s:
            await asyncio.sleep(self.model.latency_s)
        self._perhaps_fail(request, number)
        if request.operation == "embed":
            vector = tuple(rng.generator("scripted", request.text).normal(size=VECTOR_LENGTH).tolist())
            return Reply("", usage=self._usage(request, ""), served_by="scripted", vector=vector)
        answer = self._answer(request, number)
        if isinstance(answer, Reply):
            return answer
        return Reply(answer, usage=self._usage(request, answer), served_by="scripted", seed=request.seed)

    def _perhaps_fail(self, request: Request, number: int) -> None:
        model = self.model
        sort, why = _FAULTS[model.fault], f"scripted to be {model.fault}"
        failing = number < model.fault_first
        if model.fault_share:
            mark = rng.key("fault", _last(request), request.seed)
            again = mark in self._seen and model.fault_share < 1
            self._seen.add(mark)
            failing = failing or (not again and (mark >> 11) * 2.0**-53 < model.fault_share)
        if failing:
            raise sort(why, retry_after_s=model.retry_after_s if sort is Limited else None)

    def _answer(self, request: Request, number: int) -> str | Reply:
        model, last = self.model, _last(request)
        if model.function is not None:
            return model.function(request)
        for pattern, reply in self._rules:
            if pattern.search(last):
                return reply
        draw = request.seed if request.seed is not None else rng.key("scripted", last)
        if model.replies:
            at = min(number, len(model.replies) - 1) if model.in_order else draw % len(model.replies)
            return model.replies[at]
        if request.choices:
            return request.choices[draw % len(request.choices)]
        if request.schema is not None:
            return orjson.dumps(fitting(request.schema, draw)).decode()
        return last

    def _usage(self, request: Request, text: str) -> Usage:
        prompt = sum(tokens_of(message.content) for message in request.messages) or tokens_of(request.text)
        completion = tokens_of(text) if text else 0
        return Usage(prompt, completion, self.model.usd(prompt, completion))

    async def close(self) -> None:
        """Nothing is held."""


def _last(request: Request) -> str:
    return request.messages[-1].content if request.messages else request.text


def fitting(schema: Mapping[str, Any], draw: int, root: Mapping[str, Any] | None = None) -> Any:
    """A value that fits the common parts of JSON Schema: types, enum, const, ranges, lengths, required, $ref."""
    root = schema if root is None else root
    if "$ref" in schema:
        found: Any = root
        for step in str(schema["$ref"]).lstrip("#/").split("/"):
            found = found[step]
        return fitting(found, draw, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][draw % len(schema["enum"])]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return fitting(schema[several][0], draw, root)
    sort = schema.get("type", "object" if "properties" in schema else "string")
    return _of_type(sort if isinstance(sort, str) else sort[0], schema, draw, root)


def _of_type(sort: str, schema: Mapping[str, Any], draw: int, root: Mapping[str, Any]) -> Any:
    if sort == "object":
        fields: Mapping[str, Any] = schema.get("properties", {})
        return {name: fitting(part, rng.key(draw, name), root) for name, part in fields.items()}
    if sort == "array":
        fixed: Sequence[Any] = schema.get("prefixItems", ())
        count = max(len(fixed), int(schema.get("minItems", 1)))
        rest = schema.get("items") or {}
        return [fitting(fixed[at] if at < len(fixed) else rest, rng.key(draw, at), root) for at in range(count)]
    if sort in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1 if "exclusiveMinimum" in schema else 0)
        high = schema.get("maximum", low + 10)
        return int(low) + draw % (int(high) - int(low) + 1) if sort == "integer" else low + (draw % 1000) / 1000 * (high - low)
    if sort == "boolean":
        return bool(draw & 1)
    if sort == "null":
        return None
    text = f"text {draw % 1000}".ljust(int(schema.get("minLength", 0)), ".")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text
