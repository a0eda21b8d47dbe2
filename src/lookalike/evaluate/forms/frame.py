"""The evidence as a data frame: one row a number, for filtering and for figures of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms.scale import status
from lookalike.optional import require

if TYPE_CHECKING:
    import pandas as pd


def frame(evidence: Evidence) -> pd.DataFrame:
    """Columns: dimension, table, metric, name, subject, value, low, high, ceiling, floor, direction, gate, skipped, reading."""
    pandas = require("pandas")
    rows = [
        {
            "dimension": r.dimension,
            "table": r.table,
            "metric": r.metric,
            "name": r.name,
            "subject": r.subject,
            "value": r.value,
            "low": r.interval[0] if r.interval else None,
            "high": r.interval[1] if r.interval else None,
            "ceiling": r.ceiling,
            "floor": r.floor,
            "direction": r.direction,
            "headline": r.headline,
            "gate": status(evidence, r),
            "skipped": r.skipped,
            "reading": str(r.detail.get("reading", "")),
        }
        for r in evidence.results
    ]
    made: pd.DataFrame = pandas.DataFrame(rows)
    numbers = ["value", "low", "high", "ceiling", "floor"]
    return made.astype(dict.fromkeys(numbers, "float64"))
