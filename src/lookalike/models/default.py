"""The model named `default`, which always exists.

The server that LOOKALIKE_BASE_URL, LOOKALIKE_MODEL and LOOKALIKE_API_KEY name, or else the embedded engine, with the model that
LOOKALIKE_EMBEDDED_MODEL names (a catalogue name or a GGUF path; `qwen2.5-coder-0.5b`).
"""

from __future__ import annotations

import os

from lookalike.errors import MissingModel
from lookalike.models.base import Model


def default_model() -> Model:
    """The model of columns that name none, as the environment has it now.

    Raises:
        MissingModel: LOOKALIKE_BASE_URL is set without LOOKALIKE_MODEL.
    """
    if os.environ.get("LOOKALIKE_BASE_URL"):
        from lookalike.models.openai import OpenAI

        name = os.environ.get("LOOKALIKE_MODEL", "")
        if not name:
            raise MissingModel(
                what="LOOKALIKE_BASE_URL is set, but not which model to ask there",
                where="LOOKALIKE_MODEL",
                fix="export LOOKALIKE_MODEL=name-of-the-model",
            )
        key = "${LOOKALIKE_API_KEY}" if os.environ.get("LOOKALIKE_API_KEY") else ""
        return OpenAI(base_url="${LOOKALIKE_BASE_URL}", model=name, api_key=key)
    from lookalike.models.embedded import Embedded

    named = os.environ.get("LOOKALIKE_EMBEDDED_MODEL")
    return Embedded(model=named) if named else Embedded()
