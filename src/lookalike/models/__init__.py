"""models: answers from generative models. `base.py` has the contracts; `lanes.py` is the way in; one backend a file."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "openai": "lookalike.models.openai:OpenAI",
    "anthropic": "lookalike.models.anthropic:Anthropic",
    "gemini": "lookalike.models.gemini:Gemini",
    "batch": "lookalike.models.batch:BatchServer",
    "embedded": "lookalike.models.embedded:Embedded",
    "http": "lookalike.models.http:Http",
    "ngram": "lookalike.models.ngram:Ngram",
    "scripted": "lookalike.models.scripted:Scripted",
}
