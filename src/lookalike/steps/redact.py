"""Take personal data out of texts."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field, field_validator

from lookalike.generators.text.columns import texts
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.schema.pii import KINDS, scan
from lookalike.steps.base import Kept, Step


class Redact(Step):
    """Replaces emails, phone numbers, cards, IBANs, national ids, addresses on the net and secrets by placeholders.

    What is found has the right form and, where there is one, the right checksum. Names have none: use `stand_in` for them.

    ```yaml
    steps: [{kind: redact, columns: [note], kinds: [email, phone, iban]}]
    ```

    Attributes:
        columns: text columns.
        kinds: what is looked for; all kinds when not given.
        mask: the placeholder; `{kind}` is the kind in capitals.
    """

    kind: ClassVar[str] = "redact"

    columns: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[str, ...] = tuple(KINDS)
    mask: str = "[{kind}]"

    @field_validator("columns", mode="before")
    @classmethod
    def _one(cls, columns: Any) -> Any:
        return (columns,) if isinstance(columns, str) else columns

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"unknown kind {unknown[0]!r}; kinds: {', '.join(KINDS)}")
        return kinds

    def needs(self) -> frozenset[str]:
        """The text columns."""
        return frozenset(self.columns)

    def apply(self, batch: Batch, ctx: Context) -> Kept:  # noqa: ARG002
        """All rows, with what was found replaced."""
        for name in self.columns:
            cells = texts(batch, name)
            found = scan(cells, self.kinds)
            for hit in sorted(found, key=lambda hit: (hit.text, -hit.start)):
                text = cells[hit.text] or ""
                cells[hit.text] = text[: hit.start] + self.mask.format(kind=hit.kind.upper()) + text[hit.stop :]
            if found:
                batch = batch.with_column(name, pa.array(cells, batch[name].type))
        return Kept(batch)
