"""What a run will take, guessed before it starts: about 4 characters a token, so many calls a cell, an assumed latency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lookalike.generators.base import ModelColumn
from lookalike.models.base import Model

TOKENS_PER_S = 50.0  # assumed speed of a reply, of one request on a server
LATENCY_S = 0.5  # assumed wait for the first token
EMBEDDED_TOKENS_PER_S = 25.0  # measured for qwen2.5-coder-0.5b on one core; see benchmarks/README.md


@dataclass(frozen=True, slots=True)
class ColumnEstimate:
    """One model column of one table; `usd` None: the price is unknown."""

    table: str
    column: str
    model: str
    cells: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    usd: float | None

    def less(self, answered: int) -> ColumnEstimate:
        """What is expected of the calls that are not answered yet."""
        share = max(self.calls - answered, 0) / self.calls if self.calls else 0.0
        return replace(
            self,
            calls=round(self.calls * share),
            prompt_tokens=round(self.prompt_tokens * share),
            completion_tokens=round(self.completion_tokens * share),
            seconds=self.seconds * share,
            usd=None if self.usd is None else self.usd * share,
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """The sum over columns."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    usd: float | None

    @classmethod
    def sum(cls, columns: Iterable[ColumnEstimate]) -> Estimate:
        """Columns wait for each other, so their seconds add up."""
        found = list(columns)
        prices = [column.usd for column in found]
        return cls(
            sum(column.calls for column in found),
            sum(column.prompt_tokens for column in found),
            sum(column.completion_tokens for column in found),
            sum(column.seconds for column in found),
            None if None in prices else sum(price for price in prices if price is not None),
        )


@dataclass(frozen=True, slots=True)
class SoFar:
    """What a run folder holds and has cost already.

    Attributes:
        answered: calls of the present plan that have their reply: "table.column" -> calls.
        requests: sent in all attempts, those for edited columns included.
        tokens: paid for in all attempts.
        usd: likewise; None: a price is unknown.
    """

    answered: Mapping[str, int]
    requests: int = 0
    tokens: int = 0
    usd: float | None = 0.0

    def left(self, columns: Iterable[ColumnEstimate]) -> Estimate:
        """What is still to ask."""
        return Estimate.sum(column.less(self.answered.get(f"{column.table}.{column.column}", 0)) for column in columns)


def estimate(table: str, name: str, column: ModelColumn, model: Model, *, model_name: str, cells: int) -> ColumnEstimate:
    """Calls, tokens, seconds and money of one column."""
    calls = round(cells * column.calls())
    prompt, completion = column.expected_tokens()
    free = model.kind in ("embedded", "scripted")
    price = model.price
    usd = (calls * (prompt * price.input + completion * price.output) / 1e6) if price else (0.0 if free else None)
    if model.kind == "embedded":
        seconds = calls * (completion + prompt / 8) / EMBEDDED_TOKENS_PER_S
    else:
        seconds = calls * (LATENCY_S + completion / TOKENS_PER_S) / model.concurrency
    return ColumnEstimate(table, name, model_name, cells, calls, calls * prompt, calls * completion, seconds, usd)
