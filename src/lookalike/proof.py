"""What a finished run is worth: its learned table against the source, its gates, its card; and gates lost while it still runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from lookalike.errors import GateFailed
from lookalike.export.card import card
from lookalike.export.croissant import croissant
from lookalike.plan import Plan, TablePlan
from lookalike.run.fit import LearnedFrom, learned_from
from lookalike.run.folder import RunFolder
from lookalike.run.origin import Sources
from lookalike.run.parts import read_rows
from lookalike.schema.holdout import split
from lookalike.store import put_bytes
from lookalike.synthesizers.base import Synthesizer

if TYPE_CHECKING:
    from lookalike.evaluate.report import Report

FEWEST_ALIKE = 50  # real rows that hold a condition, below which nothing is measured


def measure(made: Plan, folder: RunFolder, *, only: str | None = None, gates: str | Path | None = None) -> Report | None:
    """Evaluate what a run made, and decide the recipe's gates, or those given; None when there is nothing to measure.

    A learned table is held against the rows it learned, with held-out ones for privacy; a table with `compare` against that
    source; of other tables only what a model wrote is measured, by itself. Writes `report.json` and `report.html` into the run
    folder, and the dataset card in any case.

    Raises:
        GateFailed: the recipe has gates, and no row was made that they could be decided on.
        SourceError: a source is gone, or holds other data than the run learned from; no file of the run is touched.
    """
    report, sources = None, Sources(made.recipe.sources, made.root)
    found = {table.name: _sides(sources, table, folder, made.recipe.seed) for table in made.tables if table.table.measured}
    # of a table that should be like another one even no row says something: it fails
    tables = {name: sides for name, sides in found.items() if sides is not None and (sides[0] is not None or sides[1].num_rows)}
    if made.recipe.gates and not tables:
        raise GateFailed(
            what="no gate can be decided: no row was made that could be measured",
            where=str(folder.path),
            fix="see failures.parquet",
        )
    if tables:
        from lookalike.evaluate.evaluate import evaluate  # here: many runs have nothing to measure

        own = _gates(made, *tables)
        learned = ((table.name, table.table.rows.learns()) for table in made.tables)
        target = next((f"{name}.{what.target}" for name, what in learned if what and what.target), None)
        sides = [{name: rows[i] for name, rows in tables.items()} for i in range(3)]
        given: list[Any] = [*sides[:2], {name: rows for name, rows in sides[2].items() if rows is not None}]
        if len(tables) == 1:  # a report of one table need not name it
            given = [*next(iter(tables.values()))]
            target = target and target.partition(".")[2]
        report = evaluate(
            given[0], given[1], holdout=given[2], target=target, only=only, gates=own or gates or "internal", seed=made.recipe.seed,
            about=_about(made, folder), making=_making(made, folder),
        )  # fmt: skip
        report.save(folder.path / "report.json")
        report.save(folder.path / "report.html")
    _write_card(made, folder, report)
    return report


def _sides(
    sources: Sources, table: TablePlan, folder: RunFolder, seed: int
) -> tuple[pa.Table | None, pa.Table, pa.Table | None] | None:
    """Real, synthetic and held-out rows of a table in the columns to judge: those of the source, and those that a model wrote."""
    synthetic = folder.table(table.name)
    written = [name for name in synthetic.column_names if name in table.table.written]
    if (what := table.table.rows.learns()) is not None:
        _learned_file(folder, table.name).check(sources.source(what.source), folder.path)
    if (found := _learned(sources, table, seed)) is not None:
        learned, holdout = found
        names = [name for name in learned.column_names if name in synthetic.column_names and name not in table.table.columns]
        return learned.select(names), synthetic.select(names + written), None if holdout is None else holdout.select(names)
    if table.table.compare:
        real = sources.source(table.table.compare)
        names = [name for name in real.column_names if name in synthetic.column_names]
        return real.select(names), synthetic.select(dict.fromkeys(names + written)), None
    return (None, synthetic.select(written).flatten(), None) if written else None


def _about(made: Plan, folder: RunFolder) -> dict[str, str]:
    """What was measured, in words."""
    learned = [what for table in made.tables if (what := table.table.rows.learns())]
    told = {
        "real": ", ".join(dict.fromkeys(what.source for what in learned)),
        "synthetic": made.recipe.name,
        "synthesizer": ", ".join(dict.fromkeys(what.synthesizer.kind for what in learned)),
        "models": ", ".join(dict.fromkeys(spec.label for spec in made.models_used().values())),
        "made": str(folder.manifest["created"])[:10],
    }
    return {word: said for word, said in told.items() if said}


def _making(made: Plan, folder: RunFolder) -> dict[str, Any]:
    """What the run says of itself: outcomes with the most frequent reasons, calls with their cost.

    Where failed rows are replaced on request they count as filtered ones: no place stays empty.
    """
    manifest = folder.manifest
    reasons: dict[str, dict[str, int]] = {}
    failures = read_rows(path) if (path := folder.path / "failures.parquet").is_file() else None
    if failures is not None:
        counted = failures.group_by(["table", "reason"]).aggregate([([], "count_all")]).sort_by([("count_all", "descending")])
        for row in counted.slice(0, 100).to_pylist():
            reasons.setdefault(row["table"], {})[row["reason"]] = row["count_all"]
    outcomes = {name: dict(table["outcomes"]) for name, table in manifest["tables"].items()}
    for table in made.tables:
        if table.table.replace_failed and (counts := outcomes.get(table.name)):
            counts["filtered"] = counts.get("filtered", 0) + counts.pop("failed", 0)
    return {"outcomes": outcomes, "reasons": reasons, "calls": manifest["calls"]}


def lost_gates(made: Plan) -> Callable[[str, pa.Table], str] | None:
    """Sees each partition of the measured table once, and says which gates no further row can win back; None: none could be told."""
    sources = Sources(made.recipe.sources, made.root)
    for table in made.tables:
        sides = _learned(sources, table, made.recipe.seed)
        if sides is not None:
            return _watch(made, table, sides[0])
    return None


def _watch(made: Plan, table: TablePlan, learned: pa.Table) -> Callable[[str, pa.Table], str] | None:
    from lookalike.evaluate.sketches import STREAMED, Reference, Sketch

    gates = [gate for gate in _gates(made, table.name) if not gate.get("table")]
    gates = [gate for gate in gates if str(gate["metric"]).partition(".")[0] in STREAMED]
    if not gates:
        return None
    names = [name for name in learned.column_names if name in table.columns and name not in table.table.columns]
    sketch = Sketch(Reference.of(learned.select(names)))

    def look(name: str, rows: pa.Table) -> str:
        if name != table.name or not rows.num_rows:
            return ""
        return " ".join(sketch.add(rows.select(names)).lost(gates, of=table.n_rows or 0))

    return look


def _learned_file(folder: RunFolder, table: str) -> LearnedFrom:
    """What a run's table was learned from, as the run wrote it down."""
    fit = next(found.get("fit", "") for found in folder.plan["tables"] if found["name"] == table)
    return learned_from(folder.path / "fitted" / fit)


