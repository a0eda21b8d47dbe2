"""Could these rows exist? Columns, types, ranges, known categories, null patterns, keys, rules and sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.evaluate import encode
from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.privacy.bounds import clopper_pearson
from lookalike.evaluate.rules import broken_rows, found
from lookalike.evaluate.shapes import total_variation
from lookalike.evaluate.views import Views, Which
from lookalike.rows.batch import Batch
from lookalike.rows.sql import rows_where
from lookalike.schema.rules.sums import Given

Flags = npt.NDArray[np.bool_]


class Validity(Metric):
    """Share of synthetic rows that break no check: in the real range, a known or declared category, no infinity, rules and sums kept.

    The real table's own range and categories are a sample, so a real holdout does not reach 1 either: compare with the ceiling.
    """

    kind: ClassVar[str] = "validity"
    dimension = "validity"
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def compute(self, views: Views) -> list[Result]:
        """The headline, then columns present, types, ranges, categories, null patterns, finite numbers, key, rules and sums."""
        given = found(views).sums
        broken = _broken(views, "synthetic", given=given)
        bad = _any(broken.values(), views.rows("synthetic"))
        reference = _broken(views, "ceiling", base="base", given=given)
        ceiling = 1 - float(_any(reference.values(), views.rows("ceiling")).mean())
        counts = {check: int(flags.sum()) for check, flags in broken.items() if flags.any()}
        worst = sorted(counts.items(), key=lambda item: -item[1])[:10]
        reading = "; ".join(f"{check}: {count:,} row{'s' if count != 1 else ''}" for check, count in worst[:3])
        kept = clopper_pearson(int((~bad).sum()), bad.size)
        detail = {"broken": dict(worst), "reading": reading}
        out = [self.result(kept.value, interval=kept.interval, ceiling=ceiling, detail=detail)]
        out += self._columns(views)
        out += [self._rate(views, broken, part) for part in ("ranges", "categories", "finite")]
        out += [self._null_patterns(views), self._key(views), self._rules(broken), self._sums(broken, given)]
        return out

    def _columns(self, views: Views) -> list[Result]:
        real, synthetic = views.table("real"), views.table("synthetic")
        total = real.num_columns + len(views.missing)
        same = [n for n in real.column_names if _family(real[n].type) == _family(synthetic[n].type)]
        differ = {n: f"{real[n].type} became {synthetic[n].type}" for n in real.column_names if n not in same}
        unread = [name for name, why in views.excluded.items() if "(synthetic table)" in why]
        present = {"missing": list(views.missing), "extra": list(views.extra), "unreadable": unread}
        told = [("missing", views.missing), ("not what the real column holds", unread)]
        reading = "; ".join(f"{word}: {', '.join(names[:8])}" for word, names in told if names)
        return [
            self.result(
                (real.num_columns - len(unread)) / total, "columns", ceiling=1.0, detail=present | {"reading": reading}
            ),
            self.result(len(same) / real.num_columns, "types", ceiling=1.0, detail={"differ": differ}),
        ]

    def _rate(self, views: Views, broken: dict[str, Flags], part: str) -> Result:
        own = {k.partition(" of ")[2]: v for k, v in broken.items() if k.startswith(f"{part} of ")}
        if not own:
            return self.skip("no column of that kind", part)[0]
        by_column = {name: 1 - float(flags.mean()) for name, flags in own.items()}
        worst = dict(sorted(by_column.items(), key=lambda item: item[1])[:10])
        return self.result(
            float(np.mean(list(by_column.values()))), part, detail={"worst": worst, "rows": views.rows("synthetic")}
        )

    def _null_patterns(self, views: Views) -> Result:
        names = [c.name for c in views.columns if any(views.nulls(c.name, w).any() for w in ("real", "synthetic"))][:63]
        if not names:
            return self.result(1.0, "null_patterns", ceiling=1.0, detail={"reading": "no nulls in either table"})

        def patterns(which: Which) -> npt.NDArray[np.int64]:
            out = np.zeros(views.rows(which), dtype=np.int64)
            for i, name in enumerate(names):
                out |= views.nulls(name, which).astype(np.int64) << i
            return out

        rates = {n: [float(views.nulls(n, w).mean()) for w in ("real", "synthetic")] for n in names}
        worst = sorted(rates, key=lambda n: -abs(rates[n][0] - rates[n][1]))[:10]
        return self.result(
            1 - _pattern_gap(patterns("real"), patterns("synthetic")), "null_patterns",
            ceiling=1 - _pattern_gap(patterns("base"), patterns("ceiling")), detail={"null_rates": {n: rates[n] for n in worst}},
        )  # fmt: skip

    def _key(self, views: Views) -> Result:
        key = views.schema.key if views.schema else None
        if not key or key not in [c.name for c in views.columns]:
            return self.skip("the schema declares no key", "key")[0]
        duplicates = 1 - len(np.unique(views.codes(key, "synthetic"))) / views.rows("synthetic")
        return self.result(1 - duplicates, "key", subject=key, ceiling=1.0)

    def _rules(self, broken: dict[str, Flags]) -> Result:
        own = {k: 1 - float(v.mean()) for k, v in broken.items() if k.startswith("rule ")}
        if not own:
            return self.skip("the schema declares no rules", "rules")[0]
        return self.result(min(own.values()), "rules", ceiling=1.0, detail={"rules": own})

    def _sums(self, broken: dict[str, Flags], given: Sequence[Given]) -> Result:
        own = {rule.text: 1 - float(broken[rule.text].mean()) for rule in given if rule.text in broken}
        if not own:
            return self.skip("no number of the real table is a sum or a product of others", "sums")[0]
        return self.result(min(own.values()), "sums", ceiling=1.0, detail={"sums": own})


def _family(kind: pa.DataType) -> str:
    """Types that differ only in width or in how nulls are stored are one family."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    if encode.is_text(kind) or pa.types.is_string_view(kind):
        return "text"
    return "time" if pa.types.is_timestamp(kind) or pa.types.is_date(kind) else str(kind)


