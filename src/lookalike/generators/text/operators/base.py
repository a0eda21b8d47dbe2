"""The contract of text operators: label-safe edits, keyed by row.

An operator sees texts and protected spans and answers with edits; it never rebuilds a text, so labels can follow.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from random import Random
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.generators.text.edits import Edit, Span
from lookalike.spec import Spec

LabelEffect = Literal["preserve", "flip", "unknown"]
Keys = npt.NDArray[np.uint64]


class Operator(Spec):
    """Changes texts by edits. `effect` says what that does to a label of the whole text (sentiment, class, entailment).

    Attributes:
        chance: share of the rows that it is tried on.
    """

    group: ClassVar[str] = "operator"
    effect: ClassVar[LabelEffect] = "preserve"

    chance: float = Field(default=1.0, ge=0, le=1)

    @abstractmethod
    def edits(self, texts: Sequence[str], protected: Sequence[Sequence[Span]], keys: Keys) -> list[list[Edit]]:
        """One list of edits a text: ascending, disjoint, a function of the text and its 64-bit key alone.

        Edits that touch a protected span are dropped by the caller; operators avoid them where that makes better text.
        """


class TextOperator(Operator):
    """An operator that works on one text at a time."""

    @abstractmethod
    def edit(self, text: str, protected: Sequence[Span], draw: Random) -> list[Edit]:
        """The edits of one text; `draw.random()` gives its uniforms."""

    def edits(self, texts: Sequence[str], protected: Sequence[Sequence[Span]], keys: Keys) -> list[list[Edit]]:
        """Text by text; one generator is seeded again for each, because making one costs more than most edits."""
        draw = Random()  # statistical; `random()` is the same on every version and machine
        out = []
        for text, spans, key in zip(texts, protected, keys.tolist(), strict=True):
            draw.seed(key)
            out.append(self.edit(text, spans, draw))
        return out


def pick(options: Sequence[str], draw: Random) -> str:
    """One of the options."""
    return options[int(draw.random() * len(options))]
