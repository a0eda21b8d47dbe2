"""What a run learns: fitted once for each content, kept in the run folder, read back by whoever samples.

fitted/<fingerprint>/model.json ...
"""

from __future__ import annotations

from pathlib import Path

from lookalike.origins.base import Learning
from lookalike.rows.context import Tables
from lookalike.run.events import Events
from lookalike.schema.holdout import split
from lookalike.store import disk_errors
from lookalike.synthesizers.base import Synthesizer


def fitted(learning: Learning, folder: Path, sources: Tables, seed: int, events: Events, table: str) -> Synthesizer:
    """What was learned: from the folder when it is there, else fitted now and saved."""
    if (folder / "model.json").is_file():
        return Synthesizer.load(folder)
    rows, _ = split(sources.source(learning.source), learning.holdout, seed)
    events.emit("fit", table=table, rows=rows.num_rows, synthesizer=learning.synthesizer.kind)
    model = learning.synthesizer.model_copy()
    model.fit(rows, seed=seed)
    with disk_errors(folder):
        model.save(folder)
    events.emit("fitted", table=table)
    return model
