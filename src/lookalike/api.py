"""What the CLI, the studio and `import lookalike` call, and nothing else.

    load, plan, run        a recipe becomes a dataset
    mimic, fit, sample     a table becomes another like it
    evaluate               is it good, is it safe
    export                 hand it over
    kinds, explain         what there is
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lookalike import frames
from lookalike.errors import RunError, UnknownKind, UsageError, did_you_mean
from lookalike.plan import Plan, compile_plan
from lookalike.recipe import load as recipes
from lookalike.recipe.model import From, Like, Recipe
from lookalike.registry import GROUPS, resolve
from lookalike.registry import kinds as kind_names
from lookalike.run.engine import Options, Progress
from lookalike.run.engine import run as run_plan
from lookalike.run.folder import RunFolder
from lookalike.store import put_bytes

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report
    from lookalike.run.events import Listener
    from lookalike.schema.types import TableSchema
    from lookalike.synthesizers.base import Given, Synthesizer

RecipeLike = Recipe | Plan | str | Path | Mapping[str, Any]


def settings(pairs: Iterable[str]) -> dict[str, str]:
    """`key=value` texts as a mapping.

    Raises:
        UsageError: a text without `=`.
    """
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(what=f"{pair!r} is no setting", where="--set", fix="write key=value")
        found[key.strip()] = value
    return found


def load(recipe: str | Path | Mapping[str, Any], *, set: Mapping[str, str] | None = None) -> Recipe:  # noqa: A002
    """Read a recipe from a file, a YAML text or plain data.

    Raises:
        RecipeProblems: every problem of it, each with file:line:column, the offending value and the fix.
    """
    return recipes.load(recipe, set=set or {})


def plan(
    recipe: RecipeLike, *, rows: int | None = None, set: Mapping[str, str] | None = None, allow_code: bool = False  # noqa: A002
) -> Plan:
    """Everything that can be known before any money is spent.

    Args:
        recipe: a recipe, a recipe file, or a run folder (its recipe).
        rows: overrides the number of rows of every table that says one.
        set: parameters and dotted paths of the recipe.
        allow_code: let `kind: function` and other code of the recipe run.

    Raises:
        RecipeProblems: every problem found.
    """
    if isinstance(recipe, Plan):
        return recipe
    root = Path()
    if isinstance(recipe, (str, Path)):
        path = Path(recipe)
        if path.is_dir():
            run_folder = RunFolder(path)
            root = Path(run_folder.plan["root"])
            path = path / "recipe.yaml"
        else:
            root = path.parent
        recipe = recipes.load(path, set=set or {})
    elif isinstance(recipe, Mapping):
        recipe = recipes.load(recipe, set=set or {})
    return compile_plan(recipe, root, rows=rows, allow_code=allow_code)


def default_folder(recipe: Path, made: Plan) -> Path:
    """Where a run goes when nobody says: its own folder when it is one, else runs/<name>."""
    return recipe if recipe.is_dir() else Path("runs") / made.recipe.name


def make(
    made: Plan, to: str | Path, *, options: Options | None = None, listeners: tuple[Listener, ...] = (), progress: Progress | None = None
) -> RunFolder:
    """Make a plan's tables in a run folder, or go on where an earlier call stopped."""
    return run_plan(made, Path(to), options or Options(), listeners, progress)


