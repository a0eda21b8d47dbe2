"""What a stream of rows can be measured by: small states that are updated by batches, merged, and compared with a real table.

A long run need not wait for its last row to learn that a gate is lost: each partition makes a sketch, sketches merge in any order,
and `lost` says which gates can no longer be held whatever the remaining rows will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lookalike.errors import MetricError
from lookalike.evaluate import encode
from lookalike.evaluate.encode import PAIR_LEVELS, Column
from lookalike.evaluate.gates import Gate
from lookalike.evaluate.privacy.space import row_hashes
from lookalike.evaluate.shapes import total_variation
from lookalike.evaluate.views import Views

Counts = npt.NDArray[np.int64]
STREAMED = frozenset({"marginals", "validity", "identical_share"})  # gates that a stream can lose early


@dataclass(frozen=True)
class Reference:
    """What a stream is compared with: bins, ranges, levels and row hashes of the real table, never its rows.

    Build one with `Reference.of(real)`; it is small, and can be sent to every worker.
    """

    columns: tuple[Column, ...]
    edges: Mapping[str, npt.NDArray[np.float64]]
    ranges: Mapping[str, tuple[float, float]]
    levels: Mapping[str, Mapping[str, int]]
    shares: Mapping[str, npt.NDArray[np.float64]]
    hashes: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, real: pa.Table) -> Self:
        """The reference of a real table."""
        views = Views(real, real)
        columns = views.compared
        numeric = [c.name for c in columns if c.numeric]
        levels = {
            c.name: {level: i + 1 for i, level in enumerate(views.levels(c.name)[: views.real_levels(c.name)])}
            for c in columns if not c.numeric
        }  # fmt: skip
        made = cls(
            columns,
            {n: views.edges(n) for n in numeric},
            {n: views.range(n) for n in numeric},
            levels,
            {},
            np.zeros(0, np.uint64),
        )
        sketch = Sketch(made).add(real)
        shares = {name: counts / max(1, sketch.rows) for name, counts in sketch.bins.items()}
        return cls(columns, made.edges, made.ranges, levels, shares, np.unique(made.hash_rows(real)))

    def binned(self, column: Column, table: pa.Table) -> tuple[npt.NDArray[np.uint8], int]:
        """One column of a batch as bins, and how many bins there are."""
        name = column.name
        if name not in table.column_names:
            raise MetricError(what=f"the batch has no column {name!r}", fix="give batches of the table that was learned")
        cells = encode.plain(table[name])
        if column.numeric:
            low, high = self.ranges[name]
            edges = self.edges[name]
            return encode.bin_numbers(encode.numbers(cells, column.form, column.meaning), edges, low, high), int(edges.size) + 3
        keep = min(PAIR_LEVELS, len(self.levels[name]))
        codes, found = encode.codes([cells])
        known = self.levels[name]
        bins = [0] + [(known[level] if known[level] <= keep else keep + 1) if level in known else keep + 2 for level in found]
        return np.asarray(bins, dtype=np.uint8)[codes[0]], keep + 3

    def hash_rows(self, table: pa.Table) -> npt.NDArray[np.uint64]:
        """One hash a row over all compared columns, equal for equal cells in any batch."""
        parts = []
        for column in self.columns:
            cells = encode.plain(table[column.name])
            if column.numeric:
                values = encode.numbers(cells, column.form, column.meaning) + 0.0  # -0.0 and 0.0 are one value
                parts.append(np.where(np.isnan(values), np.nan, values).view(np.int64))
            else:
                codes, found = encode.codes([cells])
                known = self.levels[column.name]
                table_of = np.asarray([0] + [known.get(level, -1) for level in found], dtype=np.int64)
                parts.append(table_of[codes[0]])
        return row_hashes(np.stack(parts))


@dataclass
class Sketch:
    """The state of a stream: bin counts by column, rows that break validity, rows that equal a real one.

    `add` and `merge` commute: batches and partitions give the same state in any order. Size does not grow with rows.
    """

    reference: Reference
    rows: int = 0
    invalid: int = 0
    identical: int = 0
    bins: dict[str, Counts] = field(default_factory=dict)

    def add(self, batch: pa.Table) -> Self:
        """Count a batch of rows.

        Raises:
            MetricError: a column that the reference has is not in the batch.
        """
        broken = np.zeros(batch.num_rows, dtype=np.bool_)
        for column in self.reference.columns:
            cells, width = self.reference.binned(column, batch)
            counts = np.bincount(cells, minlength=width)
            self.bins[column.name] = self.bins[column.name] + counts if column.name in self.bins else counts
            broken |= cells == width - 1
        self.rows += batch.num_rows
        self.invalid += int(broken.sum())
        if self.reference.hashes.size:
            self.identical += int(np.isin(self.reference.hash_rows(batch), self.reference.hashes).sum())
        return self

    def merge(self, other: Sketch) -> Self:
        """Take in the rows that another sketch of the same reference has counted."""
        self.rows += other.rows
        self.invalid += other.invalid
        self.identical += other.identical
        for name, counts in other.bins.items():
            self.bins[name] = self.bins[name] + counts if name in self.bins else counts.copy()
        return self

    def values(self) -> dict[str, float]:
        """What the rows so far amount to: `validity`, `identical_share`, `marginals` and `marginals.column` (by bins)."""
        if not self.rows:
            return {}
        columns = {
            f"marginals.{name}": 1 - total_variation(self.reference.shares[name], counts / self.rows)
            for name, counts in self.bins.items()
        }
        out = {"validity": 1 - self.invalid / self.rows, "identical_share": self.identical / self.rows}
        return out | ({"marginals": float(np.mean(list(columns.values())))} if columns else {}) | columns

    def lost(self, gates: Sequence[Gate | Mapping[str, Any]], *, of: int) -> list[str]:
        """Gates that fail even if every row still to come is perfect, each as a sentence.

        Args:
            gates: blocking gates on `validity`, `identical_share`, `marginals` or one of its columns; others are left out, and so
                are those relative to something.
            of: how many rows the run will have made in the end.
        """
        out = []
        for given in gates:
            gate = given if isinstance(given, Gate) else Gate.model_validate(given)
            if gate.metric.partition(".")[0] not in STREAMED or gate.relative_to or gate.agg or gate.severity == "warn":
                continue
            best = self._best(gate.metric, max(of, self.rows))
            if best is None:
                continue
            beyond = (gate.max is not None and best > gate.max) or (gate.min is not None and best < gate.min)
            if beyond:
                now = self.values()[gate.metric]
                out.append(
                    f"{gate.metric} is {now:.4g} after {self.rows:,} rows and can at best become {best:.4g}; it needs {gate.need}."
                )
        return out

    def _best(self, metric: str, of: int) -> float | None:
        """The best value that is still possible when `of` rows are made."""
        if metric == "validity":
            return 1 - self.invalid / of
        if metric == "identical_share":
            return self.identical / of
        head, _, column = metric.partition(".")
        names = [column] if column else list(self.bins)
        if head != "marginals" or not names or any(n not in self.bins for n in names):
            return None
        # later rows can fill every gap but take nothing away: what is above its real share of all rows stays above
        over = [float(np.maximum(0.0, self.bins[n] / of - self.reference.shares[n]).sum()) for n in names]
        return 1 - float(np.mean(over))
