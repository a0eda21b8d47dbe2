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

Names below load on first use; `import lookalike` itself loads nothing heavy. `__init__.pyi` tells type checkers what they are.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_NAMES: dict[str, str] = {
    **dict.fromkeys(
        (
            "export",
            "fit",
            "kinds",
            "load",
            "look",
            "mimic",
            "new",
            "plan",
            "preview",
            "read",
            "run",
            "sample",
            "tune",
            "verify",
        ),
        "lookalike.api",
    ),
    "evaluate": "lookalike.evaluate.evaluate",
    "LookalikeError": "lookalike.errors",
    "Metric": "lookalike.evaluate.base",
    "Report": "lookalike.evaluate.report",
    "Batch": "lookalike.rows.batch",
    "Context": "lookalike.rows.context",
    **dict.fromkeys(("Generator", "ModelColumn"), "lookalike.generators.base"),
    "Model": "lookalike.models.base",
    "Recipe": "lookalike.recipe.model",
    "Table": "lookalike.recipe.model",
    "RunFolder": "lookalike.run.folder",
    "Step": "lookalike.steps.base",
    "Synthesizer": "lookalike.synthesizers.base",
    "Adasyn": "lookalike.synthesizers.methods.adasyn",
    "Aim": "lookalike.synthesizers.private.aim",
    "Arf": "lookalike.synthesizers.methods.arf",
    "Auto": "lookalike.synthesizers.methods.auto",
    "Autoregressive": "lookalike.synthesizers.methods.autoregressive",
    "BayesNet": "lookalike.synthesizers.methods.bayes_net",
    "Cart": "lookalike.synthesizers.methods.cart",
    "Constrained": "lookalike.synthesizers.constraints.constrained",
    "Copula": "lookalike.synthesizers.methods.copula",
    "Ctgan": "lookalike.synthesizers.methods.ctgan",
    "Diffusion": "lookalike.synthesizers.methods.diffusion",
    "Fair": "lookalike.synthesizers.methods.fair",
    "Forest": "lookalike.synthesizers.forest.model",
    "impute": "lookalike.synthesizers.imputation.impute",
    "Independent": "lookalike.synthesizers.methods.independent",
    "Mst": "lookalike.synthesizers.private.mst",
    "relations": "lookalike.api",
    "Relational": "lookalike.synthesizers.relational.model",
    "Smote": "lookalike.synthesizers.methods.smote",
    "Tvae": "lookalike.synthesizers.methods.tvae",
}

__all__ = [
    "Adasyn",
    "Aim",
    "Arf",
    "Auto",
    "Autoregressive",
    "Batch",
    "BayesNet",
    "Cart",
    "Constrained",
    "Context",
    "Copula",
    "Ctgan",
    "Diffusion",
    "Fair",
    "Forest",
    "Generator",
    "Independent",
    "LookalikeError",
    "Metric",
    "Model",
    "ModelColumn",
    "Mst",
    "Recipe",
    "Relational",
    "Report",
    "RunFolder",
    "Smote",
    "Step",
    "Synthesizer",
    "Table",
    "Tvae",
    "__version__",
    "evaluate",
    "export",
    "fit",
    "impute",
    "kinds",
    "load",
    "look",
    "mimic",
    "new",
    "plan",
    "preview",
    "read",
    "relations",
    "run",
    "sample",
    "tune",
    "verify",
]

_FOLDERS = frozenset({"evaluate", "export", "plan", "run", "tune"})  # rooms that are also verbs


class _Verb(ModuleType):
    """A room of the house that can be called: `lookalike.run` is the package, `lookalike.run(...)` makes a dataset."""

    @property
    def __wrapped__(self) -> Any:
        """The function of this name: `inspect.signature` and the help of notebooks look here."""
        name = self.__name__.rpartition(".")[2]
        return getattr(import_module(_NAMES[name]), name)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # what `la.evaluate?` shows: how to call it
        return getattr(self.__wrapped__, "__doc__", None)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function of this name."""
        return self.__wrapped__(*args, **options)


class _House(ModuleType):
    """This package. Python binds a folder here when anything in it is imported, which would hide the verb of its name."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FOLDERS and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _House


def __getattr__(name: str) -> Any:  # any public name
    if name in _FOLDERS:
        return import_module(f"lookalike.{name}")
    if name in _NAMES:
        value = getattr(import_module(_NAMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'lookalike' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
