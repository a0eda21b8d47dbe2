"""Texts of a recipe that read columns, and what they read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

Place = tuple[str | int, ...]
Paths = frozenset[tuple[str, ...]]


class Reads(str):
    """A text that was checked as a template or an SQL expression.

    Attributes:
        paths: what it reads: a column alone, or a column and the names of fields inside its cells.
    """

    __slots__ = ("paths",)

    paths: Paths

    @classmethod
    def of(cls, text: str, paths: Paths) -> Reads:
        """The text with what it reads."""
        found = cls(text)
        found.paths = paths
        return found

    def __reduce__(self) -> tuple[object, ...]:
        """Cross process borders whole."""
        return Reads.of, (str(self), self.paths)


def readers(value: object, place: Place = ()) -> Iterator[tuple[Place, Reads]]:
    """Every such text in a value of a recipe, with its place inside it."""
    if isinstance(value, Reads):
        yield place, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from readers(getattr(value, name), (*place, info.alias or name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from readers(item, (*place, name))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from readers(item, (*place, number))
