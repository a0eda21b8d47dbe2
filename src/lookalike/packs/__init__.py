"""Packs: domains as data. A pack is a folder of recipes, one file a task; nothing in it is code."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from lookalike.errors import UsageError, did_you_mean

DEMO = files("lookalike.packs") / "demo.yaml"  # what `lookalike demo` runs
STARTER = files("lookalike.packs") / "starter.yaml"  # what `lookalike new` writes when no pack is named


def packs() -> tuple[str, ...]:
    """The names of all packs."""
    folders = (entry for entry in files("lookalike.packs").iterdir() if entry.is_dir())
    return tuple(sorted(folder.name for folder in folders if _recipes(folder)))


def tasks(pack: str) -> tuple[str, ...]:
    """The tasks of a pack, one recipe each.

    Raises:
        UsageError: there is no such pack.
    """
    if pack not in packs():
        raise UsageError(what=f"there is no pack {pack!r}", fix=did_you_mean(pack, packs(), label="packs"))
    return tuple(sorted(_recipes(files("lookalike.packs") / pack)))


def pack_recipe(pack: str, task: str = "") -> str:
    """The text of a pack's recipe; without a task, the only one, or the one named like the pack.

    Raises:
        UsageError: there is no such pack or task, or the task has to be chosen.
    """
    known = tasks(pack)
    name = task or (known[0] if len(known) == 1 else pack)
    if name not in known:
        what = f"pack {pack!r} has no task {task!r}" if task else f"pack {pack!r} has several tasks"
        fix = did_you_mean(task, known, label="tasks") if task else f"choose one: {', '.join(known)}"
        raise UsageError(what=what, fix=fix)
    return _recipes(files("lookalike.packs") / pack)[name].read_text("utf-8")


def _recipes(folder: Traversable) -> dict[str, Traversable]:
    return {entry.name.removesuffix(".yaml"): entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
