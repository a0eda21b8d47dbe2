"""Hand a run over in formats that others read: one format, one file."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "csv": "lookalike.export.csv_files:Csv",
    "hub": "lookalike.export.hub:Hub",
    "jsonl": "lookalike.export.jsonl:Jsonl",
    "parquet": "lookalike.export.parquet:Parquet",
    "sql": "lookalike.export.sql:Sql",
}
