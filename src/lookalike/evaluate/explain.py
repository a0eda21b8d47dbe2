"""The reference page of metrics, written from their docstrings: `python -m lookalike.evaluate.explain > docs/reference/metrics.md`."""

from __future__ import annotations

import inspect
import sys

from lookalike.evaluate import KINDS
from lookalike.evaluate.base import DIMENSIONS, Metric
from lookalike.registry import resolve

_INTRO = """# Metrics

<!-- Written by `python -m lookalike.evaluate.explain` from the docstrings; do not edit. -->

Every number has a direction, a range, and where it can a *ceiling* (the same number for an equal-sized real holdout, or else for two
halves of the real rows) and a *floor* (for columns drawn independently). A number that could not be measured says why.

Choose with `only=`: dimensions, metrics, or `statistics` (everything that trains no model). The cost is in CPU seconds for about
30,000 rows of 15 columns; `budget_s` plans with it.
"""


def page() -> str:
    """The page as Markdown, metrics by dimension."""
    metrics: list[type[Metric]] = [resolve("metric", kind) for kind in KINDS]
    lines = [_INTRO]
    for dimension in DIMENSIONS:
        own = sorted((m for m in metrics if m.dimension == dimension), key=lambda m: m.kind)
        if own:
            lines.append(f"## {dimension.capitalize()}\n")
            lines += [_section(metric) for metric in own]
    return "\n".join(lines)


def _section(metric: type[Metric]) -> str:
    needs = [word for word, flag in (("a holdout", metric.needs_holdout), ("a target", metric.needs_target)) if flag]
    needs += ["foreign keys"] if metric.scope in ("relation", "entity") else []
    facts = [
        f"cost {metric.cost:g} s",
        *([f"needs {' and '.join(needs)}"] if needs else []),
        *(["in `statistics`"] if metric.statistics else []),
        *(["only when asked for"] if not metric.default else []),
    ]
    text = inspect.cleandoc(metric.__doc__ or "")
    for title in ("Source:", "Attributes:", "Raises:", "Args:"):
        text = text.replace(f"{title}\n", f"**{title[:-1]}**\n\n")
    text = "\n".join(line.removeprefix("    ") for line in text.splitlines())
    return f"### `{metric.kind}`\n\n*{'; '.join(facts)}*\n\n{text}\n"


if __name__ == "__main__":
    sys.stdout.write(page())
