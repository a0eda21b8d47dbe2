"""Texts and labels, as JSON Lines or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal

import orjson

from lookalike.export.base import Tables
from lookalike.export.training import Row, TrainingExporter, UnfitError, at, text_at
from lookalike.store import put


class Classification(TrainingExporter):
    """`{"text", "label"}` and `labels.json`, the labels in order of their names; `file: csv` writes CSV with the same columns.

    Attributes:
        text: a text column.
        label: a column of labels.
        file: jsonl or csv.
        table: the table; empty: the run's last.
        split: shares by name, as `{train: 0.9, test: 0.1}`; empty: one file.
        by: rows that agree in this column stay in one split.
        seed: of the split.
    """

    kind: ClassVar[str] = "classification"

    text: str = "text"
    label: str = "label"
    file: Literal["jsonl", "csv"] = "jsonl"

    def ending(self) -> str:
        """The file format's."""
        return f".{self.file}"

    def lines(self, row: Row) -> list[Any]:
        """One example a row."""
        label = at(row, self.label)
        if label is None or label == "":
            raise UnfitError(f"{self.label} is empty")
        return [{"text": text_at(row, self.text), "label": label}]

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

    def export(self, run: Tables, to: Path) -> list[Path]:
        """The splits, `export.json` and `labels.json`."""
        paths = super().export(run, to)
        labels: set[Any] = set()
        for batch in run.batches(self._table(run)):
            labels.update(at(row, self.label) for row in batch.to_pylist())
        listed = sorted((label for label in labels if label not in (None, "")), key=str)
        target = (to.parent if to.suffix else to) / "labels.json"
        put(target, lambda file: file.write(orjson.dumps(listed)))
        return [*paths, target]
