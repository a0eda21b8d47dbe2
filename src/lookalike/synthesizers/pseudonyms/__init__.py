"""Real rows, other people: one person has one stand-in, in every table; also as a source that nothing real leaves."""

from __future__ import annotations

KINDS: dict[str, str] = {"pseudonymised": "lookalike.synthesizers.pseudonyms.pseudonym_source:Pseudonymised"}
