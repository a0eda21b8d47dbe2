"""Free text without a language model: chains of words that enough rows share.

A word or a pair of words is remembered only when at least `K` rows have it, so no sentence, name or number of a single row
can come back. The texts have the right words, lengths and neighbours; they have no meaning. For prose that reads well,
write the column with `kind: prompt`.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np

K = 5
MOST_WORDS = 2000
MOST_NEXT = 20
MOST_ROWS = 20_000
TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def learn(texts: list[str], k: int = K) -> dict[str, Any]:
    """What may be remembered of texts: common words, common neighbours, lengths in words.

    Args:
        texts: non-null texts.
        k: rows that must share a word or a pair.
    """
    step = max(1, len(texts) // MOST_ROWS)
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    lengths = []
    for text in texts[::step]:
        tokens = TOKEN.findall(text)
        lengths.append(len(tokens))
        words.update(list(dict.fromkeys(tokens)))  # in their order: a set has another in each process
        pairs.update(list(dict.fromkeys(zip(["", *tokens], tokens, strict=False))))
    kept = [word for word, rows in words.most_common(MOST_WORDS) if rows >= k]
    place = {word: i + 1 for i, word in enumerate(kept)}
    place[""] = 0
    following: dict[int, list[tuple[int, int]]] = {}
    for (a, b), rows in pairs.most_common():
        if rows >= k and a in place and b in place:
            after = following.setdefault(place[a], [])
            if len(after) < MOST_NEXT:
                after.append((place[b], rows))
    quantiles = np.quantile(lengths, np.linspace(0.01, 0.99, 33)) if lengths else np.zeros(33)
    return {
        "words": kept,
        "counts": [words[word] for word in kept],
        "following": {str(a): after for a, after in following.items()},
        "lengths": [round(float(q)) for q in quantiles],
    }


def write(state: dict[str, Any], n: int, draws: np.random.Generator) -> list[str]:
    """`n` texts of the learned words; "" throughout when no word is shared by enough rows."""
    words = ["", *state["words"]]
    if len(words) == 1:
        return [""] * n
    lengths = np.maximum(1, np.interp(draws.random(n), np.linspace(0, 1, 33), state["lengths"]).round().astype(np.int64))
    base = np.cumsum(state["counts"]) / sum(state["counts"])
    tokens = np.zeros((n, int(lengths.max()) + 1), np.int64)
    following = {int(a): after for a, after in state["following"].items()}
    for step in range(1, tokens.shape[1]):
        alive = np.flatnonzero(lengths >= step)
        before, coin = tokens[alive, step - 1], draws.random(len(alive))
        chosen = np.searchsorted(base, coin).astype(np.int64) + 1  # where no neighbour is known: any common word
        for word in np.unique(before):
            if after := following.get(int(word)):
                rows = before == word
                cuts = np.cumsum([count for _, count in after]) / sum(count for _, count in after)
                chosen[rows] = np.array([w for w, _ in after])[np.minimum(np.searchsorted(cuts, coin[rows]), len(after) - 1)]
        tokens[alive, step] = np.minimum(chosen, len(words) - 1)
    return [
        _joined([words[t] for t in row[1 : length + 1]]) for row, length in zip(tokens.tolist(), lengths.tolist(), strict=True)
    ]


def _joined(tokens: list[str]) -> str:
    return re.sub(r"\s+([.,;:!?)\]}])", r"\1", " ".join(tokens))
