"""What the CLI, the studio and `import lookalike` call, and nothing else.

load, plan, run        a recipe becomes a dataset
mimic, fit, sample     a table becomes another like it
export                 hand it over
kinds, explain         what there is
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.resources import as_file
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import orjson

from lookalike import databases, frames
from lookalike.errors import RunError, UsageError
from lookalike.registry import GROUPS, resolve
from lookalike.registry import kinds as kind_names
from lookalike.store import check_writable, put_bytes, refuse_links

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.export.base import Exporter
    from lookalike.plan import Plan
    from lookalike.plan.estimate import SoFar
    from lookalike.recipe.model import Recipe
    from lookalike.recipe.pages import Page
    from lookalike.run.engine import Options, Progress
    from lookalike.run.events import Listener
    from lookalike.run.folder import RunFolder
    from lookalike.run.preview import Previewed
    from lookalike.schema.relations import DatasetSchema
    from lookalike.schema.types import TableSchema
    from lookalike.synthesizers.base import Given, Synthesizer
    from lookalike.tune import Tuned

# Verbs load their rooms when they are called: `lookalike evaluate` must not pay for the run engine, nor `run` for evaluation.

RecipeLike: TypeAlias = "Recipe | Plan | str | Path | Mapping[str, Any]"
HELD_ROWS = 1_000_000  # more are drawn and written a few at a time


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


def measure(made: Plan, folder: RunFolder, *, only: str | None = None) -> Report | None:
    """Evaluate a finished run against the source that it was learned from; None when nothing was learned.

    Writes `report.json`, `report.html`, `card.md` and `croissant.json` into the run folder; see `lookalike.proof`.
    """
    from lookalike.proof import measure as measure_run

    folder.check_made()
    return measure_run(made, folder, only=only)


def report(folder: RunFolder) -> Report | None:
    """What a run was found to be worth when it was measured last, without its sources; None when it was not."""
    from lookalike.evaluate.report import Report as Loaded

    path = folder.path / "report.json"
    return Loaded.load(path) if path.is_file() else None


def compare_reports(before: str | Path, after: str | Path) -> Any:
    """What got better or worse beyond noise between two reports (files, or run folders)."""
    from lookalike.evaluate.compare import compare
    from lookalike.evaluate.report import Report as Loaded

    paths = [Path(path) / "report.json" if Path(path).is_dir() else Path(path) for path in (before, after)]
    return compare(*(Loaded.load(path) for path in paths))


def seal(folder: str | Path | RunFolder, *, key: str | Path | None = None) -> list[Path]:
    """List every file of a finished run with its SHA-256, and sign the list with an Ed25519 key (PEM); see `verify`."""
    from lookalike.export.sign import seal as seal_folder
    from lookalike.run.folder import RunFolder

    run_ = folder if isinstance(folder, RunFolder) else RunFolder(Path(folder))
    return seal_folder(run_.path, key=None if key is None else Path(key))


def verify(folder: str | Path, *, key: str | Path | None = None) -> list[str]:
    """Problems of a run's files against its manifest and signature; an empty list when all is as it was made."""
    from lookalike.export.sign import verify as verify_folder
    from lookalike.run.folder import RunFolder

    return verify_folder(RunFolder(Path(folder)).path, public_key=key)


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


def fit(
    data: Any,
    *,
    synthesizer: str | Synthesizer | type[Synthesizer] = "forest",
    schema: TableSchema | str | Path | None = None,
    seed: int = 0,
    budget_s: float | None = None,
) -> Synthesizer:
    """Learn a table.

    Args:
        data: a frame, a file, or a database URL.
        synthesizer: a kind, or a configured synthesizer.
        schema: semantic types, or a file that corrects them (see `look`); inferred when not given.
        seed: the same data and seed give the same model.
        budget_s: seconds that the fit may take.
    """
    return _unfitted(synthesizer).fit(read(data), schema, seed=seed, budget_s=budget_s)


