"""Regular expressions turned round: from the stdlib's own parse tree to a program that writes matching texts, vectorised.

Every place where a character can stand has a slot, a column of code points; a mask says in which rows it is there. So a
block of rows costs a few array operations a slot, and each choice is one numbered keyed draw.
"""

# pyright: reportArgumentType=false
# the standard library's own parse tree has no public type

from __future__ import annotations

import re._constants as sre  # type: ignore[import-not-found]  # the stdlib keeps its regex parser here
import re._parser as sre_parser  # type: ignore[import-not-found]  # likewise
import string
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Draws = Callable[[int], npt.NDArray[np.float64]]
Codes = npt.NDArray[np.uint32]  # [n, slots]
Mask = npt.NDArray[np.bool_]  # [n, slots]

_PRINTABLE = frozenset(range(32, 127))
_DIGIT = frozenset(map(ord, string.digits))
_WORD = frozenset(map(ord, string.ascii_letters + string.digits + "_"))
_CLASSES = {
    sre.CATEGORY_DIGIT: _DIGIT, sre.CATEGORY_NOT_DIGIT: _PRINTABLE - _DIGIT,
    sre.CATEGORY_WORD: _WORD, sre.CATEGORY_NOT_WORD: _PRINTABLE - _WORD,
    sre.CATEGORY_SPACE: frozenset({32}), sre.CATEGORY_NOT_SPACE: _PRINTABLE - {32},
}  # fmt: skip
_MOST_SLOTS = 4096


class Program:
    """A writer of texts that match a regex.

    Args:
        regex: Python's syntax.
        repeat: how many more times than its minimum an open repeat goes at most.

    Attributes:
        ascii: whether all texts are ASCII.

    Raises:
        ValueError: look-around, conditionals, an empty class, or a pattern with more than 4096 places for characters.
    """

    def __init__(self, regex: str, repeat: int = 8) -> None:
        self.regex, self.repeat = regex, repeat
        self.ascii = True
        self._tree = sre_parser.parse(regex)
        self._places(self._tree)

    def run(self, count: int, draws: Draws) -> tuple[Codes, Mask]:
        """Texts of `count` rows: code points [count, slots] and which of them are there."""
        return _Run(self, count, draws).sequence(self._tree)

    def most(self, low: int, high: Any) -> int:
        """The most times that a repeat goes."""
        return low + self.repeat if high is sre.MAXREPEAT else int(high)

    def _places(self, tree: Iterable[Any]) -> int:
        """Slots that a tree needs; refuses what cannot be written."""
        total = 0
        for op, arg in tree:
            total += self._places_of(op, arg)
            if total > _MOST_SLOTS:
                raise ValueError(
                    f"regex: {self.regex!r} can write more than {_MOST_SLOTS} characters; make its repeats smaller"
                )
        return total

    def _places_of(self, op: Any, arg: Any) -> int:
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            self.ascii &= max(alphabet(op, arg, self.regex)) < 128
            return 1
        if op is sre.BRANCH:
            return sum(self._places(option) for option in arg[1])
        if op is sre.SUBPATTERN:
            return self._places(arg[3])
        if op is sre.ATOMIC_GROUP:
            return self._places(arg)
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self.most(arg[0], arg[1]) * self._places(arg[2])
        if op is sre.AT:
            if arg in (sre.AT_BOUNDARY, sre.AT_NON_BOUNDARY):
                raise ValueError(f"regex: {self.regex!r} uses \\b or \\B; write the characters themselves")
            return 0
        if op is sre.GROUPREF:
            return 0
        raise ValueError(f"regex: {self.regex!r} uses {str(op).lower()}; look-around and conditionals cannot be written")


