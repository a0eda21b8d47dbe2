"""The reference page."""

from pathlib import Path

from lookalike.evaluate import FOLDERS, KINDS
from lookalike.evaluate.explain import page
from lookalike.registry import resolve


def test_the_page_is_current():
    """docs/reference/metrics.md is what the docstrings say: run `python -m lookalike.evaluate.explain` after changing one."""
    assert (Path(__file__).parents[2] / "docs/reference/metrics.md").read_text(encoding="utf-8") == page()


def test_folders_hold_the_dimensions_that_they_say():
    """Metrics that `only` skips without importing them are of no other dimension than their folder's, and are no statistics."""
    for kind, where in KINDS.items():
        folder = where.removeprefix("lookalike.evaluate.").partition(".")[0]
        if folder in FOLDERS:
            metric = resolve("metric", kind)
            assert metric.dimension in FOLDERS[folder]
            assert not metric.statistics
