"""Personal data in the release, and identifiers of the source that came out again, as kinds of metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lookalike.evaluate.base import NO_HOLDOUT, Result
from lookalike.evaluate.encode import is_text
from lookalike.evaluate.privacy import replay
from lookalike.evaluate.privacy.bounds import Rate, clopper_pearson, poisson_interval
from lookalike.evaluate.privacy.metrics import PrivacyMetric
from lookalike.evaluate.views import Views
from lookalike.schema import pii
from lookalike.schema.types import PII

_CELLS = 100_000  # distinct cells of a column that are scanned
_UNBOUNDED = (0.0, float("inf"))


def _strings(table: pa.Table) -> list[str]:
    return [name for name in table.column_names if is_text(table[name].type)]


def _declared(views: Views, name: str) -> bool:
    return views.schema is not None and name in views.schema.names and views.schema[name].semantic in PII


class PiiCount(PrivacyMetric):
    """E-mail addresses, phone and card numbers, IBANs, national ids, addresses of machines and secrets in cells of text.

    Found by pattern and checksum. `pii_count` counts cells' hits where none belong (columns that are not personal data as a
    whole); `pii_count.written` those in columns that only the synthetic table has, which somebody wrote who should not have known
    anybody; `pii_count.secret` keys, tokens and passwords; `pii_count.replayed` hits of any column that the source has too.

    Attributes:
        kinds: which kinds to look for.
    """

    kind: ClassVar[str] = "pii_count"
    first: ClassVar[bool] = True
    alone: ClassVar[bool] = True
    cost: ClassVar[float] = 1.0

    kinds: tuple[str, ...] = pii.KINDS

    def looks_at(self, table: Views) -> list[str]:
        """Every column of text, shared or not."""
        return _strings(table.release)

    def compute(self, views: Views) -> list[Result]:
        """Four counts; the first with its kinds and columns."""
        names = _strings(views.release)
        if not names:
            return self.skip("there is no text in the release")
        scanned = {name: self._scan(views, name) for name in names}
        ids = {column.name for column in views.columns if column.form == "id" and views.beside(column.name)}
        free = [name for name in names if not _declared(views, name) and name not in ids]
        written = [name for name in free if not views.beside(name)]
        detail = {"columns": {name: scanned[name].kinds for name in free if scanned[name].kinds}, "scanned": len(names)}
        detail["sampled"] = [name for name in names if scanned[name].cut]

        def count(which: Sequence[str], name: str = "", *, fix: str = "") -> Result:
            said = {column: scanned[column].kinds for column in which if scanned[column].kinds}
            reading = "; ".join(f"in {column}: {_told(kinds)}" for column, kinds in said.items())
            value = float(sum(sum(kinds.values()) for kinds in said.values()))
            more = {"reading": f"{reading}." if reading else "", "fix": fix}
            return self.result(value, name, range=_UNBOUNDED, detail=(detail if not name else {}) | more)

        secrets, replayed = (float(sum(getattr(found, word) for found in scanned.values())) for word in ("secrets", "replayed"))
        listed = ", ".join(name for name in written if scanned[name].kinds)
        return [
            count(free),
            count(
                written,
                "written",
                fix=f"add {{kind: redact, columns: [{listed}]}} to the table's steps, or ask for invented data by `person`",
            ),
            self.result(secrets, "secret", range=_UNBOUNDED),
            self.result(replayed, "replayed", range=_UNBOUNDED),
        ]

    def _scan(self, views: Views, name: str) -> _Scanned:
        made, counts, whole = _distinct(views.release[name])
        found = pii.scan(made, self.kinds)
        real = _hits(views.table("real")[name], self.kinds) if found and views.beside(name) else set()
        kinds: Counter[str] = Counter()
        replayed = 0
        for hit in found:
            kinds[hit.kind] += counts[hit.text]
            replayed += counts[hit.text] if (hit.kind, made[hit.text][hit.start : hit.stop]) in real else 0
        return _Scanned(dict(kinds), kinds["secret"], replayed, not whole)


@dataclass(frozen=True, slots=True)
class _Scanned:
    """What was found in a column, by kind and in all cells."""

    kinds: dict[str, int]
    secrets: int
    replayed: int
    cut: bool


def _told(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in kinds.items())


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

    Whole-number keys are left out: every table starts at 1. Common names belong to many people, so it is judged beside its ceiling:
    as many as other real people of that number share with the training rows (the holdout, or else one half of the real rows with the
    other). `identifier_replay.excess` looks only at identifiers that one real row has: the share of the training rows' that came
    out, less the share of the holdout's.

    Attributes:
        columns: which columns identify somebody; by default text columns of ids and those declared as personal data.
    """

    kind: ClassVar[str] = "identifier_replay"
    cost: ClassVar[float] = 0.2

    columns: tuple[str, ...] = ()

    def looks_at(self, table: Views) -> list[str]:
        """Text columns of ids and those declared as personal data, or those named."""
        text = _strings(table.table("synthetic"))
        ids = [column.name for column in table.columns if column.form == "id"]
        return [n for n in text if n in self.columns or (not self.columns and (n in ids or _declared(table, n)))]

    def compute(self, views: Views) -> list[Result]:
        """The sum over columns, the worst column's excess, then each column."""
        chosen = self.looks_at(views)
        if not chosen:
            return self.skip("no column of text identifies somebody")
        holdout = views.table("holdout") if "holdout" in views else None
        found = replay.identifier_replay(views.table("real"), views.table("synthetic"), chosen, holdout)
        others = replay.identifier_replay(views.table("base"), views.table("ceiling"), chosen)
        half = 1 if holdout is not None else 2  # halves look for each other in half as many rows
        chance = [half * o.replayed * f.distinct / max(1, o.distinct) for f, o in zip(found, others, strict=True)]
        each = [self._count("column", f.column, [f], c, half) for f, c in zip(found, chance, strict=True)]
        return [self._count("", "", found, sum(chance), half), self._excess(found), *each]

    def _count(self, name: str, subject: str, rows: Sequence[replay.ReplayedIdentifiers], chance: float, half: int) -> Result:
        value = sum(row.replayed for row in rows)
        spread = 1.96 * float(np.sqrt(chance * half))
        told = "; ".join(f"{row.replayed:,} of {row.distinct:,} values of {row.column}" for row in rows)
        held = f"as many other real people would share {chance:,.0f}"
        detail = {
            "distinct": sum(row.distinct for row in rows),
            "reading": f"Of the source: {told}; {held}.",
            "fix": f"declare {', '.join(row.column for row in rows if row.replayed)} in the schema as what they are, so that they are made anew",
        }
        low, high = poisson_interval(value)
        return self.result(
            float(value), name, subject=subject, range=_UNBOUNDED, interval=(max(0.0, low - spread), high + spread), ceiling=chance,
            detail=detail,
        )  # fmt: skip

    def _excess(self, found: Sequence[replay.ReplayedIdentifiers]) -> Result:
        own = [row.own for row in found if row.own is not None]
        if not own:
            return self.skip(NO_HOLDOUT, "excess")[0]
        own = [c for c in own if c.train_unique and c.holdout_unique]
        if not own:
            return self.skip("no identifier is one real row's alone", "excess", detail={"applies": False})[0]
        level = 1.0 - 0.05 / len(own)
        rates = [_difference(c, level) for c in own]
        k = max(range(len(own)), key=lambda i: (rates[i].low, rates[i].value))
        worst = own[k]
        (column,) = worst.columns
        detail = {
            "column": column, "p": min(1.0, worst.p * len(own)),
            "reading": f"Of identifiers that one real row has, in {column}: {worst.train_replayed:,} of {worst.train_unique:,} training rows' came "
            f"out, {worst.holdout_replayed:,} of {worst.holdout_unique:,} of the holdout's.",
            "fix": f"declare {column} in the schema as what it is (name, email, id ...), so that it is made anew",
        }  # fmt: skip
        return self.result(rates[k].value, "excess", interval=rates[k].interval, range=(-1.0, 1.0), ceiling=0.0, detail=detail)


def _difference(found: replay.Combination, level: float) -> Rate:
    t = clopper_pearson(found.train_replayed, found.train_unique, level=level)
    h = clopper_pearson(found.holdout_replayed, found.holdout_unique, level=level)
    return Rate(found.excess, max(-1.0, t.low - h.high), min(1.0, t.high - h.low))
