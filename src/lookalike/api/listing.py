"""The kinds that are installed, and their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.registry import GROUPS
from lookalike.registry import kinds as kind_names

if TYPE_CHECKING:
    from lookalike.recipe.pages import Page


def kinds() -> dict[str, tuple[str, ...]]:
    """All kinds by group."""
    return {group: kind_names(group) for group in GROUPS}


def explain(kind: str) -> list[Page]:
    """The pages of a kind, one for each group that has it.

    Raises:
        UnknownKind: no group has it.
    """
    from lookalike.recipe.pages import explain as pages_of

    return pages_of(kind)
