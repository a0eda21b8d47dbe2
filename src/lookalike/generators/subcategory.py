"""`subcategory`: a value that belongs to the value of a parent column."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import Field, model_validator

from lookalike.generators.base import Generator
from lookalike.generators.weighted import draw_by, leaves
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Subcategory(Generator):
    """A child value that belongs to the value of a parent column.

    ```yaml
    product: {kind: category, values: [kitchen, garden]}
    item:
      kind: subcategory
      by: product
      values:
        kitchen: [kettle, toaster]
        garden: {spade: 3, hose: 1}
    ```

    Attributes:
        by: the parent column.
        values: the children of each parent value: a list, or a mapping child -> weight. `"*"` stands for all other parents.
    """

    kind: ClassVar[str] = "subcategory"

    by: str
    values: dict[str, Any] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._tree  # noqa: B018  # leaves() checks every list
        return self

    @cached_property
    def _tree(self) -> dict[tuple[str, ...], Any]:
        return leaves(self.values, 1)

    def needs(self) -> frozenset[str]:
        """The parent column."""
        return frozenset({self.by})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """One child a row."""
        return draw_by(self._tree, (self.by,), batch, ctx.uniform(batch.ids))
