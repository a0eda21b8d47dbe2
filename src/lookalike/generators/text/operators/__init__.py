"""Operators that change a text without a model: one kind, one class, each with its label effect."""

from __future__ import annotations

_HERE = "lookalike.generators.text.operators"
KINDS: dict[str, str] = {
    "synonym": f"{_HERE}.synonym:Synonym",
    "keyboard": f"{_HERE}.noise:Keyboard",
    "ocr": f"{_HERE}.noise:Ocr",
    "spacing": f"{_HERE}.noise:Spacing",
    "casing": f"{_HERE}.noise:Casing",
    "swap_words": f"{_HERE}.random_words:SwapWords",
    "delete_words": f"{_HERE}.random_words:DeleteWords",
    "insert_words": f"{_HERE}.random_words:InsertWords",
    "sentence_order": f"{_HERE}.sentences:SentenceOrder",
    "split_sentences": f"{_HERE}.sentences:SplitSentences",
    "merge_sentences": f"{_HERE}.sentences:MergeSentences",
    "connectives": f"{_HERE}.sentences:Connectives",
    "contract": f"{_HERE}.contraction:Contract",
    "expand": f"{_HERE}.contraction:Expand",
    "front_clause": f"{_HERE}.clauses:FrontClause",
    "voice": f"{_HERE}.clauses:Voice",
    "negate": f"{_HERE}.clauses:Negate",
    "question": f"{_HERE}.clauses:Question",
}
