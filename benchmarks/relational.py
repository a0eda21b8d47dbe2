"""Whole databases: how long they take, and how well families are kept.

    python benchmarks/relational.py FOLDER [FOLDER ...] [--out table.md]

Each FOLDER holds one database as Parquet or CSV files, a file a table; keys and relations are found, or read from `schema.yaml` in it. A
database is learned and drawn once with seed 0; CPU seconds are those of the process. Numbers of a relation are means over relations,
each beside the same of two halves of the real families.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import lookalike as la
from lookalike.databases import read_schema
from lookalike.sources.dataset import read_dataset

METRICS = (
    "referential_integrity",
    "c2st",
    "child_counts",
    "parent_child_dependence",
    "sibling_likeness",
    "joined_c2st",
    "family_c2st",
)


def row(folder: Path) -> str:
    """One line of the table."""
    tables = {name: table for name, table in read_dataset(str(folder)).tables.items() if name != "schema"}
    schema = read_schema(folder / "schema.yaml") if (folder / "schema.yaml").is_file() else la.relations(tables)
    began = time.process_time()
    model = la.Relational().fit(tables, schema, seed=0)
    fitted = time.process_time() - began
    made = model.sample_arrow(seed=0)
    drawn = time.process_time() - began - fitted
    report = la.evaluate(tables, made, schema=schema, only=list(METRICS), gates="none")
    cells = []
    for kind in METRICS:
        found = [
            r
            for r in report.results
            if r.metric == kind and r.value is not None and (r.subject or r.table) and "pmse" not in r.name
        ]
        value = np.mean([r.value for r in found]) if found else np.nan
        ceilings = [r.ceiling for r in found if r.ceiling is not None]
        cells.append(f"{value:.3f}" + (f" ({np.mean(ceilings):.3f})" if ceilings else ""))
    rows = sum(table.num_rows for table in tables.values())
    return (
        f"| {folder.name} | {len(tables)} | {rows:,} | {fitted:.1f} | {drawn:.1f} | {len(model.rules_)} | {' | '.join(cells)} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    heads = ["database", "tables", "rows", "fit, CPU s", "draw, CPU s", "rules", *METRICS]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *(row(folder) for folder in asked.folders)]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.out:
        asked.out.write_text(text)


if __name__ == "__main__":
    main()
