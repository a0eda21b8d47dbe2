"""evolve: an instruction made harder or broader, step by step."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.generators.asking import ask
from lookalike.generators.base import Conversation
from lookalike.generators.quoting import leaks, quoted
from lookalike.generators.reading import Unfit, read_text
from lookalike.generators.templates import TemplateText, compiled
from lookalike.generators.text.conversing import TextAsking, similarity
from lookalike.models.base import CallFailed
from lookalike.rows.batch import Row
from lookalike.rows.context import Context

OPERATORS = {
    "constraints": "Add one more constraint or requirement.",
    "deepen": "Ask for more depth and breadth on what it asks about.",
    "concretise": "Replace general concepts by more specific ones.",
    "reasoning": "Make it need several steps of reasoning, if it can be done in few now.",
    "complicate": "Add some input data, such as a table, a formula or a piece of code, that has to be used.",
    "broaden": "Write a completely new, rarer instruction from the same field, of the same length and difficulty.",
}
# worked examples, because small models copy their form; what they copy word by word is refused
_SHOWN = (
    ("constraints", "Describe a park.", "Describe a park in early spring in at most eighty words, without the word green."),
    ("deepen", "Explain how bread is made.", "Explain how bread is made, and what the yeast does at every step."),
    ("concretise", "Suggest a gift.", "Suggest a gift under 20 euros for a grandfather who likes to fish."),
)
_ABOUT = re.compile(
    r"\b(?:given|rewritten|this|the|new) instruction\b|\bthe instruction (?:requires|asks|is)\b"
    r"|\A\W*(?:sure|certainly|yes|no|i|to [a-z]+ [^.?]*, (?:you|consider|start|first))\b|\? (?:first|start|you)\b|[.?] ask for\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^\W*(?:the )?(?:new|rewritten|revised|evolved|updated) (?:instruction|prompt|task)\W*[:\n]\s*", re.IGNORECASE
)
_STEP = pa.struct([("operator", pa.string()), ("instruction", pa.string()), ("eliminated", pa.string())])


class Evolve(TextAsking):
    """Make an instruction harder or broader in rounds, each by an operator drawn for the row.

    An evolution that fails (refused, a copy, or one that talks about the rewriting) is eliminated: the instruction stays as it
    was, with the reason in `steps`. The cell is `{instruction, steps}`.

    ```yaml
    hard: {kind: evolve, instruction: "{{ task }}", rounds: 3}
    ```

    Attributes:
        instruction: a template; the instruction to start from.
        rounds: how many rounds.
        operators: names, or own sentences.
        words: about so many words may be added in a round.
        model: a name under `models:`.
        system: a template; the system message.
        temperature: of sampling; none: the model's own.
        max_tokens: of a reply.
        tries: replies looked at before the cell fails.

    Source:
        Xu et al. 2023, "WizardLM: Empowering Large Language Models to Follow Complex Instructions" (2304.12244).
    """

    kind: ClassVar[str] = "evolve"

    instruction: TemplateText
    rounds: int = Field(default=2, ge=1, le=10)
    operators: tuple[str, ...] = Field(default=tuple(OPERATORS), min_length=1)
    words: int = Field(default=20, ge=1)

    def templates(self) -> tuple[str, ...]:
        """The instruction."""
        return (self.instruction,)

    def arrow_type(self) -> pa.DataType:
        """The last instruction and how it came about."""
        return pa.struct([("instruction", pa.string()), ("steps", pa.list_(_STEP))])

    def calls(self) -> float:
        """One a round."""
        return float(self.rounds)

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """Round by round; what fails is eliminated."""
        current = compiled(self.instruction).render(row)
        draws = ctx.generator(int(row["_id"]))
        steps: list[dict[str, Any]] = []
        for _ in range(self.rounds):
            name = self.operators[int(draws.integers(len(self.operators)))]
            before = current
            shown = [(self._order(old, operator), new) for operator, old, new in _SHOWN]

            def read(text: str, before: str = before) -> str:
                new = _HEADING.sub("", read_text(text)).strip()
                if leaks(new, before) or (_ABOUT.search(new) and not _ABOUT.search(before)) or not new:
                    raise Unfit("it talks about the rewriting; give only the new instruction")
                if any(similarity(new, other) > 0.8 for _, *example in _SHOWN for other in example):
                    raise Unfit("it is an example; change the instruction between the marks")
                if similarity(new, before) > 0.97:
                    raise Unfit("it is the same instruction; change it")
                return new

            try:
                request = self.request(row, self._order(before, name), shown=shown)
                answer = yield from ask(request, read=read, tries=self.tries)
            except CallFailed as exc:
                steps.append({"operator": name, "instruction": before, "eliminated": exc.what})
            else:
                current = answer.value
                steps.append({"operator": name, "instruction": current, "eliminated": None})
        return {"instruction": current, "steps": steps}

    def _order(self, instruction: str, operator: str) -> str:
        """What is asked about one instruction."""
        return (
            f"{quoted(instruction, label='instruction')}\n\nRewrite this instruction for an AI assistant. "
            f"{OPERATORS.get(operator, operator)} Add at most {self.words} words and keep it answerable. Do not carry it out: "
            "give only the new instruction."
        )
