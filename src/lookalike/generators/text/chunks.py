"""Chunks: pieces of a document, with the span that each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike.generators.base import Generator
from lookalike.generators.text.columns import head, texts
from lookalike.generators.text.edits import cuts
from lookalike.generators.text.words import sentences
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context

CHUNK = pa.struct([("text", pa.string()), ("start", pa.int64()), ("end", pa.int64())])


@dataclass(frozen=True, slots=True)
class Chunk:
    """`document[start:end]`, in code points."""

    start: int
    end: int


def chunked(document: str, *, size: int = 1000, overlap: int = 0) -> list[Chunk]:
    """Chunks of at most `size` characters that end with a sentence where one ends.

    Args:
        document: any length; work grows with it linearly.
        size: most characters; a longer sentence is cut at a space, or where it must be.
        overlap: about so many characters of whole sentences are repeated at a chunk's start.

    Returns:
        Ascending chunks that together hold every character but the space between them.
    """
    pieces = [piece for a, b in sentences(document) for piece in _cut(document, a, b, size)]
    chunks: list[Chunk] = []
    at = 0
    while at < len(pieces):
        last = at
        while last + 1 < len(pieces) and pieces[last + 1][1] - pieces[at][0] <= size:
            last += 1
        chunks.append(Chunk(pieces[at][0], pieces[last][1]))
        if last + 1 == len(pieces):
            break
        following = last + 1
        while following - 1 > at and pieces[last][1] - pieces[following - 1][0] <= overlap:
            following -= 1
        at = following
    return chunks


def _cut(document: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    """A sentence in pieces of at most `size` characters."""
    pieces = []
    while end - start > size:
        space = document.rfind(" ", start + size // 2, start + size + 1)
        border = space if space > start else _before(document, start, start + size)
        pieces.append((start, border))
        start = border + (document[border : border + 1] == " ")
    if end > start:
        pieces.append((start, end))
    return pieces


def _before(document: str, start: int, border: int) -> int:
    """The last border up to this one that cuts no visible character; this one where there is none."""
    at = border
    while at > start + 1 and cuts(document, at):
        at -= 1
    return border if cuts(document, at) else at


class Chunks(Generator):
    """The chunks of a document: a list of `{text, start, end}`, whole sentences wherever possible.

    A child table takes one row a chunk: `rows: {per: documents, count: {kind: expression, sql: "len(chunks)"}}`.

    ```yaml
    chunks: {kind: chunks, text: document, size: 800, overlap: 100}
    ```

    Attributes:
        text: a text column.
        size: most characters.
        overlap: characters of whole sentences repeated.
    """

    kind: ClassVar[str] = "chunks"

    text: str
    size: int = Field(default=1000, ge=20)
    overlap: int = Field(default=0, ge=0)

    def needs(self) -> frozenset[str]:
        """The document."""
        return frozenset({head(self.text)})

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:  # noqa: ARG002  # nothing random
        """Lists of chunks [n]."""
        rows = [
            None if text is None else [
                {"text": text[c.start : c.end], "start": c.start, "end": c.end}
                for c in chunked(text, size=self.size, overlap=min(self.overlap, self.size // 2))
            ]
            for text in texts(batch, self.text)
        ]  # fmt: skip
        return pa.array(rows, pa.list_(CHUNK))
