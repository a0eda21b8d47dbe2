"""Report: the evidence of one evaluation, and all the forms in which it is read.

Report --> JSON (canonical: same input and seed, same bytes) | HTML | terminal | Markdown | JUnit | data frame | figure
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lookalike.errors import UsageError
from lookalike.evaluate.evidence import Evidence
from lookalike.evaluate.forms import json as as_json

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from lookalike.evaluate.forms.figure import Figure

# The other forms load when they are asked for: Jinja2 and rich cost more than a small evaluation.


@dataclass(frozen=True, slots=True)
class Report(Evidence):
    """What one evaluation found, to ask, show, save and compare."""

    def dump(self) -> dict[str, Any]:
        """Plain data in the canonical form, without times: same input and seed, same content."""
        return as_json.dump(self)

    def to_json(self) -> str:
        """The canonical form as JSON with sorted keys."""
        return as_json.json(self)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """The report that `dump` wrote.

        Raises:
            UsageError: not a report, or one of a newer schema.
        """
        return cls(**as_json.parse(data))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A saved report.json.

        Raises:
            UsageError: no such file, or not a report.
        """
        return cls(**as_json.read(path))

    def markdown(self) -> str:
        """For a pull request or a step summary."""
        from lookalike.evaluate.forms.markdown import markdown

        return markdown(self)

    def junit(self) -> str:
        """JUnit XML, one test case a gate, so that any CI shows them."""
        from lookalike.evaluate.forms.junit import junit

        return junit(self)

    def html(self) -> str:
        """The self-contained HTML page."""
        from lookalike.evaluate.forms.html import render

        return render(self)

    def to_pandas(self) -> pd.DataFrame:
        """One row a number: dimension, table, metric, name, subject, value, interval, ceiling, floor, gate, reading."""
        from lookalike.evaluate.forms.frame import frame

        return frame(self)

    def plot(self, metric: str) -> Figure:
        """A metric and its parts, worst first, as a figure that notebooks show.

        Raises:
            MetricError: nothing of that name was measured.
        """
        from lookalike.evaluate.forms.figure import figure

        return figure(self, metric)

    def save(self, path: str | Path) -> Path:
        """Write the form that the suffix names: .json, .html, .md, .xml (JUnit), .txt.

        Raises:
            UsageError: another suffix.
        """
        path = Path(path)
        forms = {".json": self.to_json, ".html": self.html, ".md": self.markdown, ".xml": self.junit, ".txt": self.__str__}
        if path.suffix not in forms:
            raise UsageError(what=f"no report form for {path.name!r}", fix=f"end the name in one of {', '.join(forms)}")
        text = forms[path.suffix]()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        return path

    def __rich__(self) -> RenderableType:
        """The terminal's form."""
        from lookalike.evaluate.forms.terminal import render

        return render(self)

    def __str__(self) -> str:
        """The terminal's form as plain text."""
        from lookalike.evaluate.forms.terminal import text

        return text(self)

    def __repr__(self) -> str:
        """Verdicts in one line."""
        verdicts = ", ".join(f"{dimension}: {verdict}" for dimension, verdict in self.verdicts.items())
        return f"<Report {verdicts}; {len(self.results)} results, {len(self.outcomes)} gates>"

    def _repr_html_(self) -> str:
        """Notebooks show the HTML page in a frame of its own, so that styles do not mix."""
        style = "width:100%;height:720px;border:0"
        return f'<iframe title="Lookalike report" style="{style}" srcdoc="{escape(self.html(), quote=True)}"></iframe>'
