"""Columns that quote the personal data of their own row: "Called Eva Weber back" beside the name Eva Weber.

Such cells may repeat often enough to look like levels of a category, and name a person all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

ROWS = 1_000  # rows in which cells are held against each other
SHARE = 0.2  # of the rows that have both, from which on a column quotes
SHORTEST = 4  # bytes of personal data below which it may be in a text by chance: four letters, two signs of Chinese


def quoting(table: pa.Table, told: Sequence[str], candidates: Sequence[str]) -> dict[str, str]:
    """Which candidates quote a column of personal data, and which one.

    Args:
        table: the rows; evenly spaced ones are looked at.
        told: columns of text that identify people.
        candidates: columns of text that might quote them.
    """
    if not told or not candidates or not table.num_rows:
        return {}
    rows = np.arange(0, table.num_rows, max(1, table.num_rows // ROWS))
    cells = {name: [str(c or "").casefold() for c in table[name].take(rows).to_pylist()] for name in {*told, *candidates}}

    def quotes(name: str, person: str) -> bool:
        pairs = [(p, c) for p, c in zip(cells[person], cells[name], strict=True) if len(p.encode()) >= SHORTEST and c]
        return bool(pairs) and sum(p in c and p != c for p, c in pairs) >= SHARE * len(pairs)

    found = {name: next((person for person in told if quotes(name, person)), "") for name in candidates}
    return {name: person for name, person in found.items() if person}
