"""Sets of tables: each table by itself, and what holds between them: keys that are found, children a parent, dependence across."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from lookalike.errors import MetricError, UsageError, did_you_mean
from lookalike.evaluate import encode
from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.fidelity import joint
from lookalike.evaluate.report import TableInfo
from lookalike.evaluate.shapes import shares, total_variation
from lookalike.evaluate.views import Views, Which
from lookalike.frames import to_arrow
from lookalike.schema.types import TableSchema

Rows = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float64]
MOST_COLUMNS = 12  # of each side in pairs across tables
_COUNTS = 24  # children a parent: 0..15 one bin each, then doubling


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key: each child row names a parent row.

    Attributes:
        child: table and column, "orders.customer_id".
        parent: table and column, "customers.id".
        views: table -> its views.
    """

    child: str
    parent: str
    views: Mapping[str, Views]

    @property
    def name(self) -> str:
        """Both ends."""
        return f"{self.child} → {self.parent}"

    def sides(self) -> tuple[Views, Views]:
        """Views of the child table and of the parent table."""
        return self.views[self.child.partition(".")[0]], self.views[self.parent.partition(".")[0]]

    def parents(self, which: Which) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """For each child row the row of its parent, -1 when there is none; and where the key is null."""
        child, parent = self.sides()

        def find() -> tuple[Rows, npt.NDArray[np.bool_]]:
            keys = encode.plain(parent.table(which)[self.parent.partition(".")[2]])
            named = encode.plain(child.table(which)[self.child.partition(".")[2]])
            (own, wanted), levels = encode.codes([keys, named])
            place = np.full(len(levels) + 1, -1, dtype=np.int64)
            place[own[::-1]] = np.arange(own.size - 1, -1, -1)  # the first of duplicate keys
            place[0] = -1
            return place[wanted], wanted == 0

        return child.once(("parents", self.name, which), find)


class LinkMetric(Metric):
    """A number about one foreign key; in a single table it is not asked for."""

    scope: ClassVar[Literal["table", "database"]] = "database"

    def compute(self, views: Views) -> list[Result]:
        """A single table has no foreign keys."""
        del views
        return self.skip("a single table has no foreign keys")

    @abstractmethod
    def measure(self, link: Link) -> Result:
        """The number of one foreign key."""


class ReferentialIntegrity(LinkMetric):
    """Share of child rows whose key is found in the parent table; null keys count only where the real table has none."""

    kind: ClassVar[str] = "referential_integrity"
    dimension = "validity"
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def measure(self, link: Link) -> Result:
        """One foreign key."""
        found, null = link.parents("synthetic")
        optional = bool(link.parents("real")[1].any())
        orphans = (found < 0) & ~(null & optional)
        detail = {"orphans": int(orphans.sum()), "rows": int(found.size)}
        reading = f"{detail['orphans']:,} rows of {link.child} name no row of {link.parent}." if detail["orphans"] else ""
        return self.result(
            1 - float(orphans.mean()), link.name, subject=link.name, ceiling=1.0, detail=detail | {"reading": reading}
        )


