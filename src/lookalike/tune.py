"""Compare prompts on a small sample, and keep the best: `lookalike tune`.

Every variant makes the same few rows (same seed, same drawn attributes). A judge scores each text, beside it stand the share of
rows that came through all checks and how varied the words are. The prompt in the recipe stays unless another is better by more
than the noise of so small a sample.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from lookalike.errors import RecipeError, UsageError, did_you_mean
from lookalike.plan import compile_plan
from lookalike.recipe.load import dump, load, plain
from lookalike.recipe.model import Recipe
from lookalike.run.engine import Options
from lookalike.run.engine import run as run_plan
from lookalike.run.folder import RunFolder
from lookalike.store import put_bytes

Run = Callable[[Recipe, Path, int], RunFolder]
JUDGED = "tune_score"
RUBRIC = "1 misses the task or cannot be used ... 3 does most of it ... 5 does exactly what is asked, in fluent, natural words"


@dataclass(frozen=True, slots=True)
class Variant:
    """One prompt and what came of it.

    Attributes:
        prompt: the template.
        kept: rows that came through.
        lost: rows that were filtered, duplicates or failed on the way.
        judge: mean judge score of kept rows, 1 to 5; None when none was kept.
        error: its standard error.
        distinct: share of different word pairs among all word pairs, 0 to 1.
        words: mean length.
    """

    prompt: str
    kept: int
    lost: int
    judge: float | None
    error: float
    distinct: float
    words: float

    @property
    def worth(self) -> float:
        """What variants are ranked by: the judge's mean times the share of rows that came through; 0 when none did."""
        return 0.0 if self.judge is None else self.judge * self.kept / (self.kept + self.lost)


@dataclass(frozen=True, slots=True)
class Tuned:
    """Variants in the order they were given, the recipe's own first, and which one is kept."""

    recipe: Recipe
    column: str
    variants: tuple[Variant, ...]
    best: int

    def save(self, path: str | Path) -> None:
        """Write the recipe with the winning prompt."""
        put_bytes(Path(path), dump(self.winner()).encode())

    def winner(self) -> Recipe:
        """The recipe with the winning prompt."""
        return with_prompt(self.recipe, self.column, self.variants[self.best].prompt)

    def __str__(self) -> str:
        lines = [f"{'':2}{'judge':>14}{'kept':>8}{'distinct':>10}{'words':>8}  prompt"]
        for number, variant in enumerate(self.variants):
            judge = "not measured" if variant.judge is None else f"{variant.judge:.2f} ± {variant.error:.2f}"
            share = f"{variant.kept}/{variant.kept + variant.lost}"
            shown = " ".join(variant.prompt.split())
            mark = "* " if number == self.best else "  "
            lines.append(f"{mark}{judge:>14}{share:>8}{variant.distinct:>10.2f}{variant.words:>8.0f}  {shown[:70]}")
        return "\n".join(lines)


def tune(
    recipe: Recipe | str | Path | Mapping[str, Any],
    *,
    column: str,
    prompts: Sequence[str],
    rows: int = 20,
    run: Run | None = None,
    judge: str = "",
) -> Tuned:
    """Compare prompts of one column.

    Args:
        recipe: a recipe or its file; its own prompt is the first variant.
        column: `table.column`, a column with a `prompt`.
        prompts: further variants, as templates over the same row.
        rows: rows made with each variant.
        run: makes a recipe in a folder with so many rows; None: here, as `lookalike run` does.
        judge: a model's name; empty: the column's own model.

    Raises:
        UsageError: there is no such column, or it has no prompt, or there is nothing to compare.
    """
    root = Path(recipe).parent if isinstance(recipe, (str, Path)) else Path()
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    run = run or partial(_run, root=root)
    table, name = _place(recipe, column)
    own = recipe.tables[table].columns[name]
    if not prompts:
        raise UsageError(what="there is nothing to compare", fix="give one or more further prompts with --prompt")
    variants = []
    with tempfile.TemporaryDirectory(prefix="lookalike-tune-") as folder:
        for number, prompt in enumerate(dict.fromkeys([str(own.prompt), *prompts])):  # type: ignore[attr-defined]  # as `_place` found
            asked = _judged(
                with_prompt(recipe, column, prompt), table, name, prompt, judge or str(getattr(own, "model", "default"))
            )
            made = run(asked, Path(folder) / str(number), rows)
            variants.append(_measured(made, table, name, prompt))
    best = max(range(len(variants)), key=lambda i: variants[i].worth)
    noise = math.hypot(variants[0].error, variants[best].error)
    return Tuned(recipe, column, tuple(variants), best if variants[best].worth - variants[0].worth > noise else 0)


def _run(recipe: Recipe, folder: Path, rows: int, *, root: Path) -> RunFolder:
    return run_plan(compile_plan(recipe, root, rows=rows), folder, Options(), (), None)


def with_prompt(recipe: Recipe, column: str, prompt: str) -> Recipe:
    """The recipe with another prompt in one column."""
    table, name = _place(recipe, column)
    data = plain(recipe)
    data["tables"][table]["columns"][name]["prompt"] = prompt
    return Recipe.model_validate(data)


def _place(recipe: Recipe, column: str) -> tuple[str, str]:
    table, _, name = column.partition(".")
    if table not in recipe.tables:
        raise UsageError(
            what=f"there is no table {table!r} for {column!r}", fix=did_you_mean(table, recipe.tables, label="tables")
        )
    columns = recipe.tables[table].columns
    prompted = [key for key, spec in columns.items() if hasattr(spec, "prompt")]
    if name not in prompted:
        raise UsageError(
            what=f"{column!r} is no column with a prompt", fix=did_you_mean(name, prompted, label="columns with a prompt")
        )
    return table, name


def _judged(recipe: Recipe, table: str, name: str, prompt: str, judge: str) -> Recipe:
    """The recipe with a column that scores what the prompt made."""
    data = plain(recipe)
    if JUDGED in data["tables"][table]["columns"]:
        raise RecipeError(what=f"a column is named {JUDGED!r}", where=f"tables.{table}", fix="rename it: tuning needs the name")
    question = f"Task: {prompt}\n\nWhat was written:\n{{{{ {name} }}}}"
    data["tables"][table]["columns"][JUDGED] = {
        "kind": "judge",
        "model": judge,
        "prompt": question,
        "scores": {"quality": RUBRIC},
    }
    return Recipe.model_validate(data)


def _measured(run: RunFolder, table: str, name: str, prompt: str) -> Variant:
    made = run.table(table) if run.paths(table) else None
    dropped = sum(1 for row in run.dropped().to_pylist() if row["table"] == table)
    rows: list[dict[str, Any]] = made.to_pylist() if made is not None else []
    scores = [float(row[JUDGED]["quality"]) for row in rows if row[JUDGED] and row[JUDGED]["quality"] is not None]
    texts = [str(row[name]) for row in rows if row[name] is not None]
    found = [re.findall(r"\w+", text.lower()) for text in texts]
    pairs = [pair for line in found for pair in pairwise(line)]
    mean = sum(scores) / len(scores) if scores else None
    spread = sum((score - mean) ** 2 for score in scores) / max(1, len(scores) - 1) if mean is not None else 0.0
    return Variant(
        prompt, len(rows), dropped, mean, math.sqrt(spread / max(1, len(scores))),
        len(set(pairs)) / len(pairs) if pairs else 0.0, sum(map(len, found)) / len(found) if found else 0.0,
    )  # fmt: skip
