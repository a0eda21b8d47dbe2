"""A word model of a corpus that reads in both directions, and fills what is missing between them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lookalike.errors import SourceError
from lookalike.generators.text.words import TOKEN

START, END = "\x02", "\x03"
_DISCOUNT = 0.75
_CLOSING = frozenset(".,!?;:)]}%…»”’")
_OPENING = frozenset("([{«“$€£#@")


def tokens(text: str) -> list[str]:
    """Words, numbers and punctuation marks."""
    return TOKEN.findall(text)


def joined(parts: Sequence[str]) -> str:
    """Tokens as a text, with English spacing round punctuation."""
    out: list[str] = []
    for part in parts:
        glued = not out or part in _CLOSING or out[-1][-1:] in _OPENING
        out.append(part if glued else " " + part)
    return "".join(out)


@dataclass
class Direction:
    """Interpolated trigrams with absolute discounting, down to continuation counts of single words.

    Source:
        Kneser and Ney 1995, "Improved backing-off for m-gram language modeling".
    """

    three: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    two: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    one: Counter[str] = field(default_factory=Counter)
    totals: dict[object, int] = field(default_factory=dict)

    def add(self, parts: Sequence[str]) -> None:
        """Count a token sequence."""
        for a, b, c in zip(parts, parts[1:], parts[2:], strict=False):
            self.three[a, b][c] += 1
            self.two[b][c] += 1

    def close(self) -> None:
        """Work out the totals when everything is counted."""
        for follows in self.two.values():
            self.one.update(dict.fromkeys(follows, 1))  # in how many contexts a word occurs
        self.totals = {pair: sum(follows.values()) for pair, follows in self.three.items()}
        self.totals |= {word: sum(follows.values()) for word, follows in self.two.items()}
        self.totals[None] = sum(self.one.values())

    def log_p(self, word: str, a: str, b: str) -> float:
        """Log probability of a word after a, b."""
        floor = 1.0 / (self.totals[None] + 1)
        p = self.one[word] / (self.totals[None] + 1) + floor * 1e-3
        for key, follows in ((b, self.two.get(b)), ((a, b), self.three.get((a, b)))):
            if follows:
                total = self.totals[key]
                p = max(follows[word] - _DISCOUNT, 0) / total + _DISCOUNT * len(follows) / total * p
        return math.log(p)

    def follows(self, a: str, b: str, most: int) -> list[str]:
        """The likeliest words after a, b; from shorter contexts when the pair is rare."""
        found = dict.fromkeys(word for word, _ in self.three[a, b].most_common(most)) if (a, b) in self.three else {}
        if len(found) < most and b in self.two:
            found |= dict.fromkeys(word for word, _ in self.two[b].most_common(most))
        return list(found)[:most]


@dataclass
class WordModel:
    """The model: the corpus read forwards and backwards."""

    forward: Direction
    backward: Direction
    lengths: list[int]

    @classmethod
    def fit(cls, texts: Iterable[str | None]) -> WordModel:
        """Count a corpus.

        Raises:
            SourceError: no text has a word in it.
        """
        forward, backward, lengths = Direction(), Direction(), []
        for text in texts:
            parts = tokens(text or "")
            if parts:
                lengths.append(len(parts))
                padded = [START, START, *parts, END, END]
                forward.add(padded)
                backward.add(padded[::-1])
        if not lengths:
            raise SourceError(what="the corpus has no words to learn from", fix="name a column with texts")
        forward.close()
        backward.close()
        return cls(forward, backward, lengths)

    def fill(self, left: Sequence[str], right: Sequence[str], draws: np.random.Generator, *, longest: int = 6) -> list[str]:
        """Words that join left and right: a beam forwards, scored in both directions.

        Args:
            left: tokens before the gap, `START` padded when it opens the text.
            right: tokens after the gap, `END` padded when it closes the text.
            draws: chooses among the best fillings.
            longest: most words.
        """
        l2, l1 = [START, START, *left][-2:]
        r1, r2 = [*right, END, END][:2]
        beam: list[tuple[float, tuple[str, ...]]] = [(0.0, ())]
        done: list[tuple[float, tuple[str, ...]]] = []
        near = [word for word in self.backward.follows(r2, r1, 12) if word != START]
        for _ in range(longest):
            grown: dict[tuple[str, ...], float] = {}
            for score, words in beam:
                a, b = (l2, l1, *words)[-2:]
                for word in dict.fromkeys([*self.forward.follows(a, b, 12), *near]):
                    if word not in (END, START) and not (words and word == words[-1]):
                        grown[*words, word] = score + self.forward.log_p(word, a, b)
            beam = sorted(((s, w) for w, s in grown.items()), reverse=True)[:16]
            done.extend((self._both(words, (l2, l1), (r1, r2)), words) for _, words in beam)
        if not done:
            return []
        best = sorted(done, reverse=True)[:5]
        weights = np.exp(np.array([score - best[0][0] for score, _ in best]))
        return list(best[int(np.searchsorted(np.cumsum(weights / weights.sum()), draws.random()))][1])

    def _both(self, words: tuple[str, ...], left: tuple[str, str], right: tuple[str, str]) -> float:
        """Mean log probability a token, in both directions, the two words after the gap included."""
        line = (*left, *words, *right)
        ahead = sum(self.forward.log_p(line[i], line[i - 2], line[i - 1]) for i in range(2, len(line)))
        back = sum(self.backward.log_p(line[i], line[i + 2], line[i + 1]) for i in range(len(line) - 2))
        return (ahead + back) / (2 * (len(words) + 2)) - 0.02 * len(words)

    def write(self, draws: np.random.Generator, *, after: Sequence[str] = (), most: int = 60, to_end: bool = True) -> list[str]:
        """Words drawn one by one: a whole text, or the rest of one.

        Args:
            draws: the randomness.
            after: tokens that are there already.
            most: most words.
            to_end: go on to the end of a text; otherwise to the end of a sentence.
        """
        out: list[str] = []
        context = [START, START, *after]
        for _ in range(most):
            a, b = context[-2:]
            options = [w for w in self.forward.follows(a, b, 40) if w != START] or [END]
            weights = np.exp([self.forward.log_p(word, a, b) for word in options])
            word = options[min(len(options) - 1, int(np.searchsorted(np.cumsum(weights / weights.sum()), draws.random())))]
            if word == END:
                break
            out.append(word)
            context.append(word)
            if not to_end and word in ".!?":
                break
        return out
