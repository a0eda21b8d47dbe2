"""Texts as features of a model: the main directions of hashed n-grams, learned from real texts, and how long a text is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.evaluate.text.columns import texts
from lookalike.evaluate.text.embed import HashedNgrams
from lookalike.evaluate.views import Views, Which

DIRECTIONS = 24
_LEARNED = 4_000  # real texts that the directions are learned from
_AT_ONCE = 4_000  # texts embedded at a time: a thousand floats each
Features = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


def wording(views: Views, name: str, which: Which, rows: Rows) -> Features:
    """A column of free text as float32 [rows, 26]: directions, characters and words; NaN where there is no text.

    Source:
        Deerwester et al. 1990, "Indexing by latent semantic analysis".
    """
    project = views.once(("wording", name), lambda: _directions(views, name))
    found = views.table(which)[name].take(pa.array(rows)).cast(pa.large_string()).to_pylist()
    out = np.full((len(found), DIRECTIONS + 2), np.nan, dtype=np.float32)
    known = np.array([bool(text) for text in found], dtype=np.bool_)
    read = [text for text in found if text]
    if read:
        parts = [project(read[i : i + _AT_ONCE]) for i in range(0, len(read), _AT_ONCE)]
        sizes = [[len(text), len(text.split())] for text in read]
        out[known] = np.concatenate([np.concatenate(parts), np.array(sizes, dtype=np.float32)], axis=1)
    return out


def _directions(views: Views, name: str) -> Callable[[list[str]], Features]:
    """What takes texts to the directions in which real texts differ most."""
    learned = texts(views, name, "real")[:_LEARNED]
    embed = HashedNgrams(learned)
    vectors = embed(learned).astype(np.float64)
    middle = vectors.mean(axis=0)
    _, turned = np.linalg.eigh((vectors - middle).T @ (vectors - middle))
    basis = turned[:, ::-1][:, :DIRECTIONS].astype(np.float32)
    return lambda some: np.asarray((embed(some) - middle.astype(np.float32)) @ basis, dtype=np.float32)
