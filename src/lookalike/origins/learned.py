"""Rows like those of a source: learned, then sampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from lookalike.errors import UnknownColumn, did_you_mean
from lookalike.origins.base import Brings, IdRange, Known, Learning, Origin, Place, Problem, Rows
from lookalike.rows.batch import Batch, columns_of
from lookalike.spec import Kind
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.constraints.constrained import constrained
from lookalike.synthesizers.constraints.constraint import AnyConstraint


class Like(Origin):
    """Rows sampled from a synthesizer that learned a source; they bring the source's columns along.

    Without rows that were kept aside nothing can be said about privacy: hence `holdout`.

    Attributes:
        like: the source.
        n: rows.
        synthesizer: what learns: a kind's name, or a mapping with its fields.
        given: conditions that every row holds: column -> value, list, min and max, or shares.
        constraints: what every row keeps, whatever the method: `net <= gross`, an SQL condition, or a mapping with its kind; see
            `constrained`.
        schema: what corrects the types that columns are taken for, as `lookalike look -o` writes it.
        holdout: share of the source that is not learned, to measure with.
        target: the column that models will predict: it measures usefulness.

    Example:
        ```yaml
        sources:
          people: {kind: package, name: adult}
        tables:
          t:
            rows: {like: people, n: 500, given: {sex: Female}}
        ```
    """

    kind: ClassVar[str] = "like"
    loose: ClassVar[frozenset[str]] = frozenset({"n", "target"})

    like: str
    n: int = Field(ge=0)
    synthesizer: Annotated[Synthesizer, Kind("synthesizer", by_name=True)] = Field(default="forest", validate_default=True)
    given: Mapping[str, Any] = Field(default_factory=dict)
    constraints: tuple[AnyConstraint, ...] = ()
    schema_: Mapping[str, Any] = Field(default_factory=dict, alias="schema")
    holdout: float = Field(default=0.2, ge=0, lt=1)
    target: str | None = None

    def sources(self) -> frozenset[str]:
        """What it learns."""
        return frozenset({self.like})

    def identity(self) -> dict[str, Any]:
        """With shares, which hold in all rows together, also how many there are."""
        shared = any(isinstance(wanted, Mapping) and "shares" in wanted for wanted in self.given.values())
        return {**super().identity(), **({"n": self.n} if shared else {})}

    def learns(self) -> Learning:
        """The source, but for the rows held out."""
        method = constrained(self.synthesizer, self.constraints)
        return Learning(self.like, method, self.holdout, self.given, self.target, self.schema_)

    def brings(self, known: Known) -> Brings:
        """The source's columns."""
        outline = known.outline(self.like)
        if outline is None:
            return Brings(rows=self.n, open=True)
        asked: list[tuple[tuple[str, ...], str, str]] = [
            (("given", name), "the condition", name) for name in self.given if name != "where"
        ]
        asked += [(("constraints",), "a constraint", name) for rule in self.constraints for name in rule.columns()]
        if self.target is not None:
            asked.append((("target",), "the target", self.target))
        problems = [
            Problem(
                f"{who} uses {name!r}, which {self.like!r} does not have",
                did_you_mean(name, outline.columns, label="columns"),
                field,
                UnknownColumn,
            )
            for field, who, name in asked
            if name not in outline.columns
        ]
        return Brings(outline.columns, rows=self.n, problems=tuple(problems))

    def words(self) -> str:
        """The source and the method."""
        return f"learned from {self.like} by {self.synthesizer.kind}"

    def open(self, place: Place) -> Rows:
        """Sampled rows."""
        return Sampled(place, self.given)


class Sampled(Rows):
    """Rows of a fitted synthesizer; the table may leave columns to its own generators."""

    def __init__(self, place: Place, given: Mapping[str, Any]) -> None:
        self.asked = place.asked
        self._place = place
        self._series = place.model().series(given=given, seed=place.draws, of=place.asked)

    def rows(self, range: IdRange) -> Batch:
        """Sampled rows."""
        place = self._place
        table = self._series.rows(range.start, range.stop)
        return Batch(place.table, range.candidates(), columns_of(table.drop_columns([*place.own & set(table.column_names)])))
