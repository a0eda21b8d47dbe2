"""`ngram`: texts as hashed character n-grams: an embedder that is always there, without weights and without a network.

It measures how alike texts are spelt, not what they mean: good for near-duplicates, spread and leakage of wording; paraphrases
look far apart. The hashing trick is of Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"; the
n-grams inside words are those of Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information".
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from functools import lru_cache
from itertools import chain
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
    words = _WORD.findall(text.lower())
    counted = Counter(chain.from_iterable((_known if len(word) < 32 else _pieces)(word, shortest, longest) for word in words))
    pieces = np.fromiter(counted, np.uint64, len(counted))
    marks = (pieces >> np.uint64(32)).astype(np.int64)
    # the sign keeps collisions from adding up; log damps repeats, length gives rare long pieces more weight
    weights = np.log1p(np.fromiter(counted.values(), np.float64, len(counted))) * np.sqrt(pieces & np.uint64(0xFFFFFFFF))
    vector = np.bincount(marks % dimensions, np.where(marks >> 31, weights, -weights), dimensions).astype(np.float64)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _pieces(word: str, shortest: int, longest: int) -> tuple[int, ...]:
    """A word and its n-grams, each as its CRC-32 and, in the lower 32 bits, its length."""
    bounded = f"<{word}>"
    grams = [bounded]
    for size in range(shortest, longest + 1):
        grams += [bounded[start : start + size] for start in range(len(bounded) - size + 1)]
    return tuple(zlib.crc32(gram.encode("utf-8", "surrogatepass")) << 32 | len(gram) for gram in grams)


_known = lru_cache(maxsize=65_536)(_pieces)  # words come again and again
