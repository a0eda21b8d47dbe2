"""Optional packages: the module, or what to install."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from lookalike.errors import MissingExtra


def require(module: str, *, extra: str = "") -> ModuleType:
    """Import an optional module, or say what brings it: one of our extras, or the package itself.

    Raises:
        MissingExtra: the module is not installed, or it fails to import.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        raise MissingExtra(
            what=f"{module!r} cannot be imported ({exc})",
            fix=f"pip install 'lookalike[{extra}]'" if extra else f"pip install {module.partition('.')[0]}",
        ) from exc
