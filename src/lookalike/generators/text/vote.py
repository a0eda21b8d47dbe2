"""vote and reason: an answer that is thought through, once or several times."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.reading import Unfit, read_choice
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_FINAL = re.compile(r"(?:^|\n)\W*(?:final answer|answer)\W*[:：]\s*(?P<value>.+?)\s*$", re.IGNORECASE | re.DOTALL)


def split_answer(text: str, choices: tuple[str, ...] = ()) -> dict[str, str]:
    """Reasoning and final answer of a text that ends in a line `Answer: ...`.

    Raises:
        Unfit: there is no such line, or the answer is none of the choices.
    """
    found = None
    for found in re.finditer(r"(?:^|\n)\W*(?:final answer|answer)\W*[:：]", text, re.IGNORECASE):  # noqa: B007  # the last one
        pass
    match = _FINAL.match(text, found.start()) if found else None
    if not match or found is None:
        raise Unfit("end with a line that begins with `Answer:`")
    value = match["value"].strip().strip("*`\"' ")
    if not value:
        raise Unfit("the answer after `Answer:` is empty")
    return {"reasoning": text[: found.start()].strip(), "value": read_choice(choices)(value) if choices else value}


def question(prompt: str, choices: tuple[str, ...], row: Row) -> str:
    """The prompt and how to answer it."""
    listed = f" It is exactly one of: {', '.join(choices)}." if choices else ""
    return (
        f"{compiled(prompt).render(row)}\n\nThink step by step. Then write the result on a last line that begins "
        f"with `Answer:` and holds nothing else.{listed}"
    )


class Reason(TextAsking):
    """Think step by step, then answer; the reasoning is kept apart from the answer: `{reasoning, value}`.

    ```yaml
    solved: {kind: reason, prompt: "{{ problem }}"}
    ```

    Attributes:
        prompt: a template; what is asked for.
        choices: the answer is one of these.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Wei et al. 2022, "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models" (2201.11903).
    """

    kind: ClassVar[str] = "reason"

    prompt: TemplateText
    choices: tuple[str, ...] = ()

    def templates(self) -> tuple[str, ...]:
        """The prompt."""
        return (self.prompt,)

    def arrow_type(self) -> pa.DataType:
        """Reasoning and answer."""
        return pa.struct([("reasoning", pa.string()), ("value", pa.string())])

    def converse(self, row: Row, ctx: Context) -> Conversation:  # noqa: ARG002  # the contract's arguments
        """One call."""
        asked = self.request(row, question(self.prompt, self.choices, row))
        answer = yield from ask(asked, read=partial(split_answer, choices=self.choices), tries=self.tries)
        value: dict[str, str] = answer.value
        return {**value, "reasoning": value["reasoning"] or answer.reasoning}


class Vote(TextAsking):
    """Ask several times and take the answer that most replies give: `{value, share, votes}`.

    `share` is the winner's share of the votes that could be read; a condition like `answer.share >= 0.6` drops the doubtful.

    ```yaml
    answer: {kind: vote, prompt: "{{ problem }}", n: 5}
    ```

    Attributes:
        n: how many.
        temperature: of sampling.
        prompt: a template; what is asked for.
        choices: the answer is exactly one of these.
        model: a name under `models:`.
        system: a template; the system message.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning in Language Models" (2203.11171).
    """

    kind: ClassVar[str] = "vote"

    prompt: TemplateText
    choices: tuple[str, ...] = ()
    n: int = Field(default=5, ge=2, le=50)
    temperature: float | None = Field(default=0.8, ge=0)

    def templates(self) -> tuple[str, ...]:
        """The prompt."""
        return (self.prompt,)

    def arrow_type(self) -> pa.DataType:
        """Answer, share and votes."""
        return pa.struct([("value", pa.string()), ("share", pa.float64()), ("votes", pa.list_(pa.string()))])

    def calls(self) -> float:
        """One a vote."""
        return float(self.n)

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """N calls; each with a seed of its own, or a cache would answer them all alike."""
        votes: list[str] = []
        read, asked = partial(split_answer, choices=self.choices), question(self.prompt, self.choices, row)
        failed: CallFailed | None = None
        seeds: list[Any] = ctx.generator(int(row["_id"])).integers(2**31, size=self.n).tolist()
        for seed in seeds:
            try:
                answer = yield from ask(self.request(row, asked, seed=seed), read=read, tries=self.tries)
                votes.append(answer.value["value"])
            except CallFailed as exc:
                failed = exc
        if not votes:
            raise failed or CallFailed(what="no vote could be read")
        counts = Counter(vote.strip().casefold() for vote in votes)
        best = max(counts.values())
        winner = next(vote for vote in votes if counts[vote.strip().casefold()] == best)  # ties: the first said
        return {"value": winner, "share": best / len(votes), "votes": votes}
