"""models: answers from generative models. `base.py` has the contracts; `lanes.py` is the way in; one backend a file."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "openai": "lookalike.models.openai:OpenAI",
    "embedded": "lookalike.models.embedded:Embedded",
    "scripted": "lookalike.models.scripted:Scripted",
}
