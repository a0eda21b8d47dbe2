"""Personal data in the release, and identifiers of the source that came out again, as kinds of metric."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from lookalike.evaluate.base import Result
from lookalike.evaluate.privacy import replay
from lookalike.evaluate.privacy.metrics import PrivacyMetric
from lookalike.evaluate.views import Views
from lookalike.schema import pii
from lookalike.schema.types import PII

_CELLS = 100_000  # distinct cells of a column that are scanned
_FOUND = dict[str, dict[str, int]]


def _strings(views: Views) -> list[str]:
    table = views.table("synthetic")
    return [n for n in table.column_names if pa.types.is_string(table[n].type) or pa.types.is_large_string(table[n].type)]


def _declared(views: Views, name: str) -> bool:
    return views.schema is not None and name in views.schema.names and views.schema[name].semantic in PII


class PiiCount(PrivacyMetric):
    """E-mail addresses, phone and card numbers, IBANs, national ids, addresses of machines and secrets in cells of text.

    Found by pattern and checksum. `pii_count` counts cells' hits where none belong (columns that are not declared as personal
    data); `pii_count.secret` keys, tokens and passwords; `pii_count.replayed` hits of any column that the source has too.

    Attributes:
        kinds: which kinds to look for.
    """

    kind: ClassVar[str] = "pii_count"
    first: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    cost: ClassVar[float] = 1.0

    kinds: tuple[str, ...] = pii.KINDS

    def compute(self, views: Views) -> list[Result]:
        """Three counts; the first with its kinds and columns."""
        names = _strings(views)
        if not names:
            return self.skip("there is no text in the release")
        by_column: _FOUND = {}
        secrets = replayed = 0
        cut = []
        for name in names:
            made, counts, whole = _distinct(views.table("synthetic")[name])
            found = pii.scan(made, self.kinds)
            if not whole:
                cut.append(name)
            if not found:
                continue
            real = _hits(views.table("real")[name], self.kinds)
            for hit in found:
                weight = counts[hit.text]
                secrets += weight if hit.kind == "secret" else 0
                replayed += weight if (hit.kind, made[hit.text][hit.start : hit.stop]) in real else 0
                if not _declared(views, name):
                    kinds = by_column.setdefault(name, {})
                    kinds[hit.kind] = kinds.get(hit.kind, 0) + weight
        total = sum(sum(kinds.values()) for kinds in by_column.values())
        unbounded = (0.0, float("inf"))
        detail = {"columns": by_column, "scanned": len(names), "sampled": cut}
        return [
            self.result(float(total), range=unbounded, detail=detail),
            self.result(float(secrets), "secret", range=unbounded),
            self.result(float(replayed), "replayed", range=unbounded),
        ]


def _distinct(column: pa.ChunkedArray) -> tuple[list[str], list[int], bool]:
    """Distinct cells, how often each occurs, and whether these are all of them."""
    counted = pc.value_counts(column.cast(pa.large_string()).drop_null())
    whole = len(counted) <= _CELLS
    counted = counted.slice(0, _CELLS)
    return counted.field("values").to_pylist(), counted.field("counts").to_pylist(), whole


def _hits(column: pa.ChunkedArray, kinds: tuple[str, ...]) -> set[tuple[str, str]]:
    made, _, _ = _distinct(column)
    return {(hit.kind, made[hit.text][hit.start : hit.stop]) for hit in pii.scan(made, kinds)}


class IdentifierReplay(PrivacyMetric):
    """Distinct identifiers of the training data, names, addresses, numbers and keys written as text, that came out again.

    Whole-number keys are left out: every table starts at 1. Read it beside its ceiling, the same for the holdout: common names
    belong to many people.

    Attributes:
        columns: which columns identify somebody; by default text columns of ids and those declared as personal data.
    """

    kind: ClassVar[str] = "identifier_replay"
    cost: ClassVar[float] = 0.2

    columns: tuple[str, ...] = ()

    def compute(self, views: Views) -> list[Result]:
        """The sum over columns, then each column."""
        text = _strings(views)
        ids = [column.name for column in views.columns if column.form == "id"]
        chosen = [n for n in text if n in self.columns or (not self.columns and (n in ids or _declared(views, n)))]
        if not chosen:
            return self.skip("no column of text identifies somebody")
        found = replay.identifier_replay(views.table("real"), views.table("synthetic"), chosen)
        chance = replay.identifier_replay(views.table("real"), views.table("holdout"), chosen) if "holdout" in views else None
        unbounded = (0.0, float("inf"))

        def result(
            name: str, subject: str, rows: list[replay.IdentifierReplay], same: list[replay.IdentifierReplay] | None
        ) -> Result:
            ceiling = float(sum(r.replayed for r in same)) if same is not None else None
            detail: dict[str, Any] = {"distinct": sum(r.distinct for r in rows)}
            if hit := [f"{r.replayed:,} of {r.column}" for r in rows if r.replayed]:
                held = "" if ceiling is None else f"; the holdout shares {ceiling:,.0f} with the source"
                detail["reading"] = f"Of the source: {', '.join(hit)}{held}."
            value = float(sum(r.replayed for r in rows))
            return self.result(value, name, subject=subject, range=unbounded, ceiling=ceiling, detail=detail)

        out = [result("", "", found, chance)]
        for i, row in enumerate(found):
            out.append(result("column", row.column, [row], [chance[i]] if chance else None))
        return out
