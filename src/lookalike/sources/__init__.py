"""Real data in: one form, one file."""

from __future__ import annotations

KINDS: dict[str, str] = {
    "file": "lookalike.sources.file:File",
    "folder": "lookalike.sources.folder:Folder",
    "frame": "lookalike.sources.frame:Frame",
    "generalised": "lookalike.sources.generalised:Generalised",
    "hub": "lookalike.sources.hub:Hub",
    "package": "lookalike.sources.package:Package",
    "sql": "lookalike.sources.sql:SqlSource",
}