class ChildCounts(LinkMetric):
    """1 - total variation of the number of children a parent has, parents without any included."""

    kind: ClassVar[str] = "child_counts"
    cost: ClassVar[float] = 0.1
    statistics: ClassVar[bool] = True

    def measure(self, link: Link) -> Result:
        """One foreign key; the ceiling compares two halves of the real parents."""
        real, synthetic = _children(link, "real"), _children(link, "synthetic")
        order = link.sides()[1].random("halves", link.name).permutation(real.size)
        half = max(1, real.size // 2)
        ceiling = 1 - total_variation(_binned(real[order[:half]]), _binned(real[order[half:]])) if real.size > 1 else None
        p, q = _binned(real), _binned(synthetic)
        detail = {
            "mean": [float(real.mean()), float(synthetic.mean())], "none": [float(p[0]), float(q[0])],
            "series": {"real": np.round(p, 5).tolist(), "synthetic": np.round(q, 5).tolist()}, "labels": _labels(),
            "reading": f"{synthetic.mean():.2f} children a parent ({real.mean():.2f} in the real tables), {q[0]:.1%} of parents have none ({p[0]:.1%}).",
        }  # fmt: skip
        return self.result(1 - total_variation(p, q), link.name, subject=link.name, ceiling=ceiling, detail=detail)


class ParentChildDependence(LinkMetric):
    """1 - total variation of binned cells (parent column, child column), mean over pairs across the two tables.

    The floor is children that have nothing to do with their parents; the ceiling compares the children of two halves of the real
    parents.
    """

    kind: ClassVar[str] = "parent_child_dependence"
    cost: ClassVar[float] = 0.3
    statistics: ClassVar[bool] = True

    def measure(self, link: Link) -> Result:
        """One foreign key."""
        child, parent = link.sides()
        pairs = [(p.name, c.name) for p in parent.compared[:MOST_COLUMNS] for c in child.compared[:MOST_COLUMNS]]
        real, synthetic = ({pair: _joined(link, pair, w) for pair in pairs} for w in ("real", "synthetic"))
        if not pairs or not all(t.sum() for t in (*real.values(), *synthetic.values())):
            return self.skip("no columns to compare across, or no child with a parent", link.name, subject=link.name)[0]
        scores = {pair: joint.similarity(real[pair], synthetic[pair]) for pair in pairs}
        halves = [[_joined(link, pair, "real", half=h) for h in (0, 1)] for pair in pairs]
        ceiling = float(np.mean([joint.similarity(a, b) for a, b in halves]))
        floor = float(np.mean([1 - np.abs(joint.shares(t) - joint.independent(t)).sum() / 2 for t in real.values()]))
        worst = sorted(scores, key=lambda pair: scores[pair])[:5]
        reading = f"worst: {worst[0][0]} × {worst[0][1]} ({scores[worst[0]]:.3f})."
        detail = {"pairs": len(pairs), "worst": {" × ".join(w): scores[w] for w in worst}, "reading": reading}
        value = float(np.mean(list(scores.values())))
        return self.result(value, link.name, subject=link.name, ceiling=ceiling, floor=floor, detail=detail)


def _children(link: Link, which: Which) -> Rows:
    rows = link.parents(which)[0]
    return np.bincount(rows[rows >= 0], minlength=link.sides()[1].rows(which))


def _binned(counts: Rows) -> Vector:
    place = np.where(counts < 16, counts, 12 + np.log2(np.maximum(counts, 1)).astype(np.int64))
    return shares(np.minimum(place, _COUNTS - 1), _COUNTS)


def _labels() -> list[str]:
    return [*map(str, range(16)), *[f"{2**k} to {2 ** (k + 1) - 1}" for k in range(4, 11)], "2048 or more"]


def _joined(link: Link, pair: tuple[str, str], which: Which, half: int | None = None) -> joint.Counts:
    """Counts [parent bins, child bins] over child rows that have a parent; of one half of the parents when asked."""
    child, parent = link.sides()
    rows = link.parents(which)[0]
    keep = rows >= 0 if half is None else (rows >= 0) & (_half(link)[np.maximum(rows, 0)] == half)
    above = parent.bins(pair[0], which, coarse=True)[rows[keep]].astype(np.int64)
    width = child.width(pair[1], coarse=True)
    size = parent.width(pair[0], coarse=True) * width
    cells = above * width + child.bins(pair[1], which, coarse=True)[keep]
    return np.bincount(cells, minlength=size).reshape(-1, width)


def _half(link: Link) -> npt.NDArray[np.bool_]:
    parent = link.sides()[1]
    return parent.once(("half", link.name), lambda: parent.random("half", link.name).random(parent.rows("real")) < 0.5)


def evaluate_tables(
    real: Mapping[str, Any], synthetic: Any, holdout: Mapping[str, Any], chosen: Sequence[type[Metric]], *, target: str | None, seed: int,
    protected: Sequence[str], schema: Any, foreign_keys: Mapping[str, str], budget_s: float | None,
    progress: Callable[[str, int, int], None] | None, extras: Mapping[str, Any],
) -> tuple[list[Result], dict[str, TableInfo], tuple[str, ...]]:  # fmt: skip
    """Measure every table by itself and every foreign key.

    Args:
        real: name -> table.
        synthetic: name -> table.
        holdout: name -> table, for those tables that have one.
        chosen: metrics.
        target: "table.column".
        protected: each "table.column".
        seed: of every draw.
        budget_s: shared evenly between tables.
        progress: as in `evaluate`.
        extras: as in `evaluate`.
        schema: name -> schema, or None.
        foreign_keys: "child.column" -> "parent.column"; without any, those that the schemas declare.

    Raises:
        MetricError: no table is in both sets.
        UsageError: a target, protected column or foreign key that names no table.
    """
    from lookalike.evaluate.evaluate import describe, measure, notes_on

    if not isinstance(synthetic, Mapping):
        raise UsageError(what="real is a set of tables and synthetic is not", fix="give both as a mapping of names to tables")
    schemas: Mapping[str, TableSchema] = schema or {}
    names = [name for name in real if name in synthetic]
    if not names:
        raise MetricError(
            what="the two sets share no table",
            where=f"real: {', '.join(real)}; synthetic: {', '.join(synthetic)}",
            fix="use the same names",
        )
    keys = dict(foreign_keys) or {f"{t}.{c}": p for t, s in schemas.items() for c, p in s.foreign_keys.items()}
    ends = {*keys, *keys.values()}
    for word in [*([target] if target else []), *protected, *ends]:
        if word.partition(".")[0] not in names:
            raise UsageError(
                what=f"{word!r} names no table",
                fix=did_you_mean(word.partition(".")[0], names, label="write table.column; tables"),
            )
    _check_ends(ends, real, synthetic)
    views = {
        name: Views(
            None if real[name] is None else to_arrow(real[name]), to_arrow(synthetic[name]), to_arrow(holdout[name]) if name in holdout else None,
            target=next(iter(_inside(name, [target or ""])), None),
            schema=schemas.get(name), seed=seed, protected=_inside(name, protected), name=name, extras=extras, keys=_inside(name, ends),
        )
        for name in names
    }  # fmt: skip
    tables = [m for m in chosen if m.scope == "table"]
    between = [m for m in chosen if m.scope == "database"]
    results: list[Result] = []
    for name in names:
        part = None if budget_s is None else budget_s / len(names)
        results += measure(views[name], tables, budget_s=part, progress=progress)
    links = [Link(child, parent, views) for child, parent in keys.items()]
    for metric in between:
        results += _over_links(metric(), links)
    notes = [f"Table {n} is missing in the synthetic set." for n in real if n not in synthetic]
    notes += [f"{n}: {note}" for n in names for note in notes_on(views[n])]
    return results, {n: describe(v) for n, v in views.items()}, tuple(notes)


def _check_ends(ends: Iterable[str], real: Mapping[str, Any], synthetic: Mapping[str, Any]) -> None:
    for word in ends:
        name, _, column = word.partition(".")
        for tables_of in (real, synthetic):
            if tables_of[name] is None:
                raise UsageError(
                    what=f"foreign key {word!r} is of a table without real rows", fix="give them, or leave the key out"
                )
            known = to_arrow(tables_of[name]).column_names
            if column not in known:
                raise UsageError(what=f"foreign key {word!r} names no column", fix=did_you_mean(column, known, label="columns"))


def _inside(table: str, words: Any) -> list[str]:
    return [w.partition(".")[2] for w in words if w.partition(".")[0] == table]


def _over_links(metric: Metric, links: Sequence[Link]) -> list[Result]:
    """The worst foreign key as the headline, then each."""
    assert isinstance(metric, LinkMetric)
    if not links:
        return metric.skip("no foreign key is declared: give foreign_keys= or schemas")
    parts = [metric.measure(link) for link in links]
    worst = max(parts, key=Result.badness)
    head = metric.result(
        worst.value,
        skipped=worst.skipped,
        ceiling=worst.ceiling,
        floor=worst.floor,
        detail={"reading": f"{worst.subject}: {worst.detail.get('reading', '')}"},
    )
    return [head, *parts]
