"""Keys and addresses from the environment: read when a model is opened, and never written down.

A field says `${NAME}`. What a recipe carries literally is kept out of everything that is shown or saved.
"""

from __future__ import annotations

import os
import re
from typing import Annotated

from pydantic import Field, PlainSerializer

from lookalike.errors import MissingModel

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
HIDDEN = "***"
SHORTEST = 4  # what is shorter is a placeholder, and hiding it would garble texts


def _shown(value: str) -> str:
    return value if not value or _REFERENCE.fullmatch(value) else HIDDEN


Secret = Annotated[str, Field(repr=False), PlainSerializer(_shown, return_type=str)]
"""A key: `${NAME}` is saved as it is, anything else as `***`."""


def expand(text: str, *, field: str) -> str:
    """The text with each `${NAME}` read from the environment.

    Raises:
        MissingModel: a variable is not set or empty, or the key was hidden when the recipe was saved.
    """
    if text == HIDDEN:
        raise MissingModel(
            what=f"{field} was not saved with the recipe", where=field, fix=f"write {field}: ${{NAME}} and set that variable"
        )

    def read(found: re.Match[str]) -> str:
        name = found.group(1)
        value = os.environ.get(name, "")
        if not value:
            raise MissingModel(what=f"the environment variable {name} is not set", where=field, fix=f"export {name}=...")
        return value

    return _REFERENCE.sub(read, text)


def without(text: str, secrets: tuple[str, ...]) -> str:
    """The text with each secret hidden: for errors and logs, where a server may say a key back."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text
