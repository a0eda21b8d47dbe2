"""Compare a synthetic dataset with the real one: plan the metrics, measure, let gates decide.

frames --> Views --> metrics that fit the budget --> results --> gates --> Report
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from threadpoolctl import threadpool_limits

from lookalike import __version__
from lookalike.errors import LookalikeError, MetricError, UsageError, did_you_mean
from lookalike.evaluate import FOLDERS, KINDS
from lookalike.evaluate import gates as gating
from lookalike.evaluate.base import DIMENSIONS, NO_HOLDOUT, Metric, Result
from lookalike.evaluate.privacy.records import OVERLAP, overlap
from lookalike.evaluate.report import Report, TableInfo, findings
from lookalike.evaluate.views import Views
from lookalike.frames import frame_kind, to_arrow
from lookalike.registry import kinds, resolve
from lookalike.schema.types import TableSchema

STANDARD_ROWS, STANDARD_COLUMNS = 30_000, 15  # what `Metric.cost` is stated for
Progress = Callable[[str, int, int], None]


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
    schema: TableSchema | Mapping[str, TableSchema] | None = None,
    foreign_keys: Mapping[str, str] | None = None,
    baseline: Report | str | Path | None = None,
    progress: Progress | None = None,
    **extras: Any,
) -> Report:
    """Measure how faithful, useful, private, diverse and fair a synthetic dataset is.

    Args:
        real: the rows learned from: a pandas, polars or Arrow table, a path, or a mapping of names to tables for a database. None, for a
            table or for all: there are no such rows, and only what synthetic rows say by themselves is measured (texts above all).
        synthetic: the rows to judge, in the same shape.
        holdout: real rows that the generator never saw; without them privacy is inconclusive.
        target: the column that models should predict, for utility.
        only: dimensions ("fidelity"), metrics ("c2st") or "statistics" (everything that trains no model), as a list or comma-separated.
        gates: a profile ("internal", "partner", "public", "health"), a YAML file, a recipe's list, or "none" for no exit code.
        budget_s: CPU seconds that the metrics may be expected to take; what does not fit is skipped and says so.
        seed: of every draw; the same input and seed give the same bytes of report.json.
        protected: columns whose groups are compared with each other.
        schema: what the columns mean, for a database by table; worked out from the cells when not given.
        foreign_keys: for a database: "child.column" -> "parent.column"; else those that the schemas declare.
        baseline: an accepted report to compare with, for gates that ask for it.
        progress: called with a metric's kind, its number and how many there are, before each.
        **extras: what single metrics take: `benchmarks`, `prompts`, `generator`, `embedder`, `ner_model`.

    Returns:
        The report; nothing that was measured is lost when one metric cannot be computed.

    Raises:
        MetricError: tables without rows, without shared columns, or with duplicate names.
        UsageError: an unknown option, metric or dimension, or gates that are not valid.
    """
    started = time.process_time()
    _check_extras(extras)
    real, synthetic, holdout = (_read(given) for given in (real, synthetic, holdout))
    loaded = gating.load(gates)
    chosen = select(only)
    deciding = loaded if loaded.name != "none" else gating.load("internal")
    if isinstance(real, Mapping) and real and all(v is None or _is_table(v) for v in real.values()):
        from lookalike.evaluate.relations import evaluate_tables

        measured, infos, notes = evaluate_tables(
            real, synthetic, holdout or {}, chosen, target=target, seed=seed, protected=protected, schema=schema,
            foreign_keys=foreign_keys or {}, budget_s=budget_s, progress=progress, extras=extras,
        )  # fmt: skip
    else:
        if isinstance(schema, Mapping):
            raise UsageError(what="schemas by table were given for a single table", fix="give the table's own schema")
        views = Views(
            None if real is None else to_arrow(real), to_arrow(synthetic), None if holdout is None else to_arrow(holdout),
            target=target, schema=schema, seed=seed, protected=protected, extras=extras,
        )  # fmt: skip
        chosen = [metric for metric in chosen if metric.scope == "table"]
        measured = measure(views, chosen, budget_s=budget_s, progress=progress)
        infos, notes = {"": describe(views)}, notes_on(views)
    if not any("real" in info.rows for info in infos.values()):
        chosen = [metric for metric in chosen if metric.alone]
        only = only or [metric.kind for metric in chosen]
    old = _baseline(baseline or loaded.baseline or None)
    return assemble(
        measured, infos, notes, deciding, chosen=chosen, only=only, silent=loaded.name == "none", named=gates is None or isinstance(gates, str),
        seed=seed, baseline=old, seconds=time.process_time() - started,
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


def _is_table(value: Any) -> bool:
    """Whether a mapping's value is a table of its own, and not a column of cells."""
    if isinstance(value, (list, tuple)):
        return bool(value) and isinstance(value[0], Mapping)
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return False
    try:
        frame_kind(value)
    except LookalikeError:
        return False
    return True


def _baseline(given: Report | str | Path | None) -> Report | None:
    return given if isinstance(given, Report) or given is None else Report.load(given)


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


def expected_seconds(metric: type[Metric], views: Views) -> float:
    """What a metric should cost on these tables, from its stated cost and their size."""
    rows = max(views.rows("real"), views.rows("synthetic")) / STANDARD_ROWS
    return metric.cost * max(rows, 0.05) * max(len(views.columns) / STANDARD_COLUMNS, 0.2)