def alphabet(op: Any, arg: Any, regex: str) -> tuple[int, ...]:
    """The code points that can stand at one place, sorted.

    Raises:
        ValueError: none can.
    """
    if op is sre.LITERAL:
        return (arg,)
    if op is sre.NOT_LITERAL:
        points = _PRINTABLE - {arg}
    elif op is sre.ANY:
        points = _PRINTABLE
    else:
        chosen: set[int] = set()
        for item, value in arg:
            if item is sre.LITERAL:
                chosen.add(value)
            elif item is sre.RANGE:
                chosen.update(range(value[0], value[1] + 1))
            elif item is sre.CATEGORY:
                chosen |= _CLASSES[value]
        points = _PRINTABLE - chosen if arg and arg[0][0] is sre.NEGATE else frozenset(chosen)
    surrogates = {point for point in points if 0xD800 <= point <= 0xDFFF}
    if not points - surrogates:
        raise ValueError(f"regex: {regex!r} has a class without printable ASCII characters; name the characters")
    return tuple(sorted(points - surrogates))


class _Run:
    """One pass over the tree for one block of rows; draws are numbered in the order of the tree."""

    def __init__(self, program: Program, count: int, draws: Draws) -> None:
        self.program, self.count, self._draws = program, count, draws
        self._next = 0
        self._groups: dict[int, tuple[Codes, Mask]] = {}

    def _uniform(self) -> npt.NDArray[np.float64]:
        self._next += 1
        return self._draws(self._next - 1)

    def sequence(self, tree: Iterable[Any]) -> tuple[Codes, Mask]:
        parts = [self._node(op, arg) for op, arg in tree]
        if not parts:
            return np.zeros((self.count, 0), np.uint32), np.zeros((self.count, 0), bool)
        return np.hstack([codes for codes, _ in parts]), np.hstack([mask for _, mask in parts])

    def _node(self, op: Any, arg: Any) -> tuple[Codes, Mask]:
        if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            points = np.array(alphabet(op, arg, self.program.regex), np.uint32)
            if len(points) == 1:
                codes = np.full((self.count, 1), points[0])
            else:
                codes = points[(self._uniform() * len(points)).astype(np.int64)][:, None]
            return codes, np.ones((self.count, 1), bool)
        if op is sre.BRANCH:
            return self._branch(arg[1])
        if op is sre.SUBPATTERN:
            codes, mask = self.sequence(arg[3])
            if arg[0] is not None:
                self._groups[arg[0]] = codes, mask
            return codes, mask
        if op is sre.ATOMIC_GROUP:
            return self.sequence(arg)
        if op is sre.GROUPREF:
            return self._groups[arg]
        if op is sre.AT:
            return self.sequence(())
        return self._repeat(arg[0], self.program.most(arg[0], arg[1]), arg[2])

    def _branch(self, options: list[Any]) -> tuple[Codes, Mask]:
        chosen = (self._uniform() * len(options)).astype(np.int64)
        parts = [self.sequence(option) for option in options]
        masks = [mask & (chosen == number)[:, None] for number, (_, mask) in enumerate(parts)]
        return np.hstack([codes for codes, _ in parts]), np.hstack(masks)

    def _repeat(self, low: int, high: int, body: Any) -> tuple[Codes, Mask]:
        times = low + (self._uniform() * (high - low + 1)).astype(np.int64) if high > low else np.full(self.count, low)
        before = dict(self._groups)
        parts: list[tuple[Codes, Mask]] = []
        for number in range(high):
            codes, mask = self.sequence(body)
            there = (times > number)[:, None]
            parts.append((codes, mask & there))
            for group, (late, late_mask) in list(self._groups.items()):  # a reference sees the last repeat that is there
                if group in before and before[group][0] is not late and before[group][0].shape == late.shape:
                    old, old_mask = before[group]
                    self._groups[group] = np.where(there, late, old), np.where(there, late_mask, old_mask)
            before = dict(self._groups)
        if not parts:
            return self.sequence(())
        return np.hstack([codes for codes, _ in parts]), np.hstack([mask for _, mask in parts])
