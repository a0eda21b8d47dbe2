"""The contract of sources: real data that comes in."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from lookalike.spec import Spec


class Source(Spec):
    """Real rows, read on demand."""

    group: ClassVar[str] = "source"

    @abstractmethod
    def read(self, root: Path) -> pa.Table:
        """All rows. `root` is the recipe's folder: relative paths start there and stay under it.

        Raises:
            SourceError: missing, unreadable, empty or ragged data, or a path outside the folder.
        """

    @abstractmethod
    def version(self, root: Path) -> str:
        """A string that changes when the data does (size and time of files, content of frames), for fingerprints."""
