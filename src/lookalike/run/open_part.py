"""A partition whose rows are being made: its rows, their cells so far, and what was decided of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from lookalike.generators.base import Generator, ModelColumn
from lookalike.origins.base import IdRange
from lookalike.rows.batch import Batch
from lookalike.rows.json_types import to_arrow
from lookalike.run.cells import CellFailed
from lookalike.run.events import Counts
from lookalike.run.journal import PartJournal
from lookalike.run.parts import Dropped


@dataclass
class OpenPart:
    """A partition whose rows are being made.

    Attributes:
        batch: its candidates, with the columns that were there before any call.
        rows: the same as templates read them, with the cells made so far; emptied when a row is made.
        masks: of model columns whose `when` is known already.
        cells: values of columns that are made row by row, by offset.
        waiting: offsets of rows that are made and not judged.
    """

    index: int
    range: IdRange
    batch: Batch
    rows: list[dict[str, Any]]
    masks: dict[str, np.ndarray[Any, np.dtype[np.bool_]]]
    journal: PartJournal
    cells: dict[str, list[Any]]
    specs: dict[str, Generator]
    opened: int = 0
    finished: int = 0
    judged: int = 0
    batches: list[Batch] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    waiting: list[int] = field(default_factory=list)
    failures: dict[int, CellFailed] = field(default_factory=dict)

    def __len__(self) -> int:
        """Its candidates."""
        return len(self.batch)

    @property
    def full(self) -> bool:
        """Whether all its rows are made."""
        return self.finished == len(self)

    def ready(self, *, ordered: bool) -> list[int]:
        """Offsets of rows that can be judged, in the order of ids; `ordered`: only those that come next in it."""
        offsets = sorted(self.waiting)
        if ordered:
            offsets = [offset for place, offset in enumerate(offsets, self.judged) if offset == place]
        return offsets

    def judging(self, offsets: Sequence[int]) -> None:
        """These rows no longer wait."""
        taken = set(offsets)
        self.waiting = [offset for offset in self.waiting if offset not in taken]

    def made(self, offsets: Sequence[int]) -> Batch:
        """Rows with all their cells."""
        batch = self.batch if len(offsets) == len(self) else self.batch.take(np.array(offsets, np.int64))
        for name, values in self.cells.items():
            batch = batch.with_column(name, self._array(name, [values[offset] for offset in offsets]))
        return batch

    def so_far(self, offsets: Sequence[int], columns: Sequence[str]) -> Batch:
        """Rows with those of their cells that are named."""
        batch = self.batch.take(np.array(offsets))
        for name in columns:
            batch = batch.with_column(name, self._array(name, [self.cells[name][offset] for offset in offsets]))
        return batch

    def type_of(self, name: str, value: Any) -> pa.DataType:
        """The type of a cell."""
        if name in self.batch.columns:
            return self.batch[name].type
        spec = self.specs[name]
        return spec.arrow_type() if isinstance(spec, ModelColumn) else pa.scalar(value).type

    def failure(self, offset: int) -> Dropped:
        """A row that failed, with the cells that it has, so that nothing that was made is lost."""
        exc = self.failures[offset]
        early = {name: values[offset].as_py() for name, values in self.batch.columns.items()}
        cells = {name: values[offset] for name, values in self.cells.items() if values[offset] is not None}
        text = orjson.dumps({**early, **cells}, default=str, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)
        return Dropped(int(self.batch.ids[offset]), "failed", exc.reason, exc.column, text.decode())

    def _array(self, name: str, values: list[Any]) -> pa.Array:
        spec = self.specs[name]
        return to_arrow(values, spec.arrow_type()) if isinstance(spec, ModelColumn) else pa.array(values)