def _unfitted(synthesizer: str | Synthesizer | type[Synthesizer]) -> Synthesizer:
    """A synthesizer by its kind, its class, or itself."""
    made = resolve("synthesizer", synthesizer) if isinstance(synthesizer, str) else synthesizer
    return made() if isinstance(made, type) else made


def look(data: Any, *, schema: str | Path | None = None, to: str | Path | None = None) -> TableSchema:
    """What each column of a table is taken for, and why; printed, one line a column.

    Args:
        data: a frame, a file, or a database URL.
        schema: a file that corrects what is found.
        to: where to write it as YAML, to be corrected and given as `schema` to `fit`, `mimic` and `evaluate`.

    Raises:
        SchemaError: the file says what cannot be.
    """
    from lookalike.schema.described import described, written

    found = described(frames.to_arrow(read(data)), schema)
    if to is not None:
        put_bytes(Path(to), written(found).encode())
    return found


def read(data: Any) -> Any:
    """A frame as it is; a path or a URL as an Arrow table.

    Raises:
        SourceError: it cannot be read.
    """
    if not isinstance(data, (str, Path)):
        return data
    from lookalike.sources.open import read as read_source

    return read_source(str(data))


def relations(tables: Mapping[str, Any]) -> DatasetSchema:
    """Find the keys of some tables, how they refer to each other, and which are code lists, before anything is learned.

    Args:
        tables: name -> pandas, polars or Arrow.

    Returns:
        The schema; printed, it is a tree with the evidence for each relation. A corrected one goes into `Relational().fit` and `mimic`.
    """
    from lookalike.schema.keys import find_relations

    return find_relations({str(name): frames.to_arrow(table) for name, table in tables.items()})


def mimic(
    data: Any,
    n: int | None = None,
    *,
    synthesizer: str | Synthesizer | type[Synthesizer] = "forest",
    given: Given | None = None,
    constraints: Sequence[Any] = (),
    schema: TableSchema | DatasetSchema | str | Path | None = None,
    scale: float = 1.0,
    holdout: float = 0.2,
    seed: int = 0,
) -> Any:
    """Learn a table and sample it, or several related ones: pandas, polars or Arrow in, the same out.

    Args:
        data: a frame, a file, or a database URL (then Arrow comes out); or a mapping of names to frames, which are learned together
            as `Relational` does. The index of a pandas frame is not learned: call its `reset_index()` first where it says something.
        n: rows; as many as the data has when not given. Of several tables `scale` says how many.
        synthesizer: a kind, or a configured synthesizer.
        given: conditions that every row holds: column -> value, list, {"min", "max"}, {"shares"}; "where" -> SQL. Of several tables
            by table.
        constraints: what every row of one table keeps: `net <= gross`, an SQL condition, or a mapping with its kind, as recipes
            write them.
        schema: semantic types, or a file that corrects them (`lookalike.look`); of several tables their keys and relations too
            (`lookalike.relations`). Inferred when not given.
        scale: rows as a multiple of the data's.
        holdout: share of one table's rows that is not learned, as in a recipe's `like`: `lookalike.schema.holdout.split` tells which;
            the same recipe gives the same rows. Fewer than 50 rows are all learned.
        seed: the same data and seed give the same rows.

    Raises:
        UsageError: `n` or a schema of one table beside several tables.
    """
    if frames.is_dataset(data):
        if n is not None or synthesizer != "forest" or constraints:
            fix = "say `scale=` instead of `n=`, and methods with `Relational(tables=...)`"
            raise UsageError(what="several tables are learned together", fix=fix)
        return databases.mimic_tables(data, schema=schema, scale=scale, given=given, seed=seed)
    from lookalike.one_table import mimic_frame
    from lookalike.synthesizers.constraints.constrained import constrained

    frame = read(data)
    if n is None and scale != 1:
        n = round(len(frames.to_arrow(frame)) * scale)
    model = constrained(_unfitted(synthesizer), constraints)
    return mimic_frame(frame, n, model, given=given, schema=schema, holdout=holdout, seed=seed)  # type: ignore[arg-type]  # of one table


