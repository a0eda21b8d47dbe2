"""What a finished run says of itself: files with their hashes, outcomes, calls and money, and which model wrote which column."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from lookalike import __version__
from lookalike.errors import RunError
from lookalike.models.base import Usage
from lookalike.run.journal import Entry, Tell, lines
from lookalike.run.parts import DROPPED, part_path, put_rows, read_all, read_part
from lookalike.store import put_json, read_json, sha256

if TYPE_CHECKING:
    from lookalike.plan import Plan
    from lookalike.run.progress import Progress


def spent(folder: Path, tell: Tell = lambda path, number: None) -> tuple[Usage, int]:
    """Tokens and money that all attempts at the run have cost so far, and the requests they sent."""
    use = by_column(folder, tell)
    return total(use), sum(column["tries"] for column in use.values())


def total(use: Mapping[str, Mapping[str, Any]]) -> Usage:
    """The sum over columns."""
    usage = Usage()
    for column in use.values():
        usage += Usage(column["prompt_tokens"], column["completion_tokens"], column["usd"])
    return usage


def by_column(folder: Path, tell: Tell = lambda path, number: None) -> dict[str, dict[str, Any]]:
    """Calls, tokens and money of each model column, over all attempts at the run: "table.column" -> numbers.

    Counted from the journal, which holds every reply that was paid for, also those of rows that were rejected. Damaged lines
    are told and not counted.
    """
    use: dict[str, dict[str, Any]] = {}
    for path in sorted((folder / "journal").glob("*/part-*/*.jsonl")):
        table = path.parent.parent.name
        for line in lines(path):
            if line.entry is None:
                tell(path, line.number)
            else:
                _count(use.setdefault(f"{table}.{line.entry.column}", _nothing(line.entry.model)), line.entry)
    return use


def _count(column: dict[str, Any], entry: Entry) -> None:
    """Add one call."""
    reply = entry.reply
    column["calls"] += 1
    column["tries"] += 1 if reply is None else reply.tries
    if reply is None:
        column["failed"] += 1
        return
    column["prompt_tokens"] += reply.usage.prompt_tokens
    column["completion_tokens"] += reply.usage.completion_tokens
    column["usd"] = None if reply.usage.usd is None or column["usd"] is None else column["usd"] + reply.usage.usd
    if reply.served_by and reply.served_by not in column["served_by"]:
        column["served_by"].append(reply.served_by)


def _nothing(model: str) -> dict[str, Any]:
    counts = {"calls": 0, "tries": 0, "failed": 0, "prompt_tokens": 0, "completion_tokens": 0, "usd": 0.0}
    return {"model": model, "served_by": [], **counts}


def write(plan: Plan, folder: Path, progress: Progress, seconds: float, tell: Tell) -> None:
    """Write `manifest.json`, `failures.parquet` and `dropped.parquet`."""
    use = by_column(folder, tell)
    tables = {}
    for table in plan.tables:
        parts: list[dict[str, Any]] = []
        for path in sorted((folder / "tables" / table.name).glob("part-*.parquet")):
            part = read_part(path)
            parts.append({"path": str(path.relative_to(folder)), "rows": part.counts.kept, "sha256": sha256(path)})
        schema = _schema(part_path(folder, "tables", table.name, 0))
        tally = progress.tables[table.name]
        tables[table.name] = {
            "rows": sum(part["rows"] for part in parts),
            "asked": tally.asked,
            "outcomes": tally.outcomes.dump(),
            "schema": schema,
            "parts": parts,
        }
    body = {
        "format": 1,
        "synthetic": True,
        "name": plan.recipe.name,
        "seed": plan.recipe.seed,
        "lookalike": __version__,
        "python": platform.python_version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "tables": tables,
        "calls": use,
        "models": {name: spec.label for name, spec in plan.models_used().items()},
        "sources": {name: source.dump() for name, source in plan.recipe.sources.items()},
    }
    _write_dropped(folder)
    _forget_reports(folder, tables)
    put_json(folder / "manifest.json", body)


def _forget_reports(folder: Path, tables: Mapping[str, Any]) -> None:
    """Remove reports on rows that are no more."""
    try:
        before = read_json(folder / "manifest.json", dict, fix="")["tables"]
        same = {name: table["parts"] for name, table in before.items()} == {
            name: table["parts"] for name, table in tables.items()
        }
    except (RunError, LookupError, TypeError, AttributeError):
        same = False  # the first manifest, or a damaged one
    if not same:
        for name in ("report.json", "report.html"):
            (folder / name).unlink(missing_ok=True)


def _write_dropped(folder: Path) -> None:
    """All partitions' dropped rows in two files: those that failed, and those that were rejected."""
    found = read_all(sorted((folder / "dropped").rglob("part-*.parquet")))
    failures = others = DROPPED.empty_table()
    if found is not None:
        import pyarrow.compute as pc  # 40 ms of a start, and most runs drop nothing

        failed = pc.equal(found["outcome"], "failed")
        failures, others = found.filter(failed), found.filter(pc.invert(failed))
    put_rows(folder / "failures.parquet", failures)
    put_rows(folder / "dropped.parquet", others)


def _schema(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    with pq.ParquetFile(path) as file:
        return {field.name: str(field.type) for field in file.schema_arrow}
