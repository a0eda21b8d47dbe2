"""When each column of a table is made: before, between or after model calls.

early   block columns that need no model's answer: made for a whole partition at once
levels  model columns, and the block columns that a later model column needs: made row by row; columns of one level do not
        need each other
late    block columns that need answers and that no model column needs: made in blocks when rows are finished
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lookalike.generators.base import Generator, ModelColumn


@dataclass(frozen=True, slots=True)
class Stages:
    """The columns of a table by the time they are made."""

    early: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    late: tuple[str, ...]


def stages(order: Sequence[str], columns: Mapping[str, Generator], needs: Mapping[str, frozenset[str]]) -> Stages:
    """Cut a topological order into stages.

    Args:
        order: the made columns, each after what it needs.
        columns: the generators by name.
        needs: what each column needs, `when` included; names that are not made (learned, parents) are ready from the start.
    """
    model = [name for name in order if isinstance(columns[name], ModelColumn)]
    answered: set[str] = set()  # columns that hang on a model's answer
    for name in order:
        if name in model or needs[name] & answered:
            answered.add(name)
    asked: set[str] = set(model)  # columns that a model column hangs on
    for name in reversed(order):
        if name in asked:
            asked |= needs[name] & set(columns)
    level: dict[str, int] = {}
    for name in order:
        if name in answered and name in asked:
            level[name] = 1 + max((level[other] for other in needs[name] if other in level), default=-1)
    depth = max(level.values(), default=-1) + 1
    return Stages(
        early=tuple(name for name in order if name not in answered),
        levels=tuple(tuple(name for name in order if level.get(name) == number) for number in range(depth)),
        late=tuple(name for name in order if name in answered and name not in asked),
    )