def _learned(sources: Sources, table: TablePlan, seed: int) -> tuple[pa.Table, pa.Table | None] | None:
    """The rows that a table is like, and those of them that were held out; None when it learned none, or hardly one holds its `given`."""
    what = table.table.rows.learns()
    if what is None:
        return None
    learned, holdout = split(sources.source(what.source), what.holdout, seed)
    return like(learned, holdout, what.given)


def like(
    learned: pa.Table, holdout: pa.Table | None, given: Mapping[str, Any] | None
) -> tuple[pa.Table, pa.Table | None] | None:
    """The real rows that hold a condition: what rows made under it are held against; None when there are fewer than 50."""
    if not given:
        return learned, holdout
    from lookalike.synthesizers.conditions import rows_that_hold  # here: it brings DuckDB

    learned, holdout = rows_that_hold(learned, given), None if holdout is None else rows_that_hold(holdout, given)
    fewest = learned.num_rows if holdout is None else min(learned.num_rows, holdout.num_rows)
    return (learned, holdout) if fewest >= FEWEST_ALIKE else None


def _gates(made: Plan, *tables: str) -> list[dict[str, Any]]:
    """The recipe's gates, as a report of these tables knows them: where there is only one, it has no name."""
    gates = [dict(gate) for gate in made.recipe.gates]
    return [{k: v for k, v in gate.items() if (k, v) != ("table", *tables)} for gate in gates]


def _write_card(made: Plan, folder: RunFolder, report: Report | None) -> None:
    """Write the dataset card of a run, and its Croissant description."""
    manifest = folder.manifest
    about = {"differential_privacy": _promise(made, folder)}
    text = card(manifest, report=None if report is None else report.dump(), about=about)
    put_bytes(folder.path / "card.md", text.encode())
    put_bytes(folder.path / "croissant.json", orjson.dumps(croissant(manifest), option=orjson.OPT_INDENT_2))


def _promise(made: Plan, folder: RunFolder) -> dict[str, Any] | None:
    """Epsilon and delta of all that was learned; None unless every use of real rows was a fit under differential privacy.

    Fits on the same rows add up. Noise that the seed gives away promises nothing, as the recipe says the seed.
    """
    learned = {what.source for table in made.tables if (what := table.table.rows.learns())}
    models = sorted((folder.path / "fitted").glob("*/model.json"))
    if not models or learned != set(made.recipe.sources):
        return None
    epsilon = delta = 0.0
    for path in models:
        model: Any = Synthesizer.load(path.parent)
        noise = getattr(model, "noise", None) or getattr(getattr(model, "privacy", None), "noise", None)
        if noise != "secure":
            return None
        epsilon, delta = epsilon + model.ledger_["epsilon"], delta + model.ledger_["delta"]
    return {
        "epsilon": float(f"{epsilon:.4g}"),
        "delta": float(f"{delta:.4g}"),
        "unit": f"one row of {', '.join(sorted(learned))}",
    }
