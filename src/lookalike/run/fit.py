"""What a run learns: fitted once for each content, kept in the run folder with what it was learned from, read by whoever samples.

fitted/<fingerprint>/model.json ...      the synthesizer
fitted/<fingerprint>/learned.json        source, version, columns, rows, seed, and which rows were held out; written last
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel

from lookalike.errors import SourceError
from lookalike.origins.base import Learning
from lookalike.rows.context import SourceTables
from lookalike.run.events import Events
from lookalike.run.lock import turn
from lookalike.schema.holdout import split
from lookalike.store import disk_errors, put_json, read_json
from lookalike.synthesizers.base import Synthesizer

NAME = "learned.json"


class LearnedFrom(BaseModel):
    """What was learned from. Held-out rows are told by a rule: those of which `rng.uniform(key(seed, "holdout"), row)` is below `holdout`.

    Attributes:
        source: its name in the recipe.
        version: a digest of its content.
        columns: in order.
        rows: of the whole source.
        seed: of the fit and of the choice of held-out rows.
        holdout: share of rows that were held out.
        held_out: how many were.
        synthesizer: the kind.
    """

    source: str
    version: str
    columns: list[str]
    rows: int
    seed: int
    holdout: float
    held_out: int
    synthesizer: str

    @classmethod
    def of(cls, learning: Learning, source: pa.Table, seed: int) -> LearnedFrom:
        """What is written down of a source before it is learned."""
        _, held = split(source, learning.holdout, seed)
        return cls(
            source=learning.source,
            version=_digest(source),
            columns=source.column_names,
            rows=source.num_rows,
            seed=seed,
            holdout=learning.holdout,
            held_out=0 if held is None else held.num_rows,
            synthesizer=learning.synthesizer.kind,
        )

    def check(self, source: pa.Table, where: Path) -> None:
        """Refuse other data than what was learned.

        Raises:
            SourceError: what is different: columns, rows, or cells.
        """
        lost = [name for name in self.columns if name not in source.column_names]
        new = [name for name in source.column_names if name not in self.columns]
        if lost or new:
            other = " and ".join([*(f"no column {name!r}" for name in lost), *(f"a new column {name!r}" for name in new)])
        elif source.num_rows != self.rows:
            other = f"{source.num_rows:,} rows, not {self.rows:,}"
        elif _digest(source) != self.version:
            other = "other cells, or another order of rows or columns"
        else:
            return
        raise SourceError(
            what=f"the source {self.source!r} is not what this run learned from: it has {other}",
            where=str(where),
            fix="put the old data back, or run the recipe again; `lookalike report` shows what was measured before",
        )


def learned_from(folder: Path) -> LearnedFrom:
    """What a fit was learned from, by its folder.

    Raises:
        RunError: it is not written down (runs of older versions), or damaged.
    """
    found = read_json(folder / NAME, LearnedFrom, fix="run the recipe again: the run does not say what it learned from")
    return LearnedFrom.model_validate(found)


def fitted(learning: Learning, folder: Path, sources: SourceTables, seed: int, events: Events, table: str) -> Synthesizer:
    """What was learned: from the folder when it is there, else fitted now and saved; of several processes one does it."""
    if not (folder / NAME).is_file():
        with turn(folder):
            if not (folder / NAME).is_file():
                return _fit(learning, folder, sources, seed, events, table)
    return Synthesizer.load(folder)


def _fit(learning: Learning, folder: Path, sources: SourceTables, seed: int, events: Events, table: str) -> Synthesizer:
    source = sources.source(learning.source)
    rows, _ = split(source, learning.holdout, seed)
    events.emit("fit", table=table, rows=rows.num_rows, columns=rows.num_columns, synthesizer=learning.synthesizer.kind)
    model = learning.synthesizer.model_copy()
    model.fit(rows, learning.schema or None, seed=seed)
    with disk_errors(folder):
        model.save(folder)
    put_json(folder / NAME, LearnedFrom.of(learning, source, seed).model_dump())
    events.emit("fitted", table=table, reason=getattr(model, "reason_", ""), taken=str(model.schema_))
    return model


def _digest(table: pa.Table) -> str:
    """Of the content, however it is cut into chunks."""
    digest = blake2b(str(table.schema.remove_metadata()).encode(), digest_size=16)
    for batch in table.combine_chunks().to_batches():
        digest.update(batch.serialize())
    return digest.hexdigest()
