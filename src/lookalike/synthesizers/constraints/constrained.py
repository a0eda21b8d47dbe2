"""Any method, under constraints."""

# pyright: reportOptionalMemberAccess=false
# pyarrow is untyped: pyright takes the None before the loop for the type after it; mypy checks this file

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike.errors import Unsatisfiable
from lookalike.schema.rules import RuleCells
from lookalike.schema.types import TableSchema, arrow_type
from lookalike.spec import Kind
from lookalike.synthesizers import conditions
from lookalike.synthesizers.base import Synthesizer
from lookalike.synthesizers.constraints import constraint as constraints
from lookalike.synthesizers.constraints import rewrites as rewriting
from lookalike.synthesizers.constraints.constraint import AnyConstraint
from lookalike.synthesizers.constraints.rewrites import Rewriting
from lookalike.synthesizers.series import Stretch

ROUNDS = 40  # samples drawn for rows that a constraint rejects


class Constrained(Synthesizer):
    """A base method whose samples hold constraints; see the table of constraints for how each is enforced.

    Use it whenever a wrong row is worse than a slow one. Without constraints that need redrawing it costs nothing. Do not use
    it for rules that few rows of the base method hold: it draws at most 40 times, and then says which rule failed how often.

    Source:
        Constraint transforms as in Patki, Wedge and Veeramachaneni 2016, "The Synthetic Data Vault".
    """

    kind: ClassVar[str] = "constrained"

    base: Annotated[Synthesizer, Kind("synthesizer")]
    constraints: tuple[AnyConstraint, ...] = Field(min_length=1)

    _rewriting: Rewriting = PrivateAttr(default_factory=Rewriting)
    _report: dict[str, int] = PrivateAttr(default_factory=dict)

    @property
    def report_(self) -> dict[str, int]:
        """Rows of the last sample that broke each constraint and were drawn again."""
        return dict(self._report)

    def _fit(self, table: pa.Table, schema: TableSchema, seed: int, budget_s: float | None) -> None:
        constraints.check(self.constraints, schema.names)
        cells = RuleCells(table.select(list(schema.names)), schema)
        broken = {constraints.text(c): int((~constraints.holding(c, cells)).sum()) for c in self.constraints}
        named = {text: count for text, count in broken.items() if count}
        if named:
            warnings.warn(f"the real table itself breaks constraints: {named} rows of {table.num_rows}", stacklevel=4)
        rewritten, columns, how = rewriting.prepare(cells, self.constraints)
        self.base.fit(rewritten, columns, seed=seed, budget_s=budget_s)
        self._rewriting = how

    def _profile(self, name: str) -> dict[str, Any] | None:
        return self.base._profile(name)  # noqa: SLF001  # a model inside a model

    def _first(self, given: dict[str, Any], whole: int) -> int:
        if any(constraint.kind == "unique" for constraint in self.constraints):
            return whole
        return self.base._first({"where": "the constraints hold", **given}, whole)  # noqa: SLF001  # likewise

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:
        own, left, where = self._split(given)
        lost = dict.fromkeys(map(constraints.text, self.constraints), 0)
        n, groups, drawn = len(stretch), KeptShares(len(stretch)), 0
        kept = RuleCells(_arrow_schema(schema).empty_table(), schema)
        for attempt in range(ROUNDS):
            share = max(kept.rows / max(drawn, 1), 0.01)
            wanted = int(groups.missing / share * 1.1) + 8 if attempt else n  # at first no more: shares hold in all of these
            size = min(max(wanted, groups.missing), 20 * n + 1000)
            sample = self.base.sample_arrow(size, given=own, seed=stretch.key("attempt", attempt))
            cells = rewriting.restore(sample, self._rewriting, self.constraints, schema)
            drawn += size
            cells = cells.where(_held(cells, left, where))
            groups.count(self._groups(cells))
            kept = RuleCells(pa.concat_tables([kept.table, cells.table.cast(kept.table.schema)]), schema)
            for constraint in self.constraints:
                mask = constraints.holding(constraint, kept)
                lost[constraints.text(constraint)] += int((~mask).sum())
                kept = kept.where(mask)
            rows = groups.chosen(self._groups(kept))
            if rows is not None:
                before = self._report if stretch.start else {}
                self._report = {text: count + before.get(text, 0) for text, count in lost.items()}
                return kept.table.take(pa.array(rows)).combine_chunks()
        worst = ", ".join(f"{text} broken by {count}" for text, count in lost.items() if count) or f"given {left} {where}"
        raise Unsatisfiable(
            what=f"only {n - groups.missing} of {n} rows hold all constraints, out of {drawn} drawn: {worst}",
            fix="loosen that constraint, or express it so that it is held by construction",
        )

    def _groups(self, cells: RuleCells) -> npt.NDArray[np.int64]:
        """Which of the constraints that draw rows again each row is about, as one number a row."""
        out = np.zeros(cells.rows, np.int64)
        for i, constraint in enumerate(self.constraints):
            about = constraint.concerns(cells)
            if about is not None:
                out |= about.astype(np.int64) << min(i, 62)
        return out

    def _split(self, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], str]:
        """Conditions that the base method can hold, and those that are tried on finished rows."""
        hidden = {name for name, _ in self._rewriting.dropped} | {high for high, _, _ in self._rewriting.gaps}
        hidden |= {name for _, names in (*self._rewriting.merged, *self._rewriting.hot) for name in names}
        own = {name: value for name, value in given.items() if name not in hidden and name != "where"}
        left = {name: value for name, value in given.items() if name in hidden}
        return own, left, str(given.get("where", ""))

    def _state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        meta, arrays = self.base._state()  # noqa: SLF001  # a model inside a model
        return {"base": meta, "schema": self.base.schema_.dump(), "rewriting": asdict(self._rewriting)}, arrays

    def _restore(self, meta: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.base._restore(meta["base"], arrays)  # noqa: SLF001  # likewise
        self.base._schema = TableSchema.parse(meta["schema"])  # noqa: SLF001  # likewise
        parts = meta["rewriting"]
        named = {key: tuple((name, tuple(names)) for name, names in parts[key]) for key in ("merged", "hot")}
        gaps, dropped = tuple(map(tuple, parts["gaps"])), tuple(map(tuple, parts["dropped"]))
        self._rewriting = Rewriting(gaps, named["merged"], named["hot"], dropped)


def _arrow_schema(schema: TableSchema) -> pa.Schema:
    return pa.schema([pa.field(column.name, arrow_type(column.arrow)) for column in schema.columns])


def constrained(method: Synthesizer, rules: Sequence[Any]) -> Synthesizer:
    """An unfitted method under constraints, as recipes write them; the method itself without any."""
    return Constrained(base=method, constraints=tuple(rules)) if rules else method


class KeptShares:
    """Rows that constraints are about keep their share, however many of them are drawn again.

    Args:
        n: rows wanted.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.missing = n
        self._drawn: dict[int, int] = {}

    def count(self, groups: npt.NDArray[np.int64]) -> None:
        """See rows before any is taken away."""
        for group, rows in zip(*np.unique(groups, return_counts=True), strict=True):
            self._drawn[int(group)] = self._drawn.get(int(group), 0) + int(rows)

    def chosen(self, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """The first rows of each group, as many as its share says, in their order; None while some are missing."""
        wanted = self._wanted()
        picked = [np.flatnonzero(groups == group)[:rows] for group, rows in wanted.items()]
        self.missing = self.n - sum(map(len, picked))
        return None if self.missing else np.sort(np.concatenate([*picked, np.empty(0, np.int64)])).astype(np.int64)

    def _wanted(self) -> dict[int, int]:
        """Rows of each group, by largest remainder; they sum to n."""
        total = sum(self._drawn.values())
        if not total:
            return {0: self.n}
        exact = {group: rows / total * self.n for group, rows in self._drawn.items()}
        out = {group: int(rows) for group, rows in exact.items()}
        for group in sorted(exact, key=lambda g: out[g] - exact[g])[: self.n - sum(out.values())]:
            out[group] += 1
        return out


def _held(cells: RuleCells, left: dict[str, Any], where: str) -> npt.NDArray[np.bool_]:
    """Rows that hold the conditions on finished columns."""
    for name, wanted in left.items():
        if isinstance(wanted, dict) and "shares" in wanted:
            raise Unsatisfiable(
                what=f"shares of {name!r}, which a constraint rewrites, cannot be set", fix="ask for exact values"
            )
    return conditions.matching(cells.table, {**left, "where": where} if where else left, cells.schema)
