"""A real report for the front page of the docs: a bank's credit decisions, learned and measured while the site is built."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any


def on_post_build(config: Any) -> None:
    """Write `sample-report.html` beside the pages."""
    from lookalike import api

    with tempfile.TemporaryDirectory() as folder:
        report = api.mimic_file("package:credit", Path(folder) / "credit.parquet", target="Status")
    assert report is not None
    report.save(Path(config["site_dir"]) / "sample-report.html")
