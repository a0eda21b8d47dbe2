"""The contract of generators and steps, as checks that plugin authors can run on their own kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lookalike.errors import SourceError, did_you_mean
from lookalike.generators.base import Generator
from lookalike.rows.batch import Batch
from lookalike.rows.context import Context
from lookalike.steps.base import Step


@dataclass(frozen=True)
class MemoryTables:
    """Sources that are plain Arrow tables."""

    sources: Mapping[str, pa.Table] = field(default_factory=dict)

    def source(self, name: str) -> pa.Table:
        """A source by name."""
        if name not in self.sources:
            raise SourceError(what=f"there is no source {name!r}", fix=did_you_mean(name, self.sources, label="sources"))
        return self.sources[name]


def example_batch(n: int = 60) -> Batch:
    """Rows with a column of each common type, nulls among them."""
    ids = np.arange(n)
    columns = {
        "n": pa.array(ids % 7),
        "x": pa.array(ids * 0.5),
        "s": pa.array([("red", "green", "blue")[i % 3] for i in ids.tolist()]),
        "text": pa.array([None if i % 11 == 5 else f"Row {i} says hello to mail{i}@example.org." for i in ids.tolist()]),
        "day": pa.array(ids.astype("datetime64[D]").astype("datetime64[us]")),
        "flag": pa.array((ids % 2).astype(bool)),
    }
    return Batch("example", ids, columns)


def check_generator(
    spec: Generator, batch: Batch | None = None, *, tables: MemoryTables | None = None, allow_code: bool = False
) -> None:
    """Check a block generator.

    It must give one value a row; the same values however rows are cut and in whatever order; from no more than the columns that
    `needs()` names; and survive `dump` and `parse`.

    Raises:
        AssertionError: a promise is not kept; its text says which.
    """
    batch = batch or example_batch()
    ctx = Context(7, batch.table, "checked", tables or MemoryTables(), Path(), allow_code)
    missing = spec.needs() - set(batch.columns)
    assert not missing, f"{spec.kind}: the batch lacks {sorted(missing)}; give one that has them"
    needed = Batch(batch.table, batch.ids, {name: batch[name] for name in spec.needs()})
    whole = spec.generate(needed, ctx)
    assert len(whole) == len(batch), f"{spec.kind}: {len(whole)} values for {len(batch)} rows"
    values = whole.to_pylist()
    for size in (1, 7, len(batch) // 2 + 1):
        parts: list[Any] = []
        for start in range(0, len(batch), size):
            piece = needed.take(np.arange(start, min(start + size, len(batch))))
            parts += spec.generate(piece, ctx).to_pylist()
        assert _same(parts, values), f"{spec.kind}: batches of {size} give other values than one batch"
    back = np.arange(len(batch))[::-1].copy()
    assert _same(spec.generate(needed.take(back), ctx).to_pylist(), values[::-1]), (
        f"{spec.kind}: values depend on the order of rows"
    )
    assert type(spec).parse(spec.dump()) == spec, f"{spec.kind}: dump and parse give another value"
    empty = spec.generate(needed.take(np.empty(0, np.int64)), ctx)
    assert len(empty) == 0, f"{spec.kind}: no rows give {len(empty)} values"


def check_step(step: Step, batch: Batch | None = None) -> None:
    """Check a step: rows are kept or dropped, each dropped one with a reason, and nothing is lost in between.

    A step of scope "row" must decide the same however rows are cut; one of scope "table" however they are cut in order.

    Raises:
        AssertionError: a promise is not kept; its text says which.
    """
    batch = batch or example_batch()
    ctx = Context(7, batch.table, "checked", MemoryTables())
    kept = step.open().apply(batch, ctx)
    assert len(kept.dropped) == len(kept.reasons), f"{step.kind}: {len(kept.dropped)} rows dropped, {len(kept.reasons)} reasons"
    assert all(kept.reasons), f"{step.kind}: an empty reason"
    both = sorted([*kept.batch.ids.tolist(), *kept.dropped.tolist()])
    assert both == batch.ids.tolist(), f"{step.kind}: kept and dropped rows are not the rows that came in"
    opened, ids = step.open(), []
    for start in range(0, len(batch), 13):
        ids += opened.apply(batch.take(np.arange(start, min(start + 13, len(batch)))), ctx).batch.ids.tolist()
    assert ids == kept.batch.ids.tolist(), f"{step.kind}: smaller batches keep other rows"
    assert type(step).parse(step.dump()) == step, f"{step.kind}: dump and parse give another value"


def _same(a: list[Any], b: list[Any]) -> bool:
    return len(a) == len(b) and all(x == y or (x != x and y != y) for x, y in zip(a, b, strict=True))  # noqa: PLR0124  # NaN
