"""steps."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "text_labels": "lookalike.steps.text_labels:TextLabels",
    "text_overlap": "lookalike.steps.text_overlap:TextOverlap",
    "text_rules": "lookalike.steps.text_rules:TextRules",
}
