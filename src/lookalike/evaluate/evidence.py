"""Evidence: everything that one evaluation measured, what the gates say of it, and what to fix first.

It is plain data with questions to ask of it; `forms` shows it, `report` is what users hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from lookalike.errors import GateFailed, MetricError, did_you_mean
from lookalike.evaluate.base import Dimension, Result, Verdict
from lookalike.evaluate.gates import Outcome, exit_code


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to fix, in words.

    Attributes:
        title: what is wrong, short.
        text: the evidence, with numbers.
        fix: the next move; "" when none is known.
        severity: "block" a gate fails, "warn" it should be looked at, "unknown" it could not be decided.
    """

    title: str
    text: str
    dimension: Dimension
    severity: Literal["block", "warn", "unknown"]
    metric: str
    fix: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class TableInfo:
    """One compared table.

    Attributes:
        rows: which ("real", "synthetic", "holdout") -> number of rows.
        columns: column -> form ("number", "time", "category", "text", "id", "empty").
        excluded: column -> why it is not compared.
        reference: what the ceiling is: "holdout", or "half" of the real rows against the other half.
        target: the column that models predict, or "".
        protected: columns whose groups are compared.
        written: columns that only the synthetic table has; they are measured by themselves.
        samples: column -> a few synthetic texts of it, where no real column stands beside it.
        looked: column -> the metrics that looked at it; an empty list: nothing did.
    """

    rows: Mapping[str, int]
    columns: Mapping[str, str]
    excluded: Mapping[str, str] = field(default_factory=dict)
    reference: str = "half"
    target: str = ""
    protected: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    samples: Mapping[str, Sequence[str]] = field(default_factory=dict)
    looked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Columns at whose cells nothing looked."""
        return tuple(name for name, metrics in self.looked.items() if not metrics)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one evaluation found.

    Attributes:
        results: every number, and every skip with its reason.
        verdicts: pass, fail or inconclusive for each measured dimension; there is no grand total.
        outcomes: what became of each gate.
        findings: what to fix first, most important first.
        tables: what was compared, by table name ("" for a single table).
        seed: of every draw.
        profile: the gates' name.
        version: of Lookalike.
        notes: what a reader must know, such as a holdout that overlaps the training rows.
        about: what was measured, in words: "real", "synthetic" and "holdout" (files), "made" and "measured" (dates), "synthesizer".
        making: what a run says of itself: outcomes and reasons by table, calls by column.
        seconds: CPU seconds it took; not part of the canonical form.
    """

    results: tuple[Result, ...]
    verdicts: Mapping[Dimension, Verdict]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    tables: Mapping[str, TableInfo]
    seed: int
    profile: str
    version: str
    notes: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    making: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __getitem__(self, name: str) -> Result:
        """The result called `name`, or `table.name` in a report of several tables.

        Raises:
            MetricError: there is none; the error lists near names.
        """
        for result in self.results:
            if name in (result.name, f"{result.table}.{result.name}"):
                return result
        fix = did_you_mean(name, {r.name for r in self.results}, label="results")
        raise MetricError(what=f"the report has no result {name!r}", fix=fix)

    def __contains__(self, name: str) -> bool:
        """Whether there is a result of that name."""
        return any(name in (r.name, f"{r.table}.{r.name}") for r in self.results)

    def __iter__(self) -> Iterator[Result]:
        """Results in order."""
        return iter(self.results)

    def of(self, *, metric: str = "", dimension: str = "", table: str | None = None) -> list[Result]:
        """Results of one metric, dimension or table."""
        return [
            r for r in self.results
            if (not metric or r.metric == metric) and (not dimension or r.dimension == dimension) and (table is None or r.table == table)
        ]  # fmt: skip

    def worst(self, metric: str, k: int = 5) -> list[Result]:
        """The k worst columns, pairs or groups of a metric, worst first."""
        parts = [r for r in self.results if r.metric == metric and r.subject and r.value is not None]
        return sorted(parts, key=Result.badness, reverse=True)[:k]

    @property
    def headlines(self) -> list[Result]:
        """The few numbers that are shown first."""
        return [r for r in self.results if r.headline]

    @property
    def exit_code(self) -> int:
        """0 the gates hold, 1 a blocking gate does not, 3 one could not be decided."""
        return exit_code(self.outcomes)

    @property
    def asks(self) -> str:
        """What the findings ask of a reader: a gate that blocks is to be mended first."""
        return "Fix this first" if any(finding.severity == "block" for finding in self.findings) else "Worth a look"

    def raise_for_gates(self) -> Self:
        """The report itself when its gates hold.

        Raises:
            GateFailed: a gate does not hold (its `exit_code` is 1), or cannot be decided (3).
        """
        if self.exit_code:
            bad = [o for o in self.outcomes if o.severity == "block" and o.status in ("fail", "inconclusive")]
            error = GateFailed(what=" ".join(o.text for o in bad), fix=next((o.fix for o in bad if o.fix), ""))
            error.exit_code = self.exit_code
            raise error
        return self
