"""keyboard, ocr, spacing, casing: noise of people and machines, at severities 1 to 5.

A whole batch is one array of code points: every character gets its own 64 bits from (row key, place), so a text's noise
never depends on its neighbours in the batch.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from lookalike.generators.text.edits import Edit, Span, joiners
from lookalike.generators.text.operators.base import Keys, Operator

Codes = npt.NDArray[np.uint32]
Bits = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

_KEYS = {
    "q": "wa", "w": "qes", "e": "wrd", "r": "etf", "t": "ryg", "y": "tuh", "u": "yij", "i": "uok", "o": "ipl", "p": "ol",
    "a": "qsz", "s": "awdx", "d": "sefc", "f": "drgv", "g": "fthb", "h": "gyjn", "j": "hukm", "k": "jil", "l": "kop",
    "z": "asx", "x": "zsdc", "c": "xdfv", "v": "cfgb", "b": "vghn", "n": "bhjm", "m": "njk",
}  # fmt: skip
_OCR = {
    "l": "1I", "I": "l1", "1": "lI", "O": "0", "0": "O", "o": "0", "S": "5", "5": "S", "B": "8", "8": "B", "Z": "2", "2": "Z",
    "e": "c", "c": "e", "a": "o", "n": "u", "u": "v", "v": "u", "h": "b", "b": "h", "i": "l", "t": "f", "f": "t", "g": "9", "q": "g",
    ",": ".", ".": ",", ";": ":",
}  # fmt: skip
_OCR_WIDE = {"m": "rn", "w": "vv", "d": "cl", "H": "l-l"}
_OCR_PAIRS = {"rn": "m", "cl": "d", "vv": "w", "li": "h", "nn": "m"}


class Noise(Operator):
    """What noise kinds share: a rate a character by severity, and edits that never touch each other.

    Attributes:
        severity: 1 to 5.
        rate: share of the characters hit; overrides the severity.
    """

    rates: ClassVar[tuple[float, ...]] = (0.01, 0.025, 0.05, 0.1, 0.2)
    block: ClassVar[int] = 1 << 20  # characters worked on at once: some 40 bytes each

    severity: int = Field(default=2, ge=1, le=5)
    rate: float | None = Field(default=None, ge=0, le=1)

    def edits(self, texts: Sequence[str], protected: Sequence[Sequence[Span]], keys: Keys) -> list[list[Edit]]:
        """Draw for every character, change the ones that are hit; a bounded number of characters at a time."""
        out: list[list[Edit]] = [[] for _ in texts]
        for rows, firsts in _blocks([len(text) for text in texts], self.block):
            pieces = [texts[row][first : first + self.block] for row, first in zip(rows, firsts, strict=True)]
            found = self._edits(pieces, [protected[row] for row in rows], keys[rows], firsts)
            for row, edits in zip(rows, found, strict=True):
                out[row].extend(edits)
        return out

    def _edits(
        self, pieces: Sequence[str], protected: Sequence[Sequence[Span]], keys: Keys, firsts: Sequence[int]
    ) -> list[list[Edit]]:
        """The edits of pieces of texts, in the texts' offsets."""
        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        joined = "".join(pieces)
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        starts = np.cumsum(lengths) - lengths
        origins = starts - np.array(firsts, np.int64)  # where each text would begin
        bits = mixed(np.repeat(keys, lengths), np.arange(len(codes)) - np.repeat(origins, lengths))
        rate = self.rates[self.severity - 1] if self.rate is None else self.rate
        able = self.able(codes)
        for row, spans in enumerate(protected):
            low, high = int(starts[row]), int(starts[row] + lengths[row])
            for start, end in spans:
                able[max(low, min(high, origins[row] + start)) : max(low, min(high, origins[row] + end))] = False
        hit = np.flatnonzero(able & ((bits >> np.uint64(40)).astype(np.float64) < rate * 2.0**24))
        if not len(hit):
            return [[] for _ in pieces]
        row_of = np.searchsorted(starts, hit, "right") - 1
        row_of_kept = row_of[kept := _apart(hit + 3 * row_of)]
        hit = hit[kept]
        pair = (hit + 1 < (starts + lengths)[row_of_kept]) & able[np.minimum(hit + 1, len(able) - 1)]
        return _by_row(self.change(joined, hit, bits[hit], pair), starts, lengths, origins)

    @abstractmethod
    def able(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Which characters may be hit, bool [n]."""

    @abstractmethod
    def change(self, text: str, hit: Places, bits: Bits, pair: npt.NDArray[np.bool_]) -> list[Edit]:
        """An edit for each place hit (an empty replacement of nothing where none fits); `pair`: the next character may go too."""


def mixed(keys: Bits, places: Places) -> Bits:
    """64 random bits a character, uint64 [n]: SplitMix64's finaliser over key and place."""
    with np.errstate(over="ignore"):
        z: Bits = keys + (places.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z


def _apart(places: Places) -> npt.NDArray[np.bool_]:
    """Which ascending places to keep so that edits of two characters never touch, bool [n]."""
    keep = np.ones(len(places), dtype=bool)
    last = -9
    for index, place in enumerate(places.tolist()):
        if place - last < 3:
            keep[index] = False
        else:
            last = place
    return keep


def _by_row(found: list[Edit], starts: Places, lengths: Places, origins: Places) -> list[list[Edit]]:
    """Edits on the joined pieces -> edits of each piece's text."""
    at = np.fromiter((edit.start for edit in found), np.int64, len(found))
    borders = np.searchsorted(at, np.append(starts, starts[-1] + lengths[-1])).tolist()
    out: list[list[Edit]] = []
    for row, base in enumerate(origins.tolist()):
        part = found[borders[row] : borders[row + 1]]
        out.append([Edit(e[0] - base, e[1] - base, e[2], e[3]) for e in part if e[1] > e[0] or e[2]])
    return out


def _blocks(lengths: Sequence[int], block: int) -> Iterator[tuple[list[int], list[int]]]:
    """(row, first character) of the pieces that are worked on together: many short texts, or a part of a long one."""
    rows: list[int] = []
    firsts: list[int] = []
    size = 0
    for row, length in enumerate(lengths):
        for first in range(0, length, block):
            if size + min(block, length - first) > block:
                yield rows, firsts
                rows, firsts, size = [], [], 0
            rows.append(row)
            firsts.append(first)
            size += min(block, length - first)
    if rows:
        yield rows, firsts


@cache
def letters() -> npt.NDArray[np.bool_]:
    """For each code point below 0x10000: is it a letter."""
    return np.fromiter((chr(code).isalpha() for code in range(0x10000)), bool, 0x10000)


def _letters(codes: Codes) -> npt.NDArray[np.bool_]:
    able: npt.NDArray[np.bool_] = letters()[np.minimum(codes, 0xFFFF)]
    if len(codes) and codes.max() >= 0x300:
        marked = joiners()[np.minimum(codes, 0x1FFFF)]
        able[:-1] &= ~marked[1:]  # a letter that carries a mark stays with it
    return able


class Keyboard(Noise):
    """Typing errors: a neighbour key (half of the hits), a letter left out, doubled, or swapped with the next.

    Neighbour keys are those of a QWERTY board; letters of other scripts are left out, doubled or swapped only. Severity 1 to 5
    hits 1, 2.5, 5, 10 or 20 % of the letters.
    """

    kind = "keyboard"

    def able(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Letters of any script."""
        return _letters(codes)

    def change(self, text: str, hit: Places, bits: Bits, pair: npt.NDArray[np.bool_]) -> list[Edit]:
        """One of the four errors."""
        action, choice = (bits & np.uint64(0xFF)).tolist(), ((bits >> np.uint64(8)) & np.uint64(0xFF)).tolist()
        found = []
        for at, what, which, two in zip(hit.tolist(), action, choice, pair.tolist(), strict=True):
            letter = text[at]
            near = _KEYS.get(letter.lower())
            if what < 128 and near is not None:
                new = near[which % len(near)]
                found.append(Edit(at, at + 1, new.upper() if letter.isupper() else new, "keyboard"))
            elif what < 176:
                found.append(Edit(at, at + 1, "", "keyboard"))
            elif what < 216 and two:
                found.append(Edit(at, at + 2, text[at + 1] + letter, "keyboard"))
            else:
                found.append(Edit(at, at + 1, letter + letter, "keyboard"))
        return found


class Ocr(Noise):
    """Reading errors of a scanner: characters that look alike, one read as two, two read as one (`rn` as `m`)."""

    kind = "ocr"

    def able(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Characters with a look-alike."""
        return _table("".join({*_OCR, *_OCR_WIDE, *(pair[0] for pair in _OCR_PAIRS)}))[np.minimum(codes, 127)]

    def change(self, text: str, hit: Places, bits: Bits, pair: npt.NDArray[np.bool_]) -> list[Edit]:
        """A look-alike of the pair, of the wide letter, or of the letter."""
        found = []
        for at, which, two in zip(hit.tolist(), (bits & np.uint64(0xFF)).tolist(), pair.tolist(), strict=True):
            letter = text[at]
            merged = _OCR_PAIRS.get(text[at : at + 2]) if two else None
            if merged is not None:
                found.append(Edit(at, at + 2, merged, "ocr"))
            elif letter in _OCR_WIDE:
                found.append(Edit(at, at + 1, _OCR_WIDE[letter], "ocr"))
            elif letter in _OCR:
                found.append(Edit(at, at + 1, _OCR[letter][which % len(_OCR[letter])], "ocr"))
        return found


class Spacing(Noise):
    """Spaces lost, doubled, or put inside a word."""

    kind = "spacing"

    def able(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Spaces and ASCII letters."""
        return _table(" abcdefghijklmnopqrstuvwxyz")[np.minimum(codes, 127)]

    def change(self, text: str, hit: Places, bits: Bits, pair: npt.NDArray[np.bool_]) -> list[Edit]:
        """Lose or double a space; split after one in six of the letters hit."""
        found = []
        for at, which, two in zip(hit.tolist(), (bits & np.uint64(0xFF)).tolist(), pair.tolist(), strict=True):
            if text[at] == " ":
                found.append(Edit(at, at + 1, "" if which < 128 else "  ", "spacing"))
            elif which < 43 and two and text[at + 1].isalpha():
                found.append(Edit(at, at + 1, text[at] + " ", "spacing"))
        return found


class Casing(Noise):
    """Letters in the wrong case."""

    kind = "casing"

    def able(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """ASCII letters: other scripts' case pairs change length (ß, İ)."""
        return _table("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")[np.minimum(codes, 127)]

    def change(self, text: str, hit: Places, bits: Bits, pair: npt.NDArray[np.bool_]) -> list[Edit]:  # noqa: ARG002  # the contract's arguments
        """Swap the case."""
        return [Edit(at, at + 1, text[at].swapcase(), "casing") for at in hit.tolist()]


@cache
def _table(characters: str) -> npt.NDArray[np.bool_]:
    """Membership of the ASCII characters, bool [128]; 127 stands for everything else."""
    table = np.zeros(128, dtype=bool)
    table[[ord(character) for character in characters]] = True
    return table
