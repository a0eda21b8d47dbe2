"""One loop over all that can be measured: which metrics were asked for, what fits the budget, what each finds of each subject."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from lookalike.errors import LookalikeError, MetricError, UsageError, did_you_mean
from lookalike.evaluate import FOLDERS, KINDS
from lookalike.evaluate.base import DIMENSIONS, NO_HOLDOUT, Metric, Result, Scope
from lookalike.evaluate.dataset import DatasetViews, Subject
from lookalike.evaluate.views import Views
from lookalike.kernels.blas import one_thread
from lookalike.registry import kinds, resolve

STANDARD_ROWS, STANDARD_COLUMNS = 30_000, 15  # what `Metric.cost` is stated for
Progress = Callable[[str, int, int], None]
Looked = Mapping[str, Mapping[str, tuple[str, ...]]]
_NOTHING: dict[Scope, str] = {
    "relation": "no foreign key is declared: give foreign_keys= or schemas",
    "entity": "no foreign key says which rows belong to one entity: give foreign_keys= or schemas",
}


def select(only: str | Sequence[str] | None) -> list[type[Metric]]:
    """The metrics that are asked for, in the order of dimensions and cost.

    Raises:
        UsageError: a name that is neither a dimension nor a metric.
    """
    order = {dimension: i for i, dimension in enumerate(DIMENSIONS)}
    words = [w.strip() for w in (only.split(",") if isinstance(only, str) else only or ()) if w.strip()]
    for word in words:
        if word not in order and word != "statistics" and word not in kinds("metric"):
            known = [*DIMENSIONS, "statistics", *kinds("metric")]
            raise UsageError(what=f"unknown dimension or metric {word!r}", fix=did_you_mean(word, known, label="only"))
    classes: list[type[Metric]] = [resolve("metric", kind) for kind in kinds("metric") if _possible(kind, words)]
    classes.sort(key=lambda c: (order[c.dimension], c.cost, c.kind))
    if not words:
        return [c for c in classes if c.default]
    return [
        c for c in classes
        if c.kind in words or (c.default and c.dimension in words) or (c.statistics and "statistics" in words)
    ]  # fmt: skip


def _possible(kind: str, words: Sequence[str]) -> bool:
    """Whether a metric's module has to be imported to know if it is asked for."""
    folder = KINDS.get(kind, "").removeprefix("lookalike.evaluate.").partition(".")[0]
    return not words or kind in words or folder not in FOLDERS or bool(FOLDERS[folder] & set(words))


def expected_seconds(metric: type[Metric], subject: Subject) -> float:
    """What a metric should cost on a subject, from its stated cost and the size of the tables."""

    def size(rows: int, columns: int) -> float:
        return max(rows / STANDARD_ROWS, 0.05) * max(columns / STANDARD_COLUMNS, 0.2)

    return metric.cost * sum(size(max(t.rows("real"), t.rows("synthetic")), len(t.columns)) for t in subject.tables)


def measure(
    data: DatasetViews, metrics: Sequence[type[Metric]], *, budget_s: float | None = None, progress: Progress | None = None
) -> list[Result]:
    """The results of all metrics on all their subjects; what cannot be measured is a skip with its reason.

    A metric that is asked about several relations or entities gives a headline for the worst of them.
    """
    jobs = [(metric, subject) for metric in metrics for subject in data.subjects(metric.scope) if _speaks_of(metric, subject)]
    planned = _planned(jobs, budget_s)
    out = [_empty(name, rows) for name, rows in data.empty.items()]
    parts: dict[tuple[str, str], list[Result]] = {}
    with one_thread():
        for i, (metric, subject) in enumerate(jobs):
            if progress:
                progress(metric.kind, i, len(jobs))
            over = (
                ""
                if i in planned
                else f"does not fit the budget of {budget_s:g} s: {expected_seconds(metric, subject):.1f} s are expected"
            )
            parts[metric.kind, subject.name] = _one(metric, subject, over)
    for table in data.tables:  # the tables one by one, then what holds between them
        own = [r for m in metrics if m.scope == "table" for r in parts.get((m.kind, table.name), ())]
        out += [_of_table(table, r) for r in own]
    for metric in metrics:
        if metric.scope != "table" and (metric.alone or not all(table.alone for table in data.tables)):
            found = {s.name: parts[metric.kind, s.name] for s in data.subjects(metric.scope) if (metric.kind, s.name) in parts}
            out += found[""] if metric.scope == "dataset" else _worst_first(metric, found)
    return out


