"""preference: several answers and a judge who asks in both orders, or two answers by contrast: a chosen and a rejected one."""

from __future__ import annotations

from itertools import combinations
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import quoted
from lookalike.generators.reading import Unfit, read_choice, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class Paired(BaseModel):
    """A worked example: a task, a good answer and a bad one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = Field(min_length=1)
    chosen: str = Field(min_length=1)
    rejected: str = Field(min_length=1)


class Preference(TextAsking):
    """Candidates from one or several models, and a pair: `{chosen, rejected, margin, agreement, candidates}`.

    Every two candidates are compared by every judge twice, in both orders, so a judge who prefers the first place gives no
    points. `margin` is the difference in wins of best and worst over the comparisons each took part in (0: no preference);
    `agreement` is the share of comparisons in which the order made no difference.

    Small models cannot judge. With `worse` nobody does: one answer is asked for as `criteria` say, the other as `worse` says, and
    which is which is known by construction (margin 1, agreement null).

    ```yaml
    pair: {kind: preference, prompt: "{{ instruction }}", writers: [small, large], judges: [default]}
    keep: ["pair.margin > 0"]
    easy: {kind: preference, prompt: "{{ instruction }}", criteria: "short and concrete", worse: "vague and long-winded"}
    ```

    Attributes:
        prompt: a template; what is asked for.
        n: candidates.
        writers: models in turn; empty: the column's model.
        judges: models; empty: the column's model.
        criteria: a template; what makes an answer better.
        worse: a template; how the rejected answer is asked for, instead of a judge.
        examples: worked ones, `{prompt, chosen, rejected}`, shown to the writers as earlier turns.
        temperature: of sampling.
        model: a name under `models:`.
        system: a template; the system message.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Cui et al. 2023, "UltraFeedback" (2310.01377); Zheng et al. 2023, "Judging LLM-as-a-Judge" (2306.05685), position bias;
        Yang et al. 2023, "RLCD: Reinforcement Learning from Contrastive Distillation" (2307.12950), `worse`.
    """

    kind: ClassVar[str] = "preference"

    prompt: TemplateText
    n: int = Field(default=2, ge=2, le=8)
    writers: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    criteria: TemplateText = "helpful, true, harmless and to the point"
    worse: TemplateText = ""
    examples: tuple[Paired, ...] = ()
    temperature: float | None = Field(default=0.9, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.worse and (self.judges or self.n != 2):
            raise ValueError("with `worse` the pair is made by contrast: one answer each way, and nothing to judge")
        return self

    def templates(self) -> tuple[str, ...]:
        """Prompt, criteria and what is worse."""
        return (self.prompt, self.criteria, self.worse)

    def models(self) -> frozenset[str]:
        """Writers and judges."""
        return frozenset((*(self.writers or (self.model,)), *(self.judges or (self.model,))))

    def arrow_type(self) -> pa.DataType:
        """The pair, how sure it is, and all candidates."""
        return pa.struct(
            [("chosen", pa.string()), ("rejected", pa.string()), ("margin", pa.float64()), ("agreement", pa.float64()),
             ("candidates", pa.list_(pa.string()))]
        )  # fmt: skip

    def calls(self) -> float:
        """N answers, and two judgements for every two of them and judge."""
        return 2.0 if self.worse else float(self.n + self.n * (self.n - 1) * max(1, len(self.judges)))

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Write, compare, choose."""
        task, criteria = compiled(self.prompt).render(row), compiled(self.criteria).render(row)
        writers = self.writers or (self.model,)
        seeds: list[int] = ctx.generator(int(row["_id"])).integers(2**31, size=self.n).tolist()
        if self.worse:
            return (yield from self._contrast(row, task, (criteria, compiled(self.worse).render(row)), seeds))
        candidates: list[str] = []
        shown = [(each.prompt, each.chosen) for each in self.examples]
        for place, seed in enumerate(seeds):
            request = self.request(row, task, model=writers[place % len(writers)], seed=seed, shown=shown)
            candidates.append((yield from ask(request, read=read_text, tries=self.tries, whole=True)).value)
        wins = [0.0] * self.n
        same = compared = 0
        for judge in self.judges or (self.model,):
            for a, b in combinations(range(self.n), 2):
                if similarity(candidates[a], candidates[b]) > 0.98:
                    continue
                first = yield from self._better(row, judge, task, criteria, (candidates[a], candidates[b]))
                second = yield from self._better(row, judge, task, criteria, (candidates[b], candidates[a]))
                compared += 1
                if first != second:  # the same candidate both times: places differ
                    same += 1
                    wins[a if first == 0 else b] += 1
        if not compared:
            raise CallFailed(what="all candidates are the same text", fix="raise the temperature, or name several writers")
        best, worst = max(range(self.n), key=wins.__getitem__), min(range(self.n - 1, -1, -1), key=wins.__getitem__)
        rounds = max(1, (self.n - 1) * max(1, len(self.judges)))
        return {
            "chosen": candidates[best], "rejected": candidates[worst], "margin": (wins[best] - wins[worst]) / rounds,
            "agreement": same / compared, "candidates": candidates,
        }  # fmt: skip

    def _contrast(self, row: Row, task: str, manners: tuple[str, str], seeds: list[int]) -> Any:
        """One answer as wanted, one as not wanted; neither request is part of the pair."""
        writers = self.writers or (self.model,)
        both: list[str] = []
        for place, (manner, seed) in enumerate(zip(manners, seeds, strict=True)):

            def read(reply: str, before: str = "".join(both)) -> str:
                text = read_text(reply)
                if before and similarity(text, before) > 0.6:
                    raise Unfit("it is the other answer again; write another")
                if any(similarity(text, other) > 0.8 for each in self.examples for other in (each.chosen, each.rejected)):
                    raise Unfit("it is the answer of an example; write another")
                if similarity(text, task) > 0.6:
                    raise Unfit("it only repeats the task; answer it")
                return text

            shown = [(_asked(each.prompt, manner), (each.chosen, each.rejected)[place]) for each in self.examples]
            request = self.request(row, _asked(task, manner), model=writers[place % len(writers)], seed=seed, shown=shown)
            both.append((yield from ask(request, read=read, tries=self.tries, whole=True)).value)
        return {"chosen": both[0], "rejected": both[1], "margin": 1.0, "agreement": None, "candidates": both}

    def _better(self, row: Row, judge: str, task: str, criteria: str, pair: tuple[str, str]) -> Any:
        """0 or 1: which place wins."""
        question = (
            f"Task:\n{task}\n\n{quoted(pair[0], label='answer A')}\n\n{quoted(pair[1], label='answer B')}\n\n"
            f"Which answer is better: {criteria}? Answer with A or B only."
        )
        request = self.request(row, question, model=judge, choices=("A", "B"), temperature=0.0, max_tokens=8)
        answer = yield from ask(request, read=read_choice(("A", "B")), tries=self.tries)
        return 0 if answer.value == "A" else 1


def _asked(task: str, manner: str) -> str:
    return f"{task}\n\nThe answer must be {manner}."
