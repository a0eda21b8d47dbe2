"""Entities: CoNLL columns and span JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO, ClassVar, Literal

from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at

_TOKEN = re.compile(r"\w+|[^\w\s]")


def checked(text: str, spans: Any) -> list[dict[str, Any]]:
    """Spans in order, each inside the text and none over another.

    Raises:
        UnfitError: a span that is not.
    """
    found = sorted(({**span} for span in spans or ()), key=lambda span: (span["start"], span["end"]))
    end = 0
    for span in found:
        if not 0 <= span["start"] < span["end"] <= len(text):
            raise UnfitError("a span leaves its text")
        if span.get("text") is not None and text[span["start"] : span["end"]] != span["text"]:
            raise UnfitError("a span does not match its text")
        if span["start"] < end:
            raise UnfitError("spans overlap")
        end = span["end"]
    return found


def tokens(text: str, spans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(token, BIO tag) pairs: words and marks, cut at span borders so that tags are exact."""
    borders = sorted({0, len(text), *(s["start"] for s in spans), *(s["end"] for s in spans)})
    out = []
    for a, b in pairwise(borders):
        label = next((s["label"] for s in spans if s["start"] <= a and b <= s["end"]), None)
        begins = any(s["start"] == a for s in spans)
        for number, match in enumerate(_TOKEN.finditer(text, a, b)):
            out.append((match.group(), "O" if label is None else f"{'B' if begins and number == 0 else 'I'}-{label}"))
    return out


class Spans(TrainingExporter):
    """`{"text", "entities": [{"start", "end", "label"}]}`; offsets count code points, the end is exclusive.

    Attributes:
        text: a text column.
        spans: a column of spans.
    """

    kind: ClassVar[str] = "spans"

    text: str = "tagged.text"
    spans: str = "tagged.spans"

    def lines(self, row: Row) -> list[Any]:
        """One text a row."""
        text = text_at(row, self.text)
        found = checked(text, at(row, self.spans))
        return [{"text": text, "entities": [{key: span[key] for key in ("start", "end", "label")} for span in found]}]


class Conll(TrainingExporter):
    """Token and BIO tag, a blank line between texts; `layout: conll2003` writes that task's four columns.

    The four columns are token, part of speech, chunk and tag with one blank between them, the middle two unknown (`-X-`), after a
    line `-DOCSTART-` for every text.

    Attributes:
        text: a text column.
        spans: a column of spans.
        layout: two (token, tab, tag) or conll2003.
    """

    kind: ClassVar[str] = "conll"
    suffix: ClassVar[str] = ".conll"

    text: str = "tagged.text"
    spans: str = "tagged.spans"
    layout: Literal["two", "conll2003"] = "two"

    def lines(self, row: Row) -> list[Any]:
        """One block a row."""
        text = text_at(row, self.text)
        return [tokens(text, checked(text, at(row, self.spans)))]

    def write(self, items: Iterator[Any], file: BinaryIO) -> None:
        """A line a token, a blank line after each text."""
        four = self.layout == "conll2003"
        between, head = (" -X- -X- ", "-DOCSTART- -X- -X- O\n\n") if four else ("\t", "")
        file.writelines((head + "".join(f"{token}{between}{tag}\n" for token, tag in block) + "\n").encode() for block in items)
