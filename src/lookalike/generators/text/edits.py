"""Edits on a text, and where every span of the old text lies in the new one.

    text --operator--> [Edit, ...] --intact(protected)--> [Edit, ...] --apply--> new text
                                                             `--OffsetMap--> new spans

An `Edit` replaces `text[start:end]`. When it only moves pieces (a clause to the front, sentences in another order) it says
which pieces it carries, so labels inside them follow. Offsets count code points, as Python's `str` does.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]


class Carry(NamedTuple):
    """A piece of the old text inside a replacement: `edit.text[at:at + length] == old[start:start + length]`."""

    at: int
    start: int
    length: int


class Edit(NamedTuple):
    """Replace `text[start:end]` by `text`; `operator` says who did it."""

    start: int
    end: int
    text: str
    operator: str = ""
    carries: tuple[Carry, ...] = ()


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after ascending, non-overlapping edits.

    Raises:
        ValueError: edits overlap, run backwards or leave the text.
    """
    if not edits:
        return text
    pieces, at = [], 0
    for start, end, new, _, _ in edits:
        if start < at or end < start:
            raise ValueError(f"edits overlap or run backwards at {start}..{end}; sort them and drop overlapping ones")
        pieces.append(text[at:start])
        pieces.append(new)
        at = end
    if at > len(text):
        raise ValueError(f"an edit ends at {at}, but the text has {len(text)} characters")
    pieces.append(text[at:])
    return "".join(pieces)


class OffsetMap:
    """Old offsets -> new offsets under some edits."""

    __slots__ = ("_ends", "_shifts", "edits")

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = edits
        self._ends = [edit.end for edit in edits]
        self._shifts = [0, *accumulate(len(edit.text) - edit.end + edit.start for edit in edits)]

    def span(self, start: int, end: int) -> Span | None:
        """Where the characters of an old span are now; None when an edit changed them.

        An insertion at the span's border stays outside of it.
        """
        before = bisect_right(self._ends, start)  # edits that end at or before the span
        shift = self._shifts[before]
        if before == len(self.edits):
            return start + shift, end + shift
        touching = self.edits[before]
        if touching.start >= end:
            return start + shift, end + shift
        if touching.start <= start and end <= touching.end:
            for at, origin, length in touching.carries:
                if origin <= start and end <= origin + length:
                    new = touching.start + shift + at + start - origin
                    return new, new + end - start
        return None

    def offset(self, offset: int) -> int:
        """The new place of an old offset; inside a replaced piece, the nearest place in its replacement."""
        before = bisect_right(self._ends, offset)
        shift = self._shifts[before]
        if before < len(self.edits) and self.edits[before].start < offset:
            edit = self.edits[before]
            return edit.start + shift + min(offset - edit.start, len(edit.text))
        return offset + shift


class Guard:
    """Protected spans, found by place: a long document with many of them is not searched from end to end for every edit."""

    __slots__ = ("_reach", "_spans", "_starts")

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = sorted(spans)
        self._starts = [start for start, _ in self._spans]
        self._reach = list(accumulate((end for _, end in self._spans), max))  # the furthest end of this span and those before

    def near(self, start: int, end: int) -> Iterator[Span]:
        """The spans that share a character or a border with [start, end)."""
        at = bisect_right(self._starts, end) - 1
        while at >= 0 and self._reach[at] >= start:
            if self._spans[at][1] >= start:
                yield self._spans[at]
            at -= 1

    def touches(self, start: int, end: int) -> bool:
        """Whether a span shares a character with [start, end), or holds it inside when it is empty."""
        return bool(self._spans) and any(start < b and a < end for a, b in self.near(start, end))


def intact(edits: Sequence[Edit], protected: Sequence[Span]) -> list[Edit]:
    """The edits that leave every protected span as it is: untouched, or carried whole."""
    if not protected or not edits:
        return list(edits)
    near = Guard(protected).near
    return [e for e in edits if all(OffsetMap((e,)).span(*span) is not None for span in near(e.start, e.end))]


def disjoint(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order, without those that overlap an earlier one or insert at the same place."""
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        last = kept[-1] if kept else None
        if (
            last is None
            or edit.start > last.end
            or (edit.start == last.end and edit.end > edit.start and last.end > last.start)
        ):
            kept.append(edit)
    return kept


@cache
def joiners() -> npt.NDArray[np.bool_]:
    """For each code point below 0x20000: does it join the character before it (mark, joiner, variation selector)?"""
    table = np.zeros(0x20000, dtype=bool)
    for code in range(0x300, 0x20000):
        table[code] = unicodedata.category(chr(code)).startswith("M")
    table[[0x200C, 0x200D]] = True
    table[0x1F3FB:0x1F400] = True  # skin tones
    table[0x1160:0x1200] = True  # Hangul vowels and finals
    return table


def cuts(text: str, offset: int) -> bool:
    """Whether a border at this offset would cut what a reader sees as one character."""
    if offset <= 0 or offset >= len(text):
        return False
    here, before = ord(text[offset]), ord(text[offset - 1])
    if here < 0x300 and before < 0x300:
        return here == 10 and before == 13
    flags = 0x1F1E6 <= here < 0x1F200 and 0x1F1E6 <= before < 0x1F200
    tags = 0xE0000 <= here < 0xE01F0
    return bool(before == 0x200D or flags or tags or (here < 0x20000 and joiners()[here]))


def whole(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """The edits whose borders cut no visible character (combining marks, emoji sequences, flags, line ends)."""
    if text.isascii() and "\r" not in text:
        return list(edits)
    return [edit for edit in edits if not (cuts(text, edit.start) or cuts(text, edit.end))]


def rearranged(text: str, start: int, end: int, pieces: Sequence[Span | str], operator: str) -> Edit:
    """One edit of `text[start:end]` made of pieces of the old text (spans) and new text (strings)."""
    out: list[str] = []
    carries: list[Carry] = []
    at = 0
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
            at += len(piece)
        else:
            out.append(text[piece[0] : piece[1]])
            carries.append(Carry(at, piece[0], piece[1] - piece[0]))
            at += piece[1] - piece[0]
    return Edit(start, end, "".join(out), operator, tuple(carries))
