"""`ngram`: texts as hashed character n-grams: an embedder that is always there, without weights and without a network.

It measures how alike texts are spelt, not what they mean: good for near-duplicates, spread and leakage of wording; paraphrases
look far apart. The hashing trick is of Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"; the
n-grams inside words are those of Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information".
"""

from __future__ import annotations

import re
import zlib
from typing import ClassVar

import numpy as np
from pydantic import Field

from lookalike.models.base import Backend, Model, Refused, Reply, Request, Usage

_WORD = re.compile(r"\w+|[^\w\s]")


class Ngram(Model):
    """Embeds texts by the character n-grams of their words; no weights, no network, the same on every machine.

    ```yaml
    spelling: {kind: ngram}
    ```

    Attributes:
        dimensions: length of the vectors.
        shortest: characters of the shortest n-gram, and `longest` of the longest; whole words count too.
    """

    kind: ClassVar[str] = "ngram"

    dimensions: int = Field(default=512, ge=16, le=65_536)
    shortest: int = Field(default=3, ge=1, le=8)
    longest: int = Field(default=5, ge=1, le=8)

    def open(self) -> Backend:
        """The embedder."""
        return NgramBackend(self)

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Nothing, unless a price is given."""
        return super().usd(prompt_tokens, completion_tokens) if self.price is not None else 0.0


class NgramBackend:
    """Counts n-grams."""

    def __init__(self, model: Ngram) -> None:
        self.model = model

    async def ask(self, request: Request) -> Reply:
        """The vector of a text; nothing else is answered."""
        if request.operation != "embed":
            raise Refused("kind `ngram` only embeds; name another model for texts")
        vector = vector_of(request.text, self.model.dimensions, self.model.shortest, self.model.longest)
        return Reply("", usage=Usage(0, 0, self.model.usd(0, 0)), served_by="ngram", vector=tuple(vector.tolist()))

    async def close(self) -> None:
        """Nothing is held."""


def vector_of(text: str, dimensions: int, shortest: int, longest: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """float64 [dimensions], of length 1; zero for a text without words."""
    counts: dict[str, int] = {}
    for word in _WORD.findall(text.lower()):
        bounded = f"<{word}>"
        counts[bounded] = counts.get(bounded, 0) + 1
        for size in range(shortest, longest + 1):
            for start in range(len(bounded) - size + 1):
                gram = bounded[start : start + size]
                counts[gram] = counts.get(gram, 0) + 1
    vector = np.zeros(dimensions)
    for gram, count in counts.items():
        mark = zlib.crc32(gram.encode())
        # the sign keeps collisions from adding up; log damps repeats, length gives rare long pieces more weight
        vector[mark % dimensions] += (1.0 if mark >> 31 else -1.0) * np.log1p(count) * len(gram) ** 0.5
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
