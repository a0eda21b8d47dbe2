"""`category`: one of some values, by weight, also by the levels of other columns."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import field_serializer, field_validator, model_validator

from lookalike.generators.base import Generator
from lookalike.generators.weighted import Scalar, check_values, draw, draw_by, leaves, normalise
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Category(Generator):
    """One of some values, drawn by weight.

    With `by`, the weights depend on one column or on several: `values` then holds one list or mapping for each level (nested
    in the order of `by`), and `"*"` stands for every level not named. A row whose level is null gets null unless `"*"` is there.

    ```yaml
    insurer: {kind: category, values: {public: 0.7, private: 0.3}}
    ward:    {kind: category, values: [surgery, medicine, paediatrics]}
    smoker:
      kind: category
      by: sex
      values:
        F: {"yes": 0.2, "no": 0.8}
        M: {"yes": 0.3, "no": 0.7}
    ```

    Attributes:
        values: a list (equal weights), a mapping value -> weight (any positive scale), or a mapping level -> one of these.
        by: the column, or the columns, that the weights depend on.
    """

    kind: ClassVar[str] = "category"

    values: tuple[Scalar, ...] | dict[Scalar, Any]
    by: str | tuple[str, ...] | None = None

    @field_validator("values", mode="before")
    @classmethod
    def _pairs(cls, values: Any) -> Any:
        return normalise(values)

    @field_serializer("values")
    def _plain(self, values: Any) -> Any:
        # JSON keys are text: other keys are written as pairs
        if isinstance(values, dict) and not all(isinstance(key, str) for key in values):
            return [[key, weight] for key, weight in values.items()]
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.by is None:
            check_values(self.values)
        else:
            self._tree  # noqa: B018  # leaves() checks every list
        return self

    @property
    def _by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by or ()

    @cached_property
    def _tree(self) -> dict[tuple[str, ...], Any]:
        return leaves(self.values, len(self._by))

    def needs(self) -> frozenset[str]:
        """The columns of `by`."""
        return frozenset(self._by)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """One value a row."""
        uniforms = ctx.uniform(batch.ids)
        return draw_by(self._tree, self._by, batch, uniforms) if self.by else draw(self.values, uniforms)
