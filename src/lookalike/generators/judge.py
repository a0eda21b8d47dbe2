"""`judge`: scores that a model gives by a rubric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation, ModelColumn
from lookalike.generators.reading import read_json
from lookalike.generators.templates import TemplateText, compiled
from lookalike.models.base import Message, Request
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class Judge(ModelColumn):
    """Whole-number scores that a model gives by a rubric, each with a reason.

    The cell is a struct: one field a score, and `reasons` with a text a score. A condition reads them as `score.faithful >= 4`.
    The reason is asked for before its score, which makes judgements steadier. A score outside the scale is asked again.

    ```yaml
    score:
      kind: judge
      model: writer
      prompt: "Record: {{ sex }}, {{ age }}. Note: {{ note }}"
      scores:
        faithful: "1 contradicts the record ... 5 agrees in every fact"
        fluent: {1: "hard to read", 3: "some errors", 5: "reads like a doctor's"}
    ```

    Attributes:
        prompt: a template; what is judged.
        scores: name -> rubric, as text or as a mapping score -> meaning.
        model: a name under `models:`.
        system: a template; the system message.
        scale: lowest and highest score.
        reasons: ask for a reason before each score, and keep it.
        temperature: of sampling.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.
    """

    kind: ClassVar[str] = "judge"

    prompt: TemplateText
    scores: dict[str, str | dict[int, str]] = Field(min_length=1)
    model: str = "default"
    system: TemplateText = "You are a careful, strict judge. Judge only by the criteria given."
    scale: tuple[int, int] = (1, 5)
    reasons: bool = True
    temperature: float | None = Field(0.0, ge=0)
    max_tokens: int | None = Field(None, ge=1)
    tries: int = Field(3, ge=1, le=20)

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.scale
        if low >= high:
            raise ValueError(f"scale: {list(self.scale)} must be [lowest, highest]")
        if "reasons" in self.scores:
            raise ValueError("scores: the name 'reasons' is taken by the reasons themselves; choose another")
        for name, rubric in self.scores.items():
            outside = [value for value in rubric if not low <= value <= high] if isinstance(rubric, dict) else []
            if outside:
                raise ValueError(f"scores.{name}: {outside[0]} is outside the scale {low} to {high}")
        return self

    def needs(self) -> frozenset[str]:
        """The columns of the prompt."""
        return compiled(self.prompt).needs | compiled(self.system).needs

    def models(self) -> frozenset[str]:
        """The judge."""
        return frozenset({self.model})

    def arrow_type(self) -> pa.DataType:
        """A struct: int64 a score, and a struct of reasons."""
        fields: list[tuple[str, pa.DataType]] = [(name, pa.int64()) for name in self.scores]
        if self.reasons:
            fields.append(("reasons", pa.struct([(name, pa.string()) for name in self.scores])))
        return pa.struct(fields)

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # nothing is drawn
        """One question for all scores."""
        low, high = self.scale
        criteria = "\n".join(f"- {name}: {_rubric(rubric)}" for name, rubric in self.scores.items())
        form = "a short reason and then a score" if self.reasons else "a score"
        question = (
            f"{compiled(self.prompt).render(row)}\n\nGive {form} from {low} to {high} for each criterion:\n{criteria}\n\n"
            f"Answer in JSON, as {self._shape()}."
        )
        system = compiled(self.system).render(row)
        messages = (*([Message("system", system)] if system else []), Message("user", question))
        schema = self._schema()
        request = Request(self.model, messages, schema=schema, temperature=self.temperature, max_tokens=self.max_tokens)
        answer = yield from ask(request, read=read_json(schema), tries=self.tries)
        if not self.reasons:
            return {name: int(answer.value[name]) for name in self.scores}
        scores = {name: int(answer.value[name]["score"]) for name in self.scores}
        return {**scores, "reasons": {name: answer.value[name]["reason"] for name in self.scores}}

    def _shape(self) -> str:
        inner = '{"reason": "...", "score": n}' if self.reasons else "n"
        return "{" + ", ".join(f'"{name}": {inner}' for name in self.scores) + "}"

    def _schema(self) -> dict[str, Any]:
        low, high = self.scale
        score: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
        if self.reasons:
            score = _object({"reason": {"type": "string"}, "score": score})
        return _object(dict.fromkeys(self.scores, score))

    def expected_tokens(self) -> tuple[int, int]:
        """About 4 characters a token, 40 tokens a reason."""
        shown = len(self.prompt) + len(self.system) + sum(len(_rubric(rubric)) for rubric in self.scores.values())
        return 150 + shown // 4, len(self.scores) * (50 if self.reasons else 8)


def _rubric(rubric: str | Mapping[int, str]) -> str:
    return rubric if isinstance(rubric, str) else "; ".join(f"{score} = {text}" for score, text in sorted(rubric.items()))


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties), "additionalProperties": False}
