"""`embed`: a text as a vector."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from lookalike.generators.base import Conversation, ModelColumn
from lookalike.generators.templates import TemplateText, compiled
from lookalike.models.base import CallFailed, Request
from lookalike.rows.batch import Row
from lookalike.rows.context import Context


class Embed(ModelColumn):
    """A text's embedding: a list of float32 numbers from an embedding model.

    ```yaml
    vector: {kind: embed, text: "{{ note }}", model: embedder}
    ```

    Attributes:
        text: a template; what is embedded.
        model: a name under `models:` of a model that embeds.
    """

    kind: ClassVar[str] = "embed"

    text: TemplateText
    model: str = "default"

    def needs(self) -> frozenset[str]:
        """The columns of the text."""
        return compiled(self.text).needs

    def models(self) -> frozenset[str]:
        """The embedder."""
        return frozenset({self.model})

    def arrow_type(self) -> pa.DataType:
        """list<float32>; the model decides how long."""
        return pa.list_(pa.float32())

    def converse(self, row: Row, ctx: Context) -> Conversation:
        """One call; an empty text has no embedding and fails."""
        text = compiled(self.text).render(row)
        where = f"table {ctx.table!r}, column {ctx.column!r}"
        if not text.strip():
            raise CallFailed(what="the text to embed is empty", where=where, fix="use `when` to skip such rows")
        reply = yield Request(self.model, operation="embed", text=text)
        if not reply.vector:
            raise CallFailed(what=f"{self.model} gave no vector", where=where, fix="name a model that embeds")
        return list(reply.vector)

    def expected_tokens(self) -> tuple[int, int]:
        """About 4 characters a token, no completion."""
        return 20 + len(self.text) // 4, 0
