"""Rows like those of a source: learned, then sampled."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from lookalike import rng
from lookalike.errors import UnknownColumn, did_you_mean
from lookalike.origins.base import Brings, Known, Learning, Origin, Place, Problem, Range, Rows
from lookalike.rows.batch import Batch, columns_of
from lookalike.spec import Kind
from lookalike.synthesizers.base import Synthesizer


class Like(Origin):
    """Rows sampled from a synthesizer that learned a source; they bring the source's columns along.

    Without rows that were kept aside nothing can be said about privacy: hence `holdout`.

    Attributes:
        like: the source.
        n: rows.
        synthesizer: what learns: a kind's name, or a mapping with its fields.
        given: conditions that every row holds: column -> value, list, min and max, or shares.
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
    holdout: float = Field(default=0.2, ge=0, lt=1)
    target: str | None = None

    def sources(self) -> frozenset[str]:
        """What it learns."""
        return frozenset({self.like})

    def learns(self) -> Learning:
        """The source, but for the rows held out."""
        return Learning(self.like, self.synthesizer, self.holdout, self.given, self.target)

    def brings(self, known: Known) -> Brings:
        """The source's columns."""
        outline = known.outline(self.like)
        if outline is None:
            return Brings(rows=self.n, open=True)
        asked: list[tuple[tuple[str, ...], str, str]] = [
            (("given", name), "the condition", name) for name in self.given if name != "where"
        ]
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
        self._learned = LearnedRows(place.model(), dict(given), place.seed, place.table, place.asked)

    def rows(self, range: Range) -> Batch:
        """Sampled rows."""
        place = self._place
        table = self._learned.rows(range.start, range.stop)
        return Batch(place.table, range.candidates(), columns_of(table.drop_columns([*place.own & set(table.column_names)])))


BLOCK = 8192  # rows sampled with one seed


@dataclass
class LearnedRows:
    """Rows of a fitted synthesizer by row id."""

    model: Synthesizer
    given: dict[str, Any]
    seed: int
    table: str
    asked: int = 0
    blocks: dict[int, pa.Table] = field(default_factory=dict)
    ids: dict[str, pa.Array] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(self, start: int, stop: int) -> pa.Table:
        """Rows `start` to `stop`."""
        pieces = []
        for block in range(start // BLOCK, (stop - 1) // BLOCK + 1):
            low, high = max(start - block * BLOCK, 0), min(stop - block * BLOCK, BLOCK)
            pieces.append(self._block(block).slice(low, high - low))
        return pa.concat_tables(pieces).combine_chunks()

    def _block(self, number: int) -> pa.Table:
        if number not in self.blocks:
            while len(self.blocks) >= 4:  # threads make neighbouring blocks; older ones are not needed again
                self.blocks.pop(next(iter(self.blocks)), None)
            seed = rng.key(self.seed, self.table, "rows", number) >> 1
            self.blocks[number] = self._numbered(self.model.sample_arrow(BLOCK, given=self.given, seed=seed), number)
        return self.blocks[number]

    def _numbered(self, block: pa.Table, number: int) -> pa.Table:
        """The block with its ids taken from one series over the whole table: drawn block by block they would repeat."""
        stop = (number + 1) * BLOCK
        from lookalike.synthesizers.anonymise import replacements  # regexes and name lists: only for learned rows

        for column in self.model.schema_.columns:
            if column.semantic != "id" or column.name in self.given:
                continue
            with self.lock:
                series = self.ids.get(column.name)
                if series is None or len(series) < stop:
                    size = max(stop, self.asked, 2 * len(series) if series is not None else 0)
                    series = self.ids[column.name] = replacements(
                        column, size, rng.key(self.seed, self.table, column.name) >> 1
                    )
            values = series.slice(stop - BLOCK, BLOCK).cast(block.schema.field(column.name).type)
            block = block.set_column(block.schema.get_field_index(column.name), column.name, values)
        return block
