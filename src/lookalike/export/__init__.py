"""Hand a run over in formats that others read: one format, one file."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "alpaca": "lookalike.export.chat:Alpaca",
    "chat": "lookalike.export.chat:Chat",
    "classification": "lookalike.export.classification:Classification",
    "completion": "lookalike.export.chat:Completion",
    "conll": "lookalike.export.spans:Conll",
    "csv": "lookalike.export.csv_files:Csv",
    "hub": "lookalike.export.hub:HubFolder",
    "jsonl": "lookalike.export.jsonl:Jsonl",
    "kto": "lookalike.export.preference_pairs:Kto",
    "parquet": "lookalike.export.parquet:Parquet",
    "preference": "lookalike.export.preference_pairs:PreferencePairs",
    "sharegpt": "lookalike.export.chat:ShareGpt",
    "spans": "lookalike.export.spans:Spans",
    "sql": "lookalike.export.sql:Sql",
    "squad": "lookalike.export.squad:Squad",
    "triples": "lookalike.export.retrieval_triples:RetrievalTriples",
}