def _of_table(table: Views, result: Result) -> Result:
    """Under the table's name; references that are the synthetic rows themselves mean nothing."""
    if table.alone:
        return replace(result, table=table.name, ceiling=None, floor=None)
    return replace(result, table=table.name) if table.name else result


def _speaks_of(metric: type[Metric], subject: Subject) -> bool:
    """Whether a metric says anything of a subject; without real rows only those do that need none."""
    return metric.alone or not any(table.alone for table in subject.tables)


def _empty(table: str, rows: int) -> Result:
    """A table of which nothing was made has no valid row."""
    reading = f"the synthetic table has no rows, the real one has {rows:,}."
    return Result(
        "validity", "validity", "validity", 0.0, "higher", ceiling=1.0, headline=True, table=table, detail={"reading": reading}
    )


def _planned(jobs: Sequence[tuple[type[Metric], Subject]], budget_s: float | None) -> set[int]:
    """The jobs that fit the budget, cheapest first."""
    if budget_s is None:
        return set(range(len(jobs)))
    costs = [expected_seconds(metric, subject) for metric, subject in jobs]
    out, left = set(), budget_s
    for i in sorted(range(len(jobs)), key=costs.__getitem__):
        if costs[i] <= left:
            out.add(i)
            left -= costs[i]
    return out


def _one(metric: type[Metric], subject: Subject, over: str) -> list[Result]:
    spec = metric()
    if metric.needs_holdout and not all("holdout" in table for table in subject.tables):
        return spec.skip(NO_HOLDOUT)
    if metric.needs_target and not any(table.target for table in subject.tables):
        return spec.skip("there is no target: name the column that models should predict")
    if over:
        return spec.skip(over)
    started = time.process_time()
    try:
        # the subject is the one that the metric's scope names: `Dataset.subjects` gave it
        results = cast("Callable[[Subject], list[Result]]", spec.compute)(subject)
    except LookalikeError as exc:
        results = spec.skip(str(exc))
    except MemoryError:
        results = spec.skip("not enough memory for tables of this size")
    except Exception as exc:  # noqa: BLE001  # one broken metric must not lose the others; it is said aloud and in the report
        warnings.warn(f"metric {metric.kind} broke: {type(exc).__name__}: {exc}", RuntimeWarning, stacklevel=2)
        results = spec.skip(f"internal error: {type(exc).__name__}: {exc}")
    if not results:
        raise MetricError(what=f"metric {metric.kind!r} gave no result", fix="return a skipped result with a reason")
    return [replace(results[0], seconds=time.process_time() - started), *results[1:]]


def _worst_first(metric: type[Metric], found: Mapping[str, Sequence[Result]]) -> list[Result]:
    """A headline for the worst subject, then what was found of each, under its name."""
    if not found:
        return metric().skip(_NOTHING[metric.scope], headline=False)
    worst = max(found, key=lambda name: found[name][0].badness())
    main = found[worst][0]
    reading = f"{worst}: {main.detail.get('reading', '')}".rstrip(": ")
    return [replace(main, headline=True, detail={"reading": reading}), *(_named(r, n) for n, rs in found.items() for r in rs)]


def _named(result: Result, subject: str) -> Result:
    name = f"{result.metric}.{subject}{result.name.removeprefix(result.metric)}"
    return replace(result, name=name, subject=f"{subject}: {result.subject}" if result.subject else subject, headline=False)


def looked(data: DatasetViews, metrics: Sequence[type[Metric]], results: Sequence[Result]) -> Looked:
    """For each table and column, the metrics that measured something and looked at it."""
    measured = {(r.metric, r.table) for r in results if r.value is not None}
    out: dict[str, dict[str, list[str]]] = {t.name: {name: [] for name in t.all_columns} for t in data.tables}
    for metric in metrics:
        for subject in data.subjects(metric.scope):
            if (metric.kind, subject.name if metric.scope == "table" else "") not in measured:
                continue
            for table in subject.tables:
                for name in metric().looks_at(table):
                    out[table.name][name].append(metric.kind)
    return {table: {name: tuple(dict.fromkeys(kinds)) for name, kinds in columns.items()} for table, columns in out.items()}
