"""Python code that a recipe names: `module:name`, loaded only when the user allowed code."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Annotated, Any

from pydantic import AfterValidator

from lookalike.errors import RecipeError, did_you_mean
from lookalike.rows.context import Context


def _shape(path: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", path):
        raise ValueError(f"{path!r} is not a path to Python code; write it as module:name")
    return path


CodePath = Annotated[str, AfterValidator(_shape)]


def load(path: str, ctx: Context) -> Callable[..., Any]:
    """The object that `module:name` names: an installed module, or a file beside the recipe.

    Raises:
        RecipeError: code is not allowed, the module or the name is not there, or the object cannot be called.
    """
    where = f"table {ctx.table!r}, column {ctx.column!r}"
    if not ctx.allow_code:
        raise RecipeError(
            what=f"{path!r} is code, and recipes run none by themselves", where=where, fix="read it, then run with --allow-code"
        )
    name, _, attribute = path.partition(":")
    try:
        found: Any = _module(name, ctx)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ImportError as exc:
        raise RecipeError(
            what=f"module {name!r} cannot be imported: {exc}", where=where, fix="install it, or put it beside the recipe"
        ) from exc
    except AttributeError as exc:
        public = [key for key in vars(_module(name, ctx)) if not key.startswith("_")]
        raise RecipeError(
            what=f"{name!r} has no {attribute!r}", where=where, fix=did_you_mean(attribute, public, label="it has")
        ) from exc
    if not callable(found):
        raise RecipeError(what=f"{path!r} is {type(found).__name__}, not callable", where=where, fix="name a function")
    return found


def _module(name: str, ctx: Context) -> Any:
    beside = ctx.root / f"{name.replace('.', '/')}.py"
    if not beside.is_file():
        return import_module(name)
    key = f"lookalike_recipe_code.{beside.resolve()}"  # no name of its own: two recipes may both have functions.py
    if key not in sys.modules:
        spec = spec_from_file_location(key, beside)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[key] = module
    return sys.modules[key]
