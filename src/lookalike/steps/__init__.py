"""Changers of rows: they keep the columns; whatever they drop, they drop with a reason."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "sample": "lookalike.steps.sample:Sample",
    "redact": "lookalike.steps.redact:Redact",
    "filter": "lookalike.steps.filter:Filter",
    "dedup": "lookalike.steps.dedup:Dedup",
    "balance": "lookalike.steps.balance:Balance",
    "text_labels": "lookalike.steps.text_labels:TextLabels",
    "text_overlap": "lookalike.steps.text_overlap:TextOverlap",
    "text_rules": "lookalike.steps.text_rules:TextRules",
}
