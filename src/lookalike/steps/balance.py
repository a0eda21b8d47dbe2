"""Cap classes, so that none is more than its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr, field_validator, model_validator

from lookalike.generators.text.columns import label_name
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.base import Kept, Step


class Balance(Step):
    """Keeps at most so many rows of each class, the first by their ids; together with `rows: N`, exact class counts.

    ```yaml
    rows: 300
    steps: [{kind: balance, on: label, counts: {positive: 100, negative: 100, neutral: 100}}]
    ```

    Attributes:
        on: the column that holds the class.
        counts: class -> rows kept at most; other classes, and rows without one, are dropped.
        most: rows kept at most of any class; instead of `counts`.
    """

    kind: ClassVar[str] = "balance"
    scope: ClassVar[str] = "table"  # type: ignore[assignment]  # one of the two literals

    on: str
    counts: Mapping[str, int] | None = None
    most: int | None = Field(default=None, ge=1)

    _seen: Counter[str | None] = PrivateAttr(default_factory=Counter)

    @field_validator("counts", mode="before")
    @classmethod
    def _written(cls, counts: Any) -> Any:
        return {label_name(label): count for label, count in counts.items()} if isinstance(counts, Mapping) else counts

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.counts is None) == (self.most is None):
            raise ValueError("give either counts or most")
        return self

    def needs(self) -> frozenset[str]:
        """The class column."""
        return frozenset({self.on})

    def open(self) -> Self:
        """A copy that has seen nothing."""
        fresh = self.model_copy()
        fresh._seen = Counter()  # noqa: SLF001  # its own copy
        return fresh

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002
        """Drop the rows of classes that are full."""
        mask = np.zeros(len(batch), bool)
        reasons = []
        for place, value in enumerate(batch[self.on].to_pylist()):
            name = None if value is None else label_name(value)
            room = (self.most if self.counts is None else self.counts.get(name or "")) or 0
            if self._seen[name] < room:
                self._seen[name] += 1
                mask[place] = True
            else:
                reasons.append(f"{self.on} = {value!r} has its {room}" if room else f"{self.on} = {value!r} is not asked for")
        return Kept(batch.take(mask), batch.ids[~mask], tuple(reasons))
