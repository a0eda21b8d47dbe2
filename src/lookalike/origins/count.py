"""So many rows, with nothing in them yet."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from lookalike.origins.base import Brings, IdRange, Known, Origin, Place, Rows
from lookalike.rows.batch import Batch


class Count(Origin):
    """A number of rows; the table's own columns fill them. A recipe may write the number alone.

    Attributes:
        n: rows.

    Example:
        ```yaml
        tables:
          visits:
            rows: 100
            columns:
              cost: {kind: normal, mean: 80, sd: 20}
        ```
    """

    kind: ClassVar[str] = "n"
    loose: ClassVar[frozenset[str]] = frozenset({"n"})

    n: int = Field(ge=0)

    def written(self) -> Any:
        """The number alone."""
        return self.n

    def brings(self, known: Known) -> Brings:  # noqa: ARG002
        """Nothing but places."""
        return Brings(rows=self.n)

    def words(self) -> str:
        """Nothing is behind them."""
        return "made"

    def open(self, place: Place) -> Rows:
        """Ids."""
        return Numbered(place)


class Numbered(Rows):
    """Ids alone."""

    def __init__(self, place: Place) -> None:
        self._table, self.asked = place.table, place.asked

    def rows(self, range: IdRange) -> Batch:
        """Rows without columns."""
        return Batch(self._table, range.candidates())
