"""Real rows whose cells were made coarser before anything else sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa

from lookalike.schema.generalise import generalise, rows_that_share
from lookalike.schema.infer import infer
from lookalike.sources.base import Outline, Source
from lookalike.spec import Kind

Profile = Literal["internal", "partner", "public", "health"]


class Generalised(Source):
    """Another source's rows, as coarse as it takes for enough rows to share each cell: for a release to others.

    Dates become months, quarters or years, postal codes lose digits, rare levels become one, and numbers that hardly anybody shares
    are rounded. How many rows must share a cell follows from the profile of gates and the size of the table; what is learned and what
    it is judged against are treated alike. `lookalike mimic --profile partner` does the same to a file, and says what changed.

    ```yaml
    sources:
      customers: {kind: generalised, of: {kind: file, path: customers.csv}, profile: partner}
    ```

    Attributes:
        of: the source whose rows these are.
        profile: who the release is for: internal, partner, public or health.
    """

    kind: ClassVar[str] = "generalised"

    of: Annotated[Source, Kind("source")]
    profile: Profile = "internal"

    def read(self, root: Path) -> pa.Table:
        """All rows, coarser."""
        table = self.of.read(root)
        return generalise(table, infer(table), rows_that_share(self.profile, table.num_rows)).table

    def outline(self, root: Path) -> Outline:
        """The columns and size of the source that is read."""
        return self.of.outline(root)

    def version(self, root: Path) -> str:
        """Changes with the rows."""
        return self.of.version(root)
