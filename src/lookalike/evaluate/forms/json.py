"""Evidence as JSON, canonical: the same input and seed give the same bytes, whatever the machine; and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import orjson

from lookalike.errors import UsageError
from lookalike.evaluate.base import DIMENSIONS, Result
from lookalike.evaluate.evidence import Evidence, Finding, TableInfo
from lookalike.evaluate.gates import Outcome

SCHEMA_VERSION = 1
_DIGITS = 10  # sums of floats differ in the last bits between machines


def dump(evidence: Evidence) -> dict[str, Any]:
    """Plain data, without times."""
    return {
        "lookalike_report": SCHEMA_VERSION,
        "version": evidence.version,
        "seed": evidence.seed,
        "profile": evidence.profile,
        "exit_code": evidence.exit_code,
        "tables": {name: plain(asdict(info)) for name, info in evidence.tables.items()},
        "verdicts": dict(evidence.verdicts),
        "notes": list(evidence.notes),
        "about": dict(evidence.about),
        "making": plain(evidence.making),
        "findings": [plain(asdict(f)) for f in evidence.findings],
        "gates": [plain(asdict(o)) for o in evidence.outcomes],
        "results": [plain({k: v for k, v in asdict(r).items() if k != "seconds"}) for r in evidence.results],
    }


def json(evidence: Evidence) -> str:
    """JSON with sorted keys."""
    return orjson.dumps(dump(evidence), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def parse(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the evidence that `dump` wrote.

    Raises:
        UsageError: not a report, or one of a newer schema.
    """
    if data.get("lookalike_report") != SCHEMA_VERSION:
        raise UsageError(
            what=f"not a report of schema {SCHEMA_VERSION}: {data.get('lookalike_report')!r}",
            fix="give a report.json that this version of lookalike wrote",
        )
    return {
        "results": tuple(_build(Result, _unbounded(r)) for r in data["results"]),
        "verdicts": {d: data["verdicts"][d] for d in DIMENSIONS if d in data["verdicts"]},
        "outcomes": tuple(_build(Outcome, o) for o in data["gates"]),
        "findings": tuple(_build(Finding, f) for f in data["findings"]),
        "tables": {name: _build(TableInfo, info) for name, info in data["tables"].items()},
        "seed": data["seed"],
        "profile": data["profile"],
        "version": data["version"],
        "notes": tuple(data["notes"]),
        "about": dict(data.get("about", {})),
        "making": dict(data.get("making", {})),
    }


def read(path: str | Path) -> dict[str, Any]:
    """The fields of a saved report.

    Raises:
        UsageError: no such file, or not a report.
    """
    try:
        return parse(orjson.loads(Path(path).read_bytes()))
    except OSError as exc:
        raise UsageError(what=f"cannot read the report: {exc}", where=str(path), fix="give a report.json") from exc
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as exc:
        raise UsageError(what=f"not a report: {exc!r}", where=str(path), fix="give a report.json") from exc


def _build(kind: Any, data: Mapping[str, Any]) -> Any:
    """A frozen dataclass from plain data: lists become tuples where the field is one, unknown keys are left out."""
    known = {f.name: f for f in fields(kind)}
    return kind(
        **{k: tuple(v) if isinstance(v, list) and "tuple" in str(known[k].type) else v for k, v in data.items() if k in known}
    )


def _unbounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """A result's plain data with the ends of its range that JSON has no number for."""
    low, high = data["range"]
    return {**data, "range": [-math.inf if low is None else low, math.inf if high is None else high]}


def plain(value: Any) -> Any:
    """JSON values: numpy scalars and arrays as Python's, floats rounded, infinities as null, columns as text."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if value - value == 0 else None
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
