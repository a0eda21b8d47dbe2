"""Texts and labels, as JSON Lines or CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal

import orjson
from pydantic import PrivateAttr

from lookalike.export.base import FinishedTables
from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at
from lookalike.store import put


class Classification(TrainingExporter):
    """`{"text", "label"}` and `labels.json`, the labels in order; `file: csv` writes CSV with the same columns.

    Attributes:
        text: a text column.
        label: a column of labels.
        file: jsonl or csv.
    """

    kind: ClassVar[str] = "classification"

    text: str = "text"
    label: str = "label"
    file: Literal["jsonl", "csv"] = "jsonl"

    _labels: Counter[Any] = PrivateAttr(default_factory=Counter)

    def ending(self) -> str:
        """The file format's."""
        return f".{self.file}"

    def lines(self, row: Row) -> list[Any]:
        """One example a row."""
        label = at(row, self.label)
        if label is None or label == "" or label != label:  # noqa: PLR0124  # no number is unequal to itself
            raise UnfitError(f"{self.label} is empty")
        text = text_at(row, self.text)
        self._labels[label] += 1
        return [{"text": text, "label": label}]

    def measured(self) -> dict[str, Any]:
        """How many examples each label has."""
        return {"labels": {str(label): self._labels[label] for label in self._listed()}}

    def _listed(self) -> list[Any]:
        """The labels, in the order of their kind."""
        return sorted(self._labels, key=lambda label: (isinstance(label, str), label))

    def write(self, items: Iterator[Any], file: BinaryIO) -> None:
        """JSON Lines or CSV."""
        if self.file == "jsonl":
            super().write(items, file)
            return
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.DictWriter(text, ["text", "label"])
        writer.writeheader()
        writer.writerows(items)
        text.detach()

    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """The splits, `export.json` and `labels.json`."""
        self._labels.clear()
        paths = super().export(run, to)
        target = (to.parent if to.suffix else to) / "labels.json"
        put(target, lambda file: file.write(orjson.dumps(self._listed())))
        return [*paths, target]
