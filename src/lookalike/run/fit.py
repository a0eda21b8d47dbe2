"""Learned sources: fitted once for each content, kept in the run folder, read back by whoever samples.

    fitted/<fingerprint>/model.json ...

Rows are sampled in blocks of a fixed size, each with its own seed, so that a row depends on its id alone and not on the size of
partitions.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from lookalike import rng
from lookalike.run.events import Events
from lookalike.store import disk_errors
from lookalike.synthesizers.base import Synthesizer

BLOCK = 8192  # rows sampled with one seed


def fitted(synthesizer: Synthesizer, source: pa.Table, folder: Path, seed: int, events: Events, table: str) -> Synthesizer:
    """The synthesizer as learned from the source: from the folder when it is there, else fitted now and saved."""
    if (folder / "model.json").is_file():
        return Synthesizer.load(folder)
    events.emit("fit", table=table, rows=source.num_rows, synthesizer=synthesizer.kind)
    model = synthesizer.model_copy()
    model.fit(source, seed=seed)
    with disk_errors(folder):
        model.save(folder)
    events.emit("fitted", table=table)
    return model


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
