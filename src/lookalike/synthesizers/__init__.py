"""synthesizers."""

from __future__ import annotations

KINDS: dict[str, str] = {}
