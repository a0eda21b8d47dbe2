"""Lookalike: synthetic datasets that can stand in for real ones, and the proof of what they are worth.

Read the folders in the order in which the data goes:

    schema        what data is
    recipe        what is asked for
    sources       real data in
    models        answers from generative models
    generators    makers of columns
    steps         changers of rows
    synthesizers  learned from real data
    plan          in what order
    run           do it
    evaluate      is it good, is it safe
    export        hand it over
    api           what the CLI and `import lookalike` call

Names below load on first use; `import lookalike` itself loads nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_NAMES: dict[str, str] = {
    "LookalikeError": "lookalike.errors",
}

__all__ = ["__version__", *sorted(_NAMES)]  # pyright: ignore[reportUnsupportedDunderAll]  # loaded on first use


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    if name == "evaluate":  # a package that can be called: Python binds it here on import
        return import_module("lookalike.evaluate")
    raise AttributeError(f"module 'lookalike' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
