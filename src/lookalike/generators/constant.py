"""`constant`: the same value in every row."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pyarrow as pa
from pydantic import model_validator

from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Constant(Generator):
    """The same value in every row.

    ```yaml
    country: {kind: constant, value: DE}
    version: {kind: constant, value: 3}
    ```

    Attributes:
        value: text, a number, true/false, null, or a list or mapping of these.
    """

    kind: ClassVar[str] = "constant"

    value: Any = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            pa.scalar(self.value)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError) as exc:
            raise ValueError(f"value: {self.value!r} cannot be a cell: {exc}; use one type inside lists") from exc
        return self

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:  # noqa: ARG002  # nothing random
        """The value, repeated."""
        return pa.repeat(pa.scalar(self.value), len(batch))
