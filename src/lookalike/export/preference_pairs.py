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
        prompt: the question's column.
        chosen: the better answer's column.
        rejected: the worse answer's column.
        form: text, or messages (TRL's conversational form).
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

    def said(self, role: str, content: str) -> Any:
        """A text, or a chat of one message."""
        return content if self.form == "text" else [{"role": role, "content": content}]

    def lines(self, row: Row) -> list[Any]:
        """One pair a row."""
        prompt, chosen, rejected = self.pair(row)
        return [{
            "prompt": self.said("user", prompt), "chosen": self.said("assistant", chosen),
            "rejected": self.said("assistant", rejected),
        }]  # fmt: skip


class Kto(Preference):
    """`{"prompt", "completion", "label"}`: each pair as one wanted and one unwanted completion."""

    kind: ClassVar[str] = "kto"

    def lines(self, row: Row) -> list[Any]:
        """Two judgements a row."""
        prompt, chosen, rejected = self.pair(row)
        return [
            {"prompt": self.said("user", prompt), "completion": self.said("assistant", text), "label": wanted}
            for text, wanted in ((chosen, True), (rejected, False))
        ]
