"""What exporters of training data share: paths into rows, splits that do not leak, checked lines, a count of what was left out.

A row becomes lines by a pure function; a row that cannot is left out with a reason, and `export.json` beside the files says how
many were written and left out.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import orjson
from pydantic import Field, field_validator

from lookalike import rng
from lookalike.errors import RunError, UsageError, did_you_mean
from lookalike.export.base import Exporter, FinishedTables
from lookalike.store import put

Row = Mapping[str, Any]


class UnfitError(ValueError):
    """A row that the format cannot hold; the text says why and is counted."""


def at(row: Row, path: str) -> Any:
    """The value at a dotted path: `pair.chosen`; None where something on the way is null.

    Raises:
        UsageError: the row has no such column or field.
    """
    value: Any = row
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, Mapping) or name not in value:
            known = value if isinstance(value, Mapping) else ()
            found = did_you_mean(name, known, label="columns")
            raise UsageError(
                what=f"the table has no {path!r}", fix=f"{found}. A field of the exporter names another: --set FIELD=COLUMN"
            )
        value = value[name]
    return value


def text_at(row: Row, path: str) -> str:
    """The text at a path.

    Raises:
        UnfitError: it is null, empty or no text.
    """
    value = at(row, path)
    if not isinstance(value, str) or not value.strip():
        raise UnfitError(f"{path} is empty" if value is None or value == "" or isinstance(value, str) else f"{path} is no text")
    return value


class TrainingExporter(Exporter):
    """Lines of training data, one file a split.

    Rows with the same value of `by` (a source document, a customer) always land in the same split, so nothing leaks from
    training into testing; rows of a child table (`rows: {per: documents}`) stay with their parent when `by` says nothing. The
    split is a function of that value and `seed` alone, so it stays when rows are added.

    Attributes:
        table: the table; empty: the run's last.
        split: shares by name, as `{train: 0.9, test: 0.1}`; empty: one file.
        by: rows that agree in this column stay in one split; empty: rows of one parent, or equal rows.
        seed: of the split.
    """

    table: str = ""
    split: dict[str, float] = Field(default_factory=dict)
    by: str = ""
    seed: int = 0

    suffix: ClassVar[str] = ".jsonl"

    @field_validator("split")
    @classmethod
    def _shares(cls, split: dict[str, float]) -> dict[str, float]:
        if split and (min(split.values()) <= 0 or abs(sum(split.values()) - 1) > 1e-6):
            raise ValueError(f"split: the shares {list(split.values())} must be above 0 and add up to 1")
        return split

    def ending(self) -> str:
        """How the files' names end."""
        return self.suffix

    @abstractmethod
    def lines(self, row: Row) -> list[Any]:
        """What a row becomes, as plain data.

        Raises:
            UnfitError: the row cannot be written; counted.
        """

    def measured(self) -> dict[str, Any]:
        """What else `export.json` says of what was written."""
        return {}

    def write(self, items: Iterator[Any], file: BinaryIO) -> None:
        """Write the lines of one split; JSON Lines unless the format says otherwise."""
        file.writelines(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)

    def export(self, run: FinishedTables, to: Path) -> list[Path]:
        """Write the splits and `export.json`."""
        name = self._table(run)
        names = list(self.split) or [""]
        counts: Counter[str] = Counter()
        written: dict[str, int] = {}
        paths = []
        for split in names:
            single = not split and to.suffix
            path = to if single else to / f"{split or name}{self.ending()}"
            tally: Counter[str] = Counter()

            def fill(file: BinaryIO, split: str = split, tally: Counter[str] = tally) -> None:
                self.write(self._items(run, name, split, tally), file)

            put(path, fill)
            written[split or name] = tally.pop("")
            counts += tally
            paths.append(path)
        if not sum(written.values()):
            reasons = ", ".join(f"{count} x {reason}" for reason, count in counts.most_common(3)) or "the table has no rows"
            raise RunError(what=f"no row of {name!r} fits the format {self.kind!r}: {reasons}", fix="name the columns it needs")
        summary = (to.parent if to.suffix else to) / "export.json"
        body = {
            "format": self.kind,
            "table": name,
            "written": written,
            "left_out": dict(counts),
            "synthetic": True,
            **self.measured(),
        }
        put(summary, lambda file: file.write(orjson.dumps(body, option=orjson.OPT_INDENT_2)))
        return [*paths, summary]

    def _items(self, run: FinishedTables, name: str, split: str, tally: Counter[str]) -> Iterator[Any]:
        tally[""] = 0
        parents = [f"{table}_id" for table in run.tables if table != name]
        for batch in run.batches(name, 4096):
            by = self.by or next((column for column in batch.schema.names if column in parents), "")
            for row in batch.to_pylist():
                if not self._mine(row, by, split):
                    continue
                try:
                    found = self.lines(row)
                except UnfitError as exc:
                    tally[str(exc)] += 1
                    continue
                tally[""] += len(found)
                yield from found

    def group_of(self, row: Row, by: str) -> Any:
        """What must stay together: rows with equal values never part."""
        return at(row, by) if by else row

    def _mine(self, row: Row, by: str, split: str) -> bool:
        """Whether a row belongs to a split."""
        if not split:
            return True
        group = orjson.dumps(self.group_of(row, by), default=str, option=orjson.OPT_SORT_KEYS)
        place = rng.key(self.seed, group.decode()) / 2.0**64
        for name, share in self.split.items():
            if place < share:
                return name == split
            place -= share
        return split == list(self.split)[-1]  # rounding at the upper end

    def _table(self, run: FinishedTables) -> str:
        if self.table and self.table not in run.tables:
            raise UsageError(
                what=f"the run has no table {self.table!r}", fix=did_you_mean(self.table, run.tables, label="tables")
            )
        return self.table or run.tables[-1]
