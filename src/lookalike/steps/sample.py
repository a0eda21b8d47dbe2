"""Keep a share of the rows."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.base import Kept, Step


class Sample(Step):
    """Keeps a share of the rows, chosen by their ids: the same rows every time.

    ```yaml
    steps: [{kind: sample, share: 0.1}]
    ```

    Attributes:
        share: of the rows to keep, 0 to 1.
    """

    kind: ClassVar[str] = "sample"

    share: float = Field(gt=0, le=1)

    def apply(self, batch: Batch, ctx: Context) -> Kept:
        """Drop the rows that were not drawn."""
        mask = ctx.uniform(batch.ids) < self.share
        dropped = batch.ids[~mask]
        return Kept(batch.take(mask), dropped, tuple("not in the sample" for _ in dropped))
