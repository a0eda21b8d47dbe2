"""Children: so many rows for each row of a parent table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from lookalike.errors import UnknownColumn, did_you_mean
from lookalike.generators.base import Generator
from lookalike.origins.base import Brings, IdRange, Known, Origin, Place, Problem, Rows
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.spec import Kind

CHILDREN = 3.0  # assumed children a parent where the generator states no mean, for estimates only


class Per(Origin):
    """Children: so many rows for each row of a parent table.

    Templates and SQL read the parent's row by its table's name. Its key, or else its row id, comes as
    `<parent>_id`.

    Attributes:
        per: the parent table.
        count: rows of each parent: a number, or a generator that may read the parent's columns.

    Example:
        ```yaml
        tables:
          people:
            rows: 10
            columns:
              age: {kind: integer, low: 18, high: 90}
          visits:
            rows: {per: people, count: {kind: poisson, mean: 3}}
            columns:
              note: {kind: template, template: "{{ people.age }} years"}
        ```
    """

    kind: ClassVar[str] = "per"

    per: str
    count: Annotated[int, Field(ge=0)] | Annotated[Generator, Kind("generator")]

    def parents(self) -> tuple[str, ...]:
        """The parent table."""
        return (self.per,)

    def brings(self, known: Known) -> Brings:
        """The parent's row as a struct, which is not written, and its key."""
        each = self.count if isinstance(self.count, int) else getattr(self.count, "mean", CHILDREN)
        columns = (self.per, f"{self.per}_id")
        read = frozenset() if isinstance(self.count, int) else self.count.needs()
        there = known.readable(self.per)
        problems = [
            Problem(
                f"the count reads {name!r}, which {self.per!r} does not have",
                did_you_mean(name, there or (), label="columns"),
                ("count",),
                UnknownColumn,
            )
            for name in sorted(read - set(there or read))
        ]
        return Brings(
            columns,
            hidden=frozenset({self.per}),
            fixed=frozenset(columns),
            problems=tuple(problems),
            expected=round(known.expected(self.per) * float(each)),
        )

    def words(self) -> str:
        """The parent."""
        return f"children of {self.per}"

    def open(self, place: Place) -> Rows:
        """The children."""
        return Families(place, self)


class Families(Rows):
    """A partition holds the children of one partition of the parent; ids are counted through in the order of parents."""

    replaces = "nobody"

    def __init__(self, place: Place, spec: Per) -> None:
        self._place, self._spec = place, spec
        self._counts = [self._count(place.parents.part(spec.per, i)) for i in range(place.parents.parts(spec.per))]
        self._starts = np.cumsum([0, *(int(counts.sum()) for counts in self._counts)])
        self.asked = int(self._starts[-1])

    def _count(self, parents: Batch) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Children of each row; nothing drawn is none."""
        if isinstance(self._spec.count, int):
            return np.full(len(parents), self._spec.count, np.int64)
        place = self._place
        drawn = self._spec.count.generate(parents, Context(place.seed, place.table, "rows", place.tables, place.root))
        return np.maximum(np.nan_to_num(drawn.to_numpy(zero_copy_only=False)), 0).astype(np.int64)

    def ranges(self, size: int) -> Iterator[IdRange]:  # noqa: ARG002
        """One partition for each of the parent's."""
        for start, stop in zip(self._starts.tolist(), self._starts[1:].tolist(), strict=False):
            yield IdRange(start, stop)

    def rows(self, range: IdRange) -> Batch:
        """Children with their parent's row as a struct, and the parent's key as `<parent>_id`."""
        spec, place = self._spec, self._place
        # the last partition that starts there: those before it have no child
        part = int(np.searchsorted(self._starts[:-1], range.start, "right")) - 1 if range.stop > range.start else 0
        parents = place.parents.part(spec.per, part)
        owner = np.repeat(np.arange(len(parents)), self._counts[part])
        index = pa.array(owner[range.start - self._starts[part] : range.stop - self._starts[part]])
        struct = pa.StructArray.from_arrays(list(parents.columns.values()), names=list(parents.columns)).take(index)
        key = place.parents.key(spec.per)
        ids = (parents[key] if key else pa.array(parents.ids)).take(index)
        return Batch(place.table, range.candidates(), {spec.per: struct, f"{spec.per}_id": ids})
