"""A recipe and its run: loaded, planned, made, previewed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from lookalike import frames
from lookalike.api.tables import read
from lookalike.errors import UsageError
from lookalike.store import put_bytes

if TYPE_CHECKING:
    from lookalike.plan import Plan
    from lookalike.plan.estimate import SoFar
    from lookalike.recipe.model import Recipe
    from lookalike.run.engine import Options, Progress
    from lookalike.run.events import Listener
    from lookalike.run.folder import RunFolder
    from lookalike.run.preview import Previewed
    from lookalike.tune import Tuned

RecipeLike: TypeAlias = "Recipe | Plan | str | Path | Mapping[str, Any]"


def settings(pairs: Iterable[str], *, option: str = "--set") -> dict[str, str]:
    """`key=value` texts as a mapping of texts; `option` is where they were written.

    Raises:
        UsageError: a text without `=`.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            example = "column=value" if option == "--given" else "key=value"
            raise UsageError(what=f"{pair!r} has no value", where=option, fix=f"write {example}")
        found[key.strip()] = value
    return found


def fields(pairs: Iterable[str]) -> dict[str, Any]:
    """`key=value` texts as fields of a kind, each value read as a recipe would read it.

    Raises:
        UsageError: a text without `=`.
    """
    from lookalike.recipe.document import scalar

    return {name: scalar(text) for name, text in settings(pairs).items()}


