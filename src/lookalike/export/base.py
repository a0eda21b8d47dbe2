"""The contract of exporters: a finished run, handed over in a format that others read."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lookalike.spec import Spec

if TYPE_CHECKING:
    from lookalike.run.folder import RunFolder


class Exporter(Spec):
    """Writes a run's tables somewhere else; streams partition by partition, never holds a table."""

    group: ClassVar[str] = "exporter"

    @abstractmethod
    def export(self, run: RunFolder, to: Path) -> list[Path]:
        """The files written, complete or not there at all.

        Raises:
            RunError: the run has no finished partition, or the target cannot be written.
        """
