"""`sequence`: numbers that count up."""

from __future__ import annotations

from string import Formatter
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Sequence(Generator):
    """A number that counts up with the row: unique, and the same for a row whatever else is made.

    The count follows the row's id. Rows that `keep` rejects leave gaps, as deleted rows do in a database.

    ```yaml
    id:     {kind: sequence, start: 1}
    ticket: {kind: sequence, start: 1000, step: 5, format: "T-{:06d}"}
    ```

    Attributes:
        start: the first row's number.
        step: the difference from row to row.
        format: a Python format with one field, as `"P{:05d}"`: the column is then text. Empty: a whole number.
    """

    kind: ClassVar[str] = "sequence"

    start: int = 1
    step: int = 1
    format: str = ""

    @field_validator("format")
    @classmethod
    def _one_field(cls, text: str) -> str:
        if not text:
            return text
        fix = "write one field, as 'P{:05d}'"
        try:
            fields = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name is not None]
            one = len(fields) == 1 and fields[0][0] in ("", "0") and "{" not in fields[0][1]
            shown = text.format(1) if one else ""
        except (ValueError, LookupError) as exc:
            raise ValueError(f"format: {text!r} cannot be used: {exc}; {fix}") from exc
        if not shown:
            raise ValueError(f"format: {text!r} has {len(fields)} fields or one with a name; {fix}")
        return text

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:  # noqa: ARG002  # nothing random
        """int64, or string with a format."""
        numbers = self.start + self.step * batch.ids.astype(np.int64)
        if not self.format:
            return pa.array(numbers)
        write = self.format.format
        return pa.array([write(number) for number in numbers.tolist()], pa.string())
