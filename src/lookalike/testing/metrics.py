"""The contract suite of metrics, for ours and for those of plugins.

from lookalike.testing.metrics import check_metric
def test_mine(): check_metric(MyMetric)
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from lookalike import rng
from lookalike.errors import LookalikeError
from lookalike.evaluate.base import DIMENSIONS, Metric, Result, Scope
from lookalike.evaluate.dataset import Asked, Subject, dataset
from lookalike.evaluate.forms.json import plain


def example(n: int = 300, seed: int = 0) -> pa.Table:
    """Rows of one population with related columns, gaps, a rare level, dates and short texts."""
    draw = rng.generator("check_metric", seed)
    age = draw.integers(18, 90, n)
    job = draw.choice(["clerk", "nurse", "judge"], n, p=[0.6, 0.35, 0.05])
    pay = np.round(age * 100 + np.where(job == "judge", 5_000, 0) + draw.normal(2_000, 400, n), 2)
    words = np.array(["quiet", "river", "amber", "falls", "under", "morning", "light", "again"])
    return pa.table({
        "age": age, "job": job, "pay": pay, "sex": draw.choice(["f", "m"], n),
        "bonus": pa.array(draw.exponential(100, n), mask=draw.random(n) < 0.2),
        "since": pa.array(np.datetime64("2020-01-01", "s") + draw.integers(0, 900, n) * np.timedelta64(86_400, "s")),
        "note": [" ".join(draw.choice(words, 9)) for _ in range(n)],
        "left": np.where(draw.random(n) < 1 / (1 + np.exp((pay - 7_000) / 900)), "yes", "no"),
    })  # fmt: skip


def check_metric(metric: type[Metric], **settings: object) -> None:
    """Assert what every metric must do.

    Results are never empty, numbers are finite and inside their range or have a reason, names are unique, the same seed gives the
    same numbers, the order of columns does not matter to them, everything can be written as JSON, and small or odd tables are
    measured, skipped with a reason, or refused with an error of ours.

    Args:
        metric: the class.
        **settings: its fields.

    Raises:
        AssertionError: a part of the contract does not hold; the message says which.
    """
    spec = metric(**settings)
    compute = cast("Callable[[Subject], list[Result]]", spec.compute)
    assert metric.kind, f"{metric.__name__} has no kind"
    assert metric.__doc__, f"{metric.kind}: the docstring is the documentation page and is missing"
    assert metric.dimension in DIMENSIONS, f"{metric.kind}: dimension {metric.dimension!r} is none of {DIMENSIONS}"
    assert metric.cost > 0, f"{metric.kind}: the planner needs a cost above 0"
    real, other, kept = (example(seed=s) for s in range(3))

    def measured(a: pa.Table, b: pa.Table, c: pa.Table) -> list[Result]:
        return compute(_subject(metric.scope, a, b, c))

    first = measured(real, other, kept)
    _sound(metric, first)
    _same(metric, first, measured(real, other, kept), "the same seed gave other numbers")
    backwards = [t.select(t.column_names[::-1]) for t in (real, other, kept)]
    assert {r.name for r in first if r.headline} == {r.name for r in measured(*backwards) if r.headline}, (
        f"{metric.kind}: headlines depend on the order of columns"
    )
    for what, tables in _odd(real, other, kept).items():
        try:
            found = compute(_subject(metric.scope, *tables, plain=True))
        except LookalikeError:
            continue  # a clear error becomes a skip in a report
        except Exception as exc:
            raise AssertionError(f"{metric.kind}: {what} breaks it: {type(exc).__name__}: {exc}") from exc
        _sound(metric, found, what)


def _subject(scope: Scope, real: pa.Table, synthetic: pa.Table, holdout: pa.Table, *, plain: bool = False) -> Subject:
    """The tables as what a metric of this scope is asked about: each row has two children in a table of their own."""
    question = Asked() if plain else Asked(target="left", protected=("sex",), seed=1)
    if scope == "table":
        return dataset(real, synthetic, holdout, question).subjects(scope)[0]
    first, second, third = ({"people": _numbered(side), "visits": _visits(side)} for side in (real, synthetic, holdout))
    question = Asked(foreign_keys={"visits.person": "people.number"}, seed=1)
    return dataset(first, second, third, question).subjects(scope)[0]


def _numbered(table: pa.Table) -> pa.Table:
    return table.append_column("number", pa.array(np.arange(table.num_rows)))


def _visits(table: pa.Table) -> pa.Table:
    person = np.repeat(np.arange(table.num_rows), 2)
    draw = rng.generator("check_metric visits", table.num_rows)
    return pa.table(
        {"person": person, "minutes": draw.integers(5, 60, person.size), "place": draw.choice(["home", "ward"], person.size)}
    )


def _odd(real: pa.Table, other: pa.Table, kept: pa.Table) -> dict[str, tuple[pa.Table, pa.Table, pa.Table]]:
    def each(name: str, cells: pa.Array) -> tuple[pa.Table, pa.Table, pa.Table]:
        first, second, third = (t.append_column(name, cells) for t in (real, other, kept))
        return first, second, third

    n = real.num_rows
    one_text = pa.table({"word": ["a\x00", "b"] * 40})
    return {
        "one row": (real.slice(0, 1), other.slice(0, 1), kept.slice(0, 1)),
        "a column of nulls": each("void", pa.nulls(n, pa.float64())),
        "a constant column": each("same", pa.array([1.0] * n)),
        "infinities": each("huge", pa.array([np.inf, -np.inf, 1.0] * (n // 3))),
        "one column of text with null bytes": (one_text, one_text, one_text),
        "no holdout rows in common size": (real, other.slice(0, 30), kept.slice(0, 10)),
    }


def _sound(metric: type[Metric], results: Sequence[Result], what: str = "ordinary tables") -> None:
    kind = metric.kind
    assert results, f"{kind}: no result on {what}; return a skipped one with a reason"
    names = [(r.name, r.subject) for r in results]
    assert len(set(names)) == len(names), f"{kind}: two results have one name and subject on {what}: {sorted(names)}"
    for result in results:
        assert result.metric == kind, f"{kind}: a result says it is of metric {result.metric!r}"
        assert result.name == kind or result.name.startswith(f"{kind}."), (
            f"{kind}: result {result.name!r} must start with the kind"
        )
        assert result.dimension in DIMENSIONS, f"{result.name}: unknown dimension {result.dimension!r}"
        json.dumps(plain(result.detail), allow_nan=False)
        if result.value is None:
            assert result.skipped not in ("", "not measured"), f"{result.name} on {what}: a skip needs a reason"
            continue
        low, high = result.range
        assert math.isfinite(result.value), f"{result.name} on {what}: {result.value}"
        assert low - 1e-9 <= result.value <= high + 1e-9, f"{result.name} on {what}: {result.value} is outside {result.range}"
        if result.interval is not None:
            a, b = result.interval
            assert a <= b, f"{result.name} on {what}: the interval {result.interval} is upside down"


def _same(metric: type[Metric], a: Sequence[Result], b: Sequence[Result], why: str) -> None:
    assert [(r.name, r.value) for r in a] == [(r.name, r.value) for r in b], f"{metric.kind}: {why}"
