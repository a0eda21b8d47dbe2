"""critique: a draft, what is wrong with it, and a better version."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import quoted
from lookalike.generators.reading import read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class Critique(TextAsking):
    """Write, criticise, revise: rounds of a critic's list and a revision, until the critic has nothing to say.

    The cell is `{draft, critique, value, rounds}`. Draft and value are a ready preference pair where `rounds` is not 0.

    ```yaml
    reply: {kind: critique, prompt: "Answer the customer: {{ complaint }}", principles: "polite, concrete, under 60 words"}
    ```

    Attributes:
        prompt: what is asked for.
        principles: what a good answer is.
        rounds: how many rounds.
        critic: a model's name; empty: the writer criticises itself.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Madaan et al. 2023, "Self-Refine" (2303.17651); Bai et al. 2022, "Constitutional AI" (2212.08073).
    """

    kind: ClassVar[str] = "critique"

    prompt: TemplateText
    principles: TemplateText
    rounds: int = Field(default=1, ge=1, le=5)
    critic: str = ""

    def templates(self) -> tuple[str, ...]:
        """Prompt and principles."""
        return (self.prompt, self.principles)

    def models(self) -> frozenset[str]:
        """Writer and critic."""
        return frozenset({self.model, self.critic or self.model})

    def arrow_type(self) -> pa.DataType:
        """Draft, last critique, value, rounds."""
        return pa.struct([("draft", pa.string()), ("critique", pa.string()), ("value", pa.string()), ("rounds", pa.int64())])

    def calls(self) -> float:
        """One, and two a round."""
        return 1.0 + 2 * self.rounds

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """Draft; then critique and revision until the critic answers OK."""
        task, principles = compiled(self.prompt).render(row), compiled(self.principles).render(row)
        draft = (yield from ask(self.request(row, task), read=read_text, tries=self.tries)).value
        value, critique, done = draft, "", 0
        for _ in range(self.rounds):
            question = (
                f"Task:\n{task}\n\nA good answer is: {principles}\n\n{quoted(value, label='answer')}\n\n"
                "List what is wrong with the answer, one short line each. If nothing is, answer only: OK"
            )
            request = self.request(row, question, model=self.critic or self.model, temperature=0.0)
            critique = (yield from ask(request, read=read_text, tries=self.tries)).value
            if critique.strip(" .!*\"'").upper() == "OK":
                break
            question = (
                f"Task:\n{task}\n\n{quoted(value, label='answer')}\n\nWhat is wrong with this answer:\n{critique}\n\n"
                "Write the answer again with all of that put right. Give only the answer."
            )
            value = (yield from ask(self.request(row, question), read=read_text, tries=self.tries)).value
            done += 1
        return {"draft": draft, "critique": critique, "value": value, "rounds": done}
