"""`pattern`: text that matches a regular expression."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from lookalike.generators.base import Generator
from lookalike.generators.regexes import Program
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context


class Pattern(Generator):
    r"""Text that matches a regular expression in Python's syntax.

    Characters of open classes (`.`, `\w`, `[^a]`) are printable ASCII; `*` and `+` repeat up to `repeat` more times than they
    must; alternatives are equally likely. Look-around is refused.

    ```yaml
    plate: {kind: pattern, regex: "[A-Z]{2}-[1-9][0-9]{2,3}"}
    sku:   {kind: pattern, regex: "(BOX|BAG)-\\d{4}-[a-f]{2}"}
    ```

    Attributes:
        regex: the pattern; the whole text matches it.
        repeat: how many more times than its minimum an open repeat may go.
    """

    kind: ClassVar[str] = "pattern"

    regex: str
    repeat: int = Field(8, ge=0, le=1000)

    @field_validator("regex")
    @classmethod
    def _readable(cls, regex: str) -> str:
        try:
            re.compile(regex)
        except re.error as exc:
            raise ValueError(f"regex: {regex!r} cannot be read: {exc}; escape special characters with a backslash") from exc
        return regex

    def model_post_init(self, context: object) -> None:  # noqa: ARG002  # pydantic's signature
        """Compile, and so refuse what cannot be generated."""
        self._program  # noqa: B018  # raises ValueError

    @cached_property
    def _program(self) -> Program:
        return Program(self.regex, self.repeat)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Text [n]."""
        codes, present = self._program.run(len(batch), lambda draw: ctx.uniform(batch.ids, draw))
        lengths = present.sum(axis=1)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        flat = codes[present]
        if self._program.ascii and offsets[-1] < 2**31:
            data = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(flat.astype(np.uint8))]
            return pa.Array.from_buffers(pa.string(), len(batch), data)
        text = flat.astype("<u4").tobytes().decode("utf-32-le")
        return pa.array([text[start:end] for start, end in pairwise(offsets.tolist())], pa.string())
