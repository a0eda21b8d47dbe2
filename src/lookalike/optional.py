"""Optional packages: the module, or what to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from lookalike.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module, or say which extra brings it.

    Raises:
        MissingExtra: the module is not installed, or it fails to import.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        raise MissingExtra(
            what=f"{module!r} cannot be imported ({exc})",
            fix=f"pip install 'lookalike[{extra}]'",
        ) from exc
