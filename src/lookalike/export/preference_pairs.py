"""Preferences: chosen and rejected (TRL), and single judgements (KTO)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from lookalike.export.training import Row, TrainingExporter, UnfitError, text_at


class Preference(TrainingExporter):
    """`{"prompt", "chosen", "rejected"}` for DPO and reward models, as TRL reads it.

    `chosen` and `rejected` are columns or fields: `pair.chosen` of a `preference` column, `reply.value` and `reply.draft` of a
    `critique` column (pairs harvested from a repair loop).

    Attributes:
        prompt: a template; what is asked for.
        chosen: the better answer's column.
        rejected: the worse answer's column.
        form: which sort of question.
        table: the table; empty: the run's last.
        split: shares by name, as `{train: 0.9, test: 0.1}`; empty: one file.
        by: rows that agree in this column stay in one split.
        seed: of the split.
    """

    kind: ClassVar[str] = "preference"

    prompt: str = "prompt"
    chosen_: str = Field(default="pair.chosen", alias="chosen")
    rejected: str = "pair.rejected"
    form: Literal["text", "messages"] = "text"

    def pair(self, row: Row) -> tuple[str, str, str]:
        """Prompt, chosen and rejected."""
        prompt, chosen, rejected = (text_at(row, path) for path in (self.prompt, self.chosen_, self.rejected))
        if chosen.strip() == rejected.strip():
            raise UnfitError("chosen and rejected are the same text")
        return prompt, chosen, rejected

    def lines(self, row: Row) -> list[Any]:
        """One pair a row."""
        prompt, chosen, rejected = self.pair(row)
        if self.form == "text":
            return [{"prompt": prompt, "chosen": chosen, "rejected": rejected}]
        return [{
            "prompt": [{"role": "user", "content": prompt}], "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }]  # fmt: skip


class Kto(Preference):
    """`{"prompt", "completion", "label"}`: each pair as one wanted and one unwanted completion.

    Attributes:
        prompt: the prompt's column.
        chosen: the better answer's column.
        rejected: the worse answer's column.
        form: text or messages.
        table: the table; empty: the run's last.
        split: shares by name, as `{train: 0.9, test: 0.1}`; empty: one file.
        by: rows that agree in this column stay in one split.
        seed: of the split.
    """

    kind: ClassVar[str] = "kto"

    def lines(self, row: Row) -> list[Any]:
        """Two judgements a row."""
        prompt, chosen, rejected = self.pair(row)
        return [
            {"prompt": prompt, "completion": chosen, "label": True}, {"prompt": prompt, "completion": rejected, "label": False}
        ]  # fmt: skip