def load(recipe: str | Path | Mapping[str, Any], *, set: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe from a file, a YAML text or plain data.

    Raises:
        RecipeProblems: every problem of it, each with file:line:column, the offending value and the fix.
    """
    from lookalike.recipe import load as recipes

    if not isinstance(recipe, Mapping) and os.path.isfile(os.path.join(recipe, "model.json")):  # noqa: PTH113, PTH118  # of any text
        raise UsageError(
            what="this is a saved model, not a recipe",
            where=str(recipe),
            fix="la.Synthesizer.load(folder), or la.sample(folder, n)",
        )
    return recipes.load(recipe, set=set or {})


def plan(
    recipe: RecipeLike,
    *,
    rows: int | None = None,
    first: int | None = None,
    set: Mapping[str, str] | None = None,
    allow_code: bool = False,
) -> Plan:
    """Everything that can be known before any money is spent.

    Args:
        recipe: a recipe, a recipe file, or a run folder (its recipe).
        rows: overrides the number of rows of every table that says one.
        first: makes no more than so many rows of a table, also of a grid.
        set: parameters and dotted paths of the recipe.
        allow_code: let `kind: function` and other code of the recipe run.

    Raises:
        RecipeProblems: every problem found.
    """
    from lookalike.plan import Plan, compile_plan
    from lookalike.recipe import load as recipes
    from lookalike.run.folder import RunFolder

    if isinstance(recipe, Plan):
        return recipe
    root = Path()
    if isinstance(recipe, (str, Path)):
        path = Path(recipe)
        if path.is_dir():
            run_folder = RunFolder(path)
            root = path / run_folder.plan["root"]
            path = path / "recipe.yaml"
        else:
            root = path.parent
        recipe = recipes.load(path, set=set or {})
    elif isinstance(recipe, Mapping):
        recipe = recipes.load(recipe, set=set or {})
    return compile_plan(recipe, root, rows=rows, first=first, allow_code=allow_code)


def so_far(made: Plan, folder: Path) -> SoFar | None:
    """What a run folder holds already of a plan, and what it has cost; None where no run was begun."""
    if not (folder / "plan.json").is_file():
        return None
    from lookalike.run.so_far import so_far as of_run

    return of_run(made, folder)


def default_folder(recipe: Path, made: Plan) -> Path:
    """Where a run goes when nobody says: its own folder when it is one, else runs/<name>."""
    return recipe if recipe.is_dir() else Path("runs") / made.recipe.name


def make(
    made: Plan,
    to: str | Path,
    *,
    options: Options | None = None,
    listeners: tuple[Listener, ...] = (),
    progress: Progress | None = None,
    stop_early: bool = False,
) -> RunFolder:
    """Make a plan's tables in a run folder, or go on where an earlier call stopped.

    Args:
        made: the plan.
        to: the run folder. A seal on it is taken off: what is made now is not sealed.
        options: how to run.
        listeners: told of every event.
        progress: where the run stands, for a live view.
        stop_early: end the run as soon as a gate of the recipe is lost whatever the remaining rows will be.

    Raises:
        GateFailed: with `stop_early`, a gate is lost; what was made is kept.
        ModelError: every row of a table failed.
    """
    from lookalike.export.sign import unseal
    from lookalike.run.engine import Options
    from lookalike.run.engine import run as run_plan

    options = options or Options()
    if stop_early and made.recipe.gates:
        from lookalike.proof import lost_gates

        options = replace(options, look=lost_gates(made))
    unseal(Path(to))
    folder = run_plan(made, Path(to), options, listeners, progress)
    if options.shard.whole:
        folder.check_made()
    return folder


def run(
    recipe: RecipeLike,
    to: str | Path | None = None,
    *,
    rows: int | None = None,
    set: Mapping[str, str] | None = None,
    allow_code: bool = False,
    retry_failed: bool = False,
    threads: int = 0,
) -> RunFolder:
    """Make a dataset from a recipe; the same call again goes on where it stopped.

    Args:
        recipe: a recipe, a recipe file, or a run folder.
        to: the run folder; `runs/<name>` when not given.
        rows: overrides the number of rows of every table that says one.
        set: parameters and dotted paths of the recipe.
        allow_code: let `kind: function` and other code of the recipe run.
        retry_failed: ask again for cells that failed earlier.
        threads: threads for tables without model calls; 0: one a core.

    Raises:
        RecipeProblems, SourceError, ModelError, RunError: see `lookalike.errors`.
    """
    from lookalike.run.engine import Options

    made = plan(recipe, rows=rows, set=set, allow_code=allow_code)
    default = default_folder(Path(recipe), made) if isinstance(recipe, (str, Path)) else Path("runs") / made.recipe.name
    return make(made, to or default, options=Options(threads=threads, retry_failed=retry_failed, allow_code=allow_code))


def preview(
    recipe: RecipeLike, *, rows: int = 3, set: Mapping[str, str] | None = None, allow_code: bool = False
) -> list[Previewed]:
    """Make a few records and show every prompt and reply; nothing is kept.

    Args:
        recipe: a recipe, a recipe file, or a run folder.
        rows: records of every table; of children those of so many parents.
        set: parameters and dotted paths of the recipe.
        allow_code: let `kind: function` and other code of the recipe run.
    """
    from lookalike.run.preview import preview as make_preview

    return make_preview(plan(recipe, rows=rows, first=rows, set=set, allow_code=allow_code), allow_code=allow_code)


def tune(
    recipe: Recipe | str | Path | Mapping[str, Any], *, column: str, prompts: Iterable[str], rows: int = 20, judge: str = ""
) -> Tuned:
    """Compare prompt variants on a small sample under a judge and text metrics.

    Args:
        recipe: a recipe or its file; its own prompt is the first variant.
        column: `table.column`, a column with a `prompt`.
        prompts: further variants.
        rows: rows made with each variant.
        judge: a name under `models:`; empty: the column's own model.
    """
    from lookalike.tune import tune as compare_prompts

    return compare_prompts(recipe, column=column, prompts=list(prompts), rows=rows, judge=judge)


def demo_recipe() -> Path:
    """The demo's recipe, as shipped."""
    from lookalike.packs import DEMO

    with as_file(DEMO) as path:
        return Path(path)


def new(
    name: str, *, data: str | None = None, pack: str | None = None, task: str | None = None, to: str | Path | None = None
) -> Path:
    """Write a starter recipe: from data (its schema with reasons), from a pack, or a small one to edit.

    Raises:
        UsageError: the file exists, or the pack has no such task.
    """
    from lookalike.packs import STARTER, pack_recipe
    from lookalike.recipe.starter import starter
    from lookalike.schema.infer import infer

    path = Path(to) if to is not None else Path(f"{name}.yaml")
    if path.exists():
        raise UsageError(what="the file exists", where=str(path), fix="choose another name, or -o")
    if data is not None:
        real = frames.to_arrow(read(data))
        text = starter(infer(real), data, name, real=real)
    else:
        known = STARTER.read_text("utf-8") if pack is None else pack_recipe(pack, task or "")
        text = re.sub(r"(?m)^name: .*$", f"name: {name}", known, count=1)
    put_bytes(path, text.encode())
    return path


def write_json_schema(path: Path) -> None:
    """Write the JSON Schema of recipes, for editors."""
    from lookalike.recipe import load as recipes

    put_bytes(path, orjson.dumps(recipes.json_schema(), option=orjson.OPT_INDENT_2))