def _any(flags: Any, rows: int) -> Flags:
    out = np.zeros(rows, dtype=np.bool_)
    for one in flags:
        out |= one
    return out


def _broken(views: Views, which: Which, base: Which = "real", *, given: Sequence[Given]) -> dict[str, Flags]:
    """Check -> rows that break it."""
    out: dict[str, Flags] = {}
    for column in views.columns:
        name = column.name
        if not views.nulls(name, base).any():
            out[f"nulls of {name}"] = views.nulls(name, which)  # a value that was always there is missing
        if column.numeric:
            values, known = views.numbers(name, which), views.numbers(name, base)
            low, high = (np.nanmin(known), np.nanmax(known)) if not np.isnan(known).all() else (np.nan, np.nan)
            out[f"ranges of {name}"] = (values < low) | (values > high)
            out[f"finite of {name}"] = np.isnan(values) & ~views.nulls(name, which)
        elif column.form == "category":
            codes = views.codes(name, which)
            seen = np.zeros(len(views.levels(name)) + 1, dtype=np.bool_)
            seen[views.codes(name, base)] = True
            seen[0] = True
            declared = views.schema[name].order if views.schema and name in views.schema.names else ()
            seen[1:] |= np.isin(views.levels(name), declared)  # the domain as declared is more than a sample of it
            out[f"categories of {name}"] = ~seen[codes]
    out |= broken_rows(views, given, which)
    if views.schema and which == "synthetic":
        out |= _rules(views.table(which), views.schema.rules)
    return out


def _rules(table: pa.Table, rules: tuple[str, ...]) -> dict[str, Flags]:
    rows = Batch.of(table, "synthetic")
    return {f"rule {rule}": ~rows_where(rule, rows, unknown=True) for rule in rules}


def _pattern_gap(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> float:
    _, inverse = np.unique(np.concatenate([a, b]), return_inverse=True)
    size = int(inverse.max()) + 1
    return total_variation(
        np.bincount(inverse[: a.size], minlength=size) / a.size, np.bincount(inverse[a.size :], minlength=size) / b.size
    )
