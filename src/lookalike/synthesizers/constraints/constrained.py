"""Any method, under constraints."""

# pyright: reportOptionalMemberAccess=false
# pyarrow is untyped: pyright takes the None before the loop for the type after it; mypy checks this file

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, PrivateAttr

from lookalike.errors import Unsatisfiable
from lookalike.schema.infer import infer_column
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
        table = table.select(list(schema.names))
        broken = {text: count for text, count in constraints.violations(table, self.constraints).items() if count}
        if broken:
            warnings.warn(f"the real table itself breaks constraints: {broken} rows of {table.num_rows}", stacklevel=4)
        rewritten, how = rewriting.prepare(table, self.constraints)
        same = {c.name: c for c in schema.columns if rewritten.column_names.count(c.name) and rewritten[c.name] is not None}
        columns = []
        changed = {high for high, _, _ in how.gaps}
        for name in rewritten.column_names:
            if name in same and name not in changed:
                columns.append(same[name])
            else:
                column = infer_column(name, rewritten[name])
                merged = name not in same and column.semantic not in ("constant", "category", "boolean")
                columns.append(replace(column, semantic="category", format="", order=()) if merged else column)
        self.base.fit(rewritten, TableSchema(tuple(columns)), seed=seed, budget_s=budget_s)
        self._rewriting = how

    def _profile(self, name: str) -> dict[str, Any] | None:
        return self.base._profile(name)  # noqa: SLF001  # a model inside a model

    def _first(self, given: dict[str, Any], whole: int) -> int:
        if any(constraint.kind == "unique" for constraint in self.constraints):
            return whole
        return self.base._first({"where": "the constraints hold", **given}, whole)  # noqa: SLF001  # likewise

    def _sample(self, stretch: Stretch, schema: TableSchema, given: dict[str, Any]) -> pa.Table:
        n = len(stretch)
        own, left, where = self._split(given)
        fields = pa.schema([pa.field(c.name, arrow_type(c.arrow)) for c in schema.columns])
        lost = dict.fromkeys(map(constraints.text, self.constraints), 0)
        kept: pa.Table | None = None
        drawn, share = 0, 1.0
        for attempt in range(ROUNDS):
            missing = n - (kept.num_rows if kept is not None else 0)
            wanted = (
                int(missing / max(share, 0.01) * 1.1) + 8 if attempt else n
            )  # at first no more: shares hold in all of these
            size = min(max(wanted, missing), 20 * n + 1000)
            sample = self.base.sample_arrow(size, given=own, seed=stretch.key("attempt", attempt))
            sample = rewriting.restore(sample, self._rewriting, self.constraints, fields)
            drawn += size
            sample = sample.filter(pa.array(_held(sample, left, where)))
            whole = sample if kept is None else pa.concat_tables([kept, sample])
            for constraint in self.constraints:
                mask = constraints.holding(constraint, whole)
                lost[constraints.text(constraint)] += int((~mask).sum())
                whole = whole.filter(pa.array(mask))
            kept = whole.slice(0, n)
            if kept.num_rows == n:
                before = self._report if stretch.start else {}
                self._report = {text: count + before.get(text, 0) for text, count in lost.items()}
                return kept.combine_chunks()
            share = max(whole.num_rows / max(drawn, 1), 1e-3)
        worst = ", ".join(f"{text} broken by {count}" for text, count in lost.items() if count) or f"given {left} {where}"
        raise Unsatisfiable(
            what=f"only {kept.num_rows if kept is not None else 0} of {n} rows hold all constraints, out of {drawn} drawn: {worst}",
            fix="loosen that constraint, or express it so that it is held by construction",
        )

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


def _held(sample: pa.Table, left: dict[str, Any], where: str) -> npt.NDArray[np.bool_]:
    """Rows that hold the conditions on finished columns."""
    for name, wanted in left.items():
        if isinstance(wanted, dict) and "shares" in wanted:
            raise Unsatisfiable(
                what=f"shares of {name!r}, which a constraint rewrites, cannot be set", fix="ask for exact values"
            )
    return conditions.matching(sample, {**left, "where": where} if where else left)
