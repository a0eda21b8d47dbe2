"""Few-shot examples of a prompt: written in the recipe, or drawn from a source for each row."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.errors import RecipeError, SourceError, did_you_mean
from lookalike.generators.templates import TemplateText, compiled
from lookalike.rows.batch import Row
from lookalike.rows.context import Context, TableKey


class Example(BaseModel):
    """One example: what is asked and how it is answered. Without `input`, only an answer to imitate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: str = ""
    output: str


class Drawn(BaseModel):
    """Examples drawn from a source, another draw for each row.

    Attributes:
        source: the source's name.
        column: the source's column that holds the answers; or give `output`.
        input: a template over the source's row: what is asked.
        output: a template over the source's row: the answer.
        n: how many are drawn for each row, without repeats.
        match: only source rows that agree with this row: source column -> this table's column; a list means equal names.
        guard: replace people and their numbers by stand-ins, as the column kind `stand_in` does, before a prompt leaves the machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    column: str = ""
    input: TemplateText = ""
    output: TemplateText = ""
    n: int = Field(3, ge=1, le=100)
    match: dict[str, str] = Field(default_factory=dict)
    guard: bool = True

    @model_validator(mode="before")
    @classmethod
    def _names(cls, body: Any) -> Any:
        if isinstance(body, dict) and isinstance(body.get("match"), (list, tuple, str)):
            names = [body["match"]] if isinstance(body["match"], str) else body["match"]
            return {**body, "match": {name: name for name in names}}
        return body

    @model_validator(mode="after")
    def _answer(self) -> Self:
        if bool(self.column) == bool(self.output):
            raise ValueError("examples from a source need either `column` or `output`")
        return self

    def needs(self) -> frozenset[str]:
        """This table's columns that source rows must agree with."""
        return frozenset(self.match.values())

    def draw(self, row: Row, ctx: Context) -> tuple[Example, ...]:
        """This row's examples; fewer than `n` where the source has fewer that match.

        Raises:
            SourceError: the source has no such column, or no row that matches.
        """
        table = ctx.tables.source(self.source)
        columns = set(self.match) | compiled(self.input).needs | compiled(self.output).needs | ({self.column} - {""})
        for name in sorted(columns - set(table.column_names)):
            raise SourceError(
                what=f"source {self.source!r} has no column {name!r}, which the examples of {ctx.column!r} use",
                fix=did_you_mean(name, table.column_names, label="columns"),
            )
        rows = _matching(TableKey(table), tuple(self.match), tuple(str(row[name]) for name in self.match.values()))
        if not len(rows):
            shown = ", ".join(f"{name} = {row[column]!r}" for name, column in self.match.items()) or "any row"
            raise SourceError(
                what=f"source {self.source!r} has no example with {shown}", fix="loosen `match`, or add such rows"
            )
        stream = ctx.generator(int(row["_id"]))
        chosen = stream.choice(rows, size=min(self.n, len(rows)), replace=False)
        picked = table.select(sorted(columns)).take(pa.array(chosen)).to_pylist()
        return tuple(self._shown(each, ctx.seed) for each in picked)

    def _shown(self, source_row: Row, seed: int) -> Example:
        asked = compiled(self.input).render(source_row)
        answered = compiled(self.output).render(source_row) if self.output else str(source_row[self.column])
        if not self.guard:
            return Example(input=asked, output=answered)
        from lookalike.generators.text.guard import guarded  # most prompts draw no examples

        return Example(input=guarded(asked, seed), output=guarded(answered, seed))


@lru_cache(maxsize=4096)
def _matching(key: TableKey, columns: tuple[str, ...], values: tuple[str, ...]) -> np.ndarray:
    """Positions of the rows whose columns, as text, have these values."""
    fits = np.ones(len(key.table), bool)
    for name, value in zip(columns, values, strict=True):
        fits &= _texts(key, name) == value
    return np.flatnonzero(fits)


@lru_cache(maxsize=32)
def _texts(key: TableKey, name: str) -> np.ndarray:
    return np.array([str(value) for value in key.table[name].to_pylist()], dtype=object)


def example_problem(examples: Any) -> RecipeError | None:
    """Why examples given as a list cannot be used, or None."""
    if isinstance(examples, tuple) and len({bool(each.input) for each in examples}) > 1:
        return RecipeError(what="some examples have `input` and some have not", fix="give it to all of them, or to none")
    return None
