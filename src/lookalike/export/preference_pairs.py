"""Preferences: chosen and rejected (TRL), and single judgements (KTO)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import Field

from lookalike.export.training import Row, TrainingExporter, UnfitError, text_at

Form: TypeAlias = Literal["text", "messages"]


def pair(row: Row, prompt: str, chosen: str, rejected: str, form: Form) -> tuple[Any, Any, Any]:
    """Prompt, chosen and rejected of the columns so named: texts, or chats of one message each.

    Raises:
        UnfitError: a text is not there, or both answers are the same.
    """
    asked, better, worse = (text_at(row, path) for path in (prompt, chosen, rejected))
    if better.strip() == worse.strip():
        raise UnfitError("chosen and rejected are the same text")
    if form == "text":
        return asked, better, worse
    said = zip(("user", "assistant", "assistant"), (asked, better, worse), strict=True)
    question, wanted, unwanted = ([{"role": role, "content": text}] for role, text in said)
    return question, wanted, unwanted


class PreferencePairs(TrainingExporter):
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
    form: Form = "text"

    def lines(self, row: Row) -> list[Any]:
        """One pair a row."""
        prompt, chosen, rejected = pair(row, self.prompt, self.chosen_, self.rejected, self.form)
        return [{"prompt": prompt, "chosen": chosen, "rejected": rejected}]


class Kto(TrainingExporter):
    """`{"prompt", "completion", "label"}`: each pair as one wanted and one unwanted completion.

    Attributes:
        prompt: the question's column.
        chosen: the better answer's column.
        rejected: the worse answer's column.
        form: text, or messages (TRL's conversational form).
    """

    kind: ClassVar[str] = "kto"

    prompt: str = "prompt"
    chosen_: str = Field(default="pair.chosen", alias="chosen")
    rejected: str = "pair.rejected"
    form: Form = "text"

    def lines(self, row: Row) -> list[Any]:
        """Two judgements a row."""
        prompt, chosen, rejected = pair(row, self.prompt, self.chosen_, self.rejected, self.form)
        return [{"prompt": prompt, "completion": text, "label": wanted} for text, wanted in ((chosen, True), (rejected, False))]
