"""A plan as people and programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.plan.estimate import SoFar
from lookalike.plan.model import Compiled
from lookalike.plan.show import as_json, as_mermaid, as_text


@dataclass(frozen=True)
class Plan(Compiled):
    """A compiled recipe, and its forms."""

    def json(self, place: Path = Path()) -> dict[str, Any]:
        """Plain data; the recipe's folder is written relative to `place`."""
        return as_json(self, place)

    def explain(self, so_far: SoFar | None = None) -> str:
        """Order, partitions, calls and cost as text; of a run that was begun, also what is left."""
        return as_text(self, so_far)

    def mermaid(self) -> str:
        """The graph of columns as a Mermaid flowchart."""
        return as_mermaid(self)
