"""A data frame in memory; from Python only."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import ConfigDict, Field

from lookalike.errors import RecipeError
from lookalike.frames import to_arrow
from lookalike.sources.base import Source, checked


class Frame(Source):
    """A pandas, polars or Arrow table, given from Python. A recipe with one cannot be written as YAML.

    Example:
        ```python
        import pyarrow as pa
        from lookalike.sources.frame import Frame

        Frame(data=pa.table({"age": [31, 44], "sex": ["F", "M"]}))
        ```
    """

    kind: ClassVar[str] = "frame"
    model_config = ConfigDict(arbitrary_types_allowed=True)

    data: Any = Field(exclude=True)

    def read(self, root: Path) -> pa.Table:  # noqa: ARG002
        """All rows."""
        return checked(to_arrow(self.data), "frame")

    def version(self, root: Path) -> str:
        """A digest of the content."""
        digest = blake2b(digest_size=16)
        for batch in self.read(root).to_batches():
            digest.update(batch.serialize())
        return digest.hexdigest()

    def dump(self) -> dict[str, Any]:
        """The kind alone: the data stays in memory; `version` stands for it in fingerprints."""
        if self.data is None:
            raise RecipeError(what="a frame source has no data", fix="give data=...")
        return {"kind": self.kind}