def run(
    recipe: RecipeLike,
    to: str | Path | None = None,
    *,
    rows: int | None = None,
    set: Mapping[str, str] | None = None,  # noqa: A002
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
    made = plan(recipe, rows=rows, set=set, allow_code=allow_code)
    default = default_folder(Path(recipe), made) if isinstance(recipe, (str, Path)) else Path("runs") / made.recipe.name
    return make(made, to or default, options=Options(threads=threads, retry_failed=retry_failed, allow_code=allow_code))


def measure(made: Plan, folder: RunFolder) -> Report | None:
    """Evaluate the tables that were learned from a source against it, and the recipe's gates; None when there is none.

    Writes `report.json` and `report.html` into the run folder.
    """
    from lookalike.evaluate.evaluate import evaluate as compare
    from lookalike.run.origin import Sources

    sources = Sources(made.recipe.sources, made.root)
    for table in made.tables:
        rows = table.table.rows
        if isinstance(rows, (Like, From)):
            name = rows.like if isinstance(rows, Like) else rows.source
            real, synthetic = sources.source(name), folder.table(table.name)
            shared = [column for column in synthetic.column_names if column in real.column_names]
            if not shared or isinstance(rows, From):
                continue
            gates = [gate for gate in made.recipe.gates if gate.get("table", table.name) == table.name]
            report = compare(real.select(shared), synthetic.select(shared), seed=made.recipe.seed, gates=gates or None)
            report.save(folder.path / "report.json")
            report.save(folder.path / "report.html")
            return report
    return None


def fit(
    data: Any,
    *,
    synthesizer: str | Synthesizer = "forest",
    schema: TableSchema | None = None,
    seed: int = 0,
    budget_s: float | None = None,
) -> Synthesizer:
    """Learn a table.

    Args:
        data: a frame, a file, or a database URL.
        synthesizer: a kind, or a configured synthesizer.
        schema: semantic types; inferred when not given.
        seed: the same data and seed give the same model.
        budget_s: seconds that the fit may take.
    """
    model: Synthesizer = resolve("synthesizer", synthesizer)() if isinstance(synthesizer, str) else synthesizer
    return model.fit(read(data), schema, seed=seed, budget_s=budget_s)


def read(data: Any) -> Any:
    """A frame as it is; a path or a URL as an Arrow table.

    Raises:
        SourceError: it cannot be read.
    """
    if not isinstance(data, (str, Path)):
        return data
    from lookalike.sources.open import read as read_source

    return read_source(str(data))


def mimic(
    data: Any,
    n: int | None = None,
    *,
    synthesizer: str | Synthesizer = "forest",
    given: Given | None = None,
    schema: TableSchema | None = None,
    seed: int = 0,
) -> Any:
    """Learn a table and sample it: pandas, polars or Arrow in, the same out.

    Args:
        data: a frame, a file, or a database URL (then Arrow comes out).
        n: rows; as many as the data has when not given.
        synthesizer: a kind, or a configured synthesizer.
        given: conditions that every row holds: column -> value, list, {"min", "max"}, {"shares"}; "where" -> SQL.
        schema: semantic types; inferred when not given.
        seed: the same data and seed give the same rows.
    """
    frame = read(data)
    model = fit(frame, synthesizer=synthesizer, schema=schema, seed=seed)
    return model.sample(len(frames.to_arrow(frame)) if n is None else n, given=given, seed=seed)


def sample(model: str | Path | Synthesizer, n: int, to: str | Path, *, given: Given | None = None, seed: int = 0) -> int:
    """Draw rows from a saved model into a csv, parquet or jsonl file; returns how many."""
    from lookalike.export.tables import write_table
    from lookalike.synthesizers.base import Synthesizer as Base

    loaded = Base.load(model) if isinstance(model, (str, Path)) else model
    table = loaded.sample_arrow(n, given=given, seed=seed)
    write_table(table, Path(to))
    return int(table.num_rows)


def evaluate(real: Any, synthetic: Any, *, holdout: Any = None, target: str | None = None, **options: Any) -> Report:
    """Compare synthetic data with real data; see `lookalike.evaluate.evaluate.evaluate` for all options."""
    from lookalike.evaluate.evaluate import evaluate as compare

    return compare(read(real), read(synthetic), holdout=None if holdout is None else read(holdout), target=target, **options)


def export(run_folder: str | Path | RunFolder, *, to: str, path: str | Path, **fields: Any) -> list[Path]:
    """Hand a run over in another format.

    Args:
        run_folder: a run.
        to: the exporter's kind.
        path: a file or a folder.
        fields: fields of the exporter.
    """
    run_ = run_folder if isinstance(run_folder, RunFolder) else RunFolder(Path(run_folder))
    exporter = resolve("exporter", to).model_validate(fields)  # type: ignore[attr-defined]  # exporters are specs
    for name in run_.tables:
        if not run_.paths(name):
            raise RunError(what=f"table {name!r} has no finished partition", where=str(run_.path), fix="run the recipe first")
    return list(exporter.export(run_, Path(path)))


def kinds() -> dict[str, tuple[str, ...]]:
    """All kinds by group."""
    return {group: kind_names(group) for group in GROUPS}


@dataclass(frozen=True)
class Page:
    """A kind's page: its docstring, its fields, its JSON Schema."""

    kind: str
    group: str
    text: str
    fields: dict[str, tuple[str, str]]
    schema: dict[str, Any]


def explain(kind: str) -> list[Page]:
    """The pages of a kind, one for each group that has it.

    Raises:
        UnknownKind: no group has it.
    """
    import inspect

    pages = []
    for group in GROUPS:
        if kind not in kind_names(group):
            continue
        spec: Any = resolve(group, kind)
        fields = {}
        for name, info in spec.model_fields.items():
            default = "required" if info.is_required() else repr(info.get_default(call_default_factory=True))
            annotation = info.annotation
            type_name = getattr(annotation, "__name__", None) if not getattr(annotation, "__args__", None) else None
            fields[info.alias or name] = (type_name or str(annotation).replace("typing.", ""), default)
        pages.append(Page(kind, group, inspect.getdoc(spec) or "", fields, spec.model_json_schema()))
    if not pages:
        known = [name for group in GROUPS for name in kind_names(group)]
        raise UnknownKind(what=f"unknown kind {kind!r}", fix=did_you_mean(kind, known, label="kinds"))
    return pages


def write_json_schema(path: Path) -> None:
    """Write the JSON Schema of recipes, for editors."""
    put_bytes(path, orjson.dumps(recipes.json_schema(), option=orjson.OPT_INDENT_2))