mimic_dataset, relations_of, write_schema = databases.mimic_dataset, databases.relations_of, databases.write_schema


def is_dataset(data: str) -> bool:
    """Whether a text names several tables: a folder, a SQLite file, a database's URL without a table."""
    from lookalike.sources.dataset import is_dataset as names_several

    return names_several(data)


def mimic_file(data: str, to: str | Path, **options: Any) -> Report | None:
    """Learn a table, write a sample of it, and say what the sample is worth; see `one_table.mimic_file`."""
    from lookalike.one_table import mimic_file as make

    return make(data, Path(to), **options)


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


@overload
def sample(model: str | Path | Synthesizer, n: int, to: None = None, *, given: Given | None = None, seed: int = 0) -> Any: ...
@overload
def sample(model: str | Path | Synthesizer, n: int, to: str | Path, *, given: Given | None = None, seed: int = 0) -> int: ...
def sample(
    model: str | Path | Synthesizer, n: int, to: str | Path | None = None, *, given: Given | None = None, seed: int = 0
) -> Any:
    """Draw rows from a saved or fitted model.

    Args:
        model: a fitted synthesizer, or the folder of a saved one.
        n: rows.
        to: a csv, parquet or jsonl file to write, above a million rows a few at a time where the method can; without it the rows
            are returned, in the kind of frame that was fitted.
        given: conditions that every row holds; see `mimic`.
        seed: the same model and seed give the same rows.

    Returns:
        The rows, or how many were written to the file.
    """
    from lookalike.export.tables import check_ending, write_batches
    from lookalike.synthesizers.base import Synthesizer as Base
    from lookalike.synthesizers.watch import tell

    if to is not None:
        check_ending(Path(to))
        check_writable(Path(to))
    loaded = Base.load(model) if isinstance(model, (str, Path)) else model
    if to is None:
        return loaded.sample(n, given=given, seed=seed)
    whole = n <= HELD_ROWS
    tables = (
        iter([loaded.sample_arrow(n, given=given, seed=seed)]) if whole else loaded.sample_batches(n, given=given, seed=seed)
    )
    return write_batches(tables, Path(to), lambda done: tell(f"{done:,} rows", done / max(n, 1)))


def export(run_folder: str | Path | RunFolder, *, to: str, path: str | Path, **fields: Any) -> list[Path]:
    """Hand a run over in another format.

    Args:
        run_folder: a run.
        to: the exporter's kind.
        path: a file, a folder, or the URL of a database for `sql`.
        fields: fields of the exporter.

    Returns:
        The files written; none where a database took the tables.
    """
    from lookalike.run.folder import RunFolder
    from lookalike.spec import configured

    run_ = run_folder if isinstance(run_folder, RunFolder) else RunFolder(Path(run_folder))
    run_.check_made()
    if "://" in str(path):
        fields["url"] = path
    exporter: Exporter = configured(resolve("exporter", to), fields, where=f"the fields of {to}")
    for name in run_.tables:
        if not run_.paths(name):
            raise RunError(what=f"table {name!r} has no finished partition", where=str(run_.path), fix="run the recipe first")
    if "url" not in fields:
        refuse_links(Path(path))
    return list(exporter.export(run_, Path(path)))


def kinds() -> dict[str, tuple[str, ...]]:
    """All kinds by group."""
    return {group: kind_names(group) for group in GROUPS}


def explain(kind: str) -> list[Page]:
    """The pages of a kind, one for each group that has it.

    Raises:
        UnknownKind: no group has it.
    """
    from lookalike.recipe.pages import explain as pages_of

    return pages_of(kind)


def write_json_schema(path: Path) -> None:
    """Write the JSON Schema of recipes, for editors."""
    from lookalike.recipe import load as recipes

    put_bytes(path, orjson.dumps(recipes.json_schema(), option=orjson.OPT_INDENT_2))
