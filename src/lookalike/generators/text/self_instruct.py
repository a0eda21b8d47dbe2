"""self_instruct and magpie: instructions that a model thinks of."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.models.base import CallFailed, Request
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

_LABEL = re.compile(r"^[\s*#-]*(?:\d+[.)]\s*)?(?:(?:new )?task(?: \d+)?\s*:\s*)?", re.IGNORECASE)  # "7. Task: "
_SEEDS = {  # task -> what it is about
    "Explain to a ten-year-old why the sky is blue.": "science for children",
    "Write a polite reply to a neighbour who complains about noise.": "neighbours",
    "List five things to check before buying a used bicycle.": "cycling",
    "Turn these notes into a short meeting summary: budget late, two new hires, launch moved to May.": "meetings",
    "Suggest a vegetarian dinner that is ready in twenty minutes.": "quick meals",
    "Find the mistake in this sentence and correct it: She don't like apples.": "English grammar",
    "Compare renting and buying a flat for a family that may move in three years.": "housing",
    "Write a Python function that counts the vowels in a word.": "programming",
    "Give three headlines for an article about a city that bans cars on Sundays.": "newspapers",
    "Classify this message as urgent or not urgent: The server room is getting hot.": "technical support",
    "Plan a one-day trip to a small town by train.": "railways",
    "Write a haiku about the first snow.": "poetry",
}


class SelfInstruct(TextAsking):
    """A new instruction, shown some from a pool: seeds, and what this cell has found already.

    Tasks of the pool are shown as earlier turns, with what they are about where that is known. An instruction whose ROUGE-L with any in the pool is above `similar` is asked again. With `n` above 1 the pool grows inside
    the cell and the cell is a list; between cells, a `dedup` step finds and replaces what is alike.

    ```yaml
    task: {kind: self_instruct, about: "{{ topic }}"}
    ```

    Attributes:
        about: a subject.
        seeds: own first instructions; empty: twelve that come with us.
        source: or `source.column`.
        shown: from the pool, each time.
        similar: the ROUGE-L from which a task is too much like another.
        n: how many.
        temperature: of sampling.
        model: a name under `models:`.
        system: a template; the system message.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Wang et al. 2022, "Self-Instruct: Aligning Language Models with Self-Generated Instructions" (2212.10560).
    """

    kind: ClassVar[str] = "self_instruct"

    about: TemplateText = ""
    seeds: tuple[str, ...] = ()
    source: str = ""
    shown: int = Field(default=8, ge=1, le=50)
    similar: float = Field(default=0.7, gt=0, le=1)
    n: int = Field(default=1, ge=1, le=100)
    temperature: float | None = Field(default=1.0, ge=0)

    def templates(self) -> tuple[str, ...]:
        """The subject."""
        return (self.about,)

    def sources(self) -> frozenset[str]:
        """Where seeds come from."""
        return frozenset({self.source.partition(".")[0]} - {""})

    def arrow_type(self) -> pa.DataType:
        """An instruction, or a list of them."""
        return pa.string() if self.n == 1 else pa.list_(pa.string())

    def calls(self) -> float:
        """One an instruction."""
        return float(self.n)

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Grow the pool by n instructions."""
        first = self._pool(ctx)
        own: list[str] = []
        draws = ctx.generator(int(row["_id"]))
        about = compiled(self.about).render(row)
        for _ in range(self.n):
            # two of eight are the model's own, as in the paper: more and the pool drifts
            mine = own[-max(1, self.shown // 4) :]
            picked = [first[i] for i in draws.permutation(len(first))[: self.shown - len(mine)].tolist()] + mine
            shown = [(_wanted(_SEEDS.get(text, about if text in own else "") if about else ""), text) for text in picked]

            def read(reply: str) -> str:
                text = _LABEL.sub("", read_text(reply)).strip()
                near = max([*first, *own], key=lambda other: similarity(text, other))
                if similarity(text, near) > self.similar:
                    raise Unfit(f"it is too much like this one: {near[:80]!r}; think of another")
                if not 3 <= len(text.split()) <= 150:
                    raise Unfit("a task has 3 to 150 words")
                return text

            answer = yield from ask(self.request(row, _wanted(about), shown=shown), read=read, tries=self.tries)
            own.append(answer.value)
        return own[0] if self.n == 1 else own

    def _pool(self, ctx: Context) -> list[str]:
        if not self.source:
            return list(self.seeds or _SEEDS)
        name, _, column = self.source.partition(".")
        table = ctx.tables.source(name)
        if column not in table.column_names:
            raise SourceError(
                what=f"source {name!r} has no column {column!r}", fix=did_you_mean(column, table.column_names, label="columns")
            )
        texts = [str(text) for text in table[column].slice(0, 2000).to_pylist() if text]
        if not texts:
            raise SourceError(what=f"column {self.source!r} has no text to start from", fix="give `seeds`")
        return texts


def _wanted(about: str) -> str:
    """How a task is asked for; those of the pool are shown as answers to the same question."""
    return (
        f"Write a task{f' about {about}' if about else ''} that somebody gives to an AI assistant, of another kind than those "
        "before. Give only the task."
    )


class Magpie(TextAsking):
    """An instruction that an aligned model writes by itself when it is given only the head of a chat, and its answer.

    The model must offer the `complete` operation; `prefix` is its chat template up to where the user's words begin (the
    default is ChatML). The cell is `{instruction, response}`; without `respond`, the response is null.

    ```yaml
    pair: {kind: magpie, model: default}
    ```

    Attributes:
        prefix: the chat's head, up to where the user's words begin; `{system}` is filled in.
        stop: texts that end the user's turn.
        system: a template; the system message.
        respond: also ask for the answer.
        temperature: of sampling.
        max_tokens: of a reply.
        model: a name under `models:`.
        tries: replies looked at before the cell fails.

    Source:
        Xu et al. 2024, "Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing" (2406.08464).
    """

    kind: ClassVar[str] = "magpie"

    prefix: str = "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"
    stop: tuple[str, ...] = ("<|im_end|>", "<|im_start|>", "<|endoftext|>")
    system: TemplateText = "You are a helpful assistant."
    respond: bool = True
    temperature: float | None = Field(default=1.0, ge=0)
    max_tokens: int | None = Field(default=120, ge=1)

    def arrow_type(self) -> pa.DataType:
        """Instruction and response."""
        return pa.struct([("instruction", pa.string()), ("response", pa.string())])

    def calls(self) -> float:
        """One or two."""
        return 1.0 + self.respond

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Complete the bare head; then answer what came."""
        system = compiled(self.system).render(row)
        seed = int(ctx.generator(int(row["_id"])).integers(2**31))
        head = self.prefix.replace("{system}", system)
        request = Request(
            self.model, operation="complete", text=head, stop=self.stop, seed=seed,
            temperature=self.temperature, max_tokens=self.max_tokens,
        )  # fmt: skip

        def read(reply: str) -> str:
            text = read_text(reply.partition("<|")[0])
            if len(text.split()) < 3:
                raise Unfit("it is too short to be an instruction")
            return text

        instruction = (yield from _complete(request, read, self.tries)).strip()
        if not self.respond:
            return {"instruction": instruction, "response": None}
        options: dict[str, Any] = {"temperature": None, "max_tokens": None}
        answer = yield from ask(self.request(row, instruction, **options), read=read_text, tries=self.tries, whole=True)
        return {"instruction": instruction, "response": answer.value}


def _complete(request: Request, read: Any, tries: int) -> Any:
    """`ask` for bare completions: nothing can be said to the model, so another seed is another try."""
    reasons = []
    for attempt in range(tries):
        reply = yield replace(request, seed=(request.seed or 0) + attempt)
        try:
            return read(reply.text)
        except Unfit as exc:
            reasons.append(str(exc))
    raise CallFailed(
        what=f"{request.model}: no usable completion in {tries} tries: {' | '.join(reasons)}", fix="check `prefix`"
    )
