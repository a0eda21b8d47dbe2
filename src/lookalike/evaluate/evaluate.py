"""Compare a synthetic dataset with the real one: plan the metrics, measure, let gates decide.

frames --> Dataset --> metrics that fit the budget, on their subjects --> results --> gates --> Report
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike import __version__
from lookalike.errors import UsageError, did_you_mean
from lookalike.evaluate import gates as gating
from lookalike.evaluate.base import Dimension, Metric, Result, Verdict
from lookalike.evaluate.dataset import Asked, DatasetViews, dataset
from lookalike.evaluate.evidence import TableInfo
from lookalike.evaluate.findings import findings
from lookalike.evaluate.making import samples
from lookalike.evaluate.measuring import Looked, Progress, looked, measure, select
from lookalike.evaluate.notes import VOID, notes_on, unseen
from lookalike.evaluate.report import Report
from lookalike.evaluate.views import Views
from lookalike.registry import kinds, resolve
from lookalike.schema.relations import DatasetSchema
from lookalike.schema.types import TableSchema


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    target: str | None = None,
    only: str | Sequence[str] | None = None,
    gates: Any = "internal",
    budget_s: float | None = None,
    seed: int = 0,
    protected: Sequence[str] = (),
    schema: TableSchema | DatasetSchema | Mapping[str, TableSchema] | None = None,
    foreign_keys: Mapping[str, str] | None = None,
    baseline: Report | str | Path | None = None,
    progress: Progress | None = None,
    about: Mapping[str, str] | None = None,
    **extras: Any,
) -> Report:
    """Measure how faithful, useful, private, diverse and fair a synthetic dataset is.

    Args:
        real: the rows learned from: a pandas, polars or Arrow table, a path, or a mapping of names to tables for a database. None, for a
            table or for all: there are no such rows, and only what synthetic rows say by themselves is measured (texts above all).
        synthetic: the rows to judge, in the same shape. Columns that only they have are measured by themselves.
        holdout: real rows that the generator never saw; without them privacy is inconclusive.
        target: the column that models should predict, for utility.
        only: dimensions ("fidelity"), metrics ("c2st") or "statistics" (everything that trains no model), as a list or comma-separated.
        gates: a profile ("internal", "partner", "public", "health"; "augmentation" for rows that are added to real ones), a YAML file, a recipe's list, or "none" for no exit code.
        budget_s: CPU seconds that the metrics may be expected to take; what does not fit is skipped and says so.
        seed: of every draw; the same input and seed give the same bytes of report.json.
        protected: columns whose groups are compared with each other.
        schema: what the columns mean, for a database by table; worked out from the cells when not given.
        foreign_keys: for a database: "child.column" -> "parent.column"; else those that the schemas declare.
        baseline: an accepted report to compare with, for gates that ask for it.
        progress: called with a metric's kind, its number and how many there are, before each.
        about: what the report says of the data: "real", "synthetic", "holdout", "synthesizer", "made", "measured"; files name themselves.
        **extras: what single metrics take: `benchmarks`, `prompts`, `generator`, `embedder`, `ner_model`, `making`.

    Returns:
        The report; nothing that was measured is lost when one metric cannot be computed.

    Raises:
        MetricError: real tables without rows, tables without shared columns, or with duplicate names.
        UsageError: an unknown option, metric or dimension, or gates that are not valid.
    """
    started = time.process_time()
    _check_extras(extras)
    deciding = gating.load(gates)
    only = only or deciding.only or None
    chosen = select(only)
    silent = deciding.name == "none"
    if silent:  # no exit code, and still verdicts
        deciding = gating.load("internal")
    sides = {"real": real, "synthetic": synthetic, "holdout": holdout}
    named = {which: Path(side).name for which, side in sides.items() if isinstance(side, (str, Path))}
    real, synthetic, holdout = (_read(side) for side in sides.values())
    question = Asked(target, tuple(protected), schema, foreign_keys or {}, seed, extras)
    data = dataset(real, synthetic, holdout, question)
    results = measure(data, chosen, budget_s=budget_s, progress=progress)
    if all(table.alone for table in data.tables) and not data.empty:
        chosen = [metric for metric in chosen if metric.alone]
        only = only or [metric.kind for metric in chosen]
    if only and (gates is None or isinstance(gates, str)):
        # a profile judges what was asked for; a gates file of one's own judges all that it names
        deciding = gating.about(deciding, {metric.kind for metric in chosen})
    outcomes, verdicts = _judged(deciding, results, data, baseline or deciding.baseline or None)
    tables = _tables(data, looked(data, chosen, results))
    notes = notes_on(data) + (() if only else unseen(tables))
    return Report(
        results=tuple(results), verdicts=verdicts, outcomes=() if silent else tuple(outcomes), findings=findings(results, outcomes),
        tables=tables, seed=seed, version=__version__, profile="none" if silent else deciding.name or deciding.profile or "own",
        notes=notes, about=named | dict(about or {}), making=extras.get("making") or {}, seconds=time.process_time() - started,
    )  # fmt: skip


def _check_extras(extras: Mapping[str, Any]) -> None:
    """Raises UsageError for an option that no metric takes: a misspelt `target` must not be left out in silence."""
    if not extras:
        return
    classes: list[type[Metric]] = [resolve("metric", kind) for kind in kinds("metric")]
    taken = {name for metric in classes for name in metric.extras}
    for name in extras:
        if name not in taken:
            known = [*inspect.signature(evaluate).parameters, *sorted(taken)][2:]
            known.remove("extras")
            raise UsageError(what=f"evaluate has no option {name!r}", fix=did_you_mean(name, known, label="options"))


def _read(given: Any) -> Any:
    """A frame as it is; a path or a URL as an Arrow table."""
    if isinstance(given, (str, Path)):
        from lookalike.sources.open import read

        return read(str(given))
    return given


def _judged(
    gates: gating.Gates, results: Sequence[Result], data: DatasetViews, baseline: Report | str | Path | None
) -> tuple[list[gating.Outcome], dict[Dimension, Verdict]]:
    """What becomes of the gates, and the verdict of each dimension."""
    old = Report.load(baseline) if isinstance(baseline, (str, Path)) else baseline
    outcomes = gating.decide(gates, results, baseline=old.results if old else None)
    verdicts = gating.verdicts(results, outcomes)
    unknown = all(table.alone for table in data.tables) or any(VOID in note for note in notes_on(data))
    if verdicts.get("privacy") == "pass" and unknown:
        verdicts["privacy"] = "inconclusive"
    return outcomes, verdicts


def _tables(data: DatasetViews, seen: Looked) -> dict[str, TableInfo]:
    """What was compared, for the report."""
    out = {name: _described(views, seen[name]) for name, views in data.by_name.items()}
    return out | {name: TableInfo({"real": rows, "synthetic": 0}, {}) for name, rows in data.empty.items()}


def _described(views: Views, seen: Mapping[str, tuple[str, ...]]) -> TableInfo:
    rows = {which: views.rows(which) for which in ("real", "synthetic", "holdout") if which in views}
    if views.alone:
        del rows["real"]
    columns = {c.name: c.form for c in (*views.columns, *views.written)}
    excluded = views.excluded | dict.fromkeys(views.missing, "missing in the synthetic table")
    excluded |= {
        name: "only in the synthetic table, and not of cells that can be measured"
        for name in views.extra
        if name not in columns
    }
    written = tuple(column.name for column in views.written)
    return TableInfo(
        rows, columns, excluded, views.reference, views.target or "", views.protected, written, samples(views), seen
    )
