"""What a reader must know before believing the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lookalike.evaluate.dataset import DatasetViews
from lookalike.evaluate.evidence import TableInfo
from lookalike.evaluate.privacy.records import OVERLAP, overlap
from lookalike.evaluate.views import Views

VOID = "it voids every privacy number"


def notes_on(data: DatasetViews) -> tuple[str, ...]:
    """Of every table, and of the dataset."""
    told = [f"{table.name}: {note}" if table.name else note for table in data.tables for note in _of(table)]
    return (*data.notes, *told)


def unseen(tables: Mapping[str, TableInfo]) -> tuple[str, ...]:
    """Columns at whose cells nothing looked: what is not measured is named."""
    told = {name: info.unseen for name, info in tables.items() if info.unseen}
    return tuple(
        f"{name}: nothing looked at {_some(columns)}." if name else f"Nothing looked at {_some(columns)}."
        for name, columns in told.items()
    )


def _of(views: Views) -> list[str]:
    if views.alone:
        return ["There are no real rows to compare with: only what the synthetic ones say by themselves is measured."]
    out = []
    if "holdout" in views and (shared := overlap(views)) > OVERLAP:
        out.append(
            f"{shared:.0%} of the holdout rows are also real rows that the generator saw, more than chance explains: this is no "
            f"holdout, and {VOID}. Give rows that were kept apart before fitting."
        )
    if views.excluded:
        out.append(f"Not compared: {_some([f'{name} ({why})' for name, why in views.excluded.items()])}.")
    if views.written:
        names = _some([column.name for column in views.written])
        out.append(f"Only in the synthetic table, measured by themselves: {names}.")
    if named := [column.name for column in views.columns if column.form == "id"]:
        out.append(f"Identifiers are looked for in the synthetic rows, not compared: {_some(named)}.")
    real, synthetic = views.rows("real"), views.rows("synthetic")
    if max(real, synthetic) > 20 * min(real, synthetic):
        out.append(
            f"The tables differ much in size ({real:,} real, {synthetic:,} synthetic rows): sampling noise of the smaller decides."
        )
    if min(real, synthetic) < 100:
        few = min(real, synthetic)
        out.append(f"Only {few} row{'s' if few != 1 else ''}: most numbers below are noise.")
    return out


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
