"""The contract of origins.

An origin says before a run what it brings (`brings`), what it stands on (`sources`, `parents`, `learns`) and, in the run, gives
candidate rows by their ids (`open`). It knows no plan and no run folder: what it may use is handed in as a `Place`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from lookalike.errors import RecipeError
from lookalike.registry import kinds, resolve
from lookalike.rng import Ids
from lookalike.rows.batch import Batch
from lookalike.rows.context import SourceTables
from lookalike.sources.base import Outline
from lookalike.spec import KIND_MARK, Spec, nested
from lookalike.synthesizers.base import Synthesizer


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with an origin's fields.

    Attributes:
        field: where in `rows:` it stands.
    """

    what: str
    fix: str = ""
    field: tuple[str | int, ...] = ()
    kind: type[RecipeError] = RecipeError


class Known(Protocol):
    """What is known of the other parts of a recipe before anything is made."""

    def outline(self, name: str) -> Outline | None:
        """A source's columns and size by its name; None when it cannot be read, which is reported already."""
        ...

    def expected(self, table: str) -> int:
        """Rows expected of a parent table."""
        ...

    def readable(self, table: str) -> tuple[str, ...] | None:
        """The columns of a parent table, as its children read them, hidden ones included; None when these are not all known."""
        ...


@dataclass(frozen=True, slots=True)
class Brings:
    """What an origin gives, as far as it is known before a run.

    Attributes:
        columns: in order, those that only other columns read (`hidden`) included.
        hidden: of them, those that are not written.
        fixed: of them, those that no column of the table may replace.
        rows: how many; None: known when its parents are made.
        expected: rows expected, for estimates; `rows` where these are known.
        open: there are more columns, which are not known since a source cannot be read.
        problems: what is wrong.
    """

    columns: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    rows: int | None = None
    expected: int = 0
    open: bool = False
    problems: tuple[Problem, ...] = ()

    def first(self, n: int) -> Brings:
        """The same, but no more than the first `n` rows; where parents decide, as many as they bring."""
        return self if self.rows is None else replace(self, rows=min(self.rows, n))


@dataclass(frozen=True, slots=True)
class Learning:
    """What must be learned before the first row: a task of its own, done once for all that sample it.

    Attributes:
        source: the name of what is learned.
        synthesizer: what learns it.
        holdout: share of the source that is kept aside, to measure privacy with.
        given: the condition that all rows hold: what is measured is measured against real rows that hold it.
        target: the column that models will predict: it measures usefulness.
        schema: what corrects the types that are inferred.
    """

    source: str
    synthesizer: Synthesizer
    holdout: float = 0.0
    given: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IdRange:
    """Candidate rows from `start` up to `stop`; `ids` where they are not all of these."""

    start: int
    stop: int
    ids: tuple[int, ...] | None = None

    def candidates(self) -> Ids:
        """Their ids, int64, ascending."""
        return np.arange(self.start, self.stop) if self.ids is None else np.array(self.ids, np.int64)


Replaces = Literal["nobody", "count", "kind"]


class Rows(ABC):
    """Candidate rows by their ids: the same row for the same id, whatever else is asked.

    Attributes:
        asked: rows wanted.
        replaces: who takes the place of a row that is rejected. `nobody`: it stays empty; `count`: the next candidate;
            `kind`: one of `more`, of the row's own kind.
        end: candidates that there are; None: without end.
    """

    asked: int
    replaces: Replaces = "count"
    end: int | None = None

    @abstractmethod
    def rows(self, range: IdRange) -> Batch:
        """The candidates with the columns that they bring along."""

    def ranges(self, size: int) -> Iterator[IdRange]:
        """The rows that are asked for, cut into partitions of so many."""
        for start in range(0, self.asked, size):
            yield IdRange(start, min(start + size, self.asked))

    def more(self, tried: Ids, settled: Ids, size: int) -> list[IdRange]:  # noqa: ARG002
        """Candidates for the places that are still empty, where each is replaced by its kind.

        Args:
            tried: ids of all candidates so far.
            settled: ids of those that hold their places.
            size: of a partition.
        """
        return []

    def short(self, settled: Ids) -> list[str]:  # noqa: ARG002
        """What has fewer rows than wanted, in words."""
        return []


