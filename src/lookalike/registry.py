"""Kind name -> class.

Each room of a group has a `KINDS` table in its `__init__`: kind name -> "module:Class". Nothing is imported until it is
asked for. Plugins add kinds by entry points in the groups `lookalike.generators`, `lookalike.models`, ...; a built-in wins
over a plugin of the same name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from lookalike.errors import UnknownKind, did_you_mean

GROUPS: dict[str, tuple[str, ...]] = {
    "generator": ("lookalike.generators",),
    "step": ("lookalike.steps",),
    "model": ("lookalike.models",),
    "source": ("lookalike.sources", "lookalike.synthesizers.pseudonyms"),
    "origin": ("lookalike.origins",),
    "synthesizer": ("lookalike.synthesizers",),
    "dataset": ("lookalike.synthesizers.relational",),
    "metric": ("lookalike.evaluate",),
    "exporter": ("lookalike.export",),
    "operator": ("lookalike.generators.text.operators",),
}
"""The rooms of each group; the first gives its name to the entry points of plugins."""


def builtins(group: str) -> dict[str, str]:
    """The built-in kinds of a group: kind -> "module:Class"."""
    return {kind: target for room in GROUPS[group] for kind, target in import_module(room).KINDS.items()}


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """The kinds that installed packages add to a group."""
    own = builtins(group)
    return {point.name: point for point in entry_points(group=GROUPS[group][0]) if point.name not in own}


def kinds(group: str) -> tuple[str, ...]:
    """All kind names of a group, built-ins first, each part sorted."""
    return (*sorted(builtins(group)), *sorted(plugins(group)))


def resolve(group: str, kind: str) -> type:
    """The class of a kind, imported on use.

    Raises:
        UnknownKind: neither a built-in nor a plugin has this name.
    """
    own = builtins(group)
    if kind in own:
        module, _, name = own[kind].partition(":")
        return getattr(import_module(module), name)
    if kind in plugins(group):
        return plugins(group)[kind].load()
    raise UnknownKind(what=f"unknown {group} kind {kind!r}", fix=did_you_mean(kind, kinds(group), label="kinds"))
