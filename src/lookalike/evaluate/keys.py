"""Do keys still name one row each?"""

from __future__ import annotations

from typing import ClassVar

import pyarrow.compute as pc

from lookalike.evaluate.base import Metric, Result
from lookalike.evaluate.views import Views, Which, distinct


class UniqueKeys(Metric):
    """Share of synthetic rows whose key is there and no other row's; of columns of identifiers that repeat nowhere in the real rows.

    The lowest of such columns leads. Names and addresses are no keys: two people may share one.
    """

    kind: ClassVar[str] = "unique_keys"
    dimension = "validity"
    reads: ClassVar[tuple[str, ...]] = ()
    cost: ClassVar[float] = 0.05
    statistics: ClassVar[bool] = True

    def looks_at(self, table: Views) -> list[str]:
        """Identifiers that name each real row once."""
        ids = [column.name for column in table.columns if column.form == "id" and column.meaning.column.semantic == "id"]
        return [name for name in ids if not table.alone and _own(table, name, "real") == table.rows("real") > 1]

    def compute(self, views: Views) -> list[Result]:
        """The worst key, then each."""
        each = [self._of(views, name) for name in self.looks_at(views)]
        if not each:
            return self.skip("no column is a key in the real rows", headline=False)
        worst = max(each, key=Result.badness)
        return [self.result(worst.value, ceiling=1.0, detail=worst.detail), *each]

    def _of(self, views: Views, name: str) -> Result:
        rows, own = views.rows("synthetic"), _own(views, name, "synthetic")
        reading = f"{rows - own:,} of {rows:,} rows have no {name} of their own." if own < rows else ""
        detail = {"reading": reading, "fix": f"make {name} by a `sequence` or `uuid` column, or declare it as an id in schema="}
        return self.result(own / rows, "column", subject=name, ceiling=1.0, headline=False, detail=detail)


def _own(views: Views, name: str, which: Which) -> int:
    """Rows that are the first of their key."""
    return distinct(pc.drop_null(views.table(which)[name]))
