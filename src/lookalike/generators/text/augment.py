"""augment: label-safe variants of a text, without a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator

from lookalike import rng
from lookalike.errors import RecipeError
from lookalike.generators.base import Generator
from lookalike.generators.text.columns import column, head, label_name, moved, spans_of, texts
from lookalike.generators.text.edits import Edit, OffsetMap, Span, apply, intact, whole
from lookalike.generators.text.operators.base import LabelEffect, Operator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.spec import Kind

EDIT_TYPE = pa.struct(
    [("operator", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("before", pa.string()), ("after", pa.string())]
)


@dataclass
class Draft:
    """A text on its way through the operators.

    Attributes:
        spans: protected spans, where they are now; always the same characters as at first.
        edits: (edit, the text before it), in the order they were made.
        effects: label effects of the operators that changed the text.
    """

    text: str
    spans: list[Span]
    edits: list[tuple[Edit, str]] = field(default_factory=list)
    effects: list[LabelEffect] = field(default_factory=list)

    def take(self, operator: Operator, edits: Sequence[Edit]) -> None:
        """Make the edits that leave protected spans and visible characters whole."""
        good = whole(self.text, intact(edits, self.spans))
        new = apply(self.text, good)
        if new == self.text:
            return
        offsets = OffsetMap(good)
        if self.spans:
            self.spans = [span for old in self.spans if (span := offsets.span(*old)) is not None]
        self.edits.extend((edit, self.text) for edit in good)
        self.effects.append(operator.effect)
        self.text = new


def augmented(
    originals: Sequence[str],
    protected: Sequence[Sequence[Span]],
    operators: Sequence[Operator],
    *,
    key: int,
    ids: rng.Ids,
    pick: int | None = None,
) -> list[Draft]:
    """Run operators over texts.

    Args:
        originals: the texts [n].
        protected: spans that keep their characters [n].
        operators: in this order; each sees what the ones before it made.
        key: the column's key.
        ids: int64 [n], row ids: a text's variant is a function of key, id and text alone.
        pick: only so many of the operators for each text, chosen by its id.
    """
    drafts = [Draft(text, list(spans)) for text, spans in zip(originals, protected, strict=True)]
    allowed = _picked(len(operators), pick, key, ids)
    for place, operator in enumerate(operators):
        own = rng.key(key, place, operator.kind)
        rows = np.flatnonzero(allowed[:, place] & (rng.uniform(own, ids, 0) < operator.chance))
        if not len(rows):
            continue
        chosen = [drafts[row] for row in rows.tolist()]
        found = operator.edits([d.text for d in chosen], [d.spans for d in chosen], rng.bits(own, ids[rows], 1))
        for draft, edits in zip(chosen, found, strict=True):
            if edits:
                draft.take(operator, edits)
    return drafts


def _picked(count: int, pick: int | None, key: int, ids: rng.Ids) -> npt.NDArray[np.bool_]:
    """Which operators each row may use, bool [n, count]."""
    if pick is None or pick >= count:
        return np.ones((len(ids), count), dtype=bool)
    draws = np.stack([rng.uniform(rng.key(key, "pick"), ids, place) for place in range(count)], axis=1)
    chosen: npt.NDArray[np.bool_] = np.argsort(np.argsort(draws, axis=1), axis=1) < pick
    return chosen


class Augment(Generator):
    """A variant of a text that keeps its label: synonyms, other sentences, noise; no model is asked.

    The result is the text; with `protect`, `label` or `edits` it is a record of `text`, `spans` (moved with the edits, each
    still over the same characters), `label` (flipped or null where an operator says so), `edits` and `changed`.

    ```yaml
    variant: {kind: augment, text: review, operators: [{kind: synonym, rate: 0.3}, {kind: keyboard, severity: 1}]}
    tagged:  {kind: augment, text: note, protect: entities, operators: [{kind: voice}, {kind: front_clause}]}
    ```

    Several variants of a row are rows of a child table: `rows: {per: reviews, count: 3}` and `text: reviews.review`.

    Attributes:
        text: a text column; a parent's is `parent.column`.
        operators: what is done, in this order.
        pick: use only so many operators for a row, chosen by its id.
        protect: a column of spans: {start, end, ...}, one or a list; their characters stay.
        keep: regular expressions: what matches stays too.
        label: a column with the text's label.
        flip: label -> label where the meaning is turned round.
        edits: also give what was done.
    """

    kind: ClassVar[str] = "augment"

    text: str
    operators: tuple[Annotated[Operator, Kind("operator")], ...] = Field(min_length=1)
    pick: int | None = Field(default=None, ge=1)
    protect: str | None = None
    keep: tuple[str, ...] = ()
    label: str | None = None
    flip: dict[str, str] = Field(default_factory=dict)
    edits: bool = False

    @field_validator("flip", mode="before")
    @classmethod
    def _written(cls, flip: Any) -> Any:
        """Truth values and numbers as texts: a recipe's keys are texts once it has been saved."""
        return {label_name(old): label_name(new) for old, new in flip.items()} if isinstance(flip, Mapping) else flip

    @field_validator("keep")
    @classmethod
    def _readable(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as exc:
                raise ValueError(f"keep: {pattern!r} is no regular expression: {exc}") from exc
        return patterns

    @property
    def output(self) -> Literal["text", "record"]:
        """What a cell is."""
        return "record" if self.protect or self.label or self.edits else "text"

    def needs(self) -> frozenset[str]:
        """The text, its spans and its label."""
        return frozenset(head(path) for path in (self.text, self.protect, self.label) if path)

    def generate(self, batch: Batch, ctx: Context) -> pa.Array:
        """Variants [n]; null where the text is null."""
        originals = texts(batch, self.text)
        cells = column(batch, self.protect).to_pylist() if self.protect else [None] * len(batch)
        ids = batch.ids.tolist()
        given = [
            spans_of(cell, text or "", where=f"table {batch.table!r}, column {self.protect!r}, row {row}")
            for text, cell, row in zip(originals, cells, ids, strict=True)
        ]
        patterns = [re.compile(pattern) for pattern in self.keep]
        kept = (
            [[m.span() for p in patterns for m in p.finditer(text or "")] for text in originals]
            if patterns
            else [[]] * len(batch)
        )
        spans = [own + extra for own, extra in zip(given, kept, strict=True)]
        drafts = augmented(
            [text or "" for text in originals], spans, self.operators, key=ctx.key, ids=batch.ids, pick=self.pick
        )
        done = [None if text is None else draft for text, draft in zip(originals, drafts, strict=True)]
        if self.output == "text":
            return pa.array([draft and draft.text for draft in done], pa.string())
        return self._records(batch, done, cells, [len(own) for own in given])

    def _records(self, batch: Batch, done: list[Draft | None], cells: list[Any], counts: list[int]) -> pa.Array:
        labels = column(batch, self.label) if self.label else pa.nulls(len(batch))
        if pa.types.is_dictionary(labels.type):
            labels = labels.dictionary_decode()
        turned = self._turned(labels.type, batch.table)
        fields: list[tuple[str, pa.DataType]] = [("text", pa.string()), ("changed", pa.bool_())]
        if self.protect:
            fields.append(("spans", column(batch, self.protect).type))
        if self.label:
            fields.append(("label", labels.type))
        if self.edits:
            fields.append(("edits", pa.list_(EDIT_TYPE)))
        rows: list[dict[str, Any] | None] = []
        for draft, cell, label, count in zip(done, cells, labels.to_pylist(), counts, strict=True):
            if draft is None:
                rows.append(None)
                continue
            made = [
                {"operator": e.operator, "start": e.start, "end": e.end, "before": text[e.start : e.end], "after": e.text}
                for e, text in draft.edits
            ]
            spans = moved(cell, draft.spans[:count])
            record = {
                "text": draft.text,
                "changed": bool(draft.edits),
                "spans": spans,
                "label": relabelled(label, draft.effects, turned),
            }
            rows.append({**record, "edits": made})
        return pa.array(rows, pa.struct(fields))

    def _turned(self, kind: pa.DataType, table: str) -> dict[Any, Any]:
        """`flip` in the labels' own type.

        Raises:
            RecipeError: a text in it is no value of that type.
        """
        if pa.types.is_null(kind):
            return {}
        try:
            old, new = (pa.array(list(side), pa.string()).cast(kind).to_pylist() for side in (self.flip, self.flip.values()))
        except pa.ArrowInvalid as exc:
            raise RecipeError(
                what=f"flip: labels in {self.label!r} are {kind}, and {self.flip} holds others", where=table, fix=str(exc)
            ) from exc
        return dict(zip(old, new, strict=True))


def relabelled(label: Any, effects: Sequence[LabelEffect], turned: Mapping[Any, Any]) -> Any:
    """The label after operators with these effects; None when it is not known."""
    for effect in effects:
        if effect == "unknown":
            return None
        if effect == "flip":
            label = turned.get(label)
    return label