class Parents(Protocol):
    """Finished tables, as their children read them."""

    def parts(self, table: str) -> int:
        """How many partitions a table has."""
        ...

    def part(self, table: str, index: int) -> Batch:
        """The rows of a partition with their ids, hidden columns included."""
        ...

    def key(self, table: str) -> str | None:
        """The column that identifies a row."""
        ...


@dataclass(frozen=True)
class Place:
    """What an origin may use in a run.

    Attributes:
        table: the name of the table.
        seed: the recipe's.
        draws: seed of the rows that are drawn from a model: the recipe's for the first table that is like a source, so that it
            holds the rows that `mimic` gives; of its own for each further one, which else would repeat them.
        asked: rows that the plan asks for; 0 where parents decide.
        own: columns that the table makes itself: rows leave them out.
        cap: candidates tried at most for each row asked for.
        tables: sources by name.
        root: the recipe's folder.
        model: what was learned, where the origin `learns`.
        parents: finished tables.
    """

    table: str
    seed: int
    draws: int
    asked: int
    own: frozenset[str]
    cap: float
    tables: SourceTables
    root: Path
    model: Callable[[], Synthesizer]
    parents: Parents


class Origin(Spec):
    """Where a table's rows come from. Subclasses define `brings`, `words` and `open`; the kind is the key that names it."""

    group: ClassVar[str] = "origin"
    loose: ClassVar[frozenset[str]] = frozenset()
    """Fields that change no row of a given id, such as the number of rows."""

    @classmethod
    def read(cls, written: Any) -> Origin:
        """The origin that a recipe's `rows:` writes: a number, or a mapping that is told by one of its keys.

        Raises:
            ValueError: it is neither, or no key of it names an origin.
        """
        if isinstance(written, Origin):
            return written
        *others, last = (kind for kind in kinds(cls.group) if kind != "n")
        known = f"{', '.join(others)} or {last}"
        if isinstance(written, int) and not isinstance(written, bool):
            written = {"n": written}
        if not isinstance(written, Mapping):
            raise ValueError(f"rows is a number, or a mapping with {known}")  # noqa: TRY004  # validators tell values, not types
        forms = [resolve(cls.group, key) for key in written if key in kinds(cls.group)]
        if not forms:
            raise ValueError(f"rows needs one of the keys {known}")
        # a key of one may be a field of another (`n`): the form that knows most of the keys is meant
        return nested(max(forms, key=lambda form: len(_names(form) & set(written))), written)

    def written(self) -> Any:
        """As a recipe writes it; `read` gives an equal value."""
        return self.dump()

    def dump(self) -> dict[str, Any]:
        """Plain data; its own key tells the kind."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def identity(self) -> dict[str, Any]:
        """What a row of a given id hangs on, as plain data."""
        return {name: value for name, value in self.model_dump(mode="json", by_alias=True).items() if name not in self.loose}

    def counted(self, n: int) -> Origin:
        """The same rows, so many of them; itself where no field says how many."""
        return self.model_copy(update={"n": n}) if "n" in type(self).model_fields else self

    def sources(self) -> frozenset[str]:
        """Sources that it reads, what it learns included."""
        return frozenset()

    def parents(self) -> tuple[str, ...]:
        """Tables that must be made before."""
        return ()

    def learns(self) -> Learning | None:
        """What must be learned before the first row."""
        return None

    @abstractmethod
    def brings(self, known: Known) -> Brings:
        """Columns and number of rows, and what is wrong; asked only when all its sources and parents exist."""

    @abstractmethod
    def words(self) -> str:
        """What a plan says of it."""

    @abstractmethod
    def open(self, place: Place) -> Rows:
        """Candidate rows.

        Raises:
            SourceError: a source has nothing to give.
        """


AnyOrigin = Annotated[
    Origin,
    BeforeValidator(Origin.read),
    PlainSerializer(lambda origin: origin.written()),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {KIND_MARK: Origin.group}]}),
]
"""A field that holds any origin."""


def _names(form: Any) -> set[str]:
    return {info.alias or name for name, info in form.model_fields.items()}