def measure(
    views: Views, metrics: Sequence[type[Metric]], *, budget_s: float | None = None, progress: Progress | None = None
) -> list[Result]:
    """The results of all metrics on one pair of tables; what cannot be measured is a skip with its reason."""
    out: list[Result] = []
    if views.alone:
        metrics = [metric for metric in metrics if metric.alone]
    left = float("inf") if budget_s is None else budget_s
    cheapest_first = sorted(metrics, key=lambda m: m.cost) if budget_s is not None else list(metrics)
    planned = set()
    for metric in cheapest_first:
        cost = expected_seconds(metric, views)
        if cost <= left:
            planned.add(metric.kind)
            left -= cost
    with threadpool_limits(limits=1):  # BLAS threads wait by spinning: on small matrices that costs ten times the work
        for i, metric in enumerate(metrics):
            if progress:
                progress(metric.kind, i, len(metrics))
            out.extend(_one(metric, views, planned, budget_s))
    if views.alone:  # its references are the synthetic rows themselves, and mean nothing
        out = [replace(r, ceiling=None, floor=None) for r in out]
    return [replace(r, table=views.name) for r in out] if views.name else out


def _one(metric: type[Metric], views: Views, planned: set[str], budget_s: float | None) -> list[Result]:
    spec = metric()
    if metric.needs_holdout and "holdout" not in views:
        return spec.skip(NO_HOLDOUT)
    if metric.needs_target and not views.target:
        return spec.skip("there is no target: name the column that models should predict")
    if metric.kind not in planned:
        return spec.skip(f"does not fit the budget of {budget_s:g} s: {expected_seconds(metric, views):.1f} s are expected")
    started = time.process_time()
    try:
        results = spec.compute(views)
    except LookalikeError as exc:
        results = spec.skip(str(exc))
    except MemoryError:
        results = spec.skip("not enough memory for tables of this size")
    except Exception as exc:  # noqa: BLE001  # one broken metric must not lose the others; it is said aloud and in the report
        warnings.warn(f"metric {metric.kind} broke: {type(exc).__name__}: {exc}", RuntimeWarning, stacklevel=2)
        results = spec.skip(f"internal error: {type(exc).__name__}: {exc}")
    if not results:
        raise MetricError(what=f"metric {metric.kind!r} gave no result", fix="return a skipped result with a reason")
    seconds = time.process_time() - started
    return [replace(results[0], seconds=seconds), *results[1:]]


def describe(views: Views) -> TableInfo:
    """What was compared, for the report."""
    rows = {which: views.rows(which) for which in ("real", "synthetic", "holdout") if which in views}
    if views.alone:
        del rows["real"]
    excluded = dict(views.excluded)
    excluded |= dict.fromkeys(views.missing, "missing in the synthetic table")
    excluded |= dict.fromkeys(views.extra, "not in the real table")
    columns = {c.name: c.form for c in views.columns}
    return TableInfo(rows, columns, excluded, views.reference, views.target or "", views.protected)


def notes_on(views: Views) -> tuple[str, ...]:
    """What a reader must know before believing the numbers."""
    if views.alone:
        return ("There are no real rows to compare with: only what the synthetic ones say by themselves is measured.",)
    out = []
    if "holdout" in views and (shared := overlap(views)) > OVERLAP:
        out.append(
            f"{shared:.0%} of the holdout rows are also real rows that the generator saw, more than chance explains: this is no "
            "holdout, and it voids every privacy number. Give rows that were kept apart before fitting."
        )
    if views.excluded:
        told = [f"{name} ({why})" for name, why in list(views.excluded.items())[:4]]
        more = f" and {len(views.excluded) - 4} more" if len(views.excluded) > 4 else ""
        out.append(f"Not compared: {', '.join(told)}{more}.")
    if named := [column.name for column in views.columns if column.form == "id"]:
        more = f" and {len(named) - 4} more" if len(named) > 4 else ""
        out.append(f"Identifiers are looked for in the synthetic rows, not compared: {', '.join(named[:4])}{more}.")
    real, synthetic = views.rows("real"), views.rows("synthetic")
    if max(real, synthetic) > 20 * min(real, synthetic):
        out.append(
            f"The tables differ much in size ({real:,} real, {synthetic:,} synthetic rows): sampling noise of the smaller decides."
        )
    if min(real, synthetic) < 100:
        few = min(real, synthetic)
        out.append(f"Only {few} row{'s' if few != 1 else ''}: most numbers below are noise.")
    return tuple(out)


def assemble(
    results: Sequence[Result], tables: Mapping[str, TableInfo], notes: Sequence[str], gates: gating.Gates, *,
    chosen: Sequence[type[Metric]], only: object, silent: bool, named: bool, seed: int, baseline: Report | None, seconds: float,
) -> Report:  # fmt: skip
    """Let the gates decide and put the report together."""
    if named and only:
        # a profile judges what was asked for; a gates file of one's own judges all that it names
        asked = {metric.kind for metric in chosen}
        kept = tuple(g for g in gates.gates if g.metric.partition(".")[0] in asked or "*" in g.metric)
        gates = gates.model_copy(update={"gates": kept})
    outcomes = gating.decide(gates, results, baseline=baseline.results if baseline else None)
    verdicts = gating.verdicts(results, outcomes)
    unknown = any("voids every privacy number" in note for note in notes) or not any(
        "real" in info.rows for info in tables.values()
    )
    if "privacy" in verdicts and unknown:
        verdicts["privacy"] = "inconclusive" if verdicts["privacy"] == "pass" else verdicts["privacy"]
    return Report(
        results=tuple(results), verdicts=verdicts, outcomes=() if silent else tuple(outcomes), findings=findings(results, outcomes),
        tables=dict(tables), seed=seed, profile="none" if silent else gates.name or gates.profile or "own", version=__version__, notes=tuple(notes),
        seconds=seconds,
    )  # fmt: skip
