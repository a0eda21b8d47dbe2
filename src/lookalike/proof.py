"""What a finished run is worth: its learned table against the source, its gates, its card; and gates lost while it still runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from lookalike.export.card import card
from lookalike.export.croissant import croissant
from lookalike.plan import Plan, TablePlan
from lookalike.recipe.model import Like
from lookalike.run.fit import split
from lookalike.run.folder import RunFolder
from lookalike.run.origin import Sources
from lookalike.store import put_bytes

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report


def measure(made: Plan, folder: RunFolder, *, only: str | None = None) -> Report | None:
    """Evaluate the tables that were learned from a source against it, and the recipe's gates; None when there is none.

    Writes `report.json`, `report.html` and `card.md` into the run folder. The first learned table decides; held-out rows of
    its source measure privacy.
    """
    report = None
    found = _learned(made)
    if found is not None:
        from lookalike.evaluate.evaluate import evaluate  # here: most runs learn nothing

        table, (learned, holdout) = found
        synthetic = folder.table(table.name)
        shared = [name for name in learned.column_names if name in synthetic.column_names and name not in table.table.columns]
        report = evaluate(
            learned.select(shared),
            synthetic.select(shared),
            holdout=None if holdout is None else holdout.select(shared),
            target=getattr(table.table.rows, "target", None),
            only=only,
            gates=_gates(made, table.name) or "internal",
            seed=made.recipe.seed,
        )
        report.save(folder.path / "report.json")
        report.save(folder.path / "report.html")
    _write_card(folder, report)
    return report


def lost_gates(made: Plan) -> Callable[[str, pa.Table], str] | None:
    """Sees each partition of the measured table once, and says which gates no further row can win back; None: none could be told."""
    found = _learned(made)
    if found is None:
        return None
    from lookalike.evaluate.sketches import STREAMED, Reference, Sketch

    table, (learned, _) = found
    gates = [gate for gate in _gates(made, table.name) if str(gate["metric"]).partition(".")[0] in STREAMED]
    if not gates:
        return None
    names = [name for name in learned.column_names if name in table.columns and name not in table.table.columns]
    sketch = Sketch(Reference.of(learned.select(names)))

    def look(name: str, rows: pa.Table) -> str:
        if name != table.name or not rows.num_rows:
            return ""
        return " ".join(sketch.add(rows.select(names)).lost(gates, of=table.n_rows or 0))

    return look


def _learned(made: Plan) -> tuple[TablePlan, tuple[pa.Table, pa.Table | None]] | None:
    """The first table that is learned from a source, with the rows that are learned and those held out."""
    for table in made.tables:
        if isinstance(rows := table.table.rows, Like):
            source = Sources(made.recipe.sources, made.root).source(rows.like)
            return table, split(source, rows.holdout, made.recipe.seed)
    return None


def _gates(made: Plan, table: str) -> list[dict[str, Any]]:
    """The recipe's gates on a table."""
    return [dict(gate) for gate in made.recipe.gates if gate.get("table", table) == table]


def _write_card(folder: RunFolder, report: Report | None) -> None:
    """Write the dataset card of a run, and its Croissant description."""
    manifest = folder.manifest
    text = card(manifest, report=None if report is None else report.dump())
    put_bytes(folder.path / "card.md", text.encode())
    put_bytes(folder.path / "croissant.json", orjson.dumps(croissant(manifest), option=orjson.OPT_INDENT_2))
